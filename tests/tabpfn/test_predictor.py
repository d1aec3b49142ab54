import warnings
from itertools import count, islice

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("gluonts", reason="needs the extra gluonts")

from gluonts.dataset.common import ListDataset
from gluonts.model.predictor import Predictor

from ttm_tabpfn import TabPFNError, TabPFNPredictor


@pytest.fixture
def predictor(checkpoint):
    def make(prediction_length=3, **arguments):
        return TabPFNPredictor(
            prediction_length, checkpoint, **{"workers": 1, "forecast_keys": ["0.1"], **arguments}
        )

    return make


def entries(*lengths: int, **more: object) -> list[dict]:
    """Hourly entries of these lengths, each at a level of its own."""
    return [
        {
            "item_id": f"s{i}",
            "start": pd.Period("2024-01-01", freq="h"),
            "target": 100.0 * i + np.random.default_rng(i).normal(size=length),
            **more,
        }
        for i, length in enumerate(lengths)
    ]


def arrays(forecasts) -> list[np.ndarray]:
    return [forecast.forecast_array for forecast in forecasts]


def test_forecasts_come_in_the_order_of_the_data_whatever_the_batch(predictor):
    rows = entries(30, 20, 40)[::-1]
    each = [list(predictor(batch_size=size).predict(rows)) for size in (1, 2, 256)]
    for forecasts in each:
        assert [forecast.item_id for forecast in forecasts] == ["s2", "s1", "s0"]
        for row, forecast in zip(rows, forecasts, strict=True):
            assert np.abs(forecast.mean - row["target"].mean()).max() < 20
            np.testing.assert_array_equal(
                forecast.forecast_array, each[0][forecasts.index(forecast)].forecast_array
            )


def test_more_workers_change_no_number(predictor):
    rows = entries(30, 20, 40)
    one, two = (arrays(predictor(workers=workers).predict(rows)) for workers in (1, 2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_deciles_and_the_median_as_mean_are_the_default(predictor):
    (forecast,) = predictor(forecast_keys=None).predict(entries(30))
    assert forecast.forecast_keys == [*(str(k / 10) for k in range(1, 10)), "mean"]
    assert forecast.forecast_array.shape == (10, 3)
    np.testing.assert_array_equal(forecast.mean, forecast.quantile(0.5))
    assert (np.diff(forecast.forecast_array[:-1], axis=0) >= 0).all()


@pytest.mark.parametrize(
    ("asked", "given"),
    [(["mean", "0.8"], ["mean", "0.8"]), (["p25", "0.05"], ["0.25", "0.05", "mean"])],
)
def test_forecast_keys_may_be_any_levels_in_any_order(predictor, asked, given):
    (forecast,) = predictor(forecast_keys=asked).predict(entries(30))
    assert forecast.forecast_keys == given
    (both,) = predictor(forecast_keys=["0.05", "0.25", "0.8"]).predict(entries(30))
    for key in set(given) - {"mean"}:
        np.testing.assert_array_equal(forecast.quantile(key), both.quantile(key))
    np.testing.assert_array_equal(forecast.mean, both.mean)


@pytest.mark.parametrize("freq", ["15min", "D", "W-SUN", "M", "Q-DEC", "Y-DEC"])
def test_a_forecast_starts_after_the_data_and_the_lead_time(predictor, freq):
    index = pd.period_range("2020-01-31", periods=20 + 2 + 3, freq=freq)
    row = {"start": index[0], "target": np.arange(20.0)}
    (forecast,) = predictor(lead_time=2).predict([row])
    assert list(forecast.index) == list(index[22:])
    (longer,) = predictor(5).predict([row])
    np.testing.assert_allclose(forecast.forecast_array, longer.forecast_array[:, 2:], rtol=1e-5)


def test_variates_are_series_of_their_own(predictor):
    row, other = entries(30, 30)
    both = {**row, "target": np.stack([row["target"], other["target"]])}
    (forecast,) = predictor().predict([both])
    assert forecast.forecast_array.shape == (2, 3, 2)
    for variate, alone in enumerate(predictor().predict([row, other])):
        np.testing.assert_array_equal(forecast.forecast_array[..., variate], alone.forecast_array)


def test_missing_values_short_series_constants_and_empty_ones_are_forecast(predictor):
    rows = entries(30, 1, 2, 30, 30, 30)
    rows[0]["target"][[0, 5, 29]] = np.nan
    rows[3]["target"][:] = 7.0
    rows[4]["target"][:] = np.nan
    rows[5]["target"][:-3] = np.nan
    rows[5]["target"][-2:] = np.nan
    gappy, single, two, constant, unobserved, last = predictor().predict(rows)
    for forecast in (gappy, two):
        assert np.isfinite(forecast.forecast_array).all()
    assert gappy.start_date == rows[0]["start"] + 30
    np.testing.assert_allclose(single.forecast_array, rows[1]["target"][0])
    np.testing.assert_allclose(constant.forecast_array, 7.0)
    np.testing.assert_allclose(unobserved.forecast_array, 0.0, atol=1e-6)
    np.testing.assert_allclose(last.forecast_array, rows[5]["target"][27])


def test_only_the_latest_points_count(predictor):
    (row,) = entries(40)
    changed = {**row, "target": np.concatenate([row["target"][:20] + 1000, row["target"][20:]])}
    (far,), (near,) = (arrays(predictor(context_length=20).predict([r])) for r in (row, changed))
    np.testing.assert_array_equal(far, near)
    (whole,) = arrays(predictor().predict([changed]))
    assert not np.allclose(whole, near)


def test_covariates_that_are_known_ahead_are_used(predictor):
    rng = np.random.default_rng(0)
    real, categories = rng.normal(size=(2, 33)), rng.integers(0, 3, size=(1, 33))
    (plain,) = arrays(predictor().predict(entries(30)))
    (known,) = arrays(predictor().predict(entries(30, feat_dynamic_real=real)))
    ahead = real.copy()
    ahead[:, 30:] += 3
    (other,) = arrays(predictor().predict(entries(30, feat_dynamic_real=ahead)))
    (more,) = arrays(
        predictor().predict(entries(30, feat_dynamic_real=real, feat_dynamic_cat=categories))
    )
    for one, two in ((plain, known), (known, other), (known, more)):
        assert not np.allclose(one, two)


def test_covariates_that_end_too_early_are_an_error_that_names_the_item(predictor):
    rows = entries(30, feat_dynamic_real=np.ones((1, 30)))
    with pytest.raises(ValueError, match="item 's0': feat_dynamic_real has 30 steps, and 33 are"):
        list(predictor().predict(rows))


def test_entries_of_unlike_covariates_are_refused(predictor):
    rows = entries(30, 30)
    rows[1]["feat_dynamic_real"] = np.ones((2, 33))
    with pytest.raises(ValueError, match=r"0 and 2 covariates.*item 's0' to item 's1'"):
        list(predictor().predict(rows))


def test_covariates_without_use_are_named_once(predictor):
    rows = entries(20, 20, feat_static_cat=[1], past_feat_dynamic_real=np.ones((1, 20)))
    made = predictor()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = arrays(made.predict(rows))
        list(made.predict(rows))
    said = [str(one.message) for one in caught if "TabPFN-TS does not use" in str(one.message)]
    assert len(said) == 1
    assert said[0].startswith("feat_static_cat, past_feat_dynamic_real")
    np.testing.assert_array_equal(found, arrays(predictor().predict(entries(20, 20))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": np.array([])}, "item 's0' is empty"),
        ({"target": np.array([1.0, np.inf])}, "item 's0' holds infinity"),
        ({"start": pd.Timestamp("2024-01-01")}, "item 's0' starts at a Timestamp"),
        ({"target": np.array([np.inf]), "item_id": None}, "entry 0 holds infinity"),
    ],
)
def test_entries_without_a_forecast_are_errors_that_name_them(predictor, changes, message):
    with pytest.raises(ValueError, match=message):
        list(predictor().predict([{**entries(20)[0], **changes}]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"forecast_keys": ["1.5"]}, "1.5"), ({"batch_size": 0}, "batch_size")],
)
def test_arguments_out_of_range_are_refused(predictor, arguments, message):
    with pytest.raises(ValueError, match=message):
        predictor(**arguments)


def test_a_missing_checkpoint_is_refused_at_construction(checkpoint, tmp_path):
    with pytest.raises(TabPFNError, match="there is no TabPFN checkpoint"):
        TabPFNPredictor(3, tmp_path / "tabpfn-v3.5.safetensors")


def test_the_checkpoint_and_its_version_are_facts_of_the_predictor(predictor, checkpoint):
    facts = predictor().facts
    assert (facts["model_path"], facts["model_version"]) == (str(checkpoint), "v3.5")


def test_data_is_read_only_as_forecasts_are_taken(predictor):
    read = []

    def endless():
        for i in count():
            read.append(i)
            yield entries(10)[0]

    assert len(list(islice(predictor(batch_size=2).predict(endless()), 3))) == 3
    assert len(read) == 4


def test_a_predictor_can_be_written_and_read(predictor, tmp_path):
    data = ListDataset(entries(20), freq="h")
    made = predictor(lead_time=1)
    made.serialize(tmp_path)
    again = Predictor.deserialize(tmp_path)
    np.testing.assert_array_equal(arrays(again.predict(data)), arrays(made.predict(data)))


def test_empty_data_gives_no_forecasts(predictor):
    assert list(predictor().predict([])) == []
