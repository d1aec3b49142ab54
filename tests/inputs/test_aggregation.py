import copy
from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import PUBLISHED_KIND, TINY, tiny_network
from ttm_estimators import PRESETS, ForecastConfig, Forecaster, TinyTimeMixer, TTMConfig
from ttm_estimators.inputs.aggregation import aggregated, forecasting_of, keep_forecasting
from ttm_estimators.network.add_covariates import add_covariates

LONG = np.random.default_rng(0).normal(size=300).cumsum()

CONFIG = replace(TINY, seasons_length=96)
FACTORS = (2, 4)
"""The network sees 96 points; its 64 blocks of two reach 128 back, those of four 256."""


def medians(values):
    values_T1 = np.asarray(values, dtype=float)[:, None]
    return [history_S1[:, 0] for history_S1 in aggregated(values_T1, CONFIG, FACTORS).values()]


def blocks(values):
    return medians(values)[1]


def test_the_last_block_ends_with_the_series():
    two, four = medians(np.arange(202.0))
    np.testing.assert_array_equal(two, np.arange(74.5, 202, 2))
    np.testing.assert_array_equal(four, np.arange(3.5, 202, 4))
    np.testing.assert_array_equal(blocks(np.arange(500.0)), np.arange(245.5, 500, 4))


def test_a_history_that_the_network_sees_whole_is_not_aggregated():
    assert medians(np.arange(96.0)) == []
    assert len(medians(np.arange(97.0))) == 2
    assert medians(np.r_[np.full(50, np.nan), np.arange(96.0)]) == []


def test_missing_values_in_front_are_no_history():
    history = np.arange(150.0)
    np.testing.assert_array_equal(blocks(np.r_[np.full(70, np.nan), history]), blocks(history))


def test_a_block_is_the_median_of_what_was_observed_and_missing_where_most_is():
    values = np.arange(300.0)
    values[-1] = values[-8:-6] = values[-12:-9] = np.nan
    np.testing.assert_array_equal(blocks(values)[-4:], [285.5, np.nan, 294.5, 297])
    values[-4] = -1e6
    assert blocks(values)[-1] == 297.0


def test_nothing_is_aggregated_where_blocks_of_one_length_hold_little_of_what_was_observed():
    sparse = np.full(300, np.nan)
    sparse[::4] = 10.0
    sparse[100:104] = -50.0
    assert medians(sparse) == []
    early = np.r_[LONG[:20], np.full(280, np.nan)]  # before the first block
    assert medians(early) == []


def test_the_largest_values_do_not_overflow():
    np.testing.assert_allclose(blocks(np.full(300, 1.5e308)), 1.5e308)


def network_of(**changes):
    return tiny_network(seasons_length=96, **changes)


def test_forecasters_without_aggregation_say_so_by_their_history_length():
    assert Forecaster(tiny_network(**PUBLISHED_KIND)).history_length == 128
    assert Forecaster(tiny_network()).history_length == 192
    assert aggregated(LONG[:, None], TINY, ()) == {}


def test_a_network_keeps_how_it_is_forecast_with():
    network = network_of()
    assert forecasting_of(network) == ForecastConfig()
    keep_forecasting(network, ForecastConfig(FACTORS))
    assert Forecaster(copy.deepcopy(network)).forecasting == ForecastConfig(FACTORS)
    assert Forecaster(network, forecasting=ForecastConfig()).history_length == 160
    assert Forecaster(network).history_length == 256


def test_new_networks_of_a_preset_forecast_as_is_usual_for_it():
    config = PRESETS["ttm_2048_720"]
    assert Forecaster(TinyTimeMixer(config)).forecasting == ForecastConfig((4, 12))
    assert Forecaster(TinyTimeMixer(replace(config, horizon=96))).forecasting == ForecastConfig()


def test_a_network_that_was_made_for_channels_does_without():
    network = network_of()
    keep_forecasting(network, ForecastConfig(FACTORS))
    mixing = add_covariates(network, targets=2, mix_channels=True)
    assert forecasting_of(mixing) == ForecastConfig()
    with pytest.raises(ValueError, match="forecasts channels apart"):
        Forecaster(mixing, forecasting=ForecastConfig(FACTORS))


@pytest.mark.parametrize("levels", [(), (0.5,)])
def test_aggregation_needs_quantiles_to_weigh_forecasts_by(levels):
    with pytest.raises(ValueError, match="quantile levels"):
        keep_forecasting(network_of(quantile_levels=levels), ForecastConfig(FACTORS))


@pytest.mark.parametrize("factors", [(1.5,), (1, 4), (4, 13), (4, 4), (8, 4), 4, [4]])
def test_factors_out_of_range_are_refused(factors):
    with pytest.raises(ValueError, match="aggregation_factors"):
        ForecastConfig(factors)


def test_a_factor_that_reaches_no_further_back_is_refused():
    with pytest.raises(ValueError, match="reach further back than the 128 points"):
        ForecastConfig(FACTORS).check(TINY)


def test_a_network_configuration_says_where_its_old_field_went():
    with pytest.raises(ValueError, match=r"far_factors is no setting.*ForecastConfig"):
        TTMConfig.from_dict({"far_factors": [4, 12]})
