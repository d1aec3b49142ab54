"""KnownInFuture covariates regressed out of histories, and kept where held-out windows gain (ours).

A history less what its covariates explain is forecast, and what they will explain is added to all
quantiles. So the network sees a history without them, and does not count them a second time. How
the coefficients are estimated, on which scale, and whether any of it is kept, is decided on windows
of the series' own past that are forecast as the future is.

Shape suffixes: N series, T time, H horizon, Q quantile levels, X covariates known in the future,
D features, R rows or blocks of time (held-out windows), J forecasts that are
compared, A other axes: widths of bands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ttm_estimators.inputs.arrays import Array
from ttm_estimators.inputs.covariates import KnownInFuture
from ttm_estimators.regression.design import continuous_columns, make_features
from ttm_estimators.regression.effects import CovariateEffects
from ttm_estimators.regression.filters import Filter, find_season, level, local, steps
from ttm_estimators.regression.keep import best, best_width, is_clear, kept_gains
from ttm_estimators.regression.ridge import Coefficients, Products, fit, products_of

MIN_WINDOWS, MAX_WINDOWS, PANEL_WINDOWS = 12, 24, 64
"""Windows held out of a series, where its history is long enough: at least, at most, and in between
so many of all the series of a panel. They take most of the time."""

MIN_FIRST_WINDOWS, MAX_FIRST_WINDOWS, PANEL_FIRST_WINDOWS = 1, 3, 12
"""Of these, windows that all ways to estimate effects are tried on. The others judge the best one,
where it is any better than none: the best of several looks better where it was chosen. More windows
to choose left too few to judge (on series of the corpus)."""

SHORT_HORIZON = 4
"""Steps below which there may be more windows, twice as many at 2 or 3 steps and four times as many
at one: a window of one step tells little (ours, on series of the corpus)."""

PANEL_WINDOWS_AT_ONCE = 16
"""Windows of all the series of a panel that judge before it is looked whether it is clear: a
network is fast with some at a time."""

MIN_OTHER_WINDOWS = 3
"""Other windows without which all judge together."""

GOLDEN_RATIO = (5**0.5 - 1) / 2

WIDTHS = (1.0, 1.15, 1.3, 1.5, 1.75, 2.0)
"""Factors of the width of bands to choose from: a network knows nothing of how uncertain the
coefficients are."""

EARLY_BLOCKS = 4
"""Blocks of time before the windows, to choose a penalty by."""

MIN_FOLDS, MAX_FOLDS, PANEL_FOLDS = 4, 16, 128
"""Folds of blocks, each left out to choose a penalty: at least, at most, and in between so many of
all the series of a panel."""

SERIES_AT_ONCE = 32
"""Series that are worked on together: it bounds memory."""

MAX_BYTES_KEPT = 2**28
"""Bytes of features, and of their products, that are kept for the next time they are needed, about,
and not made anew."""

MIN_DEVIATION_OF_LOGARITHM = 0.15
"""Standard deviation of the logarithm of a series below which it is so straight a line that effects
on it are those on the series itself (ours)."""

MIN_POINTS = 20_000
"""Latest points that coefficients are estimated from, or as many more as a forecast depends on."""

MIN_HISTORY_POINTS = 40
"""Points without which a series is too short to tell what covariates do (ours: for shorter ones
noise was kept in a third)."""


class Regression(NamedTuple):
    """One series, and what covariates add to it."""

    adjusted_T: Array
    """The history less what covariates explain: the history itself where none is kept."""

    apply: Callable[[Array], Array]
    """Adds the effects to quantiles of shape (H, Q) of the adjusted history's future."""

    explain: Callable[[Array], CovariateEffects]
    """What each covariate adds to a point forecast of shape (H,) of the adjusted history."""

    kept: bool


class _Scale(NamedTuple):
    """Scale on which effects add up: that of the series, or of its logarithm."""

    logarithm: bool
    mean: float
    deviation: float

    def of(self, values_T: Array) -> Array:
        """Values on the scale, with mean 0 and standard deviation 1."""
        values_T = np.log(values_T) if self.logarithm else values_T
        return np.asarray((values_T - self.mean) / self.deviation)

    def add(self, values: Array, effect: Array) -> Array:
        """Values of the series plus an effect on the scale."""
        factor, added = self.factor_and_term(effect)
        return np.asarray(values * factor + added)

    def factor_and_term(self, effect: Array) -> tuple[Array, Array]:
        """By what values of the series are multiplied, and what is then added to them."""
        effect = effect * self.deviation
        if self.logarithm:
            return np.exp(effect), np.zeros_like(effect)
        return np.ones_like(effect), effect

    def bounded(self, effect_T: Array, points: int) -> Array:
        """Effects of a history and its future, on a logarithm none beyond those of the history:
        there a line would soon be a thousandfold.
        """
        if not self.logarithm:
            return effect_T
        return np.asarray(effect_T.clip(effect_T[:points].min(), effect_T[:points].max()))


class _Features:
    """Features of the series of a panel, of which many have the same covariates."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, int, int], tuple[Array, list[int]]] = {}
        self.bytes = 0
        self.filtered: tuple[Array, Filter, Array] | None = None

    def __call__(self, one: _Member) -> tuple[Array, list[int]]:
        """Features of a series, and the column that each comes from."""
        key = id(one.known_TX), len(one.values_T), one.season
        if key not in self.found:
            features = make_features(one.known_TX, *key[1:], one.continuous)
            if self.bytes > MAX_BYTES_KEPT:
                self.found, self.bytes = {}, 0
            self.found[key] = features
            self.bytes += features[0].nbytes
        return self.found[key]

    def less(self, filter_: Filter, one: _Member) -> Array:
        """Features of the history of a series, filtered."""
        features_TD, _ = self(one)
        of, by, _ = self.filtered or (None, None, None)
        if of is not features_TD or by is not filter_:
            history_TD = features_TD[: len(one.values_T)]
            self.filtered = features_TD, filter_, filter_(history_TD, one.season)
        assert self.filtered is not None
        return self.filtered[2]


class _Member(NamedTuple):
    """A series of the panel, with all that is known of it."""

    name: str
    values_T: Array
    known_TX: Array
    """The same array where the series before has the same covariates."""

    season: int
    continuous: list[int]
    cutoffs: list[int]
    windows: int
    """Windows of each series at most."""

    horizon: int
    scales: tuple[_Scale | None, ...]
    """Of the series and its logarithm, None where it has none."""

    def blocks(self) -> npt.NDArray[np.int64]:
        """Number of the block of each point: windows, the last first, then what lies before."""
        points = len(self.values_T)
        ends = [cutoff + self.horizon for cutoff in self.cutoffs]
        first = 2 * ends[-1] - ends[-2] if len(ends) > 1 else self.cutoffs[0]
        block_T: npt.NDArray[np.int64] = np.arange(points) * EARLY_BLOCKS // max(first, 1)
        block_T += self.windows
        for number, end in enumerate(ends):
            begin = ends[number + 1] if number + 1 < len(ends) else first
            block_T[begin:end] = number
        block_T[ends[0] :] = 0
        return block_T


_CANDIDATES = ((0, level), (0, steps), (0, local), (1, steps), (1, local))
"""Scale and filter of each way to estimate effects: 0 for the series itself, 1 for its logarithm.
The level of a logarithm was never much better than these (measured on series of the corpus)."""


def regress_out(
    series: Sequence[Array],
    known: Sequence[KnownInFuture],
    horizon: int,
    *,
    names: Sequence[str],
    levels: Sequence[float],
    reach: int,
    forecast: Callable[[Sequence[Array], Sequence[str]], Array],
    bounds: Callable[[Array], tuple[Array, Array]],
) -> list[Regression]:
    """Regress covariates out of the series of a panel.

    Coefficients are shared by series where that forecasts left-out blocks of time better, and
    whether to keep them is judged by all: what becomes of a series may depend on the others, but
    not on their order.

    Parameters
    ----------
    series : sequence of array
        Histories of shape (time,), NaN where missing.
    known : sequence of KnownInFuture
        Covariates of each, of the history and the horizon. Series share coefficients of covariates
        with one name.
    horizon : int
        Steps to forecast.
    names : sequence of str
        How messages call each series.
    levels : sequence of float
        Quantile levels of ``forecast``.
    reach : int
        Latest points that a forecast depends on.
    forecast : callable
        Forecasts histories, given with their names, to quantiles of shape (N, H, Q).
    bounds : callable
        Lowest and highest values that quantiles may have, by a history.

    Returns
    -------
    list of Regression
        In the order of ``series``.
    """
    begins = [max(0, _end(values_T) - max(reach, MIN_POINTS)) for values_T in series]
    known = [
        one._replace(values_TX=one.values_TX[begin:])
        for one, begin in zip(known, begins, strict=True)
    ]
    series = [values_T[begin:] for values_T, begin in zip(series, begins, strict=True)]
    columns = tuple(dict.fromkeys(name for one in known for name in one.names))
    members = _members(series, known, columns, horizon, names)
    judged = [
        i
        for i, one in enumerate(members)
        if known[i].names and one.cutoffs and one.scales[0] is not None
    ]
    panel = [members[i] for i in judged]
    width, features = 0, _Features()
    gain_N, chosen_N = np.zeros(len(members)), np.full(len(members), -1)
    windows_N = np.zeros(len(members), dtype=np.int64)
    fitted: list[Coefficients] = []
    if panel:
        fitted = _fit_all(panel, features)
        losses = _Losses(panel, fitted, features, levels, reach, forecast, bounds)
        chosen_N[judged], gain_N[judged], width, windows_N[judged] = losses.judge()
    found = []
    for i, one in enumerate(members):
        coefficients_D = None
        candidate = int(chosen_N[i])
        if candidate >= 0:
            coefficients_D = fitted[candidate].all_ND[judged.index(i)]
        found.append(
            _regression(
                one,
                columns,
                candidate,
                coefficients_D,
                float(gain_N[i]),
                int(windows_N[i]),
                WIDTHS[width],
                levels,
                features,
            )
        )
    return found


def _members(
    series: Sequence[Array],
    known: Sequence[KnownInFuture],
    columns: tuple[str, ...],
    horizon: int,
    names: Sequence[str],
) -> list[_Member]:
    aligned: list[Array] = []
    for values_T, one in zip(series, known, strict=True):
        known_TX = np.full((len(values_T) + horizon, len(columns)), np.nan)
        index = [columns.index(name) for name in one.names]
        if index:
            known_TX[:, index] = one.values_TX[: len(known_TX)]
        if aligned and np.array_equal(known_TX, aligned[-1], equal_nan=True):
            known_TX = aligned[-1]
        aligned.append(known_TX)
    continuous = continuous_columns(aligned) if columns else []
    more = _more(horizon)
    windows = _bounded(MIN_WINDOWS, MAX_WINDOWS * more, PANEL_WINDOWS * more, len(series))
    return [
        _Member(
            name,
            values_T,
            known_TX,
            find_season(_unit(values_T)),
            continuous,
            _cutoffs(values_T, horizon, windows),
            windows,
            horizon,
            (_scale(values_T, logarithm=False), _scale(values_T, logarithm=True)),
        )
        for name, values_T, known_TX in zip(names, series, aligned, strict=True)
    ]


def _end(values_T: Array) -> int:
    """Points up to the last observed one."""
    return int(np.flatnonzero(~np.isnan(values_T))[-1]) + 1


def _unit(values_T: Array) -> Array:
    """Values over the largest, whose squares do not overflow."""
    size = np.nanmax(np.abs(values_T))
    return np.asarray(values_T / (size if size > 0 else 1.0))


def _scale(values_T: Array, *, logarithm: bool) -> _Scale | None:
    """Scale of a series, None where it does not vary, or has no logarithm or about a linear one."""
    if logarithm:
        if not (values_T[~np.isnan(values_T)] > 0).all():
            return None
        values_T = np.log(values_T)
        if np.nanstd(values_T) < MIN_DEVIATION_OF_LOGARITHM:
            return None
    size = float(np.nanmax(np.abs(values_T))) or 1.0
    mean, deviation = (float(each(values_T / size)) for each in (np.nanmean, np.nanstd))
    if deviation <= 1e-9:
        return None
    return _Scale(logarithm, mean * size, deviation * size)


def _bounded(minimum: int, maximum: int, of_panel: int, series: int) -> int:
    """Windows of each series, so that a panel has few in all."""
    return max(minimum, min(maximum, of_panel // max(series, 1)))


def _more(horizon: int) -> int:
    """How many times more windows a short horizon has."""
    return max(1, -(-SHORT_HORIZON // horizon))


def _spread(windows: Sequence[int]) -> list[int]:
    """Windows in an order in which the first so many are always spread over all."""
    return sorted(windows, key=lambda number: number * GOLDEN_RATIO % 1)


def _cutoffs(values_T: Array, horizon: int, windows: int) -> list[int]:
    """Cutoffs of held-out windows, the last first, evenly spread over the later half."""
    first, end = int((~np.isnan(values_T)).argmax()), _end(values_T)
    if end - first < MIN_HISTORY_POINTS:
        return []
    half = (end - first) // 2
    windows = min(windows, half // horizon)
    if not windows:
        return []
    stride = half // windows // horizon * horizon
    return [end - horizon - number * stride for number in range(windows)]


def _fit_all(panel: Sequence[_Member], features: _Features) -> list[Coefficients]:
    """Coefficients of each candidate."""
    windows = panel[0].windows
    fold_R = _folds(windows, _bounded(MIN_FOLDS, MAX_FOLDS, PANEL_FOLDS, len(panel)))
    found: dict[tuple[int, Filter], Coefficients] = {}
    for filter_ in dict.fromkeys(filter_ for _, filter_ in _CANDIDATES):
        fitted = fit(_Parts(panel, features, filter_, len(fold_R)), fold_R, windows)
        found |= {(scale, filter_): each for scale, each in enumerate(fitted)}
    return [found[candidate] for candidate in _CANDIDATES]


class _Parts:
    """Products of the series of a panel, some at a time."""

    def __init__(
        self, panel: Sequence[_Member], features: _Features, filter_: Filter, blocks: int
    ) -> None:
        self.panel = panel
        self.features = features
        self.filter = filter_
        self.blocks = blocks
        self.kept: dict[int, Products] = {}
        self.bytes = 0

    def __iter__(self) -> Iterator[Products]:
        for first in range(0, len(self.panel), SERIES_AT_ONCE):
            some = self.kept.get(first)
            if some is None:
                each = [self._of(one) for one in self.panel[first : first + SERIES_AT_ONCE]]
                some = Products(*map(np.concatenate, zip(*each, strict=True)))
                if self.bytes + some.squares_NRDD.nbytes <= MAX_BYTES_KEPT:
                    self.bytes += some.squares_NRDD.nbytes
                    self.kept[first] = some
            yield some

    def _of(self, one: _Member) -> Products:
        values_TA = np.full((len(one.values_T), len(one.scales)), np.nan)
        for number, scale in enumerate(one.scales):
            if scale is not None:
                values_T1 = scale.of(one.values_T)[:, None]
                values_TA[:, [number]] = self.filter(values_T1, one.season)
        return products_of(
            self.features.less(self.filter, one), values_TA, one.blocks(), self.blocks
        )


def _folds(windows: int, folds: int) -> npt.NDArray[np.int64]:
    """Fold of each block, windows first: runs of about the same length."""
    length_R = np.r_[np.ones(windows), np.full(EARLY_BLOCKS, windows / EARLY_BLOCKS)]
    middle_R = np.empty(len(length_R))
    in_time = [*range(windows, len(length_R)), *reversed(range(windows))]
    middle_R[in_time] = length_R[in_time].cumsum() - length_R[in_time] / 2
    return (middle_R / length_R.sum() * folds).astype(np.int64)


class _Losses(NamedTuple):
    """Held-out windows of a panel, and how to forecast them."""

    panel: Sequence[_Member]
    fitted: Sequence[Coefficients]
    features: _Features
    levels: Sequence[float]
    reach: int
    forecast: Callable[[Sequence[Array], Sequence[str]], Array]
    bounds: Callable[[Array], tuple[Array, Array]]

    def judge(self) -> tuple[npt.NDArray[np.int64], Array, int, npt.NDArray[np.int64]]:
        """Candidate of each series, -1 for none, its gain, the number of the width of bands, and
        how many windows were forecast.
        """
        series, windows = len(self.panel), max(len(one.cutoffs) for one in self.panel)
        more = _more(self.panel[0].horizon)
        most, of_panel = MAX_FIRST_WINDOWS * more, PANEL_FIRST_WINDOWS * more
        first_windows = _bounded(MIN_FIRST_WINDOWS, most, of_panel, series)
        loss_JNRA = np.full((1 + len(_CANDIDATES), series, windows, len(WIDTHS)), np.nan)
        every = max(2 if windows >= 2 * MIN_OTHER_WINDOWS else 1, windows // first_windows)
        first = [*range(0, windows, every)]
        self._measure(loss_JNRA, [[*range(len(_CANDIDATES))]] * series, first)
        best_N = best(loss_JNRA[0, ..., 0], loss_JNRA[1:, ..., 0])
        others = _spread([number for number in range(windows) if number not in first])
        at_once = _bounded(1, max(len(others), 1), PANEL_WINDOWS_AT_ONCE, series)
        candidates = [[one] if one >= 0 else None for one in best_N]
        for begin in range(0, max(len(others), 1), at_once):
            done = others[: begin + at_once]
            self._measure(loss_JNRA, candidates, others[begin : begin + at_once])
            after_NRA = loss_JNRA[1 + best_N, np.arange(series)]
            after_NRA[best_N < 0] = np.nan
            before_NR = loss_JNRA[0, ..., 0].copy()
            width = best_width(before_NR, after_NRA)
            if len(others) >= MIN_OTHER_WINDOWS:
                # A series that is too short for the others is judged by what it has.
                long_N = ~np.isnan(before_NR[:, done]).all(axis=1)
                before_NR[np.ix_(long_N, first)] = np.nan
            more = len(done) < len(others)
            if more and is_clear(before_NR, after_NRA[..., width], len(done) / len(others)):
                break
        gain_N = kept_gains(before_NR, after_NRA[..., width])
        windows_N = (~np.isnan(loss_JNRA[0, ..., 0])).sum(axis=1)
        return np.where(gain_N > 0, best_N, -1), gain_N, width, windows_N

    def _measure(
        self, loss_JNRA: Array, candidates: Sequence[list[int] | None], windows: Sequence[int]
    ) -> None:
        """Fill in the loss of windows, without covariates and by candidates at each width.

        Losses stay NaN where there is no window, nothing was observed before or after its cutoff,
        or a candidate has no effect.
        """
        for first in range(0, len(self.panel), SERIES_AT_ONCE):
            trials = [
                trial
                for i, one in enumerate(self.panel[first : first + SERIES_AT_ONCE], start=first)
                for trial in self._trials(one, i, candidates[i], windows)
            ]
            if not trials:
                continue
            names = [self.panel[trial.place[1]].name for trial in trials]
            quantiles_NHQ = self.forecast([trial.history_T for trial in trials], names)
            truth_NH1, factor_NH1, added_NH1 = (
                np.stack([getattr(trial, name) for trial in trials])[..., None]
                for name in ("truth_H", "factor_H", "added_H")
            )
            bounds_N2 = np.array([trial.bounds for trial in trials])[..., None, None]
            places = tuple(np.array([trial.place for trial in trials]).T)
            for number, width in enumerate(WIDTHS):
                wider_NHQ = _widened(quantiles_NHQ, width, self.levels) * factor_NH1 + added_NH1
                wider_NHQ = wider_NHQ.clip(bounds_N2[:, 0], bounds_N2[:, 1])
                loss_JNRA[(*places, number)] = _quantile_loss(truth_NH1, wider_NHQ, self.levels)

    def _trials(
        self, one: _Member, i: int, candidates: list[int] | None, windows: Sequence[int]
    ) -> Iterator[_Trial]:
        """Held-out windows of a series, as candidates and none forecast them."""
        if candidates is None or not windows:
            return
        features_TD, _ = self.features(one)
        for number in windows:
            if number >= len(one.cutoffs):
                return
            cutoff = one.cutoffs[number]
            begin, end = max(0, cutoff - self.reach), cutoff + one.horizon
            past_T, truth_H = one.values_T[begin:cutoff], one.values_T[cutoff:end]
            if np.isnan(past_T).all() or np.isnan(truth_H).all():
                continue
            low, high = (float(each.item()) for each in self.bounds(past_T))
            same_H, none_H = np.ones(one.horizon), np.zeros(one.horizon)
            yield _Trial((0, i, number), past_T, truth_H, same_H, none_H, (low, high))
            for candidate in candidates:
                coefficients = self.fitted[candidate]
                scale = one.scales[_CANDIDATES[candidate][0]]
                if scale is None or not coefficients.all_ND[i].any():
                    continue
                coefficients_D = coefficients.without_NRD[i, number]
                effect_T = features_TD[begin:end] @ coefficients_D
                effect_T = scale.bounded(effect_T, len(past_T))
                history_T = scale.add(past_T, -effect_T[: len(past_T)])
                factor_H, added_H = scale.factor_and_term(effect_T[len(past_T) :])
                place = (1 + candidate, i, number)
                yield _Trial(place, history_T, truth_H, factor_H, added_H, (low, high))


class _Trial(NamedTuple):
    """A held-out window, as one candidate or none forecasts it."""

    place: tuple[int, int, int]
    """Candidate from 1 on, 0 for none; series, and window."""

    history_T: Array
    """What is forecast."""

    truth_H: Array
    factor_H: Array
    added_H: Array
    """What makes a forecast of the history one with the effects."""

    bounds: tuple[float, float]


def _widened(quantiles_HQ: Array, width: float, levels: Sequence[float]) -> Array:
    """Bands of another width around the same median."""
    median_H1 = quantiles_HQ[..., [list(levels).index(0.5)]]
    return np.asarray(median_H1 + width * (quantiles_HQ - median_H1))


def _quantile_loss(truth_NH1: Array, quantiles_NHQ: Array, levels: Sequence[float]) -> Array:
    level_Q = np.asarray(levels)
    error_NHQ = truth_NH1 - quantiles_NHQ
    loss_NH = np.maximum(level_Q * error_NHQ, (level_Q - 1) * error_NHQ).mean(axis=-1)
    return np.asarray(np.nanmean(loss_NH, axis=-1))


def _group(column: str) -> str:
    """What an effect is told of: holidays and categories are one each."""
    return column.split("=")[0] or column


def _regression(
    one: _Member,
    columns: tuple[str, ...],
    candidate: int,
    coefficients_D: Array | None,
    gain: float,
    windows: int,
    width: float,
    levels: Sequence[float],
    features: _Features,
) -> Regression:
    """What becomes of one series."""
    names = tuple(dict.fromkeys(_group(column) for column in columns))
    points = len(one.values_T)
    if coefficients_D is None:
        nothing = CovariateEffects(names, np.zeros((one.horizon, len(names))), 0.0, windows)
        return Regression(one.values_T, lambda quantiles: quantiles, lambda point: nothing, False)
    scale = one.scales[_CANDIDATES[candidate][0]]
    assert scale is not None
    features_TD, origins = features(one)
    added_TD = features_TD * coefficients_D
    effect_T = scale.bounded(added_TD.sum(axis=1), points)
    group_D = np.array([names.index(_group(columns[x])) for x in origins])
    added_HX = np.stack(
        [added_TD[points:, group_D == x].sum(axis=1) for x in range(len(names))], axis=1
    )

    def apply(quantiles_HQ: Array) -> Array:
        wider_HQ = _widened(quantiles_HQ, width, levels)
        return scale.add(wider_HQ, effect_T[points:, None])

    def explain(point_H: Array) -> CovariateEffects:
        total_H = scale.add(point_H, effect_T[points:]) - point_H
        # On a logarithm effects multiply: each has its part of the whole.
        sum_H = added_HX.sum(axis=1)
        per_unit_H = np.divide(total_H, sum_H, out=np.zeros_like(total_H), where=sum_H != 0)
        values_HX = added_HX * per_unit_H[:, None]
        return CovariateEffects(names, values_HX, gain, windows)

    return Regression(scale.add(one.values_T, -effect_T[:points]), apply, explain, True)
