"""Coefficients of a panel by ridge regression, each series' drawn towards those of the panel.

Shape suffixes: N series, T time, R rows or blocks of time, D features, J forecasts that are
compared (those of each centre), A other axes: penalties.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ttm_estimators.inputs.arrays import Array

PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 10.0)
"""Penalties to choose from, as fractions of the squares of a standardised feature."""


MIN_EXPLAINED = 0.005
"""Fraction of the squares in left-out blocks that coefficients must explain to be any but 0."""

SERIES_AT_ONCE = 64
"""Series whose equations are solved together: it bounds memory."""


class Products(NamedTuple):
    """Sums of products over the rows of each block of time of each series."""

    squares_NRDD: Array
    """Of features with features."""

    products_NRD: Array
    """Of features with the series."""

    energy_NR: Array
    """Of the series with itself."""

    rows_N: Array
    """Rows of each series."""


class Coefficients(NamedTuple):
    """Coefficients of every series."""

    all_ND: Array
    """From all blocks."""

    without_NRD: Array
    """From all but one block each."""


def products_of(
    features_TD: Array, values_T: Array, block_T: npt.NDArray[np.int64], blocks: int
) -> Products:
    """Sums of products of one series, N = 1; rows with a missing value do not count."""
    known_T = ~np.isnan(values_T) & ~np.isnan(features_TD).any(axis=1)
    members = [np.flatnonzero(known_T & (block_T == block)) for block in range(blocks)]
    parts = [(features_TD[each], values_T[each]) for each in members]
    return Products(
        np.stack([z.T @ z for z, _ in parts])[None],
        np.stack([z.T @ y for z, y in parts])[None],
        np.array([[y @ y for _, y in parts]]),
        np.array([known_T.sum()]),
    )


def fit(panel: Products) -> Coefficients:
    """Fit all series with the penalty that forecasts left-out blocks best.

    Coefficients of a panel are those of all its series together. Each series has its own, drawn
    towards these or towards 0, whichever is better in left-out blocks.
    """
    squares_RDD, products_RD = panel.squares_NRDD.sum(axis=0), panel.products_NRD.sum(axis=0)
    pooled = Products(
        squares_RDD[None],
        products_RD[None],
        panel.energy_NR.sum(axis=0)[None],
        panel.rows_N.sum()[None],
    )
    zero = Coefficients(np.zeros_like(products_RD[:1]), np.zeros_like(products_RD)[None])
    centres = [zero]
    if len(panel.rows_N) > 1:
        centres.append(_best(pooled, [zero])[0])
    found, loss = _best(panel, centres)
    worth_it = loss < (1 - MIN_EXPLAINED) * float(panel.energy_NR.sum())
    return found if worth_it else Coefficients(*map(np.zeros_like, found))


def _best(panel: Products, centres: list[Coefficients]) -> tuple[Coefficients, float]:
    """Coefficients with the penalty and centre of the smallest loss in left-out blocks, and this.

    A centre itself, an infinite penalty, is one of the choices.
    """
    series, blocks, features = panel.products_NRD.shape
    whole = [
        Coefficients(
            np.broadcast_to(one.all_ND, (series, features)),
            np.broadcast_to(one.without_NRD, (series, blocks, features)),
        )
        for one in centres
    ]
    precision = max(float(panel.rows_N.mean()), 1.0)
    parts = [slice(i, i + SERIES_AT_ONCE) for i in range(0, series, SERIES_AT_ONCE)]
    loss_AJ = np.zeros((1 + len(PENALTIES), len(centres)))
    for part in parts:
        some = Products(*(each[part] for each in panel))
        its = [Coefficients(one.all_ND[part], one.without_NRD[part]) for one in whole]
        loss_AJ[0] += [_loss(some, one.without_NRD) for one in its]
        left = _left(some)
        for number, penalty in enumerate(PENALTIES, start=1):
            found = _solve(*left, penalty * precision, [one.without_NRD for one in its])
            loss_AJ[number] += [_loss(some, each) for each in found]
    best, centre = np.unravel_index(loss_AJ.argmin(), loss_AJ.shape)
    if best == 0:
        return whole[int(centre)], float(loss_AJ.min())
    strength = PENALTIES[int(best) - 1] * precision
    all_ND, without_NRD = np.empty((series, features)), np.empty((series, blocks, features))
    for part in parts:
        some = Products(*(each[part] for each in panel))
        one = whole[int(centre)]
        squares, products = some.squares_NRDD.sum(axis=1), some.products_NRD.sum(axis=1)
        (all_ND[part],) = _solve(squares, products, strength, [one.all_ND[part]])
        (without_NRD[part],) = _solve(*_left(some), strength, [one.without_NRD[part]])
    return Coefficients(all_ND, without_NRD), float(loss_AJ.min())


def _left(panel: Products) -> tuple[Array, Array]:
    """Sums of products of all blocks but one each."""
    return (
        panel.squares_NRDD.sum(axis=1, keepdims=True) - panel.squares_NRDD,
        panel.products_NRD.sum(axis=1, keepdims=True) - panel.products_NRD,
    )


def _solve(squares: Array, products: Array, strength: float, centres: list[Array]) -> list[Array]:
    """Coefficients that are drawn towards each of the centres."""
    right = np.stack([products + strength * centre for centre in centres], axis=-1)
    found = np.linalg.solve(squares + strength * np.eye(squares.shape[-1]), right)
    return [np.asarray(found[..., j]) for j in range(len(centres))]


def _loss(panel: Products, without_NRD: Array) -> float:
    """Sum of squared errors in left-out blocks."""
    explained_NR = np.einsum("nrd,nrd->nr", without_NRD, panel.products_NRD)
    squares_NR = np.einsum("nrd,nrde,nre->nr", without_NRD, panel.squares_NRDD, without_NRD)
    return float((panel.energy_NR - 2 * explained_NR + squares_NR).sum())
