"""Real series of several frequencies that come inside installed libraries.

Averages of many years and gaps filled by interpolation are no observations: series of the first
kind are left out, gaps stay missing. Series that textbooks know well (Mauna Loa, sunspots, Nile)
are left out too, because a pretrained model is likely to have seen them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

GIFT_EVAL_SETTINGS = {
    "5min": (48, 288),
    "h": (48, 24),
    "D": (30, 1),
    "W": (8, 1),
    "MS": (12, 12),
    "QS": (8, 4),
    "YS": (6, 1),
}
"""Horizon and season length of each frequency, both in steps, as GIFT-Eval and GluonTS have them:
days and weeks have season 1."""


@dataclass(frozen=True)
class DemoSeries:
    """One series, regular in time, NaN where nothing was observed."""

    name: str
    """Short name, which file names carry too."""

    title: str
    """What was measured, with its unit."""

    values: pd.Series[float]
    """Observations on a ``DatetimeIndex`` with a frequency."""

    @property
    def frequency(self) -> str:
        """Pandas' name of the frequency, without an anchor."""
        return str(pd.DatetimeIndex(self.values.index).freqstr).split("-")[0]

    @property
    def horizon(self) -> int:
        """Steps to forecast."""
        return GIFT_EVAL_SETTINGS[self.frequency][0]

    @property
    def season(self) -> int:
        """Steps in a season."""
        return GIFT_EVAL_SETTINGS[self.frequency][1]


def demo_series() -> Iterator[DemoSeries]:
    """Every series of the demo, from fast to slow.

    Raises
    ------
    ModuleNotFoundError
        When a library with data is not installed.
    """
    from bokeh_sampledata import package_csv
    from bokeh_sampledata.glucose import data as glucose
    from bokeh_sampledata.lincoln import data as lincoln
    from bokeh_sampledata.sea_surface_temperature import sea_surface_temperature as sea
    from bokeh_sampledata.stocks import AAPL
    from statsmodels.datasets import elec_equip, interest_inflation

    yield DemoSeries(
        "glucose",
        "Glucose in the blood of one person (mg/dl)",
        glucose["glucose"].resample("5min").mean(),
    )
    yield DemoSeries(
        "sea-temperature",
        "Sea surface temperature in the Gulf of Maine (°C)",
        sea["temperature"].tz_localize(None).resample("h").mean(),
    )
    days = pd.DatetimeIndex(lincoln["DATE"])
    yield DemoSeries(
        "air-temperature",
        "Daily maximum temperature in Lincoln, Nebraska (°F)",
        lincoln["TMAX"].set_axis(days).asfreq("D"),
    )
    days = pd.DatetimeIndex(AAPL["date"])
    yield DemoSeries(
        "shares-traded",
        "Apple shares traded (millions per week)",
        pd.Series(AAPL["volume"], index=days).resample("W").sum() / 1e6,
    )
    turnover = elec_equip.load_pandas().data
    yield DemoSeries(
        "electrical-equipment",
        "Turnover of makers of electrical equipment, euro area (index)",
        turnover.iloc[:, 0].asfreq("MS"),
    )
    germany = interest_inflation.load_pandas().data
    months = {"year": germany["year"], "month": 3 * germany["quarter"] - 2, "day": 1}
    quarters = pd.DatetimeIndex(pd.to_datetime(pd.DataFrame(months)))
    yield DemoSeries(
        "inflation",
        "Inflation in Germany (% per quarter)",
        100 * germany["Dp"].set_axis(quarters).asfreq("QS"),
    )
    # The library's own table has its gaps filled by interpolation; the file behind it has not.
    marriages = package_csv("us_marriages_divorces.csv")
    years = pd.to_datetime(marriages["Year"], format="%Y")
    yield DemoSeries(
        "marriages",
        "Marriages in the United States (thousands per year)",
        marriages["Marriages"].set_axis(pd.DatetimeIndex(years)).asfreq("YS") / 1e3,
    )
