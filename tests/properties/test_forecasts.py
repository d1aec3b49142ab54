"""What a forecast may depend on: its series, and nothing else. With the weights that ship."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.properties.draws import FARTHEST, HORIZONS, SERIES, spread
from ttm_estimators import load

ROUNDING = 1e-4
"""In standard deviations of a series. Sums of float32 are ordered differently in other batches."""

model = load()


def forecast(series, horizon, **options):
    return model.forecast(series, horizon, **options).quantiles


def assert_same(values, found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING * spread(values))


@given(SERIES, st.lists(SERIES, min_size=1, max_size=3), HORIZONS, st.data())
def test_other_series_of_a_batch_and_their_order_have_no_say(one, mates, horizon, data):
    place = data.draw(st.integers(0, len(mates)))
    batch = [mate.values for mate in mates]
    batch.insert(place, one.values)
    alone = forecast([one.values], horizon)[0]
    assert_same(one.values, forecast(batch, horizon)[place], alone)


@given(st.lists(SERIES, min_size=2, max_size=4), HORIZONS, st.integers(1, 4))
def test_the_size_of_batches_has_no_say(drawn, horizon, batch_size):
    series = [one.values for one in drawn]
    found = forecast(series, horizon, batch_size=batch_size)
    for i, expected in enumerate(forecast(series, horizon)):
        assert_same(series[i], found[i], expected)


@given(SERIES, HORIZONS, HORIZONS)
def test_a_longer_horizon_begins_with_the_shorter(one, horizon, more):
    longer = forecast([one.values], min(horizon + more, FARTHEST))
    assert_same(one.values, longer[:, :horizon], forecast([one.values], horizon))


@given(SERIES, st.integers(1, 700), st.integers(1, 700))
def test_what_is_missing_at_the_end_is_forecast_across(one, horizon, gap):
    latest = one.values[-2000:]  # so few are not forecast from block medians
    assume(np.isfinite(latest[-1]))
    gappy = np.r_[latest, np.full(gap, np.nan)]
    longer = forecast([latest], gap + horizon, keep_outliers=True)
    assert_same(latest, forecast([gappy], horizon, keep_outliers=True), longer[:, gap:])


@given(SERIES, HORIZONS, st.integers(1, 5000))
def test_missing_values_in_front_are_no_history(one, horizon, padding):
    padded = np.r_[np.full(padding, np.nan), one.values]
    assert_same(one.values, forecast([padded], horizon), forecast([one.values], horizon))


@given(SERIES, HORIZONS)
def test_what_lies_before_the_history_that_is_named_has_no_say(one, horizon):
    latest = one.values[-model.history_length :]
    assume(np.isfinite(latest).any())
    assert_same(latest, forecast([latest], horizon), forecast([one.values], horizon))


@given(SERIES, HORIZONS, st.floats(-6, 6), st.floats(-1e3, 1e3))
def test_a_forecast_moves_with_the_level_and_the_scale_of_its_series(one, horizon, power, shift):
    values, scale = one.values, 10.0**power
    moved = scale * (values + shift * spread(values))
    # A number is an error code on its own scale alone.
    found = forecast([moved], horizon, keep_outliers=True)
    alone = forecast([values], horizon, keep_outliers=True)
    assert_same(moved, found, scale * (alone + shift * spread(values)))


@given(SERIES, HORIZONS)
def test_the_same_question_has_the_same_answer(one, horizon):
    np.testing.assert_array_equal(forecast([one.values], horizon), forecast([one.values], horizon))


@given(st.lists(SERIES, min_size=1, max_size=3), HORIZONS)
def test_channels_are_forecast_as_series_of_their_own(drawn, horizon):
    length = min(one.values.shape[0] for one in drawn)
    columns = [one.values[-length:] for one in drawn]
    assume(all(np.isfinite(column).any() for column in columns))
    together = forecast([np.stack(columns, axis=1)], horizon)[0]
    for c, column in enumerate(columns):
        assert_same(column, together[:, c], forecast([column], horizon)[0])


@given(SERIES, HORIZONS)
def test_a_forecast_is_finite_and_its_quantiles_are_in_order(one, horizon):
    quantiles = forecast([one.values], horizon)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()
