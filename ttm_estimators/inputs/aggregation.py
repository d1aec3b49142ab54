"""Long histories as medians of blocks, which temporal aggregation forecasts from (ours).

A network whose context is a week of five-minute values can not know how weeks repeat. Of medians of
blocks of 12 values its context holds 12 weeks. Medians, not means: the mean of a block of skewed
noise lies above most of its points, and a forecast of it above the median of what comes.

Shape suffixes: T time, S steps (blocks of one length), L values in a patch or block, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from einops import rearrange

from ttm_estimators.inputs.arrays import Array
from ttm_estimators.inputs.batch import end_of, without_leading
from ttm_estimators.network import PRESETS, TTMConfig

if TYPE_CHECKING:
    from ttm_estimators.network import TinyTimeMixer

MAX_AGGREGATION_FACTOR = 12
"""Steps in a block at most: blocks of 24 brought nothing more."""

FORECASTING_ATTRIBUTE = "forecasting"
"""Attribute of a network that holds its forecasting configuration."""


@dataclass(frozen=True)
class ForecastConfig:
    """Settings of a forecaster. They are saved with the weights, beside those of the network.

    Raises
    ------
    ValueError
        When a field is out of range. The message names it.
    """

    aggregation_factors: tuple[int, ...] = ()
    """Block lengths, in steps, at which histories that are longer than the network's
    ``input_length`` are also forecast from block medians. Increasing, from 2 to 12. For networks
    that were trained at many sampling factors."""

    def __post_init__(self) -> None:
        factors = self.aggregation_factors
        if isinstance(factors, tuple) and len(factors) >= MAX_AGGREGATION_FACTOR:
            raise ValueError(f"aggregation_factors must be few, got {len(factors)}")
        if not isinstance(factors, tuple) or not all(isinstance(one, int) for one in factors):
            raise ValueError(f"aggregation_factors must be a tuple of int, got {factors!r}")
        if list(factors) != sorted(set(factors)):
            raise ValueError(f"aggregation_factors must increase, got {factors}")
        if not all(2 <= factor <= MAX_AGGREGATION_FACTOR for factor in factors):
            raise ValueError(
                f"aggregation_factors must be 2 to {MAX_AGGREGATION_FACTOR}, got {factors}"
            )

    def check(self, network: TTMConfig) -> None:
        """Refuse factors where channels are not forecast apart, no quantile tells how sure a
        forecast is, or the network sees as much without one of them.

        Raises
        ------
        ValueError
            The message says which it is.
        """
        factors = self.aggregation_factors
        if factors and (network.tied_channels or len(network.quantile_levels) < 2):
            raise ValueError(
                "aggregation_factors need a network that forecasts channels apart, and quantile "
                "levels: leave them out"
            )
        for factor in factors:
            if factor * network.context_length <= network.input_length:
                raise ValueError(
                    f"aggregation_factors {factors} must reach further back than the "
                    f"{network.input_length} points that the network sees: leave {factor} out"
                )


PRESET_FORECASTING = {PRESETS["ttm_2048_720"]: ForecastConfig(aggregation_factors=(4, 12))}
"""How new networks of a geometry are forecast with, where that is not the default."""


def forecasting_of(network: Any) -> ForecastConfig:
    """Forecasting configuration that was kept with a network, or with what runs it, or is usual."""
    usual = PRESET_FORECASTING.get(network.config, ForecastConfig())
    kept: ForecastConfig = getattr(network, FORECASTING_ATTRIBUTE, usual)
    return kept


def keep_forecasting(network: TinyTimeMixer, forecasting: ForecastConfig) -> None:
    """Keep a forecasting configuration that fits with a network and its copies.

    Fine-tuning takes a network and returns one, and the second shall forecast as the first does.
    """
    forecasting.check(network.config)
    setattr(network, FORECASTING_ATTRIBUTE, forecasting)


def history_length(config: TTMConfig, factors: Sequence[int]) -> int:
    """Latest points that a forecast depends on, where any of the latest context was observed."""
    across_gap = config.input_length + config.context_length
    return max(across_gap, max(factors, default=1) * config.context_length)


def seen_points(values_TC: Array, config: TTMConfig, factors: Sequence[int]) -> slice:
    """Points of a series that its forecast depends on."""
    end = end_of(values_TC)
    if len(values_TC) - end >= config.context_length:
        return slice(max(0, end - config.input_length), end)
    return slice(max(0, len(values_TC) - history_length(config, factors)), end)


def aggregated(values_TC: Array, config: TTMConfig, factors: Sequence[int]) -> dict[int, Array]:
    """Medians of blocks of a history, as many of each length as the network's context holds.

    A block of which fewer than half of the points were observed is missing, as in training.

    Returns
    -------
    dict of int to array
        For each block length, of shape (blocks, channels), the last block ending with the series.
        Empty where the network sees all of the history already, or blocks of one length hold no
        more than half of what was observed.
    """
    values_TC = without_leading(values_TC[-history_length(config, factors) :])
    if len(values_TC) <= config.input_length:
        return {}
    histories = {}
    for factor in factors:
        history_SC = _block_medians(values_TC, factor, config.context_length)
        if history_SC is None:
            return {}
        histories[factor] = history_SC
    return histories


def _block_medians(values_TC: Array, factor: int, max_blocks: int) -> Array | None:
    """Medians of blocks, None where they hold little of what was observed."""
    blocks = min(len(values_TC) // factor, max_blocks)
    values_SLC = rearrange(values_TC[-blocks * factor :], "(s l) c -> s l c", l=factor)
    missing_SLC = np.isnan(values_SLC)
    if not missing_SLC.any():
        values_SLC = np.sort(values_SLC, axis=1)
        median_SC: Array = values_SLC[:, (factor - 1) // 2] / 2 + values_SLC[:, factor // 2] / 2
        return median_SC
    count_S1C = (~missing_SLC).sum(axis=1, keepdims=True)
    enough_S1C = 2 * count_S1C >= factor
    if 2 * count_S1C[enough_S1C].sum() <= count_S1C.sum():
        return None
    values_SLC = np.sort(values_SLC, axis=1)  # missing ones last
    middle = [
        np.take_along_axis(values_SLC, np.maximum(index_S1C, 0), axis=1) / 2
        for index_S1C in ((count_S1C - 1) // 2, count_S1C // 2)
    ]  # halves: the sum of the largest values would overflow
    return np.where(enough_S1C, sum(middle), np.nan)[:, 0]
