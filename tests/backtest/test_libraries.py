import numpy as np
import pandas as pd
import pytest

from ttm_estimators import BacktestError, cross_validation, evaluate
from ttm_estimators.backtest.models import Naive

pytest.importorskip("gluonts")
pytest.importorskip("sktime")

LEVELS = [0.1, 0.5, 0.9]
THETA = "sktime.forecasting.theta.ThetaForecaster"
SEASONAL = "gluonts.model.seasonal_naive.SeasonalNaivePredictor"


def test_our_own_adapters_by_their_paths_give_our_numbers(sales):
    models = ["ttm", "ttm_sktime.TTMForecaster", "ttm_gluonts.TTMPredictor"]
    frame = cross_validation(sales, 7, windows=2, models=models, quantile_levels=LEVELS)
    for level in ("", "-0.1", "-0.9"):
        for name in ("TTMForecaster", "TTMPredictor"):
            np.testing.assert_allclose(frame[name + level], frame[f"ttm{level}"], rtol=1e-4)


def test_sktime_is_fitted_to_each_series_up_to_each_cutoff(sales):
    from sktime.forecasting.theta import ThetaForecaster

    frame = cross_validation(sales, 7, windows=2, models=[f"{THETA}(sp=7)"], quantile_levels=LEVELS)
    (_, cutoff), part = next(iter(frame.groupby(["unique_id", "cutoff"], sort=False)))
    past = sales[(sales["unique_id"] == "north") & (sales["ds"] <= cutoff)]
    y = pd.Series(past["y"].to_numpy(), index=pd.PeriodIndex(past["ds"], freq="D"))
    alone = ThetaForecaster(sp=7).fit(y, fh=range(1, 8)).predict_quantiles(alpha=LEVELS)
    columns = [f"ThetaForecaster-{level}" for level in LEVELS]
    np.testing.assert_allclose(part[columns], alone)
    np.testing.assert_allclose(part["ThetaForecaster"], part["ThetaForecaster-0.5"])


def test_gluonts_predictors_get_the_horizon_and_the_season(sales):
    models = [SEASONAL, "seasonal_naive"]
    frame = cross_validation(sales, 7, windows=2, models=models, quantile_levels=LEVELS)
    name = "SeasonalNaivePredictor"
    np.testing.assert_allclose(frame[name], frame["seasonal_naive"], rtol=1e-6)


def test_forecasters_may_be_objects(sales):
    from gluonts.model.seasonal_naive import SeasonalNaivePredictor
    from sktime.forecasting.naive import NaiveForecaster

    predictor = SeasonalNaivePredictor(prediction_length=7, season_length=7)
    forecaster = NaiveForecaster(strategy="last", sp=7)
    frame = cross_validation(sales, 7, windows=2, models=[predictor, forecaster])
    np.testing.assert_allclose(frame["SeasonalNaivePredictor"], frame["NaiveForecaster"], rtol=1e-6)
    assert not forecaster.is_fitted


@pytest.mark.parametrize("freq", ["MS", "B", "W-WED", "15min", "h", "QS", "SMS"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_every_frequency_reaches_both_libraries(freq, zone, make_series):
    df = make_series("a", pd.date_range("2024-01-05", periods=60, freq=freq, tz=zone))
    models = [
        "sktime.forecasting.naive.NaiveForecaster(strategy='last')",
        f"{SEASONAL}(season_length=1)",
    ]
    frame = cross_validation(df, 3, windows=2, models=[*models, "naive"], quantile_levels=LEVELS)
    np.testing.assert_allclose(frame["NaiveForecaster"], frame["naive"], rtol=1e-6)
    np.testing.assert_allclose(frame["SeasonalNaivePredictor"], frame["naive"], rtol=1e-6)


class Point:
    """A forecaster in sktime's manner, which knows no quantiles and adds up X."""

    def fit(self, y, fh, X=None):
        self.y, self.X = y, X
        return self

    def predict(self, fh, X=None):
        known = X.sum(axis=1).to_numpy() if X is not None else 0.0
        return pd.Series(np.repeat(self.y.iloc[-1], len(fh)) + known)

    def get_tag(self, name, default=None, raise_error=True):
        return default


def test_a_forecaster_without_quantiles_has_its_point_alone_and_is_scored_by_it(sales):
    frame = cross_validation(sales, 7, windows=2, models=[Point(), "naive"], quantile_levels=LEVELS)
    assert [name for name in frame if name.startswith("Point")] == ["Point"]
    scores = evaluate(frame, sales).models
    assert scores.loc["Point", "MASE"] == pytest.approx(scores.loc["naive", "MASE"])
    assert np.isnan(scores.loc["Point", "coverage"])
    error = (frame["Point"] - frame["y"]).abs().sum() / frame["y"].abs().sum()
    assert scores.loc["Point", "WQL"] == pytest.approx(error)


def test_known_covariates_and_the_calendar_go_to_sktime_as_x(sales):
    priced = sales.assign(price=np.arange(len(sales), dtype=float))
    frame = cross_validation(priced, 7, windows=1, models=[Point(), "naive"], known="price")
    price = frame.merge(priced, on=["unique_id", "ds"])["price"]
    np.testing.assert_allclose(frame["Point"] - frame["naive"], price)
    dated = cross_validation(priced, 7, windows=1, models=[Point()], known="price", calendar=True)
    assert (dated["Point"] - frame["Point"]).min() >= 1  # one weekday each


class Trained:
    """An estimator in the manner of GluonTS, which counts what it is trained on."""

    calls = 0

    def train(self, entries):
        Trained.calls += 1
        self.entries = entries
        return Predicting({one["item_id"]: len(one["target"]) for one in entries})


class Predicting:
    def __init__(self, lengths):
        self.lengths = lengths

    def predict(self, entries):
        for one in entries:
            value = 1000.0 * self.lengths[one["item_id"]] + len(one["target"])
            yield Repeated(value)


class Repeated:
    def __init__(self, value):
        self.value = value

    def quantile(self, level):
        return np.full(7, self.value + level)


def test_an_estimator_is_trained_once_before_the_first_cutoff(sales):
    Trained.calls = 0
    frame = cross_validation(sales, 7, windows=2, models=[Trained()], quantile_levels=LEVELS)
    assert Trained.calls == 1
    north = frame[frame["unique_id"] == "north"]
    # "south" ends 20 days before "north".
    assert north["Trained-0.1"].tolist() == [86_106.1] * 7 + [86_113.1] * 7


def test_a_real_estimator_is_trained_and_forecasts(sales, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # Lightning writes here
    quiet = {"max_epochs": 1, "enable_progress_bar": False, "logger": False}
    estimator = "gluonts.torch.SimpleFeedForwardEstimator"
    text = f"{estimator}(num_batches_per_epoch=2, trainer_kwargs={quiet})"
    options = {"windows": 2, "models": [text], "quantile_levels": LEVELS}
    frame = cross_validation(sales, 7, **options)
    assert frame.notna().all(axis=None)
    pd.testing.assert_frame_equal(frame, cross_validation(sales, 7, **options))


def test_a_forecaster_that_fails_is_told_with_series_and_cutoff(sales):
    short = pd.concat([sales, sales.iloc[:20].assign(unique_id="short")])
    with pytest.raises(BacktestError) as error:
        cross_validation(short, 7, windows=1, models=[f"{THETA}(sp=7)"])
    assert str(error.value).startswith(
        "model 'ThetaForecaster' failed on series 'short' at the cutoff 2024-01-13: ValueError: "
    )
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{THETA}(nope=1)", "model 'ThetaForecaster' takes no argument 'nope', only 'initial"),
        (f"{SEASONAL}(nope=1)", "model 'SeasonalNaivePredictor' takes no argument 'nope'"),
        ("sktime.forecasting.compose.EnsembleForecaster", "needs the argument 'forecasters'"),
    ],
)
def test_arguments_that_do_not_fit_are_told_before_any_model_runs(sales, text, said, monkeypatch):
    monkeypatch.setattr(Naive, "forecast", lambda *_: pytest.fail("a model ran"))
    with pytest.raises(ValueError, match=said):
        cross_validation(sales, 7, models=["naive", text])


def test_a_predictor_that_fails_is_told_with_its_series(sales):
    class Picky(Predicting):
        def predict(self, entries):
            for one in entries:
                if one["item_id"] == "south":
                    raise RuntimeError("no")
                yield Repeated(1.0)

    with pytest.raises(
        BacktestError, match=r"'Picky' failed on series 'south' at .*: RuntimeError"
    ):
        cross_validation(sales, 7, windows=1, models=[Picky({})])


@pytest.mark.parametrize("values", [[1.0] * 6, [np.nan] * 7])
def test_a_forecast_of_another_length_or_without_values_is_refused(sales, values):
    class Wrong(Point):
        def predict(self, fh, X=None):
            return pd.Series(values)

    with pytest.raises(BacktestError, match=r"it forecast 6 steps|not finite"):
        cross_validation(sales, 7, windows=1, models=[Wrong()])


def test_draws_are_the_same_again_and_leave_the_state_of_generators(sales):
    class Drawn(Point):
        def predict(self, fh, X=None):
            return pd.Series(np.random.normal(size=len(fh)))  # noqa: NPY002

    np.random.seed(1)  # noqa: NPY002
    expected = np.random.normal()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    frames = [cross_validation(sales, 7, windows=1, models=[Drawn()]) for _ in range(2)]
    assert np.random.normal() == expected  # noqa: NPY002
    pd.testing.assert_frame_equal(*frames)
