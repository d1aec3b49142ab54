import numpy as np
import pandas as pd
import pytest
import torch

from tests.tiny import TINY, tiny_network
from ttm_estimators import Covariates, Forecaster
from ttm_estimators.inputs.covariates import counts, join
from ttm_estimators.network.add_covariates import add_covariates

HORIZON = 10
RANDOM = np.random.default_rng(0)


def forecaster(**kinds):
    """A network that has learnt to use its covariates, as far as random weights can."""
    wide = add_covariates(tiny_network(), **kinds)
    torch.manual_seed(1)
    for parameter in wide.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return Forecaster(wide)


@pytest.fixture(scope="module")
def known():
    return forecaster(known=2)


def series(*lengths):
    return [RANDOM.normal(size=length) for length in lengths]


def with_known(lengths, ahead=HORIZON):
    return [Covariates(known=RANDOM.normal(size=(length + ahead, 2))) for length in lengths]


def test_every_series_is_forecast_with_covariates_of_its_own(known):
    lengths = (90, 40, 120)
    many, covariates = series(*lengths), with_known(lengths)
    together = known.forecast(many, HORIZON, covariates=covariates)
    for i in range(3):
        alone = known.forecast([many[i]], HORIZON, covariates=[covariates[i]])
        np.testing.assert_allclose(together.quantiles[i], alone.quantiles[0], rtol=1e-4, atol=1e-5)
    others = known.forecast(many, HORIZON, covariates=with_known(lengths))
    assert not np.allclose(together.quantiles, others.quantiles)


def test_a_future_value_moves_the_forecast_near_its_step_and_no_other(known):
    (one,), (covariates,) = series(90), with_known([90])
    before = known.forecast([one], HORIZON, covariates=[covariates]).point
    changed = covariates.known.copy()
    changed[90 + 5] += 1.0
    after = known.forecast([one], HORIZON, covariates=[Covariates(known=changed)]).point
    moved = np.flatnonzero((before != after)[0])
    assert moved.tolist() == [3, 4, 5, 6, 7]


def test_rows_beyond_the_horizon_do_not_matter(known):
    (one,), (covariates,) = series(90), with_known([90], ahead=50)
    cut = Covariates(known=covariates.known[: 90 + HORIZON])
    np.testing.assert_array_equal(
        known.forecast([one], HORIZON, covariates=[covariates]).quantiles,
        known.forecast([one], HORIZON, covariates=[cut]).quantiles,
    )


def test_a_missing_future_is_told_with_its_covariates_and_steps(known):
    frame = pd.DataFrame(RANDOM.normal(size=(94, 2)), columns=["price", "holiday"])
    message = r"series 0 has no future .* 'price', 'holiday' for the steps 5 to 10 of 10"
    with pytest.raises(ValueError, match=message):
        known.forecast(series(90), HORIZON, covariates=[Covariates(known=frame)])
    frame = pd.DataFrame(RANDOM.normal(size=(100, 2)), columns=["price", "holiday"])
    frame.loc[90:, "price"] = np.nan
    message = r"series 0 has no future values of the covariates 'price' for the steps 1 to 10"
    with pytest.raises(ValueError, match=message):
        known.forecast(series(90), HORIZON, covariates=[Covariates(known=frame)])


def test_a_few_missing_values_are_taken(known):
    (one,), (covariates,) = series(90), with_known([90])
    covariates.known[[3, 50, 93]] = np.nan
    assert np.isfinite(known.forecast([one], HORIZON, covariates=[covariates]).quantiles).all()


@pytest.mark.parametrize(
    "given",
    [
        lambda values: np.ma.masked_array(np.nan_to_num(values, nan=99.0), np.isnan(values)),
        lambda values: pd.DataFrame(values).astype("Float64"),
        lambda values: torch.tensor(values, requires_grad=True),
        lambda values: [[None if np.isnan(one) else one for one in row] for row in values],
    ],
)
def test_every_kind_of_missing_value_is_the_same_in_covariates(known, given):
    (one,), (covariates,) = series(90), with_known([90])
    covariates.known[[3, 50, 88, 93]] = np.nan
    np.testing.assert_array_equal(
        known.forecast([one], HORIZON, covariates=[Covariates(given(covariates.known))]).quantiles,
        known.forecast([one], HORIZON, covariates=[covariates]).quantiles,
    )


def test_a_covariate_without_any_past_is_taken(known):
    (one,), (covariates,) = series(90), with_known([90])
    covariates.known[:90, 1] = np.nan
    assert np.isfinite(known.forecast([one], HORIZON, covariates=[covariates]).quantiles).all()


def test_the_scale_of_a_covariate_does_not_matter(known):
    (one,), (covariates,) = series(90), with_known([90])
    scaled = Covariates(known=covariates.known * 1e9 + 1e12)
    np.testing.assert_allclose(
        known.forecast([one], HORIZON, covariates=[covariates]).quantiles,
        known.forecast([one], HORIZON, covariates=[scaled]).quantiles,
        atol=1e-3,
    )


def test_a_series_that_ended_early_is_forecast_across_its_gap(known):
    (one,), (covariates,) = series(90), with_known([90])
    covariates.known[88:90] = np.nan
    ended = np.concatenate([one[:88], [np.nan, np.nan]])
    assert known.forecast([ended], HORIZON, covariates=[covariates]).point.shape == (1, HORIZON)


@pytest.mark.filterwarnings("error")
def test_covariates_of_the_past_and_categories_move_the_forecast():
    model = forecaster(targets=2, past=1, static_cardinalities=(3,))
    target, past = RANDOM.normal(size=(90, 2)), RANDOM.normal(size=90)
    base = Covariates(past=past, static=[0])
    before = model.forecast([target], HORIZON, covariates=[base]).quantiles
    assert before.shape == (1, HORIZON, 2, 5)
    for other in (Covariates(past=-past, static=[0]), Covariates(past=past, static=[2])):
        after = model.forecast([target], HORIZON, covariates=[other]).quantiles
        assert not np.allclose(before, after)


def test_categories_go_on_into_a_horizon_beyond_the_head():
    model = forecaster(targets=1, static_cardinalities=(3,))
    forecast = model.forecast(series(90), 30, covariates=[Covariates(static=[1])])
    assert np.isfinite(forecast.quantiles).all()


def test_a_network_without_covariates_takes_those_known_in_the_future_alone():
    plain = Forecaster(tiny_network())
    forecast = plain.forecast(series(90), HORIZON, covariates=with_known([90]))
    assert forecast.point.shape == (1, HORIZON)
    assert len(forecast.effects) == 1
    with pytest.warns(UserWarning, match="past-only and static covariates are not used: fine-tune"):
        plain.forecast(series(90), HORIZON, covariates=[Covariates(static=[1])])


def test_a_network_that_mixes_channels_warns_that_it_must_be_fine_tuned_with_covariates():
    mixing = Forecaster(tiny_network(mix_channels=True, channels=1))
    with pytest.warns(UserWarning, match="covariates are not used: fine-tune the model"):
        forecast = mixing.forecast(series(90), HORIZON, covariates=with_known([90]))
    assert forecast.effects == ()


@pytest.mark.parametrize(
    ("covariates", "said"),
    [
        (None, "series 0 has 0 covariates known in the future, this model takes 2"),
        ([], "1 series, but covariates of 0"),
        (
            [Covariates(known=np.zeros((80, 2)))],
            "90 points, but its covariates known in the future",
        ),
        ([Covariates(known=np.zeros(100))], "series 0 has 1 covariates known in the future"),
        ([Covariates(known=np.zeros((100, 2)), past=np.zeros(90))], "known in the past only"),
        ([Covariates(known=np.zeros((100, 2)), static=[1])], "1 static covariates"),
        ([Covariates(known=[["a", "b"]] * 100)], "the future, is not numeric"),
        ([Covariates(known=np.full((100, 2), np.inf))], "the future, holds infinity"),
    ],
)
def test_covariates_that_do_not_fit_are_refused(known, covariates, said):
    with pytest.raises(ValueError, match=said):
        known.forecast(series(90), HORIZON, covariates=covariates)


def test_an_unknown_category_is_refused():
    model = forecaster(static_cardinalities=(3,))
    with pytest.raises(
        ValueError, match="category 3 of static covariate 0, this model knows 0 to 2"
    ):
        model.forecast(series(90), HORIZON, covariates=[Covariates(static=[3])])


def test_joined_channels_stand_where_the_configuration_has_them():
    config = add_covariates(tiny_network(), targets=2, known=1, past=1).config
    assert config.context_length == TINY.context_length
    values = np.arange(10.0).reshape(5, 2)
    covariates = Covariates(known=np.arange(100.0, 108.0), past=np.arange(200.0, 205.0))
    joined = join(values, covariates, config, "series 0")
    np.testing.assert_array_equal(joined.values_TC[1], [2.0, 3.0, 101.0, 201.0])
    np.testing.assert_array_equal(joined.known_HX[:, 0], [105.0, 106.0, 107.0])
    assert counts(covariates, "series 0") == (1, 1, 0)


def test_covariates_show_the_shapes_of_what_they_hold():
    given = Covariates(known=np.zeros((50, 2)), static=[1])
    assert repr(given) == "Covariates(known (50, 2), static (1,))"
