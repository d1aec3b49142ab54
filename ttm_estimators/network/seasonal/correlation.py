"""Sums of products at every lag by matrix products alone, for exported networks (ours).

Runtimes of exported networks have slow Fourier transforms, or none, but all have fast matrix
products. Bailey's four steps (1990) make of a transform of N = R times A points R of A points and A
of R, each a product with a matrix. Series are real, so half of the frequencies are enough.

Shape suffixes: N series, T time, G lags, R rows or blocks: those that time, frequencies or lags are
cut in, A other axes: what stands in one row.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def squared_difference(x_NT: Tensor, observed_NT: Tensor, lags: int) -> tuple[Tensor, Tensor]:
    """Sum of the squared differences at lags from 1 on, and the number of its pairs.

    Parameters
    ----------
    x_NT : Tensor
        Series in float64, 0 where nothing was observed.
    observed_NT : Tensor
        Mask.
    lags : int
        The largest lag.
    """
    bits = (x_NT.shape[1] + lags - 1).bit_length()  # so many points that no lag wraps around
    rows, columns = 2 ** ((bits + 1) // 2), 2 ** (bits // 2)
    value, mask, square = (
        _transform(each_NT, rows, columns)
        for each_NT in (x_NT, observed_NT.to(x_NT.dtype), x_NT.square())
    )
    total_NRA = 2 * (square[0] * mask[0] + square[1] * mask[1] - _power(value))
    total_NG, pairs_NG = (
        _even_inverse(each_NRA, rows, columns, lags) for each_NRA in (total_NRA, _power(mask))
    )
    return total_NG, pairs_NG.round()


def _power(spectrum: tuple[Tensor, Tensor]) -> Tensor:
    return spectrum[0].square() + spectrum[1].square()


def _roots(first: int, second: int, period: int) -> tuple[Tensor, Tensor]:
    """Powers of a root of unity: cosines and sines, both of shape (first, second)."""
    power = torch.arange(first)[:, None] * torch.arange(second) % period
    # Tensors: numbers become float32 where a network is exported.
    unit, quarter = torch.tensor([2 * math.pi / period, math.pi / 2], dtype=torch.float64)
    angle = power * unit
    return (angle + quarter).sin(), angle.sin()  # onnxruntime has no cosine of float64


def _transform(x_NT: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Fourier transform at frequencies r + rows * a, r to half of the rows: real and imaginary."""
    filled = -(-x_NT.shape[1] // columns)
    padded_NT = torch.nn.functional.pad(x_NT, (0, filled * columns - x_NT.shape[1]))
    x_NRA = padded_NT.reshape(-1, filled, columns)
    half = rows // 2 + 1
    cos, sin = _roots(half, filled, rows)
    real_NRA, imaginary_NRA = (torch.cat([cos, -sin]) @ x_NRA).chunk(2, dim=1)
    cos, sin = _roots(half, columns, rows * columns)
    turned_NRA = torch.cat(
        [real_NRA * cos + imaginary_NRA * sin, imaginary_NRA * cos - real_NRA * sin], dim=2
    )
    cos, sin = _roots(columns, columns, columns)
    matrix = torch.cat([torch.cat([cos, -sin], dim=1), torch.cat([sin, cos], dim=1)])
    real_NRA, imaginary_NRA = (turned_NRA @ matrix).chunk(2, dim=2)
    return real_NRA, imaginary_NRA


def _even_inverse(spectrum_NRA: Tensor, rows: int, columns: int, lags: int) -> Tensor:
    """Lags from 1 on of what has this real spectrum, which is even, shape (N, G)."""
    half, blocks = rows // 2 + 1, lags // columns + 1
    both_NRA = spectrum_NRA @ torch.cat(_roots(columns, columns, columns), dim=1)
    real_NRA, imaginary_NRA = both_NRA.chunk(2, dim=2)
    cos, sin = _roots(half, columns, rows * columns)
    turned_NRA = torch.cat(
        [real_NRA * cos - imaginary_NRA * sin, imaginary_NRA * cos + real_NRA * sin], dim=1
    )
    # Every row but the first and the last stands for another, too, of the same values.
    row = torch.arange(half)
    weight = torch.where((row == 0) | (row == half - 1), 1.0, 2.0) / (rows * columns)
    cos, sin = _roots(blocks, half, rows)
    matrix = torch.cat([cos * weight, -sin * weight], dim=1)
    return (matrix @ turned_NRA).reshape(-1, blocks * columns)[:, 1 : lags + 1]
