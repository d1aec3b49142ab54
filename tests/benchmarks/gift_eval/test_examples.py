import numpy as np
import pandas as pd
import pytest

from ttm_benchmarks.gift_eval.data import read_task
from ttm_benchmarks.gift_eval.examples import (
    SHOWN_HORIZONS,
    add_example,
    example_of,
    read_examples,
    typical_window,
)
from ttm_benchmarks.gift_eval.tasks import TASKS
from ttm_gluonts import TTMPredictor


@pytest.mark.parametrize(
    ("errors", "window"),
    [
        ([1.0, 3.0, 2.0], 2),
        ([4.0, 1.0, 3.0, 2.0], 3),
        ([np.nan, 5.0, np.inf, np.nan], 1),
        ([np.nan, np.nan], 0),
        ([7.0], 0),
    ],
)
def test_the_typical_window_has_the_error_in_the_middle(errors, window):
    assert typical_window(np.array(errors)) == window


@pytest.mark.parametrize("multivariate", [False, True])
def test_an_example_is_the_forecast_of_its_window_beside_the_truth(
    gift, model_folder, multivariate
):
    task = TASKS["ett1/W/short"]
    data = read_task(gift, task, multivariate=multivariate)
    predictor = TTMPredictor(prediction_length=task.horizon, model=model_folder)
    table = example_of(predictor, data, 1)
    past, future = list(data.test)[1]
    (forecast,) = predictor.predict([past])
    past_T, future_H = np.atleast_2d(past["target"])[0], np.atleast_2d(future["target"])[0]
    shown, ahead = table[table["0.5"].isna()], table[table["0.5"].notna()]
    np.testing.assert_array_equal(shown["value"], past_T[-SHOWN_HORIZONS * task.horizon :])
    np.testing.assert_array_equal(ahead["value"], future_H)
    quantile_H = forecast.quantile(0.9).reshape(task.horizon, -1)[:, 0]
    np.testing.assert_allclose(ahead["0.9"], quantile_H, rtol=1e-6)
    assert list(ahead["time"].dt.to_period("W-THU")) == list(
        pd.period_range(forecast.start_date, periods=task.horizon)
    )
    assert table["time"].is_monotonic_increasing
    assert table["time"].is_unique


def test_a_run_keeps_an_example_of_each_task(bench, gift, tmp_path, model_folder):
    options = ("--data", gift, "--output", tmp_path / "out", "--model", model_folder)
    assert bench("gift-eval", *options, "--tasks", "hospital/*")[0] == 0
    assert bench("gift-eval", *options)[0] == 0
    table = read_examples(tmp_path / "out")
    ahead = table.dropna(subset="0.5").groupby("dataset").size()
    assert ahead.to_dict() == {
        "ett1/W/short": 8,
        "hospital/M/short": 12,
        "m4_weekly/W/short": 13,
        "us_births/M/short": 12,
    }


def test_an_example_takes_the_place_of_an_older_one_of_its_task(tmp_path):
    assert read_examples(tmp_path) is None
    for value in (1.0, 2.0):
        add_example(tmp_path, "one", pd.DataFrame({"value": [value]}))
    add_example(tmp_path, "two", pd.DataFrame({"value": [3.0]}))
    table = read_examples(tmp_path)
    assert table[["dataset", "value"]].to_numpy().tolist() == [["one", 2.0], ["two", 3.0]]
