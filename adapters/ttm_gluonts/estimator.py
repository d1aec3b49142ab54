"""A GluonTS estimator that trains a TinyTimeMixer on the data at hand."""

# No "from __future__ import annotations" here: validated() reads types when the class is made.

import copy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from gluonts.core.component import validated
from gluonts.dataset.common import Dataset
from gluonts.model.predictor import Predictor
from gluonts.torch.model.estimator import PyTorchLightningEstimator, TrainOutput
from gluonts.transform import Identity, Transformation

from ttm_estimators import PRESETS, TinyTimeMixer, TTMConfig, load
from ttm_estimators.training.module import Training
from ttm_estimators.training.on_series import train_on_series
from ttm_estimators.training.recipe import Recipe
from ttm_gluonts.entries import name_of, series_of, warn_of_covariates, with_names
from ttm_gluonts.predictor import TTMPredictor

RECIPE = {"steps": 500, "batch_size": 64, "learning_rate": 3e-4, "warmup_steps": 50}
"""What differs from a pre-training recipe: short, small and gentle."""


class TTMEstimator(PyTorchLightningEstimator):
    """Train a TinyTimeMixer, from shipped weights or from scratch.

    Windows are sampled at random, one of each series and variate in turn, and none twice before a
    series is used up. Under a distributed strategy no two processes take the same.

    Parameters
    ----------
    prediction_length : int
        Steps to forecast.
    model : str, Path or TinyTimeMixer, optional
        Weights to start from: a shipped model, a weights folder, or a network, which stays as it
        is. Default: the default model.
    network : str or dict, optional
        Train from scratch: a name in ``ttm_estimators.PRESETS``, or fields of
        ``ttm_estimators.TTMConfig``. Not together with ``model``.
    recipe : dict, optional
        Fields of ``ttm_estimators.training.recipe.Recipe``. Default: 500 ``steps`` of
        ``batch_size`` 64 at a ``learning_rate`` of 3e-4 after 50 ``warmup_steps``, ``seed`` 0.
    predictor_kwargs : dict, optional
        Arguments of the :class:`TTMPredictor`, such as ``forecast_keys`` and ``device``.
    lead_time : int, default 0
        Steps between the end of the data and the first forecast.
    trainer_kwargs : dict, optional
        Arguments of ``lightning.Trainer``, such as ``accelerator``, ``devices``, ``strategy``,
        ``callbacks`` and ``enable_progress_bar``. With ``max_epochs`` training takes that many
        epochs of 50 steps instead of the recipe's ``steps``.

    Raises
    ------
    ValueError
        When ``model`` and ``network`` are both given, a preset is unknown, or a field is wrong.

    Examples
    --------
    >>> from ttm_gluonts import TTMEstimator
    >>> estimator = TTMEstimator(prediction_length=24, recipe={"steps": 200})
    """

    @validated()
    def __init__(
        self,
        prediction_length: int,
        model: str | Path | TinyTimeMixer | None = None,
        network: str | dict[str, Any] | None = None,
        recipe: dict[str, Any] | None = None,
        predictor_kwargs: dict[str, Any] | None = None,
        lead_time: int = 0,
        trainer_kwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(trainer_kwargs={**(trainer_kwargs or {})}, lead_time=lead_time)
        if prediction_length < 1:
            raise ValueError(f"prediction_length must be at least 1, got {prediction_length}")
        if model is not None and network is not None:
            raise ValueError("give model to start from its weights, or network to start from none")
        self.prediction_length = prediction_length
        self.model = model
        self.config = None if network is None else _config(network)
        self.recipe = Recipe(**{**RECIPE, **(recipe or {})})
        self.predictor_kwargs = {**(predictor_kwargs or {})}

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

    def create_lightning_module(self) -> Training:
        """Make the module that training starts from."""
        return Training(self.create_network(), self.recipe)

    def create_predictor(self, transformation: Transformation, module: Training) -> TTMPredictor:
        """Make a predictor of a trained module."""
        return TTMPredictor(
            prediction_length=self.prediction_length,
            model=module.network,
            lead_time=self.lead_time,
            **self.predictor_kwargs,
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
            change nothing. Covariates are not used, and a warning names them once.
        validation_data : Dataset, optional
            The last ``prediction_length`` points of its series are forecast after each epoch. The
            weights that did so best are kept.
        from_predictor : TTMPredictor, optional
            Start from its network, which stays as it is.
        ckpt_path : str, optional
            Lightning checkpoint to go on from.

        Raises
        ------
        ValueError
            When no series has two points, or one holds infinity. The message names its item.
        TypeError
            When ``from_predictor`` is not a :class:`TTMPredictor`.
        """
        if from_predictor is None:
            module = self.create_lightning_module()
        elif isinstance(from_predictor, TTMPredictor):
            module = Training(copy.deepcopy(from_predictor.forecaster.network), self.recipe)
        else:
            raise TypeError(f"train_from takes a TTMPredictor, not {type(from_predictor).__name__}")
        names, series = _channels(training_data)
        validation = None if validation_data is None else _channels(validation_data)[1]
        try:
            trainer = train_on_series(
                module.network,
                series,
                self.recipe,
                horizon=self.lead_time + self.prediction_length,
                validation=validation,
                checkpoint=ckpt_path,
                **self.trainer_kwargs,
            )
        except ValueError as error:
            raise ValueError(with_names(str(error), names)) from error
        transformation = self.create_transformation()
        predictor = self.create_predictor(transformation, module)
        return TrainOutput(transformation, module, trainer, predictor)

    def train_from(
        self,
        predictor: Predictor,
        training_data: Dataset,
        validation_data: Dataset | None = None,
        shuffle_buffer_length: int | None = None,
        cache_data: bool = False,
        ckpt_path: str | None = None,
    ) -> TTMPredictor:
        """Train on from a predictor. Other arguments are those of :meth:`train_model`."""
        return self.train_model(
            training_data, validation_data, from_predictor=predictor, ckpt_path=ckpt_path
        ).predictor


def _config(network: str | dict[str, Any]) -> TTMConfig:
    if isinstance(network, dict):
        return TTMConfig.from_dict(network)
    if network not in PRESETS:
        raise ValueError(f"unknown preset {network!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[network]


def _channels(dataset: Dataset) -> tuple[list[str], list[npt.NDArray[Any]]]:
    """Every variate as a series of its own, and what messages call it."""
    names, series = [], []
    for position, entry in enumerate(warn_of_covariates(dataset, set())):
        values = series_of(entry)
        values = values.astype(np.float32 if values.dtype == np.float32 else np.float64)
        for column in values.reshape(len(values), -1).T:
            names.append(name_of(entry, position))
            series.append(column)
    return names, series
