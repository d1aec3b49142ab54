"""The models of a backtest: ours, naive ones, and what other libraries bring."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ttm_estimators.backtest.seasonal_naive import Array, naive_forecast, season_of
from ttm_estimators.backtest.windows import chosen, with_one_cutoff
from ttm_estimators.forecasting import Forecaster, load
from ttm_estimators.forecasting.onnx_runtime import OnnxRuntime
from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.tables.errors import TableError, TableWarning, quoted
from ttm_estimators.tables.forecast import forecast_panel
from ttm_estimators.tables.panel import Panel
from ttm_estimators.weights import WeightsError

if TYPE_CHECKING:
    from ttm_estimators.backtest.store import Store

MINUTES = 2.0
"""Time that fine-tuning has, unless its minutes or steps are given."""

Advance = Callable[[int], None]
"""Tells how many more series have been forecast."""


@dataclass(frozen=True)
class Task:
    """What a model has to forecast at one window."""

    panel: Panel
    """What is known at the cutoffs. Impossible readings are missing already, or are to be kept."""

    first: Panel
    """What is known at the earliest cutoff of all series, to train on."""

    horizon: int
    levels: tuple[float, ...]
    known: tuple[str, ...] = ()
    """Columns of covariates that are known in the future."""

    calendar: bool = False
    holidays: str | Sequence[str] | None = None
    calendar_columns: tuple[str, ...] = ()
    """The calendar, which stands in columns of the panel for models that have none of their own."""

    season: int | None = None
    seed: int = 0
    batch_size: int = 256
    progress: bool = False
    """Whether training tells how far it is."""

    @property
    def every_known(self) -> list[str]:
        """Columns that are known in the future, with the calendar."""
        return [*self.known, *self.calendar_columns]


class Model(Protocol):
    """What a backtest compares."""

    trained_once: bool
    """Whether it depends on what lies before all windows."""

    draws: bool
    """Whether it depends on the seed."""

    @property
    def identity(self) -> Any:
        """What its forecasts depend on beside the data, for JSON."""

    def forecast(self, task: Task, advance: Advance) -> Array:
        """Forecast every series of a task: medians and quantiles, (series, horizon, 1 + levels)."""


@dataclass
class Naive:
    """The last season repeated, or the last value."""

    seasonal: bool
    trained_once: bool = False
    draws: bool = False

    @property
    def identity(self) -> Any:
        """Nothing but its name."""
        return self.seasonal

    def forecast(self, task: Task, advance: Advance) -> Array:
        """As :func:`~ttm_estimators.backtest.seasonal_naive.naive_forecast`."""
        parts = []
        for one in task.panel.series:
            season = (task.season or season_of(one.step)) if self.seasonal else 1
            parts.append(naive_forecast(one.values, task.horizon, season, task.levels))
            advance(1)
        return np.stack(parts)


@dataclass
class ZeroShot:
    """A forecaster as it is."""

    forecaster: Forecaster
    trained_once: bool = False
    draws: bool = False

    @property
    def identity(self) -> Any:
        """Its weights, how they are used, and which columns it takes."""
        return identity_of(self.forecaster)

    def forecast(self, task: Task, advance: Advance) -> Array:
        """As :meth:`ttm_estimators.Forecaster.forecast_df` of the panel of the task."""
        covariates: dict[str, Any] = {}
        if not self.forecaster.roles:
            names = ("known", "calendar", "holidays")
            covariates = {name: getattr(task, name) for name in names}
        groups = [[*range(len(task.panel.series))]]
        if any(covariates.values()) and not self.forecaster.config.tied_channels:
            groups = with_one_cutoff(task.panel)  # covariates' coefficients are pooled
        values = np.empty((len(task.panel.series), task.horizon, 1 + len(task.levels)))
        for members in groups:
            panel = chosen(task.panel, members)
            _, result = forecast_panel(
                self.forecaster,
                panel,
                task.horizon,
                **covariates,
                quantile_levels=task.levels,
                batch_size=task.batch_size,
                keep_outliers=True,
            )
            values[members] = np.concatenate([result.point[..., None], result.quantiles], axis=2)
            advance(len(members))
        return values


@dataclass
class FineTuned:
    """A forecaster that is fine-tuned once, on what lies before all windows."""

    forecaster: Forecaster
    settings: Mapping[str, Any]
    store: Store
    name: str
    trained_once: bool = True
    draws: bool = True
    _tuned: Forecaster | None = None

    @property
    def identity(self) -> Any:
        """The weights that it starts from, and the settings."""
        return [identity_of(self.forecaster), MINUTES, repr(sorted(self.settings.items()))]

    def forecast(self, task: Task, advance: Advance) -> Array:
        """As the fine-tuned forecaster, which is kept in the folder of the backtest."""
        if self._tuned is None:
            self._tuned = self._fine_tune(task)
        return ZeroShot(self._tuned).forecast(task, advance)

    def _fine_tune(self, task: Task) -> Forecaster:
        folder = self.store.path(self.name, "", weights=self.identity, seed=task.seed)
        if folder is not None and folder.exists():
            try:
                return load(folder, device=self.forecaster.device)
            except WeightsError as error:
                warnings.warn(
                    f"{folder} is damaged and is made anew: {error}", TableWarning, stacklevel=7
                )
                shutil.rmtree(folder)
        from ttm_estimators.tables.fine_tune import fine_tune_panel  # imports Lightning
        from ttm_estimators.training.fine_tuning.config import FineTuneConfig

        settings = {"seed": task.seed, "keep_outliers": True, **self.settings}
        if not {"minutes", "steps"} & {*settings}:
            settings["minutes"] = MINUTES
        device = self.forecaster.device
        options: dict[str, Any] = {
            "accelerator": {"cuda": "gpu"}.get(device.type, device.type),
            **({} if device.index is None else {"devices": [device.index]}),
        }
        checkpoint = None if folder is None else _checkpoint(folder)
        tuned = fine_tune_panel(
            self.forecaster.network,
            task.first,
            task.horizon,
            known=task.every_known,
            settings=FineTuneConfig(**settings),
            progress=task.progress,
            checkpoint=checkpoint,
            **options,
        )
        if folder is not None:
            from ttm_estimators.atomic import replacing

            try:
                with replacing(folder) as partial:
                    tuned.save(partial)
            except OSError:
                if not folder.exists():
                    raise
            for each in _checkpoints(folder):
                each.unlink(missing_ok=True)
            return load(folder, device=device)  # of several processes, all go on with one
        return Forecaster(tuned.network, device=device, roles=tuned.roles)


def _checkpoints(folder: Path) -> list[Path]:
    return [*folder.parent.glob(f"{folder.name}.*.ckpt")]


def _checkpoint(folder: Path) -> Path:
    """Where this process keeps its own, a copy of what an interrupted one has left, if any."""
    own = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.ckpt")
    with suppress(OSError):  # another process may have finished, and removed them
        if left := _checkpoints(folder):
            shutil.copyfile(max(left, key=lambda one: one.stat().st_mtime), own)
    return own


def identity_of(forecaster: Forecaster) -> list[str]:
    """What the forecasts of a forecaster depend on."""
    roles = asdict(forecaster.roles)
    parts = (forecaster.config, forecaster.forecasting, sorted(roles.items()), forecaster.device)
    return [forecaster.runtime.weights_sha256, *map(repr, parts)]


def parse_model(text: str) -> tuple[str, dict[str, Any]]:
    """Split a model in text, such as ``path.to.Class(key=value)``, in its name and arguments.

    Values are Python literals. Others are text.

    Raises
    ------
    ValueError
        When it is not written so.
    """
    match = re.fullmatch(r"\s*([\w.-]+)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    arguments = {}
    for each in split_models(match[2]) if match and match[2] else []:
        key, equals, value = each.partition("=")
        if not (equals and key.strip().isidentifier()):
            match = None
            break
        try:
            arguments[key.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            arguments[key.strip()] = value.strip()
    if not match:
        raise ValueError(
            f"model {text!r} can not be read: write a name, such as ttm, or "
            "path.to.Class(key=value)"
        )
    return match[1], arguments


def split_models(text: str) -> list[str]:
    """Split at the commas that stand outside of brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        depth += (letter in "([{") - (letter in ")]}") if not quote else 0
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def make_models(
    given: Sequence[Any] | Mapping[str, Any] | str,
    ours: str | Path | Forecaster | None,
    store: Store,
) -> dict[str, Model]:
    """Make the models of a backtest, by the names of their columns.

    Raises
    ------
    ValueError
        When one is unknown or given twice.
    """
    from ttm_estimators.backtest.libraries import from_library

    if isinstance(given, str):
        given = split_models(given)
    named = given if isinstance(given, Mapping) else _named(given)
    if not named:
        raise ValueError("models is empty: give some, such as 'ttm' and 'seasonal_naive'")
    loaded: dict[Any, Forecaster] = {}

    def forecaster(which: Any) -> Forecaster:
        which = ours if which is None else which
        if isinstance(which, Forecaster):
            return which
        if which not in loaded:
            loaded[which] = load(which)
        return loaded[which]

    models: dict[str, Model] = {}
    for name, one in named.items():
        kind, arguments = parse_model(one) if isinstance(one, str) else ("", {})
        if isinstance(one, Forecaster):
            models[name] = ZeroShot(one)
        elif kind == "ttm":
            check_arguments(kind, arguments, ["model"])
            models[name] = ZeroShot(forecaster(arguments.get("model")))
        elif kind == "ttm-finetuned":
            from ttm_estimators.training.fine_tuning.config import FineTuneConfig

            check_arguments(
                kind, arguments, ["model", *(each.name for each in fields(FineTuneConfig))]
            )
            start = forecaster(arguments.pop("model", None))
            if isinstance(start.runtime, OnnxRuntime):
                raise ValueError(
                    f"model {name!r} is fine-tuned by torch, and onnxruntime runs this one: "
                    "install torch and load it with runtime='torch', or leave it out"
                )
            FineTuneConfig(**arguments)  # refuses early
            models[name] = FineTuned(start, arguments, store, name)
        elif kind in ("naive", "seasonal_naive"):
            check_arguments(kind, arguments, [])
            models[name] = Naive(kind == "seasonal_naive")
        elif kind and "." not in kind:
            raise ValueError(
                f"model {kind!r} is unknown: give ttm, ttm-finetuned, seasonal_naive, naive, or "
                "the path of a class, such as sktime.forecasting.theta.ThetaForecaster"
            )
        else:
            models[name] = from_library(kind or one, arguments)
    return models


def _named(given: Sequence[Any]) -> dict[str, Any]:
    """Short names, and whole texts where short ones are not unique."""
    short = [
        parse_model(one)[0].rsplit(".", 1)[-1] if isinstance(one, str) else _class_name(one)
        for one in given
    ]
    named: dict[str, Any] = {}
    for one, name in zip(given, short, strict=True):
        name = one if isinstance(one, str) and short.count(name) > 1 else name
        if name in named:
            raise ValueError(
                f"model {name!r} is given twice: give each once, or models={{name: model}}"
            )
        named[name] = one
    return named


def _class_name(one: Any) -> str:
    if isinstance(one, Forecaster):
        return "ttm"
    return one.__name__ if inspect.isclass(one) else type(one).__name__


def check_arguments(kind: str, arguments: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse arguments in the text of a model that are unknown."""
    unknown = [name for name in arguments if name not in known]
    if unknown:
        only = f", only {quoted(list(known))}" if known else ""
        raise ValueError(f"model {kind!r} takes no argument {quoted(unknown)}{only}")


def with_roles(models: Mapping[str, Model], known: Sequence[str], *, calendar: bool) -> Roles:
    """Columns of covariates that a backtest reads: those asked for, and those of models.

    Warns
    -----
    TableWarning
        When a model was fine-tuned with covariates, and not with all that are known.

    Raises
    ------
    TableError
        When a model that has covariates shall be fine-tuned with more.
    """
    roles = Roles(tuple(known))
    for name, model in models.items():
        own = getattr(model, "forecaster", None)
        if own is None or not own.roles:
            continue
        if isinstance(model, FineTuned):
            raise TableError(
                f"model {name!r} starts from weights that were fine-tuned with covariates already: "
                "start from others"
            )
        unused = [each for each in known if each not in own.roles.known]
        unused += ["calendar"] * calendar
        if unused:
            warnings.warn(
                f"{quoted(unused)} is not used by model {name!r}, which was fine-tuned without",
                TableWarning,
                stacklevel=5,
            )
        roles = replace(
            roles,
            known=tuple(dict.fromkeys([*roles.known, *own.roles.known])),
            past=tuple(dict.fromkeys([*roles.past, *own.roles.past])),
            static={**roles.static, **own.roles.static},
        )
    return roles
