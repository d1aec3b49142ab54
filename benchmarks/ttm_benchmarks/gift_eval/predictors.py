"""What can be measured: our models, the naive baselines, and any GluonTS predictor."""

from __future__ import annotations

import hashlib
import inspect
import pydoc
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from gluonts.dataset.common import Dataset
from gluonts.model.predictor import Predictor
from gluonts.model.seasonal_naive import SeasonalNaivePredictor

from ttm_estimators import FineTuneConfig
from ttm_estimators.weights import WeightsError, load_network, read_card, resolve
from ttm_estimators.weights.hub import is_address
from ttm_estimators.weights.shipped import shipped_folder
from ttm_gluonts import TTMPredictor

BASELINES = ("seasonal_naive", "naive")
"""Repeat the last season, or the last value. Their points are those of the published baselines;
they have no spread, so that their quantile loss is not the published one."""


class Model(NamedTuple):
    """A model to measure, light enough to be sent to other processes."""

    name: str
    """What a submission calls it."""

    source: str
    """Baseline, weights folder, or dotted path of a GluonTS predictor class."""

    identity: dict[str, Any]
    """What tells it from other models, whatever they are called."""

    about: dict[str, Any]
    """What else is known about it, in the terms of a submission."""

    fine_tuning: FineTuneConfig | None = None
    """How it is fine-tuned on each task's training part. None: it is not."""

    calendar: bool = False
    """Whether it is given the calendar of the dates as covariates."""


def fine_tuned(model: Model, settings: FineTuneConfig) -> Model:
    """A model of ours that is fine-tuned on each task's own training part.

    Raises
    ------
    ValueError
        When the model is none of ours.
    """
    if "weights_sha256" not in model.identity:
        raise ValueError(f"{model.name} can not be fine-tuned: give a shipped model or a folder")
    return Model(
        f"{model.name}-fine-tuned",
        model.source,
        model.identity | {"fine_tuning": asdict(settings)},
        model.about | {"model_type": "fine-tuned"},
        settings,
    )


def with_calendar(model: Model) -> Model:
    """A model of ours that is given the calendar of the dates as covariates.

    Raises
    ------
    ValueError
        When the model is none of ours.
    """
    if "weights_sha256" not in model.identity:
        raise ValueError(f"{model.name} takes no calendar: give a shipped model or a folder")
    identity = model.identity | {"calendar": True}
    return model._replace(name=f"{model.name}-calendar", identity=identity, calendar=True)


def find_model(text: str | None) -> Model:
    """Find a model.

    Parameters
    ----------
    text : str or None
        A baseline, a shipped model, a weights folder, or the dotted path of a GluonTS predictor
        class, such as ``gluonts.model.npts.NPTSPredictor``. None is the default model. What the
        class method ``describe`` of such a class tells, where it has one, is part of its identity.

    Raises
    ------
    WeightsError
        When it is none of these. It is a ``ValueError``.
    """
    if text in BASELINES:
        about: dict[str, Any] = {"model_type": "statistical", "testdata_leakage": "No"}
        return Model(text, text, {"predictor": text}, about)
    try:
        folder = resolve(text)
    except WeightsError as error:
        predictor_class = _predictor_class(text)
        if predictor_class is None:
            raise WeightsError(
                f"{error}, nor one of the baselines {list(BASELINES)}, nor the dotted path of a "
                "GluonTS predictor class"
            ) from None
        describe = getattr(predictor_class, "describe", dict)
        identity = {"predictor": text, **describe()}
        return Model(str(text).rsplit(".", 1)[1], str(text), identity, {})
    network = load_network(folder)
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.contiguous().numpy().tobytes())
    about = {"parameters": sum(parameter.numel() for parameter in network.parameters())}
    card = read_card(folder)
    about |= {
        f"training_{key}": value for key, value in card.items() if key in ("date", "data", "seed")
    }
    if folder.parent == shipped_folder():
        about |= {"model_type": "zero-shot", "testdata_leakage": "No"}
    identity = {"weights_sha256": digest.hexdigest()}
    on_hub = text is not None and is_address(text)
    name = Path(str(text).partition("@")[0]).name if on_hub else folder.resolve().name
    return Model(name, str(folder.resolve()), identity, about)


def make_predictor(
    model: Model,
    *,
    training: Dataset,
    horizon: int,
    frequency: str,
    season: int,
    batch_size: int,
    device: str,
    multivariate: bool,
) -> Predictor:
    """Make a model's predictor for one task.

    A class that is given by its dotted path gets those of ``prediction_length``, ``freq``,
    ``season_length``, ``batch_size`` and ``device`` that its constructor takes.

    Raises
    ------
    ValueError
        When a baseline is asked for multivariate forecasts, or a class needs something else.
    """
    if model.source in BASELINES:
        if multivariate:
            raise ValueError(f"{model.name} is univariate: leave out --multivariate")
        season = season if model.source == "seasonal_naive" else 1
        return SeasonalNaivePredictor(prediction_length=horizon, season_length=season)
    predictor_class = _predictor_class(model.source)
    if predictor_class is None:
        options = {"batch_size": batch_size, "device": device}
        if model.fine_tuning is None:
            return TTMPredictor(
                prediction_length=horizon,
                model=model.source,
                calendar=model.calendar,
                **options,
            )
        # Lightning is slow to import.
        from ttm_gluonts import TTMEstimator

        return TTMEstimator(
            prediction_length=horizon,
            model=model.source,
            fine_tuning=asdict(model.fine_tuning),
            predictor_kwargs=options,
            trainer_kwargs={"accelerator": {"cuda": "gpu"}.get(device, device)},
        ).train(training)
    offered = {
        "prediction_length": horizon,
        "freq": frequency,
        "season_length": season,
        "batch_size": batch_size,
        "device": device,
    }
    parameters = inspect.signature(predictor_class).parameters
    needed = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and name not in offered
    ]
    if needed:
        raise ValueError(
            f"{model.source} needs {', '.join(needed)}, which this benchmark does not know: give a "
            f"class that needs nothing but {', '.join(offered)}"
        )
    return predictor_class(**{k: value for k, value in offered.items() if k in parameters})


def _predictor_class(path: str | None) -> type[Predictor] | None:
    found = pydoc.locate(path) if path and "." in path else None
    return found if isinstance(found, type) and issubclass(found, Predictor) else None
