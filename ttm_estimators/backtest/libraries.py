"""Forecasters of sktime and GluonTS, by their paths or as objects.

Neither library is imported: what an object has, such as ``train``, says what it is.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import pickle
import random
import sys
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from ttm_estimators.backtest.models import Advance, Model, Task, check_arguments
from ttm_estimators.backtest.seasonal_naive import Array, season_of
from ttm_estimators.tables.errors import quoted
from ttm_estimators.tables.panel import Series
from ttm_estimators.tables.steps import is_even
from ttm_estimators.tables.timetable import Timetable

OF_DEVELOPERS = (FutureWarning, DeprecationWarning, PendingDeprecationWarning)
"""Warnings of libraries that are of no use to who compares forecasts."""


def from_library(given: Any, arguments: Mapping[str, Any]) -> Model:
    """A model of a dotted path and its arguments, of a class, or of an object.

    Arguments of a class that have no default are filled in where it is clear what they are:
    ``prediction_length``, ``freq`` and ``season_length``.

    Raises
    ------
    ValueError
        When there is no such class, it is no forecaster, or takes other arguments.
    """
    name = given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
    if isinstance(given, str):
        path, _, last = given.rpartition(".")
        try:
            given = getattr(import_module(path), last)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"model {name!r} can not be imported: {error}") from error
    if inspect.isclass(given):
        _check_arguments(name.rpartition(".")[2], given, arguments)
    has = {each for each in ("train", "fit", "predict") if hasattr(given, each)}
    if "train" in has:
        return Library(name, given, arguments, _gluonts, trained_once=True)
    if {"fit", "predict"} <= has:
        return Library(name, given, arguments, _sktime)
    if "predict" in has:
        return Library(name, given, arguments, _gluonts)
    raise ValueError(
        f"model {name!r} is no forecaster: sktime's have fit and predict, GluonTS's train or "
        "predict"
    )


FILLED_IN = ("prediction_length", "season_length", "freq")
"""Arguments that the table and the horizon tell."""


def _check_arguments(name: str, given: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that a class does not take, before any model runs."""
    try:
        parameters = inspect.signature(given).parameters.values()
    except (TypeError, ValueError):  # a class without a signature
        return
    if not any(one.kind is one.VAR_KEYWORD for one in parameters):
        check_arguments(name, arguments, [one.name for one in parameters])
    absent = [
        one.name
        for one in parameters
        if one.default is one.empty
        and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        and one.name not in (*FILLED_IN, *arguments)
    ]
    if absent:
        raise ValueError(
            f"model {name!r} needs the argument {quoted(absent)}: give {name}({absent[0]}=...)"
        )


@dataclass
class Library:
    """A forecaster of another library."""

    name: str
    given: Any
    """Class or object."""

    arguments: Mapping[str, Any]
    run: Any
    trained_once: bool = False
    draws: bool = True
    ready: Any = None
    """The object, with what it was trained to."""

    @property
    def identity(self) -> Any:
        """The object as it is pickled, else nothing that comes again; and the library's version."""
        library = sys.modules.get(type(self.given).__module__.split(".")[0])
        if inspect.isclass(self.given):
            library = sys.modules.get(self.given.__module__.split(".")[0])
            content = f"{self.given.__module__}.{self.given.__qualname__}"
        else:
            try:
                content = hashlib.sha256(pickle.dumps(self.given)).hexdigest()
            except Exception:  # whatever an object of another library raises
                content = uuid.uuid4().hex
        arguments = repr(sorted(self.arguments.items()))
        return [content, arguments, str(getattr(library, "__version__", ""))]

    def forecast(self, task: Task, advance: Advance) -> Array:
        """Forecast each series, or fit to it first."""
        # Recorded, for sktime resets filters.
        with _seeded(task.seed), warnings.catch_warnings(record=True) as caught:
            if self.ready is None:
                self.ready = self._made(task)
            values: Array = self.run(self, task, advance)
        for each in {str(one.message): one for one in caught}.values():
            if not issubclass(each.category, OF_DEVELOPERS):
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        return values

    def _made(self, task: Task) -> Any:
        if not inspect.isclass(self.given):
            return self.given
        first = task.panel.series[0]
        known = {
            "prediction_length": task.horizon,
            "season_length": task.season or season_of(first.step),
            "freq": _periods(first, 1).freqstr,
        }
        parameters = inspect.signature(self.given).parameters.values()
        needed = [one.name for one in parameters if one.default is one.empty and one.name in known]
        filled = {name: known[name] for name in needed if name not in self.arguments}
        return self.given(**filled, **self.arguments)


class SeriesError(ValueError):
    """A model failed on one series."""

    def __init__(self, index: int, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.index = index


def _sktime(model: Library, task: Task, advance: Advance) -> Array:
    parts = []
    steps = list(range(1, task.horizon + 1))
    for i, one in enumerate(task.panel.series):
        try:
            forecaster = copy.deepcopy(model.ready)
            count = len(one.times)
            index = _index(one, count + task.horizon)
            features = _known(one, task)
            table = pd.DataFrame(features, index=index, columns=task.every_known)
            with_x = {"X": table.iloc[:count]} if task.every_known else {}
            ahead = {"X": table.iloc[count:]} if task.every_known else {}
            forecaster.fit(pd.Series(one.values, index=index[:count]), fh=steps, **with_x)
            point = np.asarray(forecaster.predict(fh=steps, **ahead), dtype=float).reshape(-1, 1)
            if forecaster.get_tag("capability:pred_int", False, raise_error=False):
                alpha = [*task.levels, *([] if 0.5 in task.levels else [0.5])]
                table = forecaster.predict_quantiles(fh=steps, alpha=alpha, **ahead)
                quantiles = np.asarray(table, dtype=float)
                median = quantiles[:, [alpha.index(0.5)]]
                point = np.concatenate([median, quantiles[:, : len(task.levels)]], axis=1)
            parts.append(_checked(point, task.horizon))
        except Exception as error:  # whatever another library raises, with the name of the series
            raise SeriesError(i, error) from error
        advance(1)
    return np.stack(parts)


def _gluonts(model: Library, task: Task, advance: Advance) -> Array:
    if model.trained_once and not hasattr(model.ready, "predict"):
        model.ready = model.ready.train([_entry(one, task, 0) for one in task.first.series])
    entries = [_entry(one, task, task.horizon) for one in task.panel.series]

    def predict(some: list[dict[str, Any]]) -> list[Array]:
        found = []
        for forecast in model.ready.predict(some):
            quantiles = [forecast.quantile(level) for level in (0.5, *task.levels)]
            found.append(_checked(np.stack(quantiles, axis=1).astype(float), task.horizon))
            advance(1)
        return found

    try:
        values = np.stack(predict(entries))
    except Exception:  # as above
        advance = _nowhere
        for i, entry in enumerate(entries):
            try:
                predict([entry])
            except Exception as error:
                raise SeriesError(i, error) from error
        raise
    if len(values) != len(entries):
        raise ValueError(f"it forecast {len(values)} series in place of {len(entries)}")
    return values


def _nowhere(count: int) -> None:
    """Progress that nobody sees."""


def _checked(values: Array, horizon: int) -> Array:
    """Refuse forecasts of another length, or without all values."""
    if len(values) != horizon:
        raise ValueError(f"it forecast {len(values)} steps in place of {horizon}")
    if not np.isfinite(values).all():
        raise ValueError("its forecast is not finite")
    return values


def _entry(one: Series, task: Task, ahead: int) -> dict[str, Any]:
    """A series as GluonTS has it."""
    values = one.values.astype(np.float32)
    entry = {"start": _periods(one, 1)[0], "target": values, "item_id": one.name}
    if task.every_known:
        features = _known(one, task)[: len(values) + ahead]
        entry["feat_dynamic_real"] = features.T.astype(np.float32)
    return entry


def _known(one: Series, task: Task) -> Array:
    """Known covariates of the history and the horizon, all of which have to be there."""
    if not task.every_known:
        return np.empty((len(one.times) + task.horizon, 0))
    assert one.covariates is not None
    return one.covariates[task.every_known].to_numpy(dtype=float)


def _periods(one: Series, count: int) -> pd.PeriodIndex:
    """Periods of a series and what follows it, for whole numbers and odd frequencies seconds."""
    if isinstance(one.times, pd.DatetimeIndex) and not isinstance(one.step, (int, Timetable)):
        wall = one.times.tz_convert(None) if one.times.tz is not None else one.times
        if one.times.tz is not None and not is_even(one.step):
            wall = one.times.tz_localize(None).normalize()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                periods = pd.DatetimeIndex(wall[:1], freq=one.step).to_period()
                return pd.period_range(periods[0], periods=count, freq=periods.freq)
        except ValueError:
            pass
    return pd.period_range("2000-01-01", periods=count, freq="s")


def _index(one: Series, count: int) -> pd.Index[Any]:
    """Index of a series and what follows it, as sktime takes it."""
    if not isinstance(one.times, pd.DatetimeIndex):
        return pd.RangeIndex(count)
    periods = _periods(one, count)
    return periods if periods.freqstr != "B" else pd.bdate_range(one.times[0], periods=count)


@contextmanager
def _seeded_torch(seed: int) -> Iterator[None]:
    try:
        import torch
    except ImportError:  # then no library draws with it
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Fix the draws of libraries that have one generator for all, and give its state back."""
    numpy_state, state = np.random.get_state(), random.getstate()  # noqa: NPY002
    with _seeded_torch(seed):
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(state)
