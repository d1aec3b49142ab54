"""Coefficients of a panel by ridge regression, each series' drawn towards those of the panel.

Shape suffixes: N series, T time, R rows or blocks of time, D features.
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
    """Coefficients with the penalty and centre of the smallest loss, and that loss.

    A centre itself, an infinite penalty, is one of the choices.
    """
    series, blocks, features = panel.products_NRD.shape
    best: tuple[Coefficients, float] | None = None
    precision = max(float(panel.rows_N.mean()), 1.0) * np.eye(features)
    squares_NDD, products_ND = panel.squares_NRDD.sum(axis=1), panel.products_NRD.sum(axis=1)
    left_NRDD = squares_NDD[:, None] - panel.squares_NRDD
    left_NRD = products_ND[:, None] - panel.products_NRD
    for centre in centres:
        shape = (series, blocks, features)
        found = Coefficients(
            np.broadcast_to(centre.all_ND, (series, features)),
            np.broadcast_to(centre.without_NRD, shape),
        )
        candidates = [(found, _loss(panel, found.without_NRD))]
        for penalty in PENALTIES:
            added_DD = penalty * precision
            strength = penalty * precision[0, 0]
            without_NRD = _solve(left_NRDD + added_DD, left_NRD + strength * centre.without_NRD)
            loss = _loss(panel, without_NRD)
            all_ND = _solve(squares_NDD + added_DD, products_ND + strength * centre.all_ND)
            candidates.append((Coefficients(all_ND, without_NRD), loss))
        for each in candidates:
            if best is None or each[1] < best[1]:
                best = each
    assert best is not None
    return best


def _solve(squares: Array, products: Array) -> Array:
    return np.asarray(np.linalg.solve(squares, products[..., None])[..., 0])


def _loss(panel: Products, without_NRD: Array) -> float:
    """Sum of squared errors in left-out blocks."""
    explained_NR = np.einsum("nrd,nrd->nr", without_NRD, panel.products_NRD)
    squares_NR = np.einsum("nrd,nrde,nre->nr", without_NRD, panel.squares_NRDD, without_NRD)
    return float((panel.energy_NR - 2 * explained_NR + squares_NR).sum())
