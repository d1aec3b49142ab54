"""Covariates of GluonTS's data count where they are declared."""

import json
import re
import warnings
from dataclasses import asdict
from itertools import islice

import numpy as np
import pandas as pd
import pytest
from gluonts.core.serde import dump_json, load_json
from gluonts.dataset.artificial import constant_dataset
from gluonts.dataset.common import ListDataset
from gluonts.dataset.split import split
from gluonts.evaluation import Evaluator, backtest_metrics, make_evaluation_predictions
from gluonts.model.predictor import Predictor

from tests.forecasting.conftest import make_forecaster
from tests.gluonts.conftest import entries
from tests.gluonts.test_estimator import SHORT, make
from tests.tiny import TINY
from ttm_estimators import save_network
from ttm_estimators.network.add_covariates import add_covariates
from ttm_estimators.regression.calendar import calendar_features
from ttm_gluonts import TTMEstimator, TTMPredictor

ALL = {
    "num_feat_dynamic_real": 1,
    "num_past_feat_dynamic_real": 2,
    "num_feat_static_cat": 1,
    "cardinality": [2],
}
FIELDS = ("feat_dynamic_real", "past_feat_dynamic_real", "feat_static_cat")
BARE = ("item_id", "start", "target")


def driven(future):
    """Items that follow a known driver, one of them turned over."""
    rows = []
    for i, sign in enumerate((3, 3, -3)):
        random = np.random.default_rng(i)
        driver = random.normal(size=(1, 150 + future))
        rows.append(
            {
                "item_id": f"d{i}",
                "start": pd.Period("2024-01-01", freq="h"),
                "target": sign * driver[0, :150] + 0.1 * random.normal(size=150),
                "feat_dynamic_real": driver,
                "past_feat_dynamic_real": random.normal(size=(2, 150)),
                "feat_static_cat": [int(sign < 0)],
            }
        )
    return rows


# What GluonTS's own tests ask of an estimator


@pytest.fixture
def constant():
    """Ten constant items with a covariate of each kind, none of which has a future."""
    return constant_dataset()


@pytest.fixture
def from_inputs(model_folder, constant):
    """An estimator of what GluonTS infers from the data."""
    return TTMEstimator.from_inputs(
        constant[1], prediction_length=2, model=str(model_folder), fine_tuning=SHORT
    )


def copied(predictor, folder):
    predictor.serialize(folder)
    return Predictor.deserialize(folder)


@pytest.mark.filterwarnings("ignore:feat_static_cat, feat_static_real, feat_dynamic_real")
def test_an_estimator_is_trained_written_read_and_forecasts(model_folder, constant, tmp_path):
    info, train, test = constant
    estimator = make(model_folder, prediction_length=info.prediction_length)
    predictor = estimator.train(train, validation_data=train, shuffle_buffer_length=5)
    forecasts = [*islice(copied(predictor, tmp_path).predict(test), 5)]
    assert [f.start_date for f in forecasts] == [pd.Period("2000-01-02 06:00", "h")] * 5
    np.testing.assert_allclose([f.mean for f in forecasts], [[i, i] for i in range(5)], atol=1e-4)


@pytest.mark.filterwarnings("ignore:feat_static_real")
def test_an_estimator_of_inferred_covariates_is_evaluated(from_inputs, constant, tmp_path):
    _, train, test = constant
    predictor = copied(from_inputs.train(train, validation_data=train), tmp_path)
    forecasts, truths = make_evaluation_predictions(test, predictor=predictor)
    totals, each = Evaluator(num_workers=0)(truths, forecasts, num_series=10)
    assert totals["ND"] < 1e-4
    assert len(each) == 10
    backtested, _ = backtest_metrics(test, predictor, evaluator=Evaluator(num_workers=0))
    assert backtested["ND"] == totals["ND"]


def test_an_estimator_with_features_of_every_kind(model_folder, tmp_path):
    """The shapes of GluonTS's test: three covariates of the future, two categories."""

    def data(future):
        rows = [
            {
                "start": start,
                "target": [1.0] * points,
                "feat_static_cat": categories,
                "feat_dynamic_real": [[1.0] * (points + future)] * 3,
            }
            for start, points, categories in (
                ("2021-01-01 00:00:00", 200, [0, 1]),
                ("2021-02-01 00:00:00", 100, [1, 0]),
            )
        ]
        return ListDataset(rows, freq="1h")

    estimator = make(
        model_folder,
        prediction_length=12,
        num_feat_dynamic_real=3,
        num_feat_static_cat=2,
        cardinality=[2, 2],
    )
    predictor = estimator.train(data(0), validation_data=data(0), shuffle_buffer_length=5)
    for forecast in copied(predictor, tmp_path).predict(data(12)):
        np.testing.assert_allclose(forecast.mean, np.ones(12), atol=1e-4)


def test_estimators_and_predictors_are_what_their_json_says(from_inputs, model_folder):
    predictor = TTMPredictor(prediction_length=2, model=str(model_folder), num_feat_dynamic_real=3)
    for one in (from_inputs, predictor):
        assert load_json(dump_json(one)).__init_args__ == one.__init_args__
        assert load_json(dump_json(one)).declared == one.declared
    assert load_json(dump_json(from_inputs)).cardinality == (10,)


# Declarations


def test_what_is_declared_is_learnt(model_folder, tmp_path):
    settings = {"steps": 600, "batch_size": 32, "learning_rate": 3e-2, "head_dropout": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tuned = make(model_folder, fine_tuning=settings, **ALL).train(driven(future=0))
    config = tuned.forecaster.config
    assert (len(config.covariate_channels), config.channels) == (1, 4)
    assert config.static_cardinalities == (2,)
    rows = driven(future=5)
    truth = np.array([3 * row["feat_dynamic_real"][0, 150:] for row in rows[:2]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = np.array([forecast.mean for forecast in tuned.predict(rows[:2])])
    assert np.abs(found - truth).mean() < 0.5 * np.abs(truth).mean()
    copy = copied(tuned, tmp_path)
    assert copy.declared == tuned.declared == dict(zip(FIELDS, (1, 2, 1), strict=True))
    assert np.array_equal([forecast.mean for forecast in copy.predict(rows[:2])], found)
    with pytest.raises(
        ValueError,
        match="item 'd0' has no future values of the covariates 'feat_dynamic_real\\[0\\]'",
    ):
        list(tuned.predict(driven(future=3)))


def test_what_is_not_declared_is_named_in_one_warning_and_changes_nothing(model_folder):
    rows = driven(future=0)
    rows[2]["feat_static_real"] = [1.0]  # an item that has more than others
    plain = [{name: row[name] for name in BARE} for row in rows]
    with pytest.warns(UserWarning, match="feat_static_cat") as caught:
        tuned = make(model_folder).train(rows, validation_data=rows)
    assert [str(one.message) for one in caught] == [
        "feat_static_cat, feat_dynamic_real, past_feat_dynamic_real, feat_static_real: covariates "
        "in the data are not used: declare num_feat_static_cat and cardinality, declare "
        "num_feat_dynamic_real, declare num_past_feat_dynamic_real"
    ]
    assert caught[0].filename == __file__
    assert tuned == make(model_folder).train(plain, validation_data=plain)


def test_a_part_can_be_declared(model_folder):
    estimator = make(model_folder, num_feat_dynamic_real=1)
    with pytest.warns(UserWarning, match="^feat_static_cat, past_feat_dynamic_real: covariates"):
        tuned = estimator.train(driven(future=0))
    assert tuned.declared == dict(zip(FIELDS, (1, 0, 0), strict=True))


def test_categories_that_the_data_has_not_may_be_declared(model_folder):
    estimator = make(model_folder, **{**ALL, "cardinality": [7]})
    predictor = estimator.train(driven(future=0))
    rows = driven(future=5)
    rows[0]["feat_static_cat"] = [6]
    assert len([*predictor.predict(rows)]) == 3


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (
            {**ALL, "num_feat_dynamic_real": 2},
            "item 'd0' has 1 covariates in feat_dynamic_real, but num_feat_dynamic_real=2",
        ),
        (
            {**ALL, "num_past_feat_dynamic_real": 3},
            "item 'd0' has 2 covariates in past_feat_dynamic_real",
        ),
        (
            {**ALL, "num_feat_static_cat": 2, "cardinality": [2, 2]},
            "item 'd0' has 1 covariates in feat_static_cat",
        ),
        ({**ALL, "cardinality": [1]}, "item 'd2' has category 1 of static covariate 0"),
    ],
)
def test_data_that_has_not_what_is_declared_is_refused_by_item_and_field(
    model_folder, declared, message
):
    with pytest.raises(ValueError, match=message):
        make(model_folder, **declared).train(driven(future=0))


def test_an_item_without_what_is_declared_is_named(model_folder):
    rows = driven(future=0)
    del rows[1]["feat_dynamic_real"]
    with pytest.raises(ValueError, match=r"^item 'd1' has 0 covariates in feat_dynamic_real"):
        make(model_folder, **ALL).train(rows)
    with pytest.raises(ValueError, match=r"^validation item 'd1' has 0 covariates in feat_dyn"):
        make(model_folder, **ALL).train(driven(future=0), validation_data=rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_feat_dynamic_real": -1}, "num_feat_dynamic_real must be at least 0, got -1"),
        ({"num_feat_static_cat": 1}, r"cardinality is None, but num_feat_static_cat 1"),
        ({"cardinality": [3]}, r"cardinality is \[3\], but num_feat_static_cat 0"),
        ({"num_feat_static_cat": 1, "cardinality": [0]}, r"give a number of at least 1 for each"),
        (
            {"network": "ttm_512_96", "num_feat_dynamic_real": 2},
            r"a new network learns without .* predictor_kwargs=\{'num_feat_dynamic_real': 2\}",
        ),
    ],
)
def test_declarations_that_do_not_fit_each_other_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TTMEstimator(prediction_length=5, **arguments)


def test_a_new_network_says_that_it_learns_without_covariates(model_folder):
    rows = driven(future=0)
    scratch = {"network": asdict(TINY), "recipe": {"steps": 1, "batch_size": 2, "warmup_steps": 1}}
    estimator = TTMEstimator.from_inputs(rows, prediction_length=5, **scratch)
    with pytest.warns(UserWarning, match="are not used: a new network learns without them$"):
        estimator.train(rows)


def test_what_the_first_entry_has_is_derived():
    rows = driven(future=5)
    rows[1]["feat_static_cat"] = [4]  # categories are numbered from 0 on, seen or not
    assert TTMEstimator.derive_auto_fields(rows) == {**ALL, "cardinality": [5]}
    nothing = dict.fromkeys(ALL, 0) | {"cardinality": []}
    assert TTMEstimator.derive_auto_fields(entries(20)) == nothing
    assert TTMEstimator.derive_auto_fields([]) == nothing


# Networks that take covariates already


@pytest.fixture
def with_known(forecaster, tmp_path):
    """Weights of a network that takes one covariate known in the future."""
    return save_network(add_covariates(forecaster.network, known=1), tmp_path / "known")


def test_a_network_declares_what_it_was_trained_with(with_known):
    rows = driven(future=5)
    plain, declared = (
        TTMPredictor(prediction_length=5, model=with_known, **more)
        for more in ({}, {"num_feat_dynamic_real": 1})
    )
    assert plain.declared == declared.declared == dict(zip(FIELDS, (1, 0, 0), strict=True))
    with pytest.warns(UserWarning, match="^feat_static_cat, past_feat_dynamic_real: "):
        found = [*plain.predict(rows)]
    assert len(found) == 3
    rows[1]["feat_dynamic_real"] = np.ones((2, 155))
    rows = [{name: row[name] for name in row if name in FIELDS[:1] + BARE} for row in rows]
    with pytest.raises(ValueError, match="'d1' has 2 covariates in feat_dynamic_real"):
        list(declared.predict(rows))


@pytest.mark.parametrize("others", [{"num_feat_dynamic_real": 2}, {"calendar": True}])
def test_a_network_that_was_trained_with_covariates_takes_no_others(with_known, others):
    message = "the network was trained with its covariates, num_feat_dynamic_real=1, "
    with pytest.raises(ValueError, match=message):
        TTMPredictor(prediction_length=5, model=with_known, **others)
    mixing = add_covariates(make_forecaster().network, targets=2, mix_channels=True)
    with pytest.raises(ValueError, match="trained with its covariates, num_feat_dynamic_real=0, "):
        TTMPredictor(prediction_length=5, model=mixing, **others)


@pytest.mark.filterwarnings("ignore:feat_static_cat")
def test_training_goes_on_with_the_covariates_of_the_network(with_known):
    rows = driven(future=0)
    for declared in ({}, {"num_feat_dynamic_real": 1}):
        assert make(with_known, **declared).train(rows).declared["feat_dynamic_real"] == 1
    message = re.escape("num_feat_static_cat=0, cardinality=[]: declare these or none")
    with pytest.raises(ValueError, match=message):
        make(with_known, **ALL).train(rows)


# Zero-shot, with the weights that ship


def known(future):
    """Items that follow a known driver, and nothing else that may be covariates."""
    return [{name: row[name] for name in (*BARE, FIELDS[0])} for row in driven(future)]


def error_of(predictor, rows):
    driver = np.array([row["feat_dynamic_real"][0, 150:] for row in rows])
    truth = np.array([[3], [3], [-3]]) * driver
    return np.abs(np.array([f.mean for f in predictor.predict(rows)]) - truth).mean()


def test_declared_covariates_count_at_once(tmp_path):
    rows = known(5)
    plain = TTMPredictor(prediction_length=5)
    predictor = TTMPredictor(prediction_length=5, num_feat_dynamic_real=1)
    with pytest.warns(UserWarning, match="not used: declare num_feat_dynamic_real$"):
        without = error_of(plain, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        error = error_of(predictor, rows)
    assert error < 0.3 * without
    assert error_of(copied(predictor, tmp_path), rows) == error


def test_other_kinds_count_after_fine_tuning_only():
    predictor = TTMPredictor(prediction_length=5, num_feat_dynamic_real=1)
    with pytest.warns(UserWarning, match="feat_static_cat, past_feat_dynamic_real: ") as caught:
        found = [*predictor.predict(driven(future=5))]
    assert [str(one.message) for one in caught] == [
        "feat_static_cat, past_feat_dynamic_real: covariates in the data are not used: "
        "TTMEstimator fine-tunes a model that uses them"
    ]
    assert caught[0].filename == __file__
    for one, other in zip(found, predictor.predict(known(5)), strict=True):
        np.testing.assert_array_equal(one.forecast_array, other.forecast_array)


def test_zero_shot_data_that_has_not_what_is_declared_is_refused():
    predictor = TTMPredictor(prediction_length=5, num_feat_dynamic_real=2)
    with pytest.raises(ValueError, match=r"^item 'd0' has 1 covariates in feat_dynamic_real, but"):
        next(predictor.predict(known(5)))


@pytest.mark.parametrize("calendar", [False, True])
def test_zero_shot_a_missing_future_is_told(calendar):
    predictor = TTMPredictor(
        prediction_length=5, lead_time=1, num_feat_dynamic_real=1, calendar=calendar
    )
    message = r"item 'd0' has no future values of the covariates 'feat_dynamic_real\[0\]'"
    with pytest.raises(ValueError, match=message):
        next(predictor.predict(known(5)))
    assert len([*predictor.predict(known(6))]) == 3


def test_the_lead_time_is_part_of_what_is_known():
    rows = known(8)
    late = TTMPredictor(prediction_length=5, lead_time=3, num_feat_dynamic_real=1)
    far = TTMPredictor(prediction_length=8, num_feat_dynamic_real=1)
    for one, other in zip(late.predict(rows), far.predict(rows), strict=True):
        np.testing.assert_allclose(one.forecast_array, other.forecast_array[:, 3:], rtol=1e-6)


def test_batch_size_changes_nothing_with_covariates():
    each = [
        [*TTMPredictor(5, batch_size=size, num_feat_dynamic_real=1).predict(known(5))]
        for size in (1, 256)
    ]
    for one, other in zip(*each, strict=True):
        np.testing.assert_allclose(one.forecast_array, other.forecast_array, atol=1e-4)


def test_no_rolling_window_knows_of_a_later_one():
    """What covariates do is learnt from the items that end together only."""
    _, template = split(ListDataset(known(0), freq="h"), offset=-20)
    windows = [*template.generate_instances(prediction_length=5, windows=4).input]
    predictor = TTMPredictor(prediction_length=5, num_feat_dynamic_real=1)
    together = [*predictor.predict(windows)]
    for end in {forecast.start_date for forecast in together}:
        mine = [i for i, forecast in enumerate(together) if forecast.start_date == end]
        assert len(mine) == 3
        for i, apart in zip(mine, predictor.predict([windows[i] for i in mine]), strict=True):
            assert together[i].item_id == apart.item_id
            np.testing.assert_array_equal(together[i].forecast_array, apart.forecast_array)


@pytest.mark.parametrize("lead_time", [0, 2])
def test_holidays_count_at_once(lead_time):
    days = pd.period_range("2021-06-01", "2024-05-10", freq="D")
    closed = calendar_features(days, "DE")["holiday=any"].to_numpy() > 0
    random = np.random.default_rng(0)
    wave = 20 + 3 * np.sin(np.arange(len(days)) * 2 * np.pi / 7)
    truth = np.where(closed, 2.0, wave + random.normal(scale=0.3, size=len(days)))
    entry = {"item_id": "shop", "start": days[0], "target": truth[:-15]}  # 1 and 9 May follow
    options = {"prediction_length": 15 - lead_time, "lead_time": lead_time}
    with_holidays, plain = (
        next(TTMPredictor(**options, **more).predict([entry])) for more in ({"holidays": "DE"}, {})
    )
    assert with_holidays.start_date == days[-15 + lead_time]
    future = truth[-15 + lead_time :]
    errors = [np.abs(forecast.mean - future) for forecast in (with_holidays, plain)]
    assert (future < 3).sum() == 2
    assert errors[0][future < 3].max() < 0.5 * errors[1][future < 3].min()
    assert errors[0].mean() < errors[1].mean()


def test_an_unknown_country_is_told_at_once():
    with pytest.raises(ValueError, match="no holidays of 'XX' are known"):
        TTMPredictor(prediction_length=5, holidays="XX")


def test_holidays_of_several_countries_survive_serialisation(tmp_path):
    predictor = TTMPredictor(prediction_length=5, holidays=["de", "FR"])
    predictor.serialize(tmp_path)
    assert TTMPredictor.deserialize(tmp_path).holidays == ("DE", "FR")


@pytest.mark.parametrize("holidays", [True, 49])
def test_holidays_that_are_no_text_are_refused(holidays):
    with pytest.raises(TypeError, match=f"holidays must be the code of a country, .* {holidays}$"):
        TTMPredictor(prediction_length=5, holidays=holidays)


@pytest.mark.parametrize("batch_size", [1, 256])
def test_info_tells_whether_covariates_were_kept(batch_size):
    rows = known(5)
    rows[0]["info"] = {"source": "meter"}
    predictor = TTMPredictor(5, num_feat_dynamic_real=1, batch_size=batch_size)
    forecasts = [*predictor.predict(rows)]
    told = [forecast.info.pop("covariates") for forecast in forecasts]
    assert [forecast.info for forecast in forecasts] == [{"source": "meter"}, {}, {}]
    assert rows[0]["info"] == {"source": "meter"}
    for each in told:
        assert each["names"] == ["feat_dynamic_real[0]"]
        assert each["kept"]
        assert 0 < each["gain"] < 1
        assert each["windows"] > 0
    assert json.loads(json.dumps(told)) == told
    assert load_json(dump_json(told)) == told


def test_info_tells_of_each_variate_and_of_covariates_that_are_not_kept():
    row = known(5)[0]
    noise = np.random.default_rng(9).normal(size=150)
    row["target"] = np.stack([row["target"], noise])
    predictor = TTMPredictor(5, num_feat_dynamic_real=1, num_samples=10)
    told = next(predictor.predict([row])).info["covariates"]
    assert [each["kept"] for each in told] == [True, False]
    assert told[1]["gain"] == 0.0


def test_info_stays_as_it_is_without_covariates():
    rows = [{name: row[name] for name in BARE} for row in known(5)]
    assert next(TTMPredictor(5).predict(rows)).info is None


def test_a_tuned_network_may_have_a_calendar_beside_it(model_folder):
    estimator = make(model_folder, predictor_kwargs={"calendar": True})
    predictor = estimator.train(entries(90, 80))
    assert predictor.calendar
    assert [f.forecast_array.shape for f in predictor.predict(entries(90, 80))] == [(6, 5)] * 2
