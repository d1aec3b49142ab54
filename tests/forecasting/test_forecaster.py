"""Properties that every forecast has, whatever the weights."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ttm_estimators
from tests.forecasting.conftest import make_forecaster
from tests.tiny import tiny_network
from ttm_estimators import Covariates, Forecaster, WeightsError
from ttm_estimators.forecasting.rollout import roll_out

HORIZON = 7

values = st.floats(-100, 100, allow_subnormal=False)
histories = hnp.arrays(np.float64, st.integers(2, 90), elements=values).filter(
    lambda x: x[-64:].std() > 1e-3
)
magnitudes = st.sampled_from([1e-30, 1e-9, 1e-3, 1.0, 7.0, 1e6, 1e30])


def spread(history: np.ndarray) -> float:
    return float(np.nanstd(history[-64:]))


def with_gaps(history: np.ndarray, every: int = 3) -> np.ndarray:
    gappy = history.copy()
    gappy[1:-1:every] = np.nan
    return gappy


@settings(max_examples=40)
@given(history=histories, magnitude=magnitudes)
def test_scaling_a_series_scales_its_forecast(forecaster, history, magnitude):
    plain = forecaster.forecast([history], HORIZON).quantiles
    scaled = forecaster.forecast([history * magnitude], HORIZON).quantiles
    np.testing.assert_allclose(scaled / magnitude, plain, rtol=0, atol=2e-5 * spread(history))


@settings(max_examples=40)
@given(history=histories, shift=st.floats(-1e6, 1e6, allow_subnormal=False))
def test_shifting_a_series_shifts_its_forecast(forecaster, history, shift):
    assume(len(np.unique(history + shift)) == len(np.unique(history)))  # none is rounded to another
    plain = forecaster.forecast([history], HORIZON).quantiles
    shifted = forecaster.forecast([history + shift], HORIZON).quantiles
    tolerance = 2e-5 * spread(history) + 1e-7 * abs(shift)
    np.testing.assert_allclose(shifted - shift, plain, rtol=0, atol=tolerance)


@settings(max_examples=40)
@given(history=histories, padding=st.integers(1, 80))
def test_leading_missing_values_equal_a_shorter_history(forecaster, history, padding):
    padded = np.concatenate([np.full(padding, np.nan), history])
    np.testing.assert_array_equal(
        forecaster.forecast([padded], HORIZON).quantiles,
        forecaster.forecast([history], HORIZON).quantiles,
    )


def test_leading_missing_values_equal_a_shorter_history_without_mask_input(point_forecaster):
    history = np.random.default_rng(0).normal(size=40)
    padded = np.concatenate([np.full(20, np.nan), history])
    np.testing.assert_array_equal(
        point_forecaster.forecast([padded], HORIZON).point,
        point_forecaster.forecast([history], HORIZON).point,
    )


def test_what_lies_before_all_that_the_network_looks_at_does_not_matter(forecaster):
    history = np.random.default_rng(0).normal(size=forecaster.config.input_length)
    longer = np.concatenate([np.full(30, 1e9), history])
    np.testing.assert_array_equal(
        forecaster.forecast([longer], HORIZON).quantiles,
        forecaster.forecast([history], HORIZON).quantiles,
    )


def test_a_cycle_that_is_longer_than_the_context_is_seen(forecaster):
    pattern = np.random.default_rng(0).normal(size=60)  # the context has 64 points
    twice, once = np.tile(pattern, 2), np.r_[pattern[::-1], pattern]
    assert not np.allclose(
        forecaster.forecast([twice], HORIZON).quantiles,
        forecaster.forecast([once], HORIZON).quantiles,
    )


@pytest.mark.parametrize("before", [-30.0, 30.0, 1e4])
def test_another_level_before_the_context_does_not_matter(forecaster, before):
    history = np.random.default_rng(0).normal(size=64)
    history[:10] = np.nan  # not held from before, either
    longer = np.r_[np.zeros(64) + before, history]
    np.testing.assert_allclose(
        forecaster.forecast([longer], HORIZON).quantiles,
        forecaster.forecast([history], HORIZON).quantiles,
        atol=1e-5,
    )


def test_huge_values_before_the_context_do_no_harm(forecaster):
    history = np.random.default_rng(0).normal(size=64)
    longer = np.r_[1e300, -1e300, np.full(20, 1e200), 1e-300 * history]
    assert np.isfinite(forecaster.forecast([longer], HORIZON).quantiles).all()


def test_a_context_that_stays_where_it_is_is_forecast_to_stay(forecaster):
    history = np.r_[np.random.default_rng(0).normal(size=64), np.full(64, 7.0)]
    np.testing.assert_array_equal(forecaster.forecast([history], HORIZON).quantiles, 7.0)


@settings(max_examples=25)
@given(panel=st.lists(histories, min_size=2, max_size=6), batch_size=st.integers(1, 7))
def test_a_forecast_does_not_depend_on_its_batch(forecaster, panel, batch_size):
    together = forecaster.forecast(panel, HORIZON, batch_size=batch_size).quantiles
    for history, forecast in zip(panel, together, strict=True):
        alone = forecaster.forecast([history], HORIZON).quantiles[0]
        away = np.abs(alone - history.mean()).max()  # what float32 rounds, on the network's scale
        tolerance = 1e-5 * spread(history) + 1e-6 * away
        np.testing.assert_allclose(forecast, alone, rtol=0, atol=tolerance)


def test_a_broken_batch_mate_changes_nothing(forecaster):
    history = np.random.default_rng(0).normal(size=50)
    mates = [np.full(50, 1e250), np.zeros(3), with_gaps(history) * 1e-200]
    together = forecaster.forecast([history, *mates], HORIZON).quantiles
    alone = forecaster.forecast([history], HORIZON).quantiles[0]
    np.testing.assert_allclose(together[0], alone, rtol=0, atol=1e-5)
    assert np.isfinite(together).all()


@settings(max_examples=40)
@given(
    history=histories,
    levels=st.lists(st.floats(1e-4, 1 - 1e-4), min_size=1, max_size=8, unique=True),
    horizon=st.integers(1, 40),
    gappy=st.booleans(),
)
def test_quantiles_never_cross(forecaster, history, levels, horizon, gappy):
    history = with_gaps(history) if gappy else history
    forecast = forecaster.forecast([history], horizon, quantile_levels=sorted(levels))
    assert forecast.quantiles.shape == (1, horizon, len(levels))
    assert (np.diff(forecast.quantiles, axis=-1) >= 0).all()
    assert np.isfinite(forecast.quantiles).all()


def test_the_point_forecast_is_the_median(forecaster):
    history = np.random.default_rng(0).normal(size=50)
    forecast = forecaster.forecast([history], HORIZON, quantile_levels=[0.9, 0.5])
    np.testing.assert_array_equal(forecast.point, forecast.quantiles[..., 1])


def test_levels_are_returned_in_the_order_given(forecaster):
    history = np.random.default_rng(0).normal(size=50)
    forecast = forecaster.forecast([history], HORIZON, quantile_levels=[0.9, 0.1])
    assert forecast.levels == (0.9, 0.1)
    assert (forecast.quantiles[..., 0] > forecast.quantiles[..., 1]).all()


def test_repeating_a_forecast_gives_the_same_bits(forecaster):
    panel = list(np.random.default_rng(0).normal(size=(5, 70)))
    first, second = (forecaster.forecast(panel, 30).quantiles for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_threads_may_share_a_forecaster(forecaster):
    panels = [list(np.random.default_rng(seed).normal(size=(4, 70))) for seed in range(8)]
    expected = [forecaster.forecast(panel, HORIZON).quantiles for panel in panels]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda panel: forecaster.forecast(panel, HORIZON).quantiles, panels))
    np.testing.assert_array_equal(found, expected)


def test_forecasting_leaves_gradients_and_threads_settings_alone(forecaster):
    history = torch.ones(10, requires_grad=True)
    forecaster.forecast([history], HORIZON)
    assert torch.is_grad_enabled()
    assert all(p.grad is None for p in forecaster.network.parameters())


@pytest.mark.parametrize("length", [1, 2, 7, 63, 64, 65, 500])
def test_any_history_length_is_taken(forecaster, length):
    history = np.arange(length, dtype=float)
    assert np.isfinite(forecaster.forecast([history], HORIZON).quantiles).all()


@pytest.mark.parametrize("horizon", [1, 4, 5, 12, 13, 50])
def test_any_horizon_is_taken(forecaster, horizon):
    history = np.random.default_rng(0).normal(size=50)
    assert forecaster.forecast([history], horizon).quantiles.shape == (1, horizon, 5)


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(forecaster):
    history = np.random.default_rng(0).normal(size=50)
    longest = forecaster.forecast([history], 40).quantiles
    for horizon in (1, 5, 12, 20):
        shorter = forecaster.forecast([history], horizon).quantiles
        np.testing.assert_allclose(shorter, longest[:, :horizon], atol=1e-5)


@pytest.mark.parametrize("constant", [0.0, 0.1, -3.0, 1e30, 1e-30])
def test_a_constant_series_is_forecast_to_stay(forecaster, constant):
    forecast = forecaster.forecast([np.full(37, constant)], 20)
    np.testing.assert_allclose(forecast.quantiles, constant, rtol=1e-12)


@settings(max_examples=25)
@given(
    history=histories,
    shift=st.floats(-1e3, 1e3, allow_subnormal=False),
    magnitude=st.sampled_from([1e-30, 1e30]),
)
def test_shift_and_scale_hold_at_every_magnitude(forecaster, history, shift, magnitude):
    plain = forecaster.forecast([history], HORIZON).quantiles
    moved = forecaster.forecast([(history + shift) * magnitude], HORIZON).quantiles
    np.testing.assert_allclose(
        moved / magnitude - shift, plain, rtol=0, atol=2e-5 * spread(history) + 1e-7 * abs(shift)
    )


def test_small_variation_around_a_large_level_is_not_lost(forecaster):
    history = np.random.default_rng(0).normal(size=60)
    forecast = forecaster.forecast([1e9 + 1e-3 * history], HORIZON).quantiles
    plain = forecaster.forecast([history], HORIZON).quantiles
    np.testing.assert_allclose((forecast - 1e9) / 1e-3, plain, atol=1e-3)


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.int8),
        lambda x: x.astype(np.uint16),
        lambda x: x.astype(np.float16),
        lambda x: x.astype(np.float32),
        lambda x: x.tolist(),
        lambda x: [*x.tolist()[:-1], int(x[-1])],
        pd.Series,
        lambda x: pd.Series(x, dtype="Float64"),
        lambda x: pd.Series(x.astype(int), dtype="Int64"),
        torch.from_numpy,
        np.ma.masked_array,
        lambda x: x.astype(object),
    ],
)
def test_every_kind_of_number_gives_the_same_forecast(forecaster, convert):
    history = np.round(20 * np.abs(np.sin(np.arange(50.0))))
    expected = forecaster.forecast([history], HORIZON).quantiles
    np.testing.assert_array_equal(
        forecaster.forecast([convert(history)], HORIZON).quantiles, expected
    )


def test_booleans_count_as_zero_and_one(forecaster):
    history = np.arange(30) % 3 == 0
    np.testing.assert_array_equal(
        forecaster.forecast([history], HORIZON).quantiles,
        forecaster.forecast([history.astype(float)], HORIZON).quantiles,
    )


@pytest.mark.parametrize(
    "missing",
    [
        [1.0, None, 3.0, 2.0],
        [1.0, np.nan, 3.0, 2.0],
        [1, pd.NA, 3, 2],
        pd.Series([1, None, 3, 2], dtype="Int64"),
        np.ma.masked_array([1.0, 9.0, 3.0, 2.0], mask=[0, 1, 0, 0]),
    ],
)
def test_every_kind_of_missing_value_is_the_same(forecaster, missing):
    np.testing.assert_array_equal(
        forecaster.forecast([missing], HORIZON).quantiles,
        forecaster.forecast([np.array([1.0, np.nan, 3.0, 2.0])], HORIZON).quantiles,
    )


@pytest.mark.parametrize("gap", [slice(20, 23), slice(40, 44), slice(0, 5)])
def test_a_short_gap_is_filled_with_the_value_before_it(forecaster, gap):
    history = np.random.default_rng(0).normal(size=50).cumsum()
    gappy = history.copy()
    gappy[gap] = np.nan
    held = pd.Series(gappy).ffill().dropna().to_numpy()
    np.testing.assert_allclose(
        forecaster.forecast([gappy], HORIZON).quantiles,
        forecaster.forecast([held], HORIZON).quantiles,
        atol=1e-4,
    )


@pytest.mark.parametrize("gap", [1, 10, 63, 64, 65, 100])
@pytest.mark.parametrize("length", [3, 64, 90])
def test_a_series_that_ended_early_is_forecast_across_the_gap(forecaster, length, gap):
    history = np.random.default_rng(0).normal(size=length).cumsum()
    gappy = np.concatenate([history, np.full(gap, np.nan)])
    across = forecaster.forecast([history], gap + HORIZON)
    found = forecaster.forecast([gappy], HORIZON)
    np.testing.assert_array_equal(found.quantiles, across.quantiles[:, gap:])
    np.testing.assert_array_equal(found.point, across.point[:, gap:])


@settings(max_examples=15)
@given(gap=st.integers(64, 90), place=st.integers(0, 3), batch_size=st.integers(1, 5))
def test_a_series_that_ended_long_ago_does_not_move_its_batch_mates(
    forecaster, gap, place, batch_size
):
    mates = list(np.random.default_rng(0).normal(size=(3, 70)))
    ended = np.concatenate([np.arange(9.0), np.full(gap, np.nan)])
    panel = [*mates[:place], ended, *mates[place:]]
    together = forecaster.forecast(panel, HORIZON, batch_size=batch_size).quantiles
    (alone,) = forecaster.forecast([ended], HORIZON).quantiles
    np.testing.assert_allclose(together[place], alone, atol=1e-4)
    expected = forecaster.forecast(mates, HORIZON, batch_size=batch_size).quantiles
    np.testing.assert_allclose(np.delete(together, place, axis=0), expected, atol=1e-5)


def test_batch_mates_of_a_series_that_ended_long_ago_are_not_rolled_out(forecaster, monkeypatch):
    asked = []

    def count(network, past_BTC, observed_BTC, horizon, **inputs):
        asked.append((len(past_BTC), horizon))
        return roll_out(network, past_BTC, observed_BTC, horizon, **inputs)

    monkeypatch.setattr("ttm_estimators.forecasting.forecaster.roll_out", count)
    ended = np.concatenate([np.arange(9.0), np.full(80, np.nan)])
    forecaster.forecast([np.arange(9.0), ended, np.arange(5.0), ended], HORIZON)
    assert asked == [(2, HORIZON), (2, 80 + HORIZON)]


def test_channels_may_end_at_different_times(forecaster):
    history = np.random.default_rng(0).normal(size=(90, 3))
    history[10:, 1] = np.nan
    forecast = forecaster.forecast([history], HORIZON).quantiles[0]
    for channel in range(3):
        alone = forecaster.forecast([history[:, channel]], HORIZON).quantiles[0]
        np.testing.assert_allclose(forecast[:, channel], alone, atol=1e-5)


def test_channels_that_are_mixed_end_together_or_are_refused():
    mixing = make_forecaster(channels=2, mix_channels=True)
    history = np.random.default_rng(0).normal(size=(90, 2))
    history[10:, 1] = np.nan
    with pytest.raises(ValueError, match="series 0 has no observed value in channel 1 within"):
        mixing.forecast([history], HORIZON)
    history[10:] = np.nan
    across = mixing.forecast([history[:10]], 80 + HORIZON).quantiles
    found = mixing.forecast([history], HORIZON).quantiles
    np.testing.assert_array_equal(found, across[:, 80:])


def test_a_single_series_may_stand_alone(forecaster):
    history = np.random.default_rng(0).normal(size=50)
    expected = forecaster.forecast([history], HORIZON).quantiles
    for alone in (history, history.tolist(), pd.Series(history), torch.from_numpy(history)):
        np.testing.assert_array_equal(forecaster.forecast(alone, HORIZON).quantiles, expected)


def test_channels_of_a_series_are_forecast_as_if_apart(forecaster):
    history = np.random.default_rng(0).normal(size=(50, 3))
    forecast = forecaster.forecast([history, 2 * history], HORIZON)
    assert forecast.quantiles.shape == (2, HORIZON, 3, 5)
    assert forecast.point.shape == (2, HORIZON, 3)
    for channel in range(3):
        alone = forecaster.forecast([history[:, channel]], HORIZON).quantiles[0]
        np.testing.assert_allclose(forecast.quantiles[0, :, channel], alone, atol=1e-5)
        np.testing.assert_allclose(forecast.quantiles[1, :, channel], 2 * alone, atol=1e-4)


def test_a_network_that_mixes_channels_takes_them_together():
    mixing = make_forecaster(channels=3, mix_channels=True)
    history = np.random.default_rng(0).normal(size=(50, 3))
    before = mixing.forecast([history], 20).quantiles
    assert before.shape == (1, 20, 3, 5)
    history[:, 2] += np.linspace(0, 5, 50)
    after = mixing.forecast([history], 20).quantiles
    assert not np.allclose(before[..., 0, :], after[..., 0, :])
    with pytest.raises(ValueError, match="series 0 has 2 channels to forecast, this model takes 3"):
        mixing.forecast([history[:, :2]], HORIZON)


def test_a_network_may_forecast_some_of_its_channels():
    partial = make_forecaster(channels=3, mix_channels=True, target_channels=(2, 0))
    history = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 1.0, 0.0] + [1.0, 2.0, 3.0]
    past = [Covariates(past=history[:, 1])]
    forecast = partial.forecast([history[:, [2, 0]]], HORIZON, covariates=past)
    assert forecast.quantiles.shape == (1, HORIZON, 2, 5)
    np.testing.assert_array_equal(forecast.quantiles[:, :, 0], 3.0)
    with pytest.raises(ValueError, match="only some of its channels"):
        partial.forecast([history[:, [2, 0]]], 20, covariates=past)


def test_a_resolution_prefix_is_fed_the_unknown_resolution():
    prefixed = make_forecaster(resolutions=10)
    history = np.random.default_rng(0).normal(size=50)
    assert np.isfinite(prefixed.forecast([history], 20).quantiles).all()


def test_no_series_give_an_empty_forecast(forecaster):
    assert forecaster.forecast([], HORIZON).quantiles.shape == (0, HORIZON, 5)


def test_a_point_network_forecasts_its_level_only(point_forecaster):
    history = np.random.default_rng(0).normal(size=50)
    forecast = point_forecaster.forecast([history], 30)
    assert forecast.levels == (0.5,)
    assert forecast.quantiles.shape == (1, 30, 1)
    with pytest.raises(ValueError, match=r"level 0.5 only.*quantile head"):
        point_forecaster.forecast([history], HORIZON, quantile_levels=[0.1, 0.5])


def test_progress_is_shown_on_request_only(forecaster, capsys):
    panel = list(np.random.default_rng(0).normal(size=(4, 20)))
    forecaster.forecast(panel, HORIZON, batch_size=2)
    assert capsys.readouterr().err == ""
    forecaster.forecast(panel, HORIZON, batch_size=2, progress=True)
    assert "forecasting" in capsys.readouterr().err


GOOD = [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([], "series 1 is empty"),
        (np.empty((0, 2)), "series 1 is empty"),
        ([np.nan, np.nan], "series 1 is all missing"),
        ([None, None], "series 1 is all missing"),
        ([1.0, np.inf], "series 1 holds infinity"),
        ([1.0, -np.inf], "series 1 holds infinity"),
        (["a", "b"], "series 1 is not numeric"),
        (["1", "2"], "series 1 is not numeric"),
        ([1.0, "2"], "series 1 is not numeric"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "series 1 is not numeric"),
        (None, "series 1 is None, not a series"),
        (np.array([1 + 2j]), "series 1 is complex"),
        ([1 + 2j, None], "series 1 is complex"),
        (np.ma.masked_array([1 + 2j, 3j]), "series 1 is complex"),
        (np.array([]), "series 1 is empty"),
        ([10**400, 1], "series 1 holds values beyond"),
        ([[1.0, 2.0], [3.0, "x"]], "series 1 is not numeric"),
        (np.zeros((4, 2, 2)), r"series 1 has 3 dimensions \(4, 2, 2\)"),
        ([[1.0, 2.0], [3.0]], "series 1 has rows of unequal lengths"),
        ([1.0, 1e301], "series 1 holds values beyond"),
        ([np.nan, -1e301, 1.0], "series 1 holds values beyond"),
        (np.array([[1.0, 2.0], [3.0, 1e301]]), "series 1 holds values beyond"),
    ],
)
def test_a_bad_series_is_named_with_its_remedy(forecaster, bad, message):
    with pytest.raises(ValueError, match=message) as error:
        forecaster.forecast([GOOD, bad], HORIZON)
    assert ":" in str(error.value), "the message should say how to fix it"


def test_a_missing_channel_is_named(forecaster):
    history = np.array([[1.0, np.nan], [2.0, np.nan]])
    with pytest.raises(ValueError, match="series 0 is all missing in channel 1"):
        forecaster.forecast([history], HORIZON)


def test_series_of_different_channels_are_refused(forecaster):
    with pytest.raises(ValueError, match=r"series 1 has shape \(3, 2\) and series 0 \(3,\)"):
        forecaster.forecast([GOOD, np.ones((3, 2))], HORIZON)
    with pytest.raises(ValueError, match=r"south has shape \(3, 2\) and north \(3,\)"):
        forecaster.forecast([GOOD, np.ones((3, 2))], HORIZON, names=["north", "south"])


@pytest.mark.parametrize("horizon", [0, -1, 1.5, "3", None, True])
def test_a_bad_horizon_is_refused(forecaster, horizon):
    with pytest.raises(ValueError, match="horizon must be"):
        forecaster.forecast([GOOD], horizon)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.5, np.nan])
def test_a_level_outside_0_and_1_is_refused(forecaster, level):
    with pytest.raises(ValueError, match=r"outside \(0, 1\)"):
        forecaster.forecast([GOOD], HORIZON, quantile_levels=[0.5, level])


def test_an_empty_list_of_levels_is_refused(forecaster):
    with pytest.raises(ValueError, match="non-empty"):
        forecaster.forecast([GOOD], HORIZON, quantile_levels=[])


@pytest.mark.parametrize("empty", [np.array([]), pd.Series([], dtype=float)])
def test_a_single_series_without_values_is_empty(forecaster, empty):
    with pytest.raises(ValueError, match="series 0 is empty"):
        forecaster.forecast(empty, HORIZON)


@pytest.mark.parametrize("wrap", [np.asarray, torch.tensor, pd.DataFrame])
def test_what_could_be_one_series_or_many_is_refused(forecaster, wrap):
    with pytest.raises(TypeError, match=r"shape \(2, 3\), which could be one series or many"):
        forecaster.forecast(wrap([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), HORIZON)


def test_a_generator_of_series_is_taken(forecaster):
    panel = list(np.random.default_rng(0).normal(size=(3, 30)))
    np.testing.assert_array_equal(
        forecaster.forecast((one for one in panel), HORIZON).quantiles,
        forecaster.forecast(panel, HORIZON).quantiles,
    )


@pytest.mark.parametrize("series", [3.0, "data.csv", {"a": [1.0, 2.0]}, None])
def test_what_is_no_sequence_of_series_is_refused(forecaster: Forecaster, series):
    with pytest.raises(TypeError, match="sequence of arrays"):
        forecaster.forecast(series, HORIZON)


def test_a_forecast_that_is_not_finite_is_an_error_that_names_its_series():
    network = tiny_network()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1e37)
    with pytest.raises(WeightsError, match=r"^series 0 has a forecast that is not finite.*weights"):
        Forecaster(network).forecast([np.arange(20.0), np.ones(5)], HORIZON)


def test_names_are_what_errors_call_series(forecaster):
    with pytest.raises(ValueError, match=r"^shop 'b' is all missing"):
        forecaster.forecast([[1.0], [np.nan]], HORIZON, names=["shop 'a'", "shop 'b'"])
    with pytest.raises(ValueError, match=r"^shop 'a' is all missing in channel 1"):
        forecaster.forecast([[[1.0, np.nan]]], HORIZON, names=["shop 'a'"])


def test_short_series_of_different_lengths_go_in_one_batch_of_a_network_that_mixes_channels():
    mixing = make_forecaster(channels=2, mix_channels=True)
    series = [np.random.default_rng(i).normal(size=(length, 2)) for i, length in enumerate((3, 5))]
    together = mixing.forecast(series, 12).quantiles
    for i, one in enumerate(series):
        np.testing.assert_allclose(together[i], mixing.forecast([one], 12).quantiles[0], atol=1e-4)


@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        ([np.ones(47), np.ones(47)], r"^covariates\[0\] is a ndarray: give ttm_estimators.Cov"),
        ([None, {"known": np.ones(47)}], r"^covariates\[1\] is a dict: give ttm_estimators.Cov"),
        (np.ones((2, 47)), "^covariates is a ndarray: give a list with one ttm_estimators.Cov"),
        (pd.DataFrame({"a": np.ones(47)}), "^covariates is a DataFrame: give a list with one "),
    ],
)
def test_covariates_of_a_wrong_kind_are_told_what_to_be(forecaster, covariates, message):
    with pytest.raises(TypeError, match=message):
        forecaster.forecast(
            np.random.default_rng(0).random((2, 40)).tolist(), 7, covariates=covariates
        )


def test_covariates_of_a_single_series_may_stand_alone(forecaster):
    history, known = np.random.default_rng(0).random((2, 60))
    covariates = Covariates(known=known)
    alone = forecaster.forecast(history[:53], HORIZON, covariates=covariates)
    listed = forecaster.forecast([history[:53]], HORIZON, covariates=[covariates])
    assert len(alone.effects) == 1
    np.testing.assert_array_equal(alone.quantiles, listed.quantiles)
    with pytest.raises(ValueError, match="there are 2 series, but covariates of 1"):
        forecaster.forecast([history, history], HORIZON, covariates=covariates)


def test_none_stands_for_a_series_without_covariates(forecaster):
    history, known = np.random.default_rng(0).random((2, 60))
    series, given = [history[:53], history[3:50]], Covariates(known=known)
    found, expected = (
        forecaster.forecast(series, HORIZON, covariates=[given, other])
        for other in (None, Covariates())
    )
    assert not found.effects[1].kept
    np.testing.assert_array_equal(found.quantiles, expected.quantiles)


def test_a_model_and_a_forecast_are_shown_as_one_line():
    model = ttm_estimators.load()
    assert str(model) == (
        "Forecaster('ttm-2048-720', context 2048, horizon 720, 9 quantile levels 0.1 to 0.9, "
        "988,004 parameters, torch on cpu)"
    )
    history = np.arange(60.0) % 7
    assert repr(model.forecast([history] * 2, 3)) == (
        "Forecast(2 series, 3 steps, 9 quantile levels 0.1 to 0.9)"
    )
    both = model.forecast([np.stack([history, history], axis=1)], 1, quantile_levels=[0.5])
    assert repr(both) == "Forecast(1 series, 1 step, 2 channels, quantile level 0.5)"
