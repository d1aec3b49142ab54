"""Known covariates beside the zero-shot forecast, with the weights that ship."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttm_estimators import Covariates, load
from ttm_estimators.regression import CovariateEffects

HORIZON = 12
ROUNDING = 2e-3
"""In standard deviations of a series: float32 rounds histories, and so what is judged by them."""

model = load()


def made(seed=0, series=4, days=300, noise=1.0, price=5.0, horizon=HORIZON):
    """Sales with a weekly cycle that fall with the price, and prices."""
    random = np.random.default_rng(seed)
    steps = np.arange(days + horizon)
    prices = random.normal(size=(series, len(steps)))
    cycle = 2 * np.sin((steps + random.integers(7, size=(series, 1))) * 2 * np.pi / 7)
    sales = 50 + cycle - price * prices + noise * random.normal(size=prices.shape)
    return sales, prices


def forecast(histories, known, horizon=HORIZON, **options):
    covariates = [Covariates(known=each) for each in known]
    return model.forecast(list(histories), horizon, covariates=covariates, **options)


def test_a_known_driver_leaves_a_third_of_the_error_and_bands_that_hold():
    sales, prices = made(series=8)
    past, future = sales[:, :-HORIZON], sales[:, -HORIZON:]
    found = forecast(past, prices)
    without = model.forecast([*past], HORIZON)
    assert np.abs(found.point - future).mean() < 0.33 * np.abs(without.point - future).mean()
    inside = (found.quantiles[..., 0] <= future) & (future <= found.quantiles[..., -1])
    assert 0.65 < inside.mean() < 0.95
    assert all(effect.kept and effect.gain > 0.5 for effect in found.effects)


@pytest.mark.parametrize("seed", range(12))
def test_covariates_that_tell_nothing_change_nothing(seed):
    sales, _ = made(seed, price=0.0)
    past = [*sales[:, :-HORIZON]]
    noise = np.random.default_rng(seed + 100).normal(size=(4, sales.shape[1], 2))
    found = forecast(past, noise)
    np.testing.assert_array_equal(found.quantiles, model.forecast(past, HORIZON).quantiles)
    assert not any(effect.kept for effect in found.effects)
    assert {effect.gain for effect in found.effects} == {0.0}
    assert not any(effect.values.any() for effect in found.effects)


def test_effects_are_the_forecast_less_that_of_the_adjusted_history():
    sales, prices = made(series=1)
    table = pd.DataFrame({"price": prices[0], "trend": np.linspace(0, 1, len(prices[0]))})
    found = forecast(sales[:, :-HORIZON], [table])
    (effect,) = found.effects
    assert effect.names == ("price", "trend")
    assert effect.values.shape == (HORIZON, 2)
    # The cycle alone, which is all that is left without noise, price and trend.
    base = found.point[0] - effect.values.sum(axis=1)
    assert np.abs(base - 50).max() < 4
    slope = np.polyfit(prices[0, -HORIZON:], effect.values[:, 0], 1)[0]
    assert -6 < slope < -4
    assert str(effect).startswith("covariates lower the error by ")


def test_columns_of_one_calendar_feature_are_one_covariate():
    sales, prices = made(series=1)
    known = pd.DataFrame({"price=low": prices[0] < 0, "price=high": prices[0] > 1}, dtype=float)
    (effect,) = forecast(sales[:, :-HORIZON], [known]).effects
    assert effect.names == ("price",)


@settings(max_examples=10)
@given(
    scale=st.sampled_from([1e-30, 1e-6, 1e6, 1e30]),
    covariate_scale=st.sampled_from([1e-30, 1e-6, 1e6, 1e30]),
    shift=st.floats(-1e3, 0),  # a series that becomes positive has a logarithm, too
)
def test_level_and_scale_of_series_and_covariates_do_not_matter(scale, covariate_scale, shift):
    sales, prices = made(days=150, series=2)
    past = sales[:, :-HORIZON] - 50
    plain = forecast(past, prices).quantiles
    moved = forecast(scale * (past + shift), covariate_scale * (prices + shift)).quantiles
    np.testing.assert_allclose(moved / scale - shift, plain, rtol=0, atol=ROUNDING * past.std())


def test_the_order_of_series_and_the_size_of_batches_do_not_matter():
    sales, prices = made(series=5, days=120)
    past = sales[:, :-HORIZON]
    plain = forecast(past, prices).quantiles
    order = [3, 0, 4, 1, 2]
    turned = forecast(past[order], prices[order]).quantiles
    np.testing.assert_allclose(turned, plain[order], rtol=0, atol=ROUNDING * past.std())
    small = forecast(past, prices, batch_size=3).quantiles
    np.testing.assert_allclose(small, plain, rtol=0, atol=ROUNDING * past.std())


def test_series_share_coefficients_with_those_alone_that_end_at_the_same_time():
    sales, prices = made(series=4, days=100)
    past = [*sales[:, :-HORIZON]]
    ends = ["June", "May", "June", "May"]
    found = forecast(past, prices, ends=ends).quantiles
    for end in (0, 1):
        apart = forecast(past[end::2], prices[end::2]).quantiles
        np.testing.assert_allclose(found[end::2], apart, rtol=0, atol=ROUNDING * past[0].std())
    assert np.abs(found - forecast(past, prices).quantiles).max() > 0.1
    with pytest.raises(ValueError, match="there are 4 series, but ends of 1"):
        forecast(past, prices, ends=ends[:1])


def test_channels_are_series_of_their_own_that_share_covariates():
    sales, prices = made(series=2)
    prices = prices[:1]
    past = sales[:, :-HORIZON].T
    found = forecast([past], prices)
    apart = forecast([*past.T], [prices[0], prices[0]])
    assert found.quantiles.shape == (1, HORIZON, 2, 9)
    assert len(found.effects) == 2
    np.testing.assert_allclose(
        np.moveaxis(found.quantiles[0], 1, 0), apart.quantiles, atol=ROUNDING * past.std()
    )


def test_missing_values_of_covariates_and_series_are_no_trouble():
    sales, prices = made(series=6)
    random = np.random.default_rng(5)
    past, future = sales[:, :-HORIZON].copy(), sales[:, -HORIZON:]
    prices[random.uniform(size=prices.shape) < 0.1] = np.nan
    past[random.uniform(size=past.shape) < 0.1] = np.nan
    found = forecast(past, prices)
    without = model.forecast([*past], HORIZON)
    assert np.isfinite(found.quantiles).all()
    assert np.abs(found.point - future).mean() < 0.7 * np.abs(without.point - future).mean()


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(lambda y, x: np.ones_like(x), id="constant"),
        pytest.param(lambda y, x: np.stack([x, x, -2 * x], axis=1), id="collinear"),
        pytest.param(lambda y, x: y, id="the series itself"),
        pytest.param(lambda y, x: 1e300 * x, id="huge"),
        pytest.param(lambda y, x: 1e-300 * x, id="tiny"),
        pytest.param(lambda y, x: np.r_[x[:-HORIZON], x[-HORIZON:] * 1e6], id="beyond its history"),
        pytest.param(lambda y, x: np.where(np.arange(len(x)) < 290, np.nan, x), id="all but new"),
        pytest.param(lambda y, x: (np.arange(len(x)) > 305).astype(float), id="only in future"),
        pytest.param(lambda y, x: np.random.default_rng(1).normal(size=(len(x), 40)), id="many"),
    ],
)
@pytest.mark.parametrize("magnitude", [1.0, 1e-35, 1e35, 1e290])
def test_a_forecast_is_finite_and_sane_with_any_covariate(known, magnitude):
    sales, prices = made(series=1)
    past = magnitude * sales[:, :-HORIZON]
    found = forecast(past, [known(sales[0], prices[0])]).quantiles / magnitude
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=-1) >= 0).all()
    assert np.abs(found - 50).max() < 100


@pytest.mark.parametrize("points", [1, 2, 5, HORIZON, 2 * HORIZON - 1])
def test_short_series_are_forecast_without(points):
    sales, prices = made(series=2, days=points)
    past = [*sales[:, :points]]
    found = forecast(past, prices)
    np.testing.assert_array_equal(found.quantiles, model.forecast(past, HORIZON).quantiles)
    assert [effect.windows for effect in found.effects] == [0, 0]


def test_a_series_that_stays_where_it_is_stays_there():
    _, prices = made(series=1)
    found = forecast([np.full(300, 7.0)], prices)
    np.testing.assert_array_equal(found.quantiles, 7.0)


def test_a_gap_at_the_end_is_forecast_across_with_the_effects_of_the_right_dates():
    sales, prices = made(series=1, days=2400)
    past = sales[:, :-HORIZON].copy()
    past[:, -2060:] = np.nan
    found = forecast(past, prices)
    assert found.effects[0].kept
    assert np.corrcoef(found.point[0], sales[0, -HORIZON:])[0, 1] > 0.9


def test_a_bound_that_a_series_rests_at_holds_with_covariates():
    random = np.random.default_rng(0)
    heat = np.sin(np.arange(612) * 2 * np.pi / 24) + 0.3 * random.normal(size=612)
    used = np.maximum(0.0, 5 * heat + random.normal(size=612))
    found = forecast([used[:600]], [heat])
    assert found.effects[0].kept
    assert found.quantiles.min() >= 0.0


def test_a_series_without_covariates_is_forecast_as_ever_beside_one_with_some():
    sales, prices = made(series=2)
    past = [*sales[:, :-HORIZON]]
    covariates = [Covariates(known=prices[0]), Covariates()]
    found = model.forecast(past, HORIZON, covariates=covariates)
    assert [effect.kept for effect in found.effects] == [True, False]
    plain = model.forecast(past, HORIZON)
    np.testing.assert_allclose(found.quantiles[1], plain.quantiles[1], atol=1e-3)


def test_an_unknown_future_is_refused():
    sales, prices = made(series=1)
    prices[:, -HORIZON:] = np.nan
    with pytest.raises(ValueError, match="no future values of the covariates 0 for the steps 1 to"):
        forecast(sales[:, :-HORIZON], prices)
    with pytest.raises(ValueError, match="no future values of the covariates 0 for the steps 3 to"):
        forecast(sales[:, :-HORIZON], prices[:, : -HORIZON + 2])
    with pytest.raises(ValueError, match="have 10: give them from the first point"):
        forecast(sales[:, :-HORIZON], prices[:, :10])


def test_others_than_known_ones_are_told_to_count_after_fine_tuning_only():
    sales, prices = made(series=1)
    past = [*sales[:, :-HORIZON]]
    covariates = [Covariates(known=prices[0], past=prices[0, :-HORIZON], static=[1])]
    with pytest.warns(UserWarning, match="past-only and static covariates are not used: fine-tune"):
        found = model.forecast(past, HORIZON, covariates=covariates)
    assert found.effects[0].kept


def test_no_covariates_have_no_effects():
    sales, _ = made(series=1)
    assert model.forecast([sales[0]], HORIZON).effects == ()
    assert model.forecast([sales[0]], HORIZON, covariates=[Covariates()]).effects == ()


def test_effects_say_in_a_line_whether_they_count():
    nothing = CovariateEffects(("price",), np.zeros((3, 1)), 0.0, 1)
    assert str(nothing) == (
        "covariates not used: they lowered the error by no more than chance on 1 held-out window"
    )
    kept = CovariateEffects(("a", "b"), np.array([[1.0, -4.0]]), 0.25, 8)
    assert repr(kept) == "CovariateEffects(names=('a', 'b'), gain=0.25, windows=8)"
    assert str(kept) == (
        "covariates lower the error by 25% on 8 held-out windows; mean absolute effect: b 4, a 1"
    )


def test_a_covariate_that_a_series_never_had_is_told_and_not_asked_for_in_its_future():
    random = np.random.default_rng(0)
    series = [random.normal(size=120) for _ in range(2)]
    price = pd.DataFrame({"price": random.normal(size=127)})
    absent = pd.DataFrame({"price": np.full(120, np.nan)})
    covariates = [Covariates(known=price), Covariates(known=absent)]
    with pytest.warns(UserWarning, match="series 1 has no value of price in its history"):
        forecast = model.forecast(series, 7, covariates=covariates)
    assert np.isfinite(forecast.quantiles).all()


def test_a_series_of_a_few_points_is_forecast_without_covariates():
    random = np.random.default_rng(0)
    for points in (2, 5, 12, 39):
        y = random.normal(size=points).cumsum()
        x = random.normal(size=points + 1).cumsum()
        found = model.forecast([y], 1, covariates=[Covariates(known=x)])
        assert not found.effects[0].kept
        np.testing.assert_array_equal(found.point, model.forecast([y], 1).point)


def test_a_panel_that_moves_together_seldom_keeps_noise():
    random = np.random.default_rng(0)
    kept = []
    for _ in range(12):
        common = random.normal(size=212).cumsum()
        series = [common[:200] + 0.5 * random.normal(size=200) for _ in range(10)]
        noise = random.normal(size=(212, 2)).cumsum(axis=0)
        found = model.forecast(series, 12, covariates=[Covariates(known=noise)] * 10)
        kept.append(any(each.kept for each in found.effects))
    assert np.mean(kept) < 0.2


def test_effects_on_a_logarithm_stay_within_those_of_the_history():
    random = np.random.default_rng(0)
    y = np.exp(random.normal(size=210))
    x = np.log(y) + 0.1 * random.normal(size=210)
    x[200:] = 3 * x[:200].max()
    found = model.forecast([y[:200]], 10, covariates=[Covariates(known=x)])
    assert found.point.max() < 3 * y[:200].max()


def test_a_covariate_that_counts_is_found_at_a_horizon_of_one_step():
    def kept(seed, effect):
        rng, steps = np.random.default_rng(seed), np.arange(401)
        promotion = (rng.random(401) < 0.2).astype(float)
        noise = np.convolve(rng.normal(size=403), [0.5, 0.3, 0.2], "valid")
        demand = 20 + 3 * np.sin(2 * np.pi * steps / 7) + noise + effect * promotion
        known = Covariates(known=pd.DataFrame({"promotion": promotion}))
        return model.forecast([demand[:400]], 1, covariates=known).effects[0].kept

    assert sum(kept(seed, 1.0) for seed in range(6)) >= 4  # with 24 windows it was one
    assert sum(kept(seed, 0.0) for seed in range(6)) == 0


def test_no_more_windows_are_forecast_than_it_takes_until_it_is_clear():
    windows = []
    for price in (5.0, 0.3):
        sales, prices = made(price=price, series=20)
        effects = forecast(sales[:, :-HORIZON], prices).effects
        windows.append(max(effect.windows for effect in effects))
    assert windows[0] <= 4 < windows[1]


def test_the_offset_of_a_covariate_does_not_matter():
    random = np.random.default_rng(0)
    x = random.normal(size=207)
    y = 5 * x + random.normal(size=207)
    near, far = (
        model.forecast([y[:200]], 7, covariates=[Covariates(known=x + offset)])
        for offset in (0.0, 1e9)
    )
    assert far.effects[0].kept
    np.testing.assert_allclose(far.point, near.point, atol=1e-3)
