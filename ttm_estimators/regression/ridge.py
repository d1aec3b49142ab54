"""Coefficients of a panel by ridge regression, each series' drawn towards those of the panel.

Shape suffixes: N series, T time, R rows or blocks of time, D features, J forecasts that
are compared (those of each centre), S steps (runs of blocks that are left out), A other axes: the
scales of a series.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ttm_estimators.inputs.arrays import Array

PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 10.0)
"""Penalties to choose from, as fractions of the squares of a standardised feature."""

MIN_EXPLAINED = 0.005
"""Fraction of the squares in left-out folds that coefficients must explain to be any but 0."""


class Products(NamedTuple):
    """Sums of products over the rows of each block of time of each series, on each scale."""

    squares_NRDD: Array
    """Of features with features."""

    products_NRDA: Array
    """Of features with the series."""

    energy_NRA: Array
    """Of the series with itself."""

    rows_N: Array
    """Rows of each series."""

    known_NA: Array
    """1 where the series has the scale, and 0 where it has not, as its products then are."""


class Coefficients(NamedTuple):
    """Coefficients of every series on one scale."""

    all_ND: Array
    """From all blocks."""

    without_NRD: Array
    """From all but one of the first blocks each, the held-out windows."""


def products_of(
    features_TD: Array, values_TA: Array, block_T: npt.NDArray[np.int64], blocks: int
) -> Products:
    """Sums of products of one series, N = 1, on the scales that it has, NaN on the others.

    Each block is a run of rows. Rows with a missing value do not count.
    """
    known_A = np.asarray(~np.isnan(values_TA).all(axis=0))
    missing_T = np.isnan(values_TA[:, known_A]).any(axis=1) | np.isnan(features_TD).any(axis=1)
    known_T = np.asarray(~missing_T)
    features_TD = np.where(known_T[:, None], features_TD, 0.0)
    values_TA = np.where(known_T[:, None] & known_A, values_TA, 0.0)
    features, scales = features_TD.shape[1], len(known_A)
    squares_RDD = np.zeros((blocks, features, features))
    products_RDA, energy_RA = np.zeros((blocks, features, scales)), np.zeros((blocks, scales))
    ends = [*(np.flatnonzero(np.diff(block_T)) + 1), len(block_T)]
    for begin, end in zip([0, *ends], ends, strict=False):
        part_TD, part_TA = features_TD[begin:end], values_TA[begin:end]
        squares_RDD[block_T[begin]] = part_TD.T @ part_TD
        products_RDA[block_T[begin]] = part_TD.T @ part_TA
        energy_RA[block_T[begin]] = np.square(part_TA).sum(axis=0)
    rows_N = np.array([float(known_T.sum())])
    known_NA = known_A[None].astype(float)
    return Products(squares_RDD[None], products_RDA[None], energy_RA[None], rows_N, known_NA)


def fit(
    panel: Iterable[Products], fold_R: npt.NDArray[np.int64], windows: int
) -> list[Coefficients]:
    """Fit all series on each scale with the penalty that forecasts left-out folds best.

    Coefficients of a panel are those of all its series together. Each series has its own, drawn
    towards these or towards 0, whichever is better in left-out folds.

    Parameters
    ----------
    panel : iterable of Products
        Of some series at a time. It is gone through several times.
    fold_R : array of int
        Fold of each block, from 0 on.
    windows : int
        The first so many blocks are held-out windows.
    """
    blocks = len(fold_R)
    fold_SR = np.eye(fold_R.max() + 1)[fold_R].T
    # Nothing is left out, or one of the windows.
    window_SR = np.concatenate([np.zeros((1, blocks)), np.eye(blocks)[:windows]])
    pooled, series = _pooled(panel)
    zero_JSDA = np.zeros((1, len(fold_SR), pooled[0].products_NRDA.shape[2], 1))
    towards_folds: list[Array] = []
    towards_windows: list[Array] = []
    for one in pooled:
        ((strength, _, _),) = _choose([one], fold_SR, zero_JSDA, one.rows_N.sum())
        for towards, left_SR in ((towards_folds, fold_SR), (towards_windows, window_SR)):
            none_SD = np.zeros((len(left_SR), zero_JSDA.shape[2]))
            (pooled_SD,) = _coefficients([one], left_SR, [(strength, none_SD)])[0]
            towards.append(np.stack([none_SD] if series == 1 else [none_SD, pooled_SD]))
    rows = pooled[0].rows_N.sum() / series
    chosen = _choose(panel, fold_SR, np.stack(towards_folds, axis=-1), rows)
    ways = [
        (strength, towards_windows[scale][centre])
        for scale, (strength, centre, _) in enumerate(chosen)
    ]
    found = []
    for one, (_, _, loss), found_NSD in zip(
        pooled, chosen, _coefficients(panel, window_SR, ways), strict=True
    ):
        if loss >= (1 - MIN_EXPLAINED) * float(one.energy_NRA.sum()):
            found_NSD = np.zeros_like(found_NSD)
        found.append(Coefficients(found_NSD[:, 0], found_NSD[:, 1:]))
    return found


def _pooled(panel: Iterable[Products]) -> tuple[list[Products], int]:
    """All series that have a scale as one, for each scale, and the number of all series."""
    pooled: list[Products] = []
    series = 0
    for some in panel:
        series += len(some.rows_N)
        ones = [
            Products(
                np.tensordot(known_N, some.squares_NRDD, axes=1)[None],
                some.products_NRDA[..., [scale]].sum(axis=0)[None],
                some.energy_NRA[..., [scale]].sum(axis=0)[None],
                known_N @ some.rows_N[:, None],
                np.zeros((1, 1)),
            )
            for scale, known_N in enumerate(some.known_NA.T)
        ]
        if pooled:
            ones = [Products(*map(np.add, *both)) for both in zip(pooled, ones, strict=True)]
        pooled = ones
    return [one._replace(known_NA=np.ones((1, 1))) for one in pooled], series


def _choose(
    panel: Iterable[Products], fold_SR: Array, centre_JSDA: Array, rows: float
) -> list[tuple[float | None, int, float]]:
    """Strength of the penalty, centre, and loss in left-out folds on each scale, at the least loss.

    A centre itself, an infinite penalty, is one of the choices: None.
    """
    centres, folds, features, scales = centre_JSDA.shape
    strengths = [None, *(penalty * max(float(rows), 1.0) for penalty in PENALTIES)]
    centre_SDA = np.moveaxis(centre_JSDA, 0, 2).reshape(folds, features, centres * scales)
    loss_RJA = np.zeros((len(strengths), centres, scales))
    for some in panel:
        squares_NSDD, products_NSDA = _left_out(some, fold_SR)
        products_NSDA = np.tile(products_NSDA, centres)
        fold = some._replace(
            squares_NRDD=_sums(some.squares_NRDD, fold_SR),
            products_NRDA=_sums(some.products_NRDA, fold_SR),
            energy_NRA=_sums(some.energy_NRA, fold_SR),
        )
        for number, strength in enumerate(strengths):
            found_NSDA = np.broadcast_to(centre_SDA, products_NSDA.shape)
            if strength is not None:
                found_NSDA = _solve(squares_NSDD, products_NSDA, strength, centre_SDA)
            loss_RJA[number] += _loss(fold, found_NSDA, centres)
    best = []
    for scale in range(scales):
        loss_RJ = loss_RJA[..., scale]
        number, centre = map(int, np.unravel_index(loss_RJ.argmin(), loss_RJ.shape))
        best.append((strengths[number], centre, float(loss_RJ.min())))
    return best


def _coefficients(
    panel: Iterable[Products], left_SR: Array, ways: Sequence[tuple[float | None, Array]]
) -> list[Array]:
    """Coefficients on each scale without some blocks each, drawn towards those of a centre."""
    found: list[list[Array]] = [[] for _ in ways]
    for some in panel:
        squares_NSDD, products_NSDA = _left_out(some, left_SR)
        for scale, (strength, centre_SD) in enumerate(ways):
            if strength is None:
                found_NSD = np.repeat(centre_SD[None], len(some.rows_N), axis=0)
            else:
                right_NSDA, centre_SDA = products_NSDA[..., [scale]], centre_SD[..., None]
                found_NSD = _solve(squares_NSDD, right_NSDA, strength, centre_SDA)[..., 0]
            found[scale].append(found_NSD)
    return [np.concatenate(each) for each in found]


def _sums(of_blocks: Array, left_SR: Array) -> Array:
    """Sums over some blocks each."""
    series, blocks, *rest = of_blocks.shape
    return (left_SR @ of_blocks.reshape(series, blocks, -1)).reshape(series, -1, *rest)


def _left_out(panel: Products, left_SR: Array) -> tuple[Array, Array]:
    """Sums of products of all but some blocks each."""
    rest_SR = 1.0 - left_SR
    return _sums(panel.squares_NRDD, rest_SR), _sums(panel.products_NRDA, rest_SR)


def _solve(squares_NSDD: Array, products_NSDA: Array, strength: float, centre_SDA: Array) -> Array:
    """Coefficients that are drawn towards those of a centre."""
    shrunk_NSDD = squares_NSDD + strength * np.eye(squares_NSDD.shape[-1])
    return np.asarray(np.linalg.solve(shrunk_NSDD, products_NSDA + strength * centre_SDA))


def _loss(fold: Products, found_NSDA: Array, centres: int) -> Array:
    """Sum of squared errors in left-out folds, by centre and scale."""
    products_NSDA = np.tile(fold.products_NRDA, centres)
    explained_NSDA = fold.squares_NRDD @ found_NSDA - 2 * products_NSDA
    change_NA = (found_NSDA * explained_NSDA).sum(axis=(1, 2))
    known_NA, energy_NA = fold.known_NA, fold.energy_NRA.sum(axis=1)
    error_NJA = energy_NA[:, None] + change_NA.reshape(len(known_NA), centres, -1)
    return np.asarray((known_NA[:, None] * error_NJA).sum(axis=0))
