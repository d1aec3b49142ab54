"""Forecasts of one Parquet file that may be larger than memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fsspec.implementations.local import LocalFileSystem

from ttm_estimators.dataset.metadata import freq_identity
from ttm_estimators.dataset.process_file import process_file
from ttm_estimators.dataset.sources import open_system, unit_of
from ttm_estimators.dataset.unit import Done
from ttm_estimators.forecasting.dataframes import Names
from ttm_estimators.forecasting.forecaster import read_roles
from ttm_estimators.forecasting.quantile_levels import validated_levels
from ttm_estimators.inputs.arrays import validated_count
from ttm_estimators.regression.calendar import countries_of
from ttm_estimators.tables.covariates import roles_of
from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.forecast import forecast_panel
from ttm_estimators.tables.reading import Reading, listed
from ttm_estimators.weights import resolve

if TYPE_CHECKING:
    import pandas as pd

    from ttm_estimators.forecasting import Forecaster
    from ttm_estimators.tables.panel import Panel


@dataclass(frozen=True)
class ForecastTask:
    """Forecast each batch of series. :func:`forecast_task` makes one."""

    horizon: int
    reading: Reading
    known: tuple[str, ...] = ()
    calendar: bool = False
    holidays: tuple[str, ...] | None = None
    quantile_levels: tuple[float, ...] | None = None
    batch_size: int = 256
    keep_outliers: bool = False

    def __call__(self, forecaster: Forecaster, panel: Panel) -> pd.DataFrame:
        """Rows as :meth:`ttm_estimators.Forecaster.forecast_df` returns them."""
        frame, _ = forecast_panel(
            forecaster,
            panel,
            self.horizon,
            known=self.known,
            calendar=self.calendar,
            holidays=self.holidays,
            quantile_levels=self.quantile_levels,
            batch_size=self.batch_size,
            keep_outliers=self.keep_outliers,
        )
        return frame

    @property
    def identity(self) -> dict[str, Any]:
        """All options, for JSON."""
        reading = asdict(self.reading) | {"freq": freq_identity(self.reading.freq)}
        others = {name: value for name, value in vars(self).items() if name != "reading"}
        return {"task": "forecast", **others, **reading, "known": list(self.reading.known)}


def forecast_task(
    horizon: int,
    *,
    model: str | Path | None = None,
    id: Names = None,
    time: Names = None,
    value: Names = None,
    known: Names = None,
    calendar: bool = False,
    holidays: str | Sequence[str] | None = None,
    freq: str | pd.offsets.BaseOffset | None = None,
    quantile_levels: Sequence[float] | None = None,
    batch_size: int = 256,
    keep_outliers: bool = False,
    **others: Any,
) -> ForecastTask:
    """Make a task of the options of :meth:`ttm_estimators.Forecaster.forecast_df`.

    Parameters
    ----------
    horizon : int
        Steps.
    model : str or Path, optional
        Shipped model or weights folder, whose card tells the covariates that it has learnt.
    **others
        Further fields of :class:`~ttm_estimators.tables.reading.Reading`.

    Raises
    ------
    TableError
        When the model was fine-tuned with other covariates, or an option is of no use.
    ValueError
        When the horizon, a level or the batch size is out of range.
    """
    calendar = calendar or holidays is not None
    roles = roles_of(read_roles(resolve(model)), listed(known), calendar=calendar)
    reading = Reading(
        id=tuple(listed(id)),
        time=tuple(listed(time)),
        value=tuple(listed(value)),
        freq=freq,
        known=tuple(roles.known),
        past=tuple(roles.past),
        static=tuple(roles.static),
        **others,
    )
    levels = None if quantile_levels is None else validated_levels(quantile_levels)
    if levels is not None and len(set(levels)) < len(levels):
        raise ValueError(f"quantile_levels must differ, got {levels}")
    return ForecastTask(
        validated_count("horizon", horizon),
        reading,
        tuple(listed(known)),
        calendar,
        countries_of(holidays) or None,
        levels,
        validated_count("batch_size", batch_size),
        keep_outliers,
    )


def forecast_file(
    source: str | Path,
    target: str | Path,
    horizon: int,
    *,
    model: str | Path | None = None,
    device: str = "cpu",
    on_error: Literal["stop", "record"] = "stop",
    id: Names = None,
    time: Names = None,
    value: Names = None,
    known: Names = None,
    calendar: bool = False,
    holidays: str | Sequence[str] | None = None,
    freq: str | pd.offsets.BaseOffset | None = None,
    quantile_levels: Sequence[float] | None = None,
    batch_size: int = 256,
    keep_outliers: bool = False,
    date_format: str | None = None,
    timezone: str | None = None,
    round_time: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    fill_gaps: bool = False,
    no_time: bool = False,
) -> Done:
    """Forecast the series of a Parquet file, which may be larger than memory.

    The file is read and written in parts: memory grows with the longest series only. Rows of an id
    have to stand side by side, as ``ttm partition`` puts them. A file without ids is read at once.
    Columns, the way that dates and numbers are written and the usual frequency are those of its
    first 65,536 rows. Dates that are text with an offset from UTC come back in the ``timezone``
    that is given.

    Parameters
    ----------
    source : str or Path
        Parquet file: a local path, or a URL that fsspec opens.
    target : str or Path
        Parquet file for the result, which is there once it is whole. Folders are made.
    horizon : int
        Steps after the last row of each series.
    model : str or Path, optional
        Shipped model or a weights folder. It is loaded once in a process.
    device : str, default "cpu"
        Any torch device.
    on_error : {"stop", "record"}, default "stop"
        Whether a series that can not be forecast is an error, or is left out and told in the
        result.
    id, time, value, known, calendar, holidays, freq, quantile_levels : optional
    batch_size, keep_outliers, date_format, timezone, round_time : optional
    decimal, thousands, fill_gaps, no_time : optional
        As in :meth:`ttm_estimators.Forecaster.forecast_df`. The future of ``known`` covariates is
        in the rows after the last value of a series. A regression shares coefficients among the
        series of a batch: 512 in the order of the file, or fewer with 524,288 rows.

    Returns
    -------
    Done
        ``rows`` written, ``series`` forecast, ``seconds``, of them ``network_seconds`` in the
        forecaster, and ``failed``, names and reasons of series that were left out. The file has the
        columns that ``forecast_df`` returns. Nothing is written where no series was forecast.

    Raises
    ------
    TableError
        When the file can not be read, an id comes again after other rows, or a series can not be
        forecast. The message names file and series. It is a ``ValueError``.
    ValueError
        As ``forecast_df``.

    Examples
    --------
    >>> import pandas as pd, tempfile, ttm_estimators
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> df = pd.DataFrame({"unique_id": "a", "ds": days, "y": [5.0, 6, 7, 8, 9, 3] * 10})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     df.to_parquet(f"{folder}/sales.parquet")
    ...     done = ttm_estimators.forecast_file(
    ...         f"{folder}/sales.parquet", f"{folder}/forecast.parquet", 7)
    ...     forecast = pd.read_parquet(f"{folder}/forecast.parquet")
    >>> done.rows, forecast["ds"].iloc[0]
    (7, Timestamp('2024-03-01 00:00:00'))
    """
    task = forecast_task(
        horizon,
        model=model,
        id=id,
        time=time,
        value=value,
        known=known,
        calendar=calendar,
        holidays=holidays,
        freq=freq,
        quantile_levels=quantile_levels,
        batch_size=batch_size,
        keep_outliers=keep_outliers,
        date_format=date_format,
        timezone=timezone,
        round_time=round_time,
        decimal=decimal,
        thousands=thousands,
        fill_gaps=fill_gaps,
        no_time=no_time,
    )
    if _is_one_file(str(source), str(target)):
        raise TableError(f"{target} is the source, which would be replaced", "choose another name")
    folder, name = os.path.split(str(target))
    unit = unit_of(str(source), name)
    chosen = None if model is None else str(model)
    return process_file(unit, folder or ".", task, model=chosen, device=device, on_error=on_error)


def _is_one_file(source: str, target: str) -> bool:
    (system, path), (other, place) = open_system(source), open_system(target)
    if isinstance(system, LocalFileSystem) and os.path.exists(path) and os.path.exists(place):
        return isinstance(other, LocalFileSystem) and os.path.samefile(path, place)
    return type(system) is type(other) and path == place
