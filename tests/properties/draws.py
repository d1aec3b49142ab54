"""Series of many kinds, drawn by their kind, length and seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from hypothesis import strategies as st

from ttm_benchmarks.demo.series import demo_series

LONGEST = 30_000
FARTHEST = 1_500

Random = np.random.Generator


def autoregressive(random: Random, length: int) -> np.ndarray:
    gain = random.choice([0.5, 0.9, 0.99])
    x = random.normal(size=length)
    for t in range(1, length):
        x[t] += gain * x[t - 1]
    return x


def random_walk(random: Random, length: int) -> np.ndarray:
    return random.normal(size=length).cumsum()


def trend(random: Random, length: int) -> np.ndarray:
    return random.normal() * np.arange(length) + random.normal(size=length)


def growth(random: Random, length: int) -> np.ndarray:
    days = np.linspace(-8, random.uniform(-4, 8), length)
    return np.round(1e4 / (1 + np.exp(-days)) * random.lognormal(sigma=0.1, size=length))


def clean_sine(random: Random, length: int) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(length) / random.uniform(2, 400) + random.uniform(0, 6))


def clean_cycle(random: Random, length: int) -> np.ndarray:
    return np.resize(random.normal(size=random.integers(2, 200)), length)


def season(random: Random, length: int) -> np.ndarray:
    period = random.choice([4, 7, 12, 24, 52, 96, 168, 288, 365])
    wave = np.sin(2 * np.pi * np.arange(length) / period)
    return 20 + 5 * wave + 0.3 * random.normal(size=length)


def two_seasons(random: Random, length: int) -> np.ndarray:
    step = np.arange(length)
    wave = np.sin(2 * np.pi * step / 24) + 2 * (step // 24 % 7 < 5)
    return wave + 0.2 * random.normal(size=length)


def counts(random: Random, length: int) -> np.ndarray:
    return random.poisson(random.lognormal(), size=length).astype(float)


def sparse(random: Random, length: int) -> np.ndarray:
    return random.poisson(3, size=length) * (random.uniform(size=length) < 0.05).astype(float)


def bursts(random: Random, length: int) -> np.ndarray:
    return np.round(random.pareto(1.5, size=length))


def level_shifts(random: Random, length: int) -> np.ndarray:
    level = (random.normal(size=length) * (random.uniform(size=length) < 5 / length)).cumsum()
    return 10 * level + random.normal(size=length)


def rounded(random: Random, length: int) -> np.ndarray:
    return np.round(random.normal(size=length).cumsum() / 5)


def two_values(random: Random, length: int) -> np.ndarray:
    return (np.arange(length) // random.integers(1, 50) % 2).astype(float)


def constant(random: Random, length: int) -> np.ndarray:
    return np.full(length, random.normal())


@cache
def _real() -> list[np.ndarray]:
    return [series.values.to_numpy(dtype=float) for series in demo_series()]


def real(random: Random, length: int) -> np.ndarray:
    """What a real series was up to any of its moments."""
    values = _real()[random.integers(len(_real()))]
    end = random.integers(1, len(values) + 1)
    part = values[max(0, end - length) : end]
    return part if np.isfinite(part).any() else values[np.isfinite(values)][:1]


KINDS: dict[str, Callable[[Random, int], np.ndarray]] = {
    kind.__name__: kind
    for kind in (
        season,
        constant,
        two_values,
        clean_cycle,
        clean_sine,
        two_seasons,
        trend,
        growth,
        counts,
        sparse,
        bursts,
        rounded,
        level_shifts,
        random_walk,
        autoregressive,
        real,
    )
}


def lose(random: Random, values: np.ndarray, gaps: str) -> np.ndarray:
    """Lose points, a stretch, or the end of a series, but not all of it, or spoil single points."""
    if gaps == "outliers":
        values = values.copy()
        values[random.integers(len(values), size=2)] += 1e5 * spread(values)
        return values
    lost = np.zeros(len(values), dtype=bool)
    if gaps == "codes":
        values = values.copy()
        values[random.integers(len(values)) :: random.choice([1, 24, 10**6])][:20] = -999
        return values
    if gaps == "points":
        lost = random.uniform(size=len(values)) < random.uniform(0, 0.5)
    if gaps == "stretch":
        lost[random.integers(len(values)) :][: random.integers(1, 3000)] = True
    if gaps == "end":
        lost[-random.integers(1, 3000) :] = True
    if np.isnan(values[~lost]).all():
        return values
    return np.where(lost, np.nan, values)


@dataclass(frozen=True)
class Drawn:
    """A series, told by what it was drawn from."""

    kind: str
    length: int
    gaps: str
    seed: int

    @property
    def values(self) -> np.ndarray:
        random = np.random.default_rng(self.seed)
        return lose(random, KINDS[self.kind](random, self.length), self.gaps)


def _sizes(largest: int) -> st.SearchStrategy[int]:
    """Whole numbers, each power of two as likely as the next."""
    ends = [2**k for k in range(largest.bit_length())]
    return st.one_of(
        [st.integers(low, min(2 * low - 1, largest)) for low in ends],
    )


SERIES = st.builds(
    Drawn,
    st.sampled_from(list(KINDS)),
    _sizes(LONGEST),
    st.sampled_from(["none", "none", "points", "stretch", "end", "outliers", "codes"]),
    st.integers(0, 2**32 - 1),
)

HORIZONS = _sizes(FARTHEST)


def spread(values: np.ndarray) -> float:
    """Standard deviation of what was observed, or size where it does not vary."""
    size = np.nanmax(np.abs(values)) or 1.0
    return max(float(np.nanstd(values / size)) * size, 1e-9 * size)
