"""Calendar of dates as known covariates: hours, weekdays, month ends, holidays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

import numpy as np
import pandas as pd

from ttm_estimators.inputs.arrays import Array

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAYS_AROUND_MONTH_END = 3
"""Last and first days of a month that each have a column."""

DAY = pd.Timedelta(days=1)
SHORTEST_MONTH = 28 * DAY
AVERAGE_MONTH = 30.44 * DAY


def calendar_features(
    times: pd.DatetimeIndex | pd.PeriodIndex, holidays: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """Calendar of each time, as covariates that are known in the future.

    There is only what can differ at the frequency of the times. Times of day and days have the
    hour, the weekday, and the days around a month's end, weeks whether a month ends in them, months
    and longer periods their days and working days. Columns that are the same at all times are left
    out. The season of the year is none of them: a network sees it by itself, and as a column that
    jumps from one month to the next it does more harm than good (ours).

    Parameters
    ----------
    times : DatetimeIndex or PeriodIndex
        Increasing, of a series and its future together. Dates with a zone count by its clock.
    holidays : str or sequence of str, optional
        Country code of the package ``holidays``, such as "DE", or with a subdivision, "US-CA", or
        several, whose holidays count apart. Adds each public holiday by its name, any holiday, and
        the days before and after one. Periods longer than a day count the days that they hold.

    Returns
    -------
    DataFrame
        A row for each time. Columns such as "weekday=Tue" are 1 where that is so and 0 elsewhere:
        those with the same word before "=" belong together.

    Raises
    ------
    TypeError
        When ``holidays`` is no text and no sequence of texts.
    ValueError
        When the package knows no such country. The message says how to find those that it knows.
    ImportError
        When ``holidays`` is given and the package is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from ttm_estimators.regression.calendar import calendar_features
    >>> days = pd.date_range("2024-02-26", periods=7)
    >>> calendar_features(days)["weekday=Tue"].tolist()
    [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    begins, ends = _spans(times)
    columns = dict(_clock(begins, ends))
    countries = countries_of(holidays)
    for country in countries:
        where = f"{country} " if len(countries) > 1 else ""
        columns |= dict(_holidays(begins, ends, country, where))
    kept = {name: values for name, values in columns.items() if (values != values[:1]).any()}
    return pd.DataFrame(kept, index=times, dtype=float)


def countries_of(holidays: str | Sequence[str] | None) -> tuple[str, ...]:
    """Codes of the countries whose holidays are asked for, each once, "de" as "DE".

    Raises
    ------
    TypeError
        When it is neither None, a text, nor a sequence of texts.
    """
    if holidays is None:
        return ()
    given = [holidays] if isinstance(holidays, str) else holidays
    if not isinstance(given, Sequence) or not given or not all(isinstance(c, str) for c in given):
        raise TypeError(
            "holidays must be the code of a country, a text such as 'DE' or 'US-CA', or a list of "
            f"them, got {holidays!r}"
        )
    # Names with capitals, such as Germany, stay as they are.
    return tuple(dict.fromkeys(code.upper() if code.islower() else code for code in given))


def _spans(times: pd.DatetimeIndex | pd.PeriodIndex) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """Begin and end of what each time stands for: months that are dated by their last day too."""
    if isinstance(times, pd.PeriodIndex):
        return times.to_timestamp(how="start"), (times + 1).to_timestamp(how="start")
    begins = times.tz_localize(None)
    steps = np.diff(begins.to_numpy())
    step = pd.Timedelta(np.median(steps)) if len(steps) else DAY
    if step < SHORTEST_MONTH:
        return begins, begins + step
    months = pd.DateOffset(months=round(step / AVERAGE_MONTH))
    if begins.is_month_end.all():
        return begins + DAY - months, begins + DAY
    return begins, begins + months


def _clock(begins: pd.DatetimeIndex, ends: pd.DatetimeIndex) -> Iterator[tuple[str, Array]]:
    """Columns of what the dates themselves tell."""
    step = (ends - begins).min() if len(begins) else DAY
    if step <= DAY:
        for hour in range(24):
            yield f"hour={hour}", np.asarray(begins.hour == hour, dtype=float)
        for number, weekday in enumerate(WEEKDAYS):
            yield f"weekday={weekday}", np.asarray(begins.day_of_week == number, dtype=float)
        for day in range(1, DAYS_AROUND_MONTH_END + 1):
            yield f"month end=day {day}", np.asarray(begins.day == day, dtype=float)
            left = begins.days_in_month - begins.day
            yield f"month end=last {day}", np.asarray(left == day - 1, dtype=float)
    elif step < SHORTEST_MONTH:
        yield "month end", np.asarray((ends - pd.Timedelta(1)).month != begins.month, dtype=float)
    else:
        yield "days", np.asarray((ends - begins).days, dtype=float)
        first, last = (each.to_numpy().astype("datetime64[D]") for each in (begins, ends))
        yield "working days", np.busday_count(first, last).astype(float)


def _holidays(
    begins: pd.DatetimeIndex, ends: pd.DatetimeIndex, country: str, where: str
) -> Iterator[tuple[str, Array]]:
    """Columns of public holidays: each, any, and the days before and after."""
    years = range(begins.min().year - 1, ends.max().year + 2) if len(begins) else range(0)
    names = _public_holidays(country, years)
    days = pd.DatetimeIndex(sorted(names))
    for name in sorted({each for found in names.values() for each in found}):
        of_name = days[[name in names[day] for day in days]]
        yield f"holiday={where}{name}", _count(begins, ends, of_name)
    yield f"holiday={where}any", _count(begins, ends, days)
    yield f"holiday={where}before", _count(begins, ends, (days - DAY).difference(days))
    yield f"holiday={where}after", _count(begins, ends, (days + DAY).difference(days))


def _public_holidays(country: str, years: range) -> dict[pd.Timestamp, list[str]]:
    """Names of the public holidays on each day that has any."""
    try:
        import holidays
    except ImportError as error:
        raise ImportError(
            "holidays need the package of that name: pip install 'ttm-estimators[holidays]'"
        ) from error
    code, _, subdivision = country.partition("-")
    try:
        found = holidays.country_holidays(
            code, subdiv=subdivision or None, years=years, language="en_US"
        )
    except NotImplementedError:
        raise ValueError(
            f"no holidays of {country!r} are known: give a country code such as 'DE', or one with "
            f"a subdivision such as 'US-CA'; {_similar(code, subdivision)}"
        ) from None
    return {pd.Timestamp(day): found.get_list(day) for day in found}


def _similar(code: str, subdivision: str) -> str:
    """Say which codes are like one that is not known, or have names like it."""
    from holidays import list_supported_countries
    from holidays.registry import COUNTRIES

    known = list_supported_countries()
    if code in known:
        names = {part.lower(): f"{code}-{part}" for part in known[code]}
        wanted = subdivision.lower()
    else:
        names = {name.replace("_", " "): codes[1] for name, codes in COUNTRIES.items()}
        names |= {each.lower(): each for each in known}
        wanted = code.lower()
    near = dict.fromkeys(names[name] for name in get_close_matches(wanted, names))
    if not near:
        return "see holidays.list_supported_countries()"
    return f"similar are {', '.join(map(repr, near))}"


def _count(begins: pd.DatetimeIndex, ends: pd.DatetimeIndex, days: pd.DatetimeIndex) -> Array:
    """Days within each time; a time within a day counts as that day."""
    first = days.searchsorted(begins.normalize())
    last = days.searchsorted((ends - pd.Timedelta(1)).normalize(), side="right")
    return np.asarray(last - first, dtype=float)
