"""Forecasts of more series than fit into memory: a folder of Parquet files in, one out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ttm_estimators.dataset.columns import find_ids
from ttm_estimators.dataset.forecast import forecast_task
from ttm_estimators.dataset.run import OnError, run_dataset
from ttm_estimators.dataset.sources import MAX_UNIT_ROWS, find_units, warn_of_spread_series
from ttm_estimators.forecasting.dataframes import Names

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client


def forecast_dataset(
    source: str | Path,
    output: str | Path,
    horizon: int,
    *,
    client: Client | None = None,
    workers: int | None = None,
    model: str | Path | None = None,
    device: str = "cpu",
    on_error: OnError = "stop",
    progress: bool = False,
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
) -> pd.DataFrame:
    """Forecast the series of Parquet files, on this machine or a Dask cluster.

    Each file is forecast by itself, in little memory however large it is, so that all rows of a
    series stand in one file, one after the other, as ``ttm partition`` puts them. A large file
    whose row groups are sorted by id is cut, and becomes several, unless ``known`` covariates or a
    calendar are used. What is finished stays: a run that was stopped, killed, or gets new files
    does what is left when it is started again.

    Parameters
    ----------
    source : str or Path
        A folder, of which every Parquet file is taken, however deep; a glob such as
        ``data/*/2024-*.parquet``; a single file; or a URL of one of them, such as
        ``s3://bucket/folder``, for which fsspec's driver is installed. Folders such as
        ``region=north`` hold the value of a column. Names that begin with ``.`` or ``_`` are
        passed over.
    output : str or Path
        Folder or URL for the forecasts, new or of an earlier run. Its files and folders have the
        names of the sources, and ``pandas.read_parquet`` reads them all at once.
    horizon : int
        Steps after the last row of each series.
    client : distributed.Client, optional
        Dask cluster to work on, of any size, which may change. It stays open. Its workers need this
        package, and have the paths of source, output and model.
    workers : int, optional
        Processes of this machine to work in, each with one thread. Default: this process alone. A
        script that asks for some stands behind ``if __name__ == "__main__":``.
    model : str or Path, optional
        Shipped model, or a weights folder. Default: the shipped one.
    device : str, default "cpu"
        Where a worker runs the network, such as "cuda".
    on_error : {"stop", "record"}, default "stop"
        Whether a file or series that can not be forecast ends the run with its error, or is noted
        in the manifest. Files with errors are tried again when the run is started again.
    progress : bool, default False
        Whether to show files done and time left on standard error, and the dashboard's address.
    id, time, value, known, calendar, holidays, freq, quantile_levels, batch_size : optional
    keep_outliers, date_format, timezone, round_time, decimal, thousands : optional
    fill_gaps, no_time : optional
        As in :func:`ttm_estimators.forecast_file`, for each file.

    Returns
    -------
    DataFrame
        The manifest, which is also in the output folder as ``_manifest.parquet``: a row for each
        file, whenever it was forecast, with "file", its name in the output folder, "source",
        "rows", "series", "seconds" of its task and "network_seconds" of them in the network (NaN
        where they got lost with a run that was killed), "failed", series that could not be
        forecast, as dictionaries of "series" and "reason", and "error" of the file, None if all
        went well.

    Warns
    -----
    TableWarning
        When files are left out, a series is seen to stand in several files, or a file warns of
        something. At most five different warnings of
        files are passed on.

    Raises
    ------
    TableError
        When there is nothing to forecast; when the output folder holds something else, or forecasts
        by other options, another model or of other files, which are never mixed; with
        ``on_error="stop"`` when a file can not be forecast. The message names it.
    ValueError
        When an option is out of range.
    ImportError
        When ``workers`` are wanted and ``distributed`` is not installed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import pandas as pd
    >>> from ttm_estimators import forecast_dataset
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> df = pd.DataFrame({"id": "a", "ds": days, "y": [5.0, 6, 7, 8, 9, 3] * 10})
    >>> (folder / "in").mkdir()
    >>> df.to_parquet(folder / "in" / "part-0.parquet")
    >>> manifest = forecast_dataset(folder / "in", folder / "out", 7)
    >>> manifest["rows"].tolist()
    [7]
    >>> pd.read_parquet(folder / "out")["ds"].iloc[0]
    Timestamp('2024-03-01 00:00:00')
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
    # Series of a batch share coefficients: which do is not left to the row groups of a file.
    shared = bool(task.known) or task.calendar
    rows = None if shared else MAX_UNIT_ROWS
    units = find_units(source, output, id=task.reading.id, max_rows=rows)
    warn_of_spread_series(units, find_ids(units, task.reading))
    return run_dataset(
        units,
        str(output),
        task,
        client=client,
        workers=workers,
        model=None if model is None else str(model),
        device=device,
        on_error=on_error,
        progress=progress,
    )
