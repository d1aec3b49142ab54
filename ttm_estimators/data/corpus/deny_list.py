"""Names of benchmark sets. Nothing that bears one is trained on."""

from __future__ import annotations

import re

_GIFT_EVAL = """
m4
electricity_load_diagrams electricity_load_diagrams_20112014
solar_10_minutes solar_energy solar_alabama
ett ett1 ett2 etth etth1 etth2 ettm ettm1 ettm2 electricity_transformer_temperature
covid_deaths covid_19_deaths covid19_deaths
us_births
saugeen saugeenday
temperature_rain
kdd_cup_2018
jena jena_weather jena_climate
car_parts
recruit_restaurant
hierarchical_sales
loop_seattle seattle_loop
sz_taxi shenzhen_taxi
m_dense madrid_dense
bitbrains
bizitobs
"""
"""Test sets of GIFT-Eval (arXiv 2410.10393) with other names for them, wherever they stand."""

_GIFT_EVAL_WORDS = "electricity solar hospital births restaurant"
"""Test sets of GIFT-Eval with names so common that they count only where nothing else is said."""

_LONG_HORIZON = """
pems_sf san_francisco_traffic
exchange_rate exchange_rates
national_illness influenza_like_illness
"""
_LONG_HORIZON_WORDS = "weather traffic exchange illness ecl ili"
"""The same for the sets that papers on long horizons share, less those above."""

_IDLE = re.compile(
    r"\b(\d+ )?(yearly|quarterly|monthly|weekly|daily|hourly|minutely|[tsahdwmqy]|min)\b"
    r"|\b(dataset|data|with|without|missing|values|nips|uci|short|medium|long"
    r"|monash|gluonts|lotsa|gift|eval)\b"
)
"""What is said of a set besides its name."""


def _names(*texts: str) -> frozenset[str]:
    return frozenset(name.replace("_", "") for text in texts for name in text.split())


_BENCHMARKS = {
    "GIFT-Eval": (_names(_GIFT_EVAL), _names(_GIFT_EVAL_WORDS)),
    "the long-horizon benchmarks": (_names(_LONG_HORIZON), _names(_LONG_HORIZON_WORDS)),
}


def find_benchmark(name: str) -> str | None:
    """Name the benchmark that a set of series belongs to, or None.

    Parameters
    ----------
    name : str
        Name of a set or of its file. Case, folders, punctuation, frequencies and words such as
        "dataset" make no difference.

    Examples
    --------
    >>> find_benchmark("monash/electricity_hourly_dataset.zip")
    'GIFT-Eval'
    >>> find_benchmark("australian_electricity_demand") is None
    True
    """
    words = re.findall(r"[a-z]+\d*|\d+", re.sub(r"\.(zip|tsf|csv|parquet)$", "", name.lower()))
    runs = {"".join(words[i:j]) for j in range(len(words) + 1) for i in range(j)}
    rest = _IDLE.sub("", " ".join(words)).replace(" ", "")
    for benchmark, (anywhere, alone) in _BENCHMARKS.items():
        if runs & anywhere or rest in alone:
            return benchmark
    return None


def refuse(name: str) -> None:
    """Refuse a source of series that bears the name of a benchmark set.

    Raises
    ------
    ValueError
        When it does.
    """
    benchmark = find_benchmark(name)
    if benchmark:
        raise ValueError(
            f"{name!r} is a test set of {benchmark}: a model that has seen it can not be measured "
            "there. Take it out, or rename it if it is something else"
        )
