"""A GluonTS estimator that fine-tunes a TinyTimeMixer, or trains a new one."""

# No "from __future__ import annotations" here: validated() reads types when the class is made.

import copy
from pathlib import Path
from typing import Any

import torch
from gluonts.core.component import validated
from gluonts.dataset.common import Dataset
from gluonts.model.predictor import Predictor
from gluonts.torch.model.estimator import PyTorchLightningEstimator, TrainOutput
from gluonts.transform import Identity, Transformation

from ttm_estimators import TinyTimeMixer, load
from ttm_estimators.network.add_covariates import add_covariates
from ttm_estimators.network.presets import find_config
from ttm_estimators.training.fine_tuning.config import FineTuneConfig
from ttm_estimators.training.fine_tuning.fine_tune import fine_tune
from ttm_estimators.training.fine_tuning.module import FineTuneModule
from ttm_estimators.training.fine_tuning.result import FineTuneResult
from ttm_estimators.training.recipe import FROM_SCRATCH, Recipe
from ttm_gluonts.entries import (
    KNOWN,
    PAST,
    ROLES,
    STATIC,
    Entry,
    covariates_of,
    end_of,
    name_of,
    number_of,
    series_of,
    undeclared,
    warn_of_undeclared,
)
from ttm_gluonts.predictor import TTMPredictor, covariates_of_network

DECLARE = {
    KNOWN: f"declare num_{KNOWN}",
    PAST: f"declare num_{PAST}",
    STATIC: f"declare num_{STATIC} and cardinality",
}
"""What to do where covariates of a field are not used."""

NEW_NETWORK = "a new network learns without them"


class TTMEstimator(PyTorchLightningEstimator):
    """Fine-tune a TinyTimeMixer, or train a new one.

    Fine-tuning is that of :func:`ttm_estimators.fine_tune`: never worse than zero-shot on the last
    part of the series, which is kept for validation. Covariates count where they are declared, as
    with GluonTS's own estimators. A warning names others that the data has, and they are not used.

    Parameters
    ----------
    prediction_length : int
        Steps to forecast.
    model : str, Path or TinyTimeMixer, optional
        Weights to fine-tune: a shipped model, a weights folder, or a network, which stays as it is.
        Default: the default model.
    fine_tuning : dict, optional
        Fields of :class:`ttm_estimators.FineTuneConfig`, such as ``strategy`` ("decoder", "head",
        "bias", "full"), ``mix_channels``, ``steps`` and ``seed``.
    network : str or dict, optional
        Train a new network instead, without covariates: a name in ``ttm_estimators.PRESETS``, or
        fields of ``ttm_estimators.TTMConfig``. Not together with ``model`` and ``fine_tuning``.
    recipe : dict, optional
        How to train a new network: fields of ``ttm_estimators.training.recipe.Recipe``. Default:
        500 ``steps`` of ``batch_size`` 64 at a ``learning_rate`` of 3e-4 after 50
        ``warmup_steps``, ``seed`` 0. Only with ``network``.
    predictor_kwargs : dict, optional
        Arguments of the :class:`TTMPredictor`, such as ``forecast_keys`` and ``device``.
    lead_time : int, default 0
        Steps between the end of the data and the first forecast.
    trainer_kwargs : dict, optional
        Arguments of ``lightning.Trainer``, such as ``accelerator``, ``devices``, ``strategy``,
        ``callbacks`` and ``enable_progress_bar``. ``max_epochs``, of 50 steps at most, takes the
        place of ``steps``.
    num_feat_dynamic_real : int, default 0
        Covariates in ``feat_dynamic_real``, of shape (covariates, time): known in the future, which
        the predictor then needs.
    num_past_feat_dynamic_real : int, default 0
        Covariates in ``past_feat_dynamic_real``, of shape (covariates, time): known in the past.
    num_feat_static_cat : int, default 0
        Categories of an item in ``feat_static_cat``, whole numbers from 0 on.
    cardinality : list of int, optional
        How many values each of these can take. Needed with ``num_feat_static_cat``.

    Raises
    ------
    ValueError
        When arguments of fine-tuning and of a new network are mixed, a preset is unknown, a field
        is wrong, or covariates are declared in part or for a new network.

    Examples
    --------
    >>> from ttm_gluonts import TTMEstimator
    >>> estimator = TTMEstimator(prediction_length=24, fine_tuning={"strategy": "head"})
    """

    @validated()
    def __init__(
        self,
        prediction_length: int,
        model: str | Path | TinyTimeMixer | None = None,
        fine_tuning: dict[str, Any] | None = None,
        network: str | dict[str, Any] | None = None,
        recipe: dict[str, Any] | None = None,
        predictor_kwargs: dict[str, Any] | None = None,
        lead_time: int = 0,
        trainer_kwargs: dict[str, Any] | None = None,
        num_feat_dynamic_real: int = 0,
        num_past_feat_dynamic_real: int = 0,
        num_feat_static_cat: int = 0,
        cardinality: list[int] | None = None,
    ) -> None:
        super().__init__(trainer_kwargs={**(trainer_kwargs or {})}, lead_time=lead_time)
        if prediction_length < 1:
            raise ValueError(f"prediction_length must be at least 1, got {prediction_length}")
        if network is not None and (model is not None or fine_tuning is not None):
            raise ValueError(
                "give model and fine_tuning to start from weights, or network and recipe to start "
                "from none"
            )
        if network is None and recipe is not None:
            raise ValueError("recipe is for a new network: give fine_tuning to start from weights")
        declared = (num_feat_dynamic_real, num_past_feat_dynamic_real, num_feat_static_cat)
        self.declared = dict(zip(ROLES, declared, strict=True))
        for field, number in self.declared.items():
            if number < 0:
                raise ValueError(f"num_{field} must be at least 0, got {number}")
        if network is not None and any(declared):
            raise ValueError(
                f"{NEW_NETWORK}: declare none together with network, or known ones for the "
                f"predictor, predictor_kwargs={{'num_{KNOWN}': {num_feat_dynamic_real or 1}}}"
            )
        self.cardinality = tuple(cardinality or ())
        if len(self.cardinality) != num_feat_static_cat or min(self.cardinality, default=1) < 1:
            raise ValueError(
                f"cardinality is {cardinality}, but num_{STATIC} {num_feat_static_cat}: give a "
                "number of at least 1 for each category, such as cardinality=[2, 50] for two"
            )
        self.prediction_length = prediction_length
        self.model = model
        self.fine_tuning = FineTuneConfig(**(fine_tuning or {}))
        self.config = None if network is None else find_config(network)
        self.recipe = Recipe(**{**FROM_SCRATCH, **(recipe or {})})
        self.predictor_kwargs = {**(predictor_kwargs or {})}

    @classmethod
    def derive_auto_fields(cls, train_iter: Dataset) -> dict[str, Any]:
        """Declare the covariates that the first entry of a dataset has, for ``from_inputs``.

        Parameters
        ----------
        train_iter : Dataset
            A category has as many values as its largest one in the dataset tells.

        Returns
        -------
        dict
            Arguments of the constructor.
        """
        entries = [*train_iter]
        first = entries[0] if entries else {}
        counts = {field: number_of(first, field) for field in ROLES}
        alike = [one for one in entries if 0 < counts[STATIC] == number_of(one, STATIC)]
        columns = zip(*(one[STATIC] for one in alike), strict=True)
        return {
            **{f"num_{field}": number for field, number in counts.items()},
            "cardinality": [int(max(column)) + 1 for column in columns],
        }

    @classmethod
    def from_inputs(cls, train_iter: Dataset, **params: Any) -> "TTMEstimator":
        """Make an estimator that declares the covariates of a dataset.

        Parameters
        ----------
        train_iter : Dataset
            See :meth:`derive_auto_fields`. A new ``network`` learns without covariates.
        **params
            Arguments of the constructor, which take the place of derived ones.
        """
        if params.get("network") is not None:
            return cls.from_hyperparameters(**params)
        return super().from_inputs(train_iter, **params)

    def create_network(self) -> TinyTimeMixer:
        """Make the network that training starts from."""
        if self.config is not None:
            with torch.random.fork_rng():
                torch.manual_seed(self.recipe.seed)
                return TinyTimeMixer(self.config)
        if isinstance(self.model, TinyTimeMixer):
            return copy.deepcopy(self.model)
        return load(self.model).network

    def create_transformation(self) -> Transformation:
        """Return no transformation: the predictor takes entries as they are."""
        return Identity()

    def create_lightning_module(self) -> FineTuneModule:
        """Make the module that training of a new network starts from."""
        recipe = self.recipe
        return FineTuneModule(
            self.create_network(), recipe.learning_rate, recipe.learning_rate_factor, recipe.seed
        )

    def create_predictor(
        self, transformation: Transformation, module: TinyTimeMixer
    ) -> TTMPredictor:
        """Make a predictor of a trained network."""
        return TTMPredictor(
            prediction_length=self.prediction_length,
            model=module,
            lead_time=self.lead_time,
            **{"keep_outliers": self.fine_tuning.keep_outliers, **self.predictor_kwargs},
        )

    def train_model(
        self,
        training_data: Dataset,
        validation_data: Dataset | None = None,
        from_predictor: Predictor | None = None,
        shuffle_buffer_length: int | None = None,
        cache_data: bool = False,
        ckpt_path: str | None = None,
        **kwargs: Any,
    ) -> TrainOutput:
        """Train, and return the predictor with the network and the trainer.

        Parameters
        ----------
        training_data : Dataset
            It is read once and kept in memory, so ``shuffle_buffer_length`` and ``cache_data``
            change nothing. A warning names covariates that are not used.
        validation_data : Dataset, optional
            The last ``prediction_length`` points of its series are forecast after each epoch, in
            place of the last part of the training data. The weights that did so best are kept.
        from_predictor : TTMPredictor, optional
            Start from its network, which stays as it is.
        ckpt_path : str, optional
            Lightning checkpoint that is written after each epoch. Where there is one, training goes
            on from it.

        Raises
        ------
        ValueError
            When no series has two points, one holds infinity, or covariates are not those that are
            declared or that the network takes. The message names the item and the field.
        TypeError
            When ``from_predictor`` is not a :class:`TTMPredictor`.
        """
        if from_predictor is None:
            network = self.create_network()
        elif isinstance(from_predictor, TTMPredictor):
            network = copy.deepcopy(from_predictor.forecaster.network)
        else:
            raise TypeError(f"train_from takes a TTMPredictor, not {type(from_predictor).__name__}")
        validation = None if validation_data is None else [*validation_data]
        trained = self._train(network, [*training_data], validation, ckpt_path)
        transformation = self.create_transformation()
        predictor = self.create_predictor(transformation, trained.network)
        return TrainOutput(transformation, trained.network, trained.trainer, predictor)

    def train_from(
        self,
        predictor: Predictor,
        training_data: Dataset,
        validation_data: Dataset | None = None,
        shuffle_buffer_length: int | None = None,
        cache_data: bool = False,
        ckpt_path: str | None = None,
    ) -> TTMPredictor:
        """Train a predictor's network further. Other arguments are those of :meth:`train_model`."""
        return self.train_model(
            training_data, validation_data, from_predictor=predictor, ckpt_path=ckpt_path
        ).predictor

    def _train(
        self,
        network: TinyTimeMixer,
        entries: list[Entry],
        validation: list[Entry] | None,
        checkpoint: str | None,
    ) -> FineTuneResult:
        """Fine-tune a copy of trained weights, or train a copy of a new network."""
        declared = self._declared(network)
        names, held = (
            [name_of(entry, position) for position, entry in enumerate(each)]
            for each in (entries, validation or ())
        )
        given: dict[str, Any] = {
            "horizon": self.lead_time + self.prediction_length,
            "validation": None if validation is None else [*map(series_of, validation)],
            "names": names,
            "time_of": lambda number, step: end_of(entries[number]) + step,
            "validation_names": [f"validation {name}" for name in held],
            "checkpoint": checkpoint,
            **self.trainer_kwargs,
        }
        self._warn_of_undeclared([*entries, *(validation or ())], declared)
        series = [series_of(entry) for entry in entries]
        if self.config is not None:
            return fine_tune(network, series, self.fine_tuning, recipe=self.recipe, **given)
        if any(declared.values()):
            given["covariates"] = [
                covariates_of(entry, declared, name)
                for entry, name in zip(entries, names, strict=True)
            ]
            if validation is not None:
                given["validation_covariates"] = [
                    covariates_of(entry, declared, name)
                    for entry, name in zip(validation, given["validation_names"], strict=True)
                ]
            if not network.config.tied_channels:
                targets = max(one.shape[1] if one.ndim == 2 else 1 for one in series)
                network = add_covariates(
                    network,
                    targets=targets,
                    known=declared[KNOWN],
                    past=declared[PAST],
                    static_cardinalities=self.cardinality,
                    mix_channels=self.fine_tuning.mix_channels and targets > 1,
                )
        return fine_tune(network, series, self.fine_tuning, **given)

    def _declared(self, network: TinyTimeMixer) -> dict[str, int]:
        """Covariates that count: what the network takes already, or else what is declared."""
        own = covariates_of_network(network.config)
        if not any(own.values()):
            return self.declared
        if any(self.declared.values()) and (own, network.config.static_cardinalities) != (
            self.declared,
            self.cardinality,
        ):
            takes = ", ".join(f"num_{field}={number}" for field, number in own.items())
            raise ValueError(
                f"the network was trained with covariates already, {takes}, cardinality="
                f"{[*network.config.static_cardinalities]}: declare these or none"
            )
        return own

    def _warn_of_undeclared(self, entries: list[Entry], declared: dict[str, int]) -> None:
        """Name the fields whose covariates are not used."""
        used = [field for field, number in declared.items() if number]
        found = [field for entry in entries for field in undeclared(entry, used)]
        advice = DECLARE if self.config is None else dict.fromkeys(ROLES, NEW_NETWORK)
        if found:
            warn_of_undeclared([*dict.fromkeys(found)], advice, 5)
