import json
import pickle
import shutil
import tracemalloc
import warnings
from itertools import count, islice

import numpy as np
import pandas as pd
import pytest
from gluonts.dataset.common import ListDataset
from gluonts.model.forecast import QuantileForecast, SampleForecast
from gluonts.model.predictor import Predictor

from tests.gluonts.conftest import entries, values
from tests.tiny import PUBLISHED_KIND, tiny_network
from ttm_estimators import WeightsError, save_network
from ttm_gluonts import TTMPredictor
from ttm_gluonts.entries import batches


def arrays(forecasts):
    return [forecast.forecast_array for forecast in forecasts]


# The numbers


@pytest.mark.parametrize("lead_time", [0, 3])
def test_forecasts_are_those_of_the_core(forecaster, model_folder, hourly, lead_time):
    predictor = TTMPredictor(prediction_length=20, model=model_folder, lead_time=lead_time)
    core = forecaster.forecast([entry["target"] for entry in hourly], 20 + lead_time)
    for i, forecast in enumerate(predictor.predict(hourly)):
        for level, column in zip(core.levels, core.quantiles[i].T, strict=True):
            np.testing.assert_allclose(
                forecast.quantile(level), column[lead_time:], rtol=0, atol=1e-6
            )


def test_multivariate_forecasts_are_those_of_the_core(forecaster, predictor, multivariate):
    core = forecaster.forecast([entry["target"].T for entry in multivariate], 5)
    for i, forecast in enumerate(predictor.predict(multivariate)):
        assert forecast.dim() == 2
        assert forecast.forecast_array.shape == (6, 5, 2)
        np.testing.assert_allclose(forecast.quantile(0.9), core.quantiles[i, ..., -1], atol=1e-6)
        np.testing.assert_allclose(forecast.copy_dim(1).mean, core.point[i, :, 1], atol=1e-6)


def test_a_variate_is_forecast_as_if_it_stood_alone(predictor, multivariate):
    alone = [{**entry, "target": entry["target"][1]} for entry in multivariate]
    for both, single in zip(predictor.predict(multivariate), predictor.predict(alone), strict=True):
        np.testing.assert_allclose(both.forecast_array[..., 1], single.forecast_array, atol=1e-6)


def test_batch_size_changes_nothing_and_order_is_kept(model_folder, hourly):
    each = {
        size: list(
            TTMPredictor(prediction_length=5, model=model_folder, batch_size=size).predict(hourly)
        )
        for size in (1, 3, 256)
    }
    for size in (1, 3):
        assert [f.item_id for f in each[size]] == ["s0", "s1", "s2", "s3"]
        for one, other in zip(each[size], each[256], strict=True):
            np.testing.assert_allclose(one.forecast_array, other.forecast_array, atol=1e-5)


def test_uni_and_multivariate_entries_may_follow_each_other(predictor, hourly, multivariate):
    mixed = [*hourly, *multivariate, *hourly]
    apart = [
        *predictor.predict(hourly),
        *predictor.predict(multivariate),
        *predictor.predict(hourly),
    ]
    for one, other in zip(predictor.predict(mixed), apart, strict=True):
        assert one.item_id == other.item_id
        np.testing.assert_allclose(one.forecast_array, other.forecast_array, atol=1e-5)


def test_missing_values_and_a_single_point_are_forecast(predictor):
    with_gap = values(60)
    with_gap[[0, 1, 2, 30, 59]] = np.nan
    rows = [*entries(1), {**entries(60)[0], "target": with_gap}]
    single, gappy = predictor.predict(rows)
    np.testing.assert_allclose(single.mean, np.full(5, rows[0]["target"][0]))
    assert np.isfinite(gappy.forecast_array).all()
    assert gappy.start_date == pd.Period("2024-01-03 12:00", freq="h")


def test_what_was_never_observed_is_forecast_as_zeros_and_named_once(predictor):
    rows = entries(30, 40, 50, 60)
    rows[1]["target"] = np.full(40, np.nan)
    rows[2]["target"] = np.full(50, np.nan)
    with pytest.warns(
        UserWarning, match="item 's1' is all missing: it is forecast as zeros"
    ) as seen:
        found = list(predictor.predict(rows))
    assert len(seen) == 1
    for empty in found[1:3]:
        np.testing.assert_array_equal(empty.forecast_array, 0.0)
    assert found[1].start_date == rows[1]["start"] + 40
    for full, alone in zip(found[::3], predictor.predict(rows[::3]), strict=True):
        np.testing.assert_allclose(full.forecast_array, alone.forecast_array, atol=1e-5)


def test_a_variate_that_was_never_observed_leaves_the_others_alone(predictor):
    (row,) = entries(40)
    both = {**row, "target": np.stack([np.full(40, np.nan), row["target"]])}
    with pytest.warns(UserWarning, match="item 's0' is all missing"):
        (found,) = predictor.predict([both])
    np.testing.assert_array_equal(found.forecast_array[..., 0], 0.0)
    (alone,) = predictor.predict([row])
    np.testing.assert_allclose(
        found.forecast_array[..., 1], alone.forecast_array, rtol=1e-6, atol=1e-6
    )


def test_a_series_that_ended_before_the_context_keeps_its_dates(predictor):
    (row,) = entries(30)
    ended = {**row, "target": np.concatenate([row["target"], np.full(70, np.nan)])}
    (found,) = predictor.predict([ended])
    assert found.start_date == row["start"] + 100
    far = TTMPredictor(prediction_length=5, model=predictor.forecaster.network, lead_time=70)
    (expected,) = far.predict([row])
    assert expected.start_date == found.start_date
    np.testing.assert_allclose(found.forecast_array, expected.forecast_array, atol=1e-6)


# What comes back


def test_the_mean_is_the_median_and_comes_with_the_levels_of_the_network(predictor, hourly):
    for forecast in predictor.predict(hourly):
        assert isinstance(forecast, QuantileForecast)
        assert forecast.forecast_keys == ["0.1", "0.25", "0.5", "0.75", "0.9", "mean"]
        np.testing.assert_array_equal(forecast.mean, forecast.quantile(0.5))


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (["0.05", "0.3"], ["0.05", "0.3", "mean"]),
        (["mean", "0.8"], ["mean", "0.8"]),
        (["p10", "p90"], ["0.1", "0.9", "mean"]),
        ([0.025, 0.975], ["0.025", "0.975", "mean"]),
    ],
)
def test_any_forecast_keys_can_be_asked_for(forecaster, model_folder, hourly, asked, given):
    predictor = TTMPredictor(prediction_length=5, model=model_folder, forecast_keys=asked)
    levels = [float(key) for key in given if key != "mean"]
    core = forecaster.forecast([e["target"] for e in hourly], 5, quantile_levels=levels)
    for i, forecast in enumerate(predictor.predict(hourly)):
        assert forecast.forecast_keys == given
        rows = [forecast.quantile(level) for level in levels]
        np.testing.assert_allclose(np.array(rows).T, core.quantiles[i], atol=1e-6)
        np.testing.assert_allclose(forecast.mean, core.point[i], atol=1e-6)


def test_item_id_and_info_come_back(predictor):
    rows = entries(30, 40, info={"source": "meter"})
    del rows[1]["item_id"]
    first, second = predictor.predict(rows)
    assert (first.item_id, first.info) == ("s0", {"source": "meter"})
    assert second.item_id is None


@pytest.mark.parametrize("freq", ["s", "15min", "h", "D", "W-SUN", "M", "Q-DEC", "Y-DEC"])
@pytest.mark.parametrize("lead_time", [0, 2])
def test_a_forecast_starts_after_the_data_and_the_lead_time(model_folder, freq, lead_time):
    index = pd.period_range("2020-01-31", periods=40 + lead_time + 5, freq=freq)
    predictor = TTMPredictor(prediction_length=5, model=model_folder, lead_time=lead_time)
    (forecast,) = predictor.predict([{"start": index[0], "target": values(40)}])
    assert list(forecast.index) == list(index[40 + lead_time :])


def test_a_point_network_gives_its_median(point_folder, hourly):
    (forecast, *_) = TTMPredictor(prediction_length=5, model=point_folder).predict(hourly)
    assert forecast.forecast_keys == ["0.5", "mean"]
    with pytest.raises(ValueError, match="quantile head"):
        TTMPredictor(prediction_length=5, model=point_folder, forecast_keys=["0.1"])


@pytest.fixture
def point_folder(tmp_path):
    return save_network(tiny_network(**PUBLISHED_KIND), tmp_path / "point")


# Sample paths


def test_samples_come_on_request_and_repeat_with_their_seed(model_folder, hourly):
    def draw(**arguments):
        predictor = TTMPredictor(
            prediction_length=5, model=model_folder, **{"num_samples": 40, **arguments}
        )
        return list(predictor.predict(hourly))

    paths = draw()
    assert all(isinstance(f, SampleForecast) and f.samples.shape == (40, 5) for f in paths)
    for one, again, small in zip(paths, draw(), draw(batch_size=1), strict=True):
        np.testing.assert_array_equal(one.samples, again.samples)
        np.testing.assert_allclose(one.samples, small.samples, atol=1e-5)
    assert not np.allclose(paths[0].samples, draw(seed=1)[0].samples)


def test_samples_have_the_quantiles_of_the_forecast(forecaster, model_folder, multivariate):
    predictor = TTMPredictor(prediction_length=5, model=model_folder, num_samples=10)
    levels = (np.arange(1000) + 0.5) / 1000
    core = forecaster.forecast(
        [e["target"].T for e in multivariate], 5, quantile_levels=tuple(levels)
    )
    for i, forecast in enumerate(predictor.predict(multivariate, num_samples=1000)):
        assert forecast.samples.shape == (1000, 5, 2)
        sorted_samples = np.moveaxis(np.sort(forecast.samples, axis=0), 0, -1)
        np.testing.assert_allclose(sorted_samples, core.quantiles[i], atol=1e-6)


def test_steps_of_a_path_are_drawn_apart(model_folder, hourly):
    predictor = TTMPredictor(prediction_length=5, model=model_folder, num_samples=2000)
    (forecast, *_) = predictor.predict(hourly)
    correlation = np.corrcoef(forecast.samples.T) - np.eye(5)
    assert np.abs(correlation).max() < 0.1


# Errors and warnings


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([], "item 'bad' is empty"),
        ([1.0, np.inf, 2.0], "item 'bad' holds infinity"),
    ],
)
def test_a_series_without_a_forecast_is_an_error_that_names_it(predictor, target, message):
    bad = {"item_id": "bad", "start": pd.Period("2024-01-01", "h"), "target": np.array(target)}
    with pytest.raises(ValueError, match=message):
        list(predictor.predict([*entries(30), bad]))


def test_an_entry_without_a_name_is_known_by_its_place(model_folder):
    rows = [{k: v for k, v in e.items() if k != "item_id"} for e in entries(30, 30, 30)]
    rows[2]["target"] = np.full(30, np.inf)
    predictor = TTMPredictor(prediction_length=5, model=model_folder, batch_size=2)
    with pytest.raises(ValueError, match="entry 2 holds infinity"):
        list(predictor.predict(rows))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"forecast_keys": ["1.5"]}, "1.5"),
        ({"forecast_keys": ["high"]}, "high"),
        ({"batch_size": 0}, "batch_size"),
        ({"num_samples": 0}, "num_samples"),
    ],
)
def test_arguments_out_of_range_are_refused(model_folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        TTMPredictor(prediction_length=5, model=model_folder, **arguments)


def test_an_unknown_model_is_refused_at_once():
    with pytest.raises(WeightsError, match="unknown model 'nonesuch'"):
        TTMPredictor(prediction_length=5, model="nonesuch")


def test_a_start_that_is_no_period_needs_a_frequency(predictor):
    row = {"item_id": "a", "start": pd.Timestamp("2024-01-31"), "target": values(30)}
    with pytest.raises(ValueError, match="item 'a' starts at a Timestamp, not"):
        list(predictor.predict([row]))
    (forecast,) = predictor.predict([{**row, "freq": "ME"}])
    assert forecast.start_date == pd.Period("2026-07", "M")


def test_each_kind_of_covariate_is_named_once(predictor):
    rows = entries(30, 30, feat_static_cat=[1], feat_dynamic_real=np.ones((1, 35)))
    rows[1]["past_feat_dynamic_real"] = np.ones((1, 30))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        first = arrays(predictor.predict(rows))
        list(predictor.predict(rows))
    assert [str(one.message).split(":")[0] for one in caught] == [
        "feat_static_cat, feat_dynamic_real",
        "past_feat_dynamic_real",
    ]
    plain = arrays(predictor.predict(entries(30, 30)))
    np.testing.assert_array_equal(first, plain)


# Streaming


def test_data_is_read_only_as_forecasts_are_taken(model_folder):
    read = []

    def endless():
        for i in count():
            read.append(i)
            yield entries(20)[0]

    predictor = TTMPredictor(prediction_length=5, model=model_folder, batch_size=4)
    assert len(list(islice(predictor.predict(endless()), 6))) == 6
    assert len(read) <= 9


def test_memory_does_not_grow_with_the_number_of_series(model_folder):
    predictor = TTMPredictor(prediction_length=5, model=model_folder, batch_size=32)
    (row,) = entries(200)

    def most_memory(series):
        tracemalloc.start()
        for _ in predictor.predict({**row, "target": row["target"] + i} for i in range(series)):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    most_memory(64)  # what is kept from a first call does not count
    # Targets alone would take 0.8 MB more.
    assert most_memory(564) < most_memory(64) + 200_000


def test_batches_hold_neighbours_of_one_width_up_to_their_size():
    shapes = [(9,), (5,), (7,), (2, 9), (2, 4), (2, 6), (8, 9), (8, 3), (4,)]
    rows = [{"target": np.zeros(shape), "place": i} for i, shape in enumerate(shapes)]
    found = [[row["place"] for row in batch] for batch in batches(rows, 4)]
    assert found == [[0, 1, 2], [3, 4], [5], [6], [7], [8]]


# Serialisation


def test_a_predictor_outlives_its_weights_folder(forecaster, tmp_path, hourly):
    from ttm_estimators import save_network

    weights = save_network(forecaster.network, tmp_path / "weights")
    predictor = TTMPredictor(prediction_length=5, model=weights, forecast_keys=["0.2"], lead_time=1)
    before = list(predictor.predict(hourly))
    for copy in ("first", "second"):  # a copy can be copied
        (tmp_path / copy).mkdir()
        predictor.serialize(tmp_path / copy)
        predictor = Predictor.deserialize(tmp_path / copy)
        shutil.rmtree(weights, ignore_errors=True)
    assert type(predictor) is TTMPredictor
    for old, new in zip(before, predictor.predict(hourly), strict=True):
        np.testing.assert_array_equal(old.forecast_array, new.forecast_array)
        assert (old.start_date, old.forecast_keys) == (new.start_date, new.forecast_keys)


def test_a_serialised_predictor_holds_no_pickle_and_the_public_class_path(predictor, tmp_path):
    predictor.serialize(tmp_path)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"gluonts-config.json", "predictor.json", "config.json", "model.safetensors"}
    written = json.loads((tmp_path / "gluonts-config.json").read_text())
    assert written["type"] == "ttm_gluonts.predictor.TTMPredictor"


def test_a_device_can_be_chosen_at_deserialisation(predictor, tmp_path):
    predictor.serialize(tmp_path)
    assert Predictor.deserialize(tmp_path, device="meta").forecaster.device.type == "meta"


def test_predictors_are_equal_with_the_same_arguments_and_weights(forecaster, model_folder):
    from tests.forecasting.conftest import make_forecaster

    predictor = TTMPredictor(prediction_length=5, model=model_folder)
    assert predictor == TTMPredictor(prediction_length=5, model=forecaster.network)
    assert predictor != TTMPredictor(prediction_length=6, model=model_folder)
    other = make_forecaster(hidden_size=32).network
    assert predictor != TTMPredictor(prediction_length=5, model=other)
    assert predictor == pickle.loads(pickle.dumps(predictor))


def test_a_network_that_was_changed_makes_another_predictor(model_folder):
    first, second = (TTMPredictor(prediction_length=5, model=model_folder) for _ in range(2))
    next(second.forecaster.network.parameters()).data += 1
    assert first != second


def test_empty_data_gives_no_forecasts(predictor):
    assert list(predictor.predict(ListDataset([], freq="h"))) == []


def test_an_impossible_reading_is_told_of_by_its_item_and_is_missing(model_folder):
    spoilt = values(60)
    spoilt[-3] = -999
    gap = np.where(spoilt == -999, np.nan, spoilt)
    predictor = TTMPredictor(prediction_length=5, model=model_folder)
    end = entries(60)[0]["start"] + 60
    told = f"such as -999 at {end - 3} in item 'b': set keep_outliers=True to keep it"
    with pytest.warns(UserWarning, match=told):
        found = next(predictor.predict(entries(60, item_id="b", target=spoilt)))
    expected = next(predictor.predict(entries(60, item_id="b", target=gap)))
    np.testing.assert_array_equal(found.forecast_array, expected.forecast_array)
    keeper = TTMPredictor(prediction_length=5, model=model_folder, keep_outliers=True)
    assert next(keeper.predict(entries(60, item_id="b", target=spoilt))).quantile(0.5).min() < -10


@pytest.mark.parametrize("key", ["0.10", "p10", ".1"])
def test_a_level_is_found_however_its_key_is_written(model_folder, hourly, key):
    predictor = TTMPredictor(3, model=model_folder, forecast_keys=[key, "0.9"])
    usual = TTMPredictor(3, model=model_folder, forecast_keys=["0.1", "0.9"])
    for found, expected in zip(predictor.predict(hourly), usual.predict(hourly), strict=True):
        np.testing.assert_array_equal(found.quantile(0.1), expected.quantile(0.1))
        assert np.isfinite(found.quantile(0.1)).all()
