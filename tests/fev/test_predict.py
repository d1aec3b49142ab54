import numpy as np
import pytest

from tests.fev.conftest import KNOWN, LEVELS, SHOPS
from tests.tiny import PUBLISHED_KIND, tiny_network
from ttm_estimators import Covariates, Forecaster, WeightsError
from ttm_estimators.inputs.covariates import Roles
from ttm_fev import predict_fev

HORIZON = 14


def numbers(predictions, target="sales"):
    """Medians and quantiles of every window, shape (windows, series, horizon, 1 + levels)."""
    windows = []
    for each in predictions:
        dataset = each[target].with_format("numpy")
        windows.append(np.stack([dataset[name] for name in dataset.column_names], axis=-1))
    return np.stack(windows)


def histories(sales, column, ahead):
    """Values of each shop that end so many days before the last."""
    return [
        part[column].to_numpy(float)[: len(part) - ahead]
        for _, part in sales.groupby("shop", sort=True)
    ]


def test_the_numbers_are_those_of_the_core_in_every_window(shipped, task, sales):
    found = numbers(predict_fev(task, shipped))
    assert found.shape == (3, len(SHOPS), HORIZON, 1 + len(LEVELS))
    for window, ahead in enumerate((42, 28, 14)):
        expected = shipped.forecast(
            histories(sales, "sales", ahead), HORIZON, quantile_levels=LEVELS
        )
        np.testing.assert_allclose(found[window, ..., 0], expected.point, rtol=1e-5)
        np.testing.assert_allclose(found[window, ..., 1:], expected.quantiles, rtol=1e-5)


def test_fev_takes_the_predictions_and_scores_them_below_a_naive_forecast(shipped, task, sales):
    predictions = predict_fev(task, shipped)
    for window in predictions:
        task.clean_and_validate_predictions(window)
    ours = task.evaluation_summary(predictions, model_name="ttm")
    week = [
        {
            "sales": [
                {name: [*history[-7:]] * 2 for name in ("predictions", *map(str, LEVELS))}
                for history in histories(sales, "sales", ahead)
            ]
        }
        for ahead in (42, 28, 14)
    ]
    naive = task.evaluation_summary(week, model_name="naive")
    assert ours["test_error"] < 0.8 * naive["test_error"]


def test_a_task_without_levels_gets_the_median_alone(shipped, make_task, sales, task):
    predictions = predict_fev(make_task(sales, quantile_levels=[], eval_metric="MASE"), shipped)
    assert predictions[0]["sales"].column_names == ["predictions"]
    np.testing.assert_array_equal(
        numbers(predictions)[..., 0], numbers(predict_fev(task, shipped))[..., 0]
    )


@pytest.mark.parametrize("which", ["task", "known_task"])
def test_batches_of_windows_change_no_number(shipped, which, request):
    task = request.getfixturevalue(which)
    apart = numbers(predict_fev(task, shipped, batch_size=1))
    np.testing.assert_allclose(numbers(predict_fev(task, shipped)), apart, rtol=1e-4, atol=1e-4)


def test_known_columns_count_and_help(shipped, known_task, task, sales):
    found = numbers(predict_fev(known_task, shipped))
    ahead = 28
    covariates = [
        Covariates(known=part[KNOWN].iloc[: len(part) - ahead + HORIZON].to_numpy(float))
        for _, part in sales.groupby("shop")
    ]
    expected = shipped.forecast(
        histories(sales, "sales", ahead), HORIZON, covariates=covariates, quantile_levels=LEVELS
    )
    np.testing.assert_allclose(found[1, ..., 0], expected.point, rtol=1e-4)
    with_them, without = (
        each.evaluation_summary(predict_fev(each, shipped), model_name="ttm")["test_error"]
        for each in (known_task, task)
    )
    assert with_them < without


def test_columns_that_can_not_count_are_named(shipped, make_task, sales, known_task):
    task = make_task(
        sales,
        known_dynamic_columns=[*KNOWN, "weather"],
        past_dynamic_columns=["visitors"],
        static_columns=["region"],
    )
    with pytest.warns(UserWarning, match="columns region, visitors, weather of the task are not"):
        found = numbers(predict_fev(task, shipped))
    np.testing.assert_array_equal(found, numbers(predict_fev(known_task, shipped)))


def test_several_targets_are_forecast_each_by_itself(shipped, make_task, sales, task):
    both = predict_fev(make_task(sales, target=["visitors", "sales"]), shipped)
    assert {*both[0]} == {"sales", "visitors"}
    alone = numbers(predict_fev(task, shipped))
    np.testing.assert_allclose(numbers(both), alone, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(numbers(both, "visitors"), 2 * alone, rtol=1e-3, atol=1e-2)


def test_a_model_takes_the_covariates_that_it_learnt_from_by_their_names(make_task, sales):
    network = tiny_network(
        channels=4,
        mix_channels=True,
        target_channels=(0,),
        covariate_channels=(1, 2),
        exogenous_mixing=True,
        exogenous_context=2,
        static_cardinalities=(2,),
    )
    roles = Roles(["promotion", "price"], ["visitors"], {"region": ["b", "a"]})
    forecaster = Forecaster(network, roles=roles)
    horizon = network.config.horizon
    declared = {
        "horizon": horizon,
        "known_dynamic_columns": KNOWN,
        "past_dynamic_columns": ["visitors"],
        "static_columns": ["region"],
    }
    found = numbers(predict_fev(make_task(sales, **declared), forecaster))
    covariates = [
        Covariates(
            known=part[["promotion", "price"]].to_numpy(float),
            past=part["visitors"].to_numpy(float)[: len(part) - horizon],
            static=["ba".index(part["region"].iloc[0])],
        )
        for _, part in sales.groupby("shop")
    ]
    expected = forecaster.forecast(
        histories(sales, "sales", horizon), horizon, covariates=covariates, quantile_levels=LEVELS
    )
    np.testing.assert_allclose(found[2, ..., 1:], expected.quantiles, rtol=1e-5)

    for lacking, name in (("known_dynamic_columns", "price"), ("static_columns", "region")):
        with pytest.raises(ValueError, match=f"fine-tuned with the covariates .*{name}.*{lacking}"):
            predict_fev(make_task(sales, **(declared | {lacking: []})), forecaster)
    other = sales.assign(region="c")
    with pytest.raises(ValueError, match="static column region holds 'c'"):
        predict_fev(make_task(other, **declared), forecaster)


def test_a_series_that_was_never_observed_is_forecast_as_zeros_with_a_warning(
    shipped, make_task, sales, task
):
    empty = sales.assign(sales=sales["sales"].where(sales["shop"] != "south"))
    with pytest.warns(UserWarning, match="item 'south' of window 0 is all missing"):
        found = numbers(predict_fev(make_task(empty), shipped))
    assert (found[:, 1, :, 0] == 0).all()
    others = numbers(predict_fev(task, shipped))
    np.testing.assert_allclose(found[:, [0, 2]], others[:, [0, 2]], rtol=1e-4)


def test_an_impossible_reading_is_taken_as_missing_or_kept(shipped, make_task, sales, task):
    failed = sales.astype({"sales": float})
    failed.loc[(sales["shop"] == "north") & (sales["date"] == "2025-01-10"), "sales"] = -9e6
    with pytest.warns(UserWarning, match="item 'north' of window 0"):
        found = numbers(predict_fev(make_task(failed), shipped))
    expected = numbers(predict_fev(task, shipped))
    assert np.abs(found - expected).max() < 0.3 * expected.max()
    kept = numbers(predict_fev(make_task(failed), shipped, keep_outliers=True))
    assert np.abs(kept[:, 0] - expected[:, 0]).max() > expected.max()


def test_a_network_that_forecasts_a_point_refuses_levels(make_task, sales):
    network = tiny_network(**PUBLISHED_KIND)
    medians = make_task(sales, quantile_levels=[0.5])
    assert predict_fev(medians, network)[0]["sales"].column_names == ["predictions", "0.5"]
    with pytest.raises(ValueError, match="level"):
        predict_fev(make_task(sales), network)


def test_an_unknown_model_is_refused(task):
    with pytest.raises(WeightsError, match="unknown model 'nowhere'"):
        predict_fev(task, "nowhere")
