"""DataFrames in and out of a forecaster. How they are read is in :mod:`ttm_estimators.tables`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from ttm_estimators.extras import check_installed

if TYPE_CHECKING:
    import pandas as pd

    from ttm_estimators.forecasting.forecaster import Forecaster
    from ttm_estimators.training.fine_tuning.config import FineTuneConfig
    from ttm_estimators.training.fine_tuning.result import FineTuneResult

Names = Any
"""A name, or several: None, one, or a sequence."""


class DataFrames:
    """What a forecaster does with tables."""

    def forecast_df(
        self,
        df: pd.DataFrame,
        horizon: int,
        *,
        id: Names = None,
        time: Names = None,
        value: Names = None,
        known: Names = None,
        calendar: bool = False,
        holidays: str | Sequence[str] | None = None,
        future_df: pd.DataFrame | None = None,
        static: pd.DataFrame | None = None,
        freq: str | pd.offsets.BaseOffset | None = None,
        quantile_levels: Sequence[float] | None = None,
        batch_size: int = 256,
        keep_outliers: bool = False,
        progress: bool = False,
        date_format: str | None = None,
        timezone: str | None = None,
        round_time: str | None = None,
        decimal: str | None = None,
        thousands: str | None = None,
        fill_gaps: bool = False,
        no_time: bool = False,
    ) -> pd.DataFrame:
        """Forecast the series of a DataFrame.

        It may be long (id, time, value), hold one series (time, value), or be wide (time and a
        column for each series). Rows may come in any order. An index of dates or periods is a time
        column.

        Parameters
        ----------
        df : DataFrame
            Histories. It stays as it is. NaN means missing. Dates may be datetimes with or without
            a zone, periods, ``datetime.date``, Arrow dates, text, or whole numbers such as years.
        horizon : int
            Steps after the last row of each series.
        id, time, value : str or sequence of str, optional
            Columns. Default: what types and usual names tell, such as ``unique_id, ds, y`` or
            ``item_id, timestamp, target``. Several times make a date together, such as a day and an
            hour. Several values are series each.
        known : str or sequence of str, optional
            Columns with covariates that are known in the future. Their future is in the rows after
            the last value of a series, or in ``future_df``. They count at once, by a regression
            that is kept where it helps on the past of a series, see :meth:`explain_df`. A model
            that was fine-tuned with covariates knows their names, and takes no others.
        calendar : bool, default False
            Whether hours, weekdays, month ends and so on count like known covariates, by the clock
            of the dates' zone.
        holidays : str or sequence of str, optional
            Countries whose public holidays count too, by their codes in the package ``holidays``:
            "DE", or with a subdivision "US-CA". It implies ``calendar``.
        future_df : DataFrame, optional
            Rows after the histories with the covariates that are known in the future, by the names
            of ``df``.
        static : DataFrame, optional
            A row for each id with its categories, where ``df`` has them not as columns. Only for
            models that were fine-tuned with some.
        freq : str or offset, optional
            A pandas alias or offset, or a whole number as text. Default: what the dates tell,
            exactly.
        quantile_levels : sequence of float, optional
            Levels in (0, 1). Default: the model's own, deciles.
        batch_size : int, default 256
            Series in one forward pass at most.
        keep_outliers : bool, default False
            Whether impossible readings stay, see :meth:`ttm_estimators.Forecaster.forecast`.
        progress : bool, default False
            Whether to show a progress bar on standard error.
        date_format : str, optional
            How text dates are written, in the terms of ``strptime``. Default: what the first one
            tells.
        timezone : str, optional
            Zone by whose clock days begin, such as "Europe/Berlin". Dates without zone are taken to
            be of it. Default: that of the dates, if any.
        round_time : str, optional
            What times are rounded to, such as "1min", or "MS" for months.
        decimal, thousands : str, optional
            Signs of numbers that are text. Default: what the cells tell, if they leave no doubt.
        fill_gaps : bool, default False
            Whether absent dates become missing values. They are otherwise refused.
        no_time : bool, default False
            Whether rows are counted, for want of a time column.

        Returns
        -------
        DataFrame
            A row for each series and step: the id columns of ``df`` (and "variable", where several
            columns are forecast), its time column, both with their types, "median", and a column
            for each level, named as the level: "0.1".

        Warns
        -----
        TableWarning
            When columns were left out, each with the reason; when series end on different dates;
            when the future of a covariate is missing in part, or seems to have another unit.

        Raises
        ------
        TableError
            When the table can not be understood, has gaps or uneven dates. It is a ``ValueError``.
        ValueError
            As :meth:`ttm_estimators.Forecaster.forecast`.

        Examples
        --------
        >>> import pandas as pd
        >>> import ttm_estimators
        >>> days = pd.date_range("2024-01-01", periods=60)
        >>> df = pd.DataFrame({"ds": days, "y": [5.0, 6, 7, 8, 9, 3] * 10})
        >>> ttm_estimators.load().forecast_df(df, 7)["ds"].iloc[0]
        Timestamp('2024-03-01 00:00:00')
        """
        given = locals()
        from ttm_estimators.tables.dataframes import forecast_frame  # pandas is slow to import
        from ttm_estimators.tables.reading import Reading

        reading = Reading.of(given)
        return forecast_frame(
            cast("Forecaster", self),
            df,
            horizon,
            reading,
            known=reading.known,
            calendar=calendar,
            holidays=holidays,
            future_df=future_df,
            static=static,
            quantile_levels=quantile_levels,
            batch_size=batch_size,
            keep_outliers=keep_outliers,
            progress=progress,
        )

    def explain_df(
        self,
        df: pd.DataFrame,
        horizon: int,
        *,
        id: Names = None,
        time: Names = None,
        value: Names = None,
        known: Names = None,
        calendar: bool = False,
        holidays: str | Sequence[str] | None = None,
        future_df: pd.DataFrame | None = None,
        freq: str | pd.offsets.BaseOffset | None = None,
        batch_size: int = 256,
        keep_outliers: bool = False,
        progress: bool = False,
        date_format: str | None = None,
        timezone: str | None = None,
        round_time: str | None = None,
        decimal: str | None = None,
        thousands: str | None = None,
        fill_gaps: bool = False,
        no_time: bool = False,
    ) -> pd.DataFrame:
        """Tell what each covariate adds to the forecasts of :meth:`forecast_df`.

        Parameters
        ----------
        df : DataFrame
        horizon : int
        known, calendar, holidays, future_df : optional
        id, time, value, freq, batch_size, keep_outliers, progress : optional
        date_format, timezone, round_time, decimal, thousands, fill_gaps, no_time : optional
            As in :meth:`forecast_df`, with ``known`` columns or a calendar.

        Returns
        -------
        DataFrame
            A row for each series and step: the id and time columns of ``df``, and in units of the
            series "without", the point forecast without covariates; "base", that of the history
            less what covariates explain; a column with what each covariate adds to the base; and
            "with", their sum. Then "gain", the fraction of the quantile loss on held-out windows
            of its own past that the series gains. Where covariates are not kept nothing is added.

        Raises
        ------
        TableError
            As :meth:`forecast_df`, and when there is nothing to explain, or the model was
            fine-tuned with covariates.
        ValueError
            As :meth:`forecast_df`.
        """
        given = locals()
        from ttm_estimators.tables.dataframes import forecast_frame
        from ttm_estimators.tables.effects import explain_panel
        from ttm_estimators.tables.reading import Reading

        reading = Reading.of(given)
        return forecast_frame(
            cast("Forecaster", self),
            df,
            horizon,
            reading,
            known=reading.known,
            calendar=calendar,
            holidays=holidays,
            future_df=future_df,
            run=explain_panel,
            batch_size=batch_size,
            keep_outliers=keep_outliers,
            progress=progress,
        )

    def detect_df(
        self,
        df: pd.DataFrame,
        *,
        id: Names = None,
        time: Names = None,
        value: Names = None,
        freq: str | pd.offsets.BaseOffset | None = None,
        rate: float = 0.001,
        warm_up: int = 64,
        step: int = 1,
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
        """Score and flag every point of the series of a DataFrame.

        Parameters
        ----------
        df : DataFrame
        id, time, value, freq, date_format, timezone, round_time : optional
        decimal, thousands, fill_gaps, no_time : optional
            As in :meth:`forecast_df`.
        rate, warm_up, step, batch_size, keep_outliers : optional
            As in :meth:`ttm_estimators.Forecaster.detect`.

        Returns
        -------
        DataFrame
            A row for each point: the id columns of ``df`` (and "variable", where there are several
            value columns), its time column, "value", "median", "low", "high", "score" and "flag",
            as in :class:`ttm_estimators.Detection`.

        Raises
        ------
        TableError
            When the table can not be understood.
        ValueError
            As :meth:`ttm_estimators.Forecaster.detect`.
        """
        given = locals()
        from ttm_estimators.tables.dataframes import detect_frame
        from ttm_estimators.tables.reading import Reading

        return detect_frame(
            cast("Forecaster", self),
            df,
            Reading.of(given),
            rate=rate,
            warm_up=warm_up,
            step=step,
            batch_size=batch_size,
            keep_outliers=keep_outliers,
        )

    def fine_tune_df(
        self,
        df: pd.DataFrame,
        horizon: int,
        *,
        id: Names = None,
        time: Names = None,
        value: Names = None,
        known: Names = None,
        past: Names = None,
        static: pd.DataFrame | Names = None,
        freq: str | pd.offsets.BaseOffset | None = None,
        settings: FineTuneConfig | None = None,
        date_format: str | None = None,
        timezone: str | None = None,
        round_time: str | None = None,
        decimal: str | None = None,
        thousands: str | None = None,
        fill_gaps: bool = False,
        no_time: bool = False,
        **trainer_options: Any,
    ) -> FineTuneResult:
        """Fine-tune a model on the series of a DataFrame, with covariates in its columns.

        Parameters
        ----------
        df : DataFrame
            As in :meth:`forecast_df`. Rows after the last value of a series may hold covariates of
            its future.
        horizon : int
            Steps to train on.
        id, time, value, freq, date_format, timezone, round_time : optional
        decimal, thousands, fill_gaps, no_time : optional
            As in :meth:`forecast_df`.
        known, past : str or sequence of str, optional
            Columns with covariates: known in the future, and in the past only.
        static : str, sequence of str or DataFrame, optional
            Columns with a category of each series, or a row for each id with its categories.
        settings : FineTuneConfig, optional
            How to fine-tune.
        **trainer_options
            As in :func:`ttm_estimators.fine_tune`.

        Returns
        -------
        FineTuneResult
            Its ``forecaster`` forecasts tables with the same columns.

        Raises
        ------
        TableError
            When the table can not be understood.
        ValueError
            As :func:`ttm_estimators.fine_tune`.
        """
        given = locals()
        check_installed("fine_tune_df", "train", "torch", "lightning")
        from ttm_estimators.tables.dataframes import fine_tune_frame
        from ttm_estimators.tables.reading import Reading

        reading = Reading.of(given)
        return fine_tune_frame(
            cast("Forecaster", self),
            df,
            horizon,
            reading,
            static=static,
            settings=settings,
            **trainer_options,
        )
