import fev
import numpy as np

from ttm_fev import TTMModel, predict_fev


def test_fev_knows_the_model_by_its_name():
    assert fev.ForecastingModel.get_model_cls("TTM") is TTMModel


def test_a_benchmark_gets_forecasts_and_seconds_of_each_task(shipped, task, known_task):
    model = TTMModel(shipped)
    seconds = []
    for each in fev.Benchmark([task, known_task]).tasks:
        predictions = model.fit_predict(each)
        seconds.append(model.inference_time)
        for ours, theirs in zip(predictions, predict_fev(each, shipped), strict=True):
            np.testing.assert_array_equal(
                ours["sales"]["predictions"], theirs["sales"]["predictions"]
            )
    assert min(seconds) > 0
    assert model.training_time == 0


def test_options_reach_the_forecasts(make_task, sales, shipped):
    failed = sales.assign(sales=sales["sales"].astype(float))
    failed.loc[700, "sales"] = -9e6
    task = make_task(failed)
    kept = TTMModel(shipped, keep_outliers=True).fit_predict(task)
    expected = predict_fev(task, shipped, keep_outliers=True)
    np.testing.assert_array_equal(
        kept[2]["sales"]["predictions"], expected[2]["sales"]["predictions"]
    )
