import decimal
import re

import numpy as np
import pandas as pd
import pytest

import ttm_estimators
from ttm_estimators import FineTuneConfig
from ttm_estimators.tables import TableError, TableWarning

DAYS = pd.date_range("2024-01-01", periods=40)
NUMBERS = ["median", "0.1", "0.5", "0.9"]


def one(**columns) -> pd.DataFrame:
    return pd.DataFrame({"ds": DAYS, "y": np.sin(np.arange(40.0)), **columns})


def panel(*ids) -> pd.DataFrame:
    return pd.concat([one(unique_id=key) for key in ids], ignore_index=True)


@pytest.mark.parametrize(
    "names", ["unique_id ds y", "item_id timestamp target", "series date value", "id time load"]
)
def test_the_names_that_people_use_are_found_and_kept(model, names):
    key, date, value = names.split()
    frame = panel("b", "a").rename(columns={"unique_id": key, "ds": date, "y": value})
    result = model.forecast_df(frame, 3)
    assert list(result) == [key, date, *NUMBERS]
    assert list(result[key]) == ["b"] * 3 + ["a"] * 3
    assert list(result[date][:3]) == list(pd.date_range("2024-02-10", periods=3))


def test_the_numbers_are_those_of_arrays(model):
    frame = panel("a", "b")
    frame.loc[50:, "y"] *= 3
    expected = model.forecast([frame["y"][:40], frame["y"][40:]], 5, quantile_levels=(0.2, 0.8))
    result = model.forecast_df(frame.sample(frac=1, random_state=0), 5, quantile_levels=[0.2, 0.8])
    result = result.sort_values(["unique_id", "ds"])
    np.testing.assert_allclose(result["median"], expected.point.ravel(), rtol=1e-4)
    quantiles = expected.quantiles.reshape(-1, 2)
    np.testing.assert_allclose(result[["0.2", "0.8"]], quantiles, rtol=1e-4)


def test_the_frame_stays_as_it_is(model):
    frame = one().set_index("ds")
    before = frame.copy()
    model.forecast_df(frame, 3)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "index",
    [
        DAYS.rename("ds"),
        DAYS,
        DAYS.to_period("D").rename("ds"),
        pd.date_range("2024-01-01", periods=40, tz="Asia/Tokyo"),
    ],
)
def test_an_index_of_dates_or_periods_is_a_time_column(model, index):
    for frame in (one()[["y"]].set_axis(index), one()["y"].set_axis(index)):
        result = model.forecast_df(frame, 2)
        name = index.name or "time"
        assert result[name].dtype == index.dtype
        assert list(result[name]) == [index[-1] + index.freq, index[-1] + 2 * index.freq]


def test_an_index_of_ids_and_dates_is_a_panel(model):
    result = model.forecast_df(panel("a", "b").set_index(["unique_id", "ds"]), 2)
    assert list(result) == ["unique_id", "ds", *NUMBERS]


@pytest.mark.parametrize(
    "ids",
    [
        pd.Series(["a"] * 40 + ["b"] * 40, dtype="category"),
        pd.Series(["a"] * 40 + ["b"] * 40, dtype="string"),
        pd.Series(["a"] * 40 + ["b"] * 40, dtype="string[pyarrow]"),
        pd.Series([7] * 40 + [9] * 40, dtype="int8"),
        pd.Series([7] * 40 + [9] * 40, dtype="Int64"),
        pd.Series([decimal.Decimal(7)] * 40 + [decimal.Decimal(9)] * 40),
    ],
    ids=["category", "string", "arrow", "int8", "Int64", "decimal"],
)
def test_ids_keep_their_type(model, ids):
    frame = panel("a", "b").assign(unique_id=ids)
    result = model.forecast_df(frame, 2)["unique_id"]
    expected = ids.iloc[[0, 0, 40, 40]].reset_index(drop=True)
    pd.testing.assert_series_equal(result, expected, check_names=False)


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_nullable_and_arrow_columns_keep_their_types(model, backend):
    frame = panel("a", "b").convert_dtypes(dtype_backend=backend)
    result = model.forecast_df(frame, 2)
    assert result[["unique_id", "ds"]].dtypes.equals(frame[["unique_id", "ds"]].dtypes)


@pytest.mark.parametrize("dtype", ["int64", "Int8", "float16", "double[pyarrow]", "object"])
def test_values_of_any_type_are_forecast_alike(model, dtype):
    whole = one(y=np.arange(40) % 7)
    expected = model.forecast_df(whole, 3)
    pd.testing.assert_frame_equal(model.forecast_df(whole.astype({"y": dtype}), 3), expected)
    decimals = whole.assign(y=[decimal.Decimal(int(value)) for value in whole["y"]])
    pd.testing.assert_frame_equal(model.forecast_df(decimals, 3), expected)


def test_names_that_are_no_text_are_kept(model):
    frame = pd.DataFrame(np.random.default_rng(0).random((40, 2)), index=DAYS, columns=[7, (1, 2)])
    result = model.forecast_df(frame, 2)
    assert list(result["variable"]) == [7, 7, (1, 2), (1, 2)]
    long = panel("a").rename(columns={"unique_id": 0, "ds": 1, "y": 2})
    assert list(model.forecast_df(long, 2, id=0))[:2] == [0, 1]


def test_a_column_that_is_left_out_is_warned_of(model):
    frame = one(note="fine", flag=True)
    with pytest.warns(TableWarning, match=re.escape("'note' (text), 'flag' (true or false)")):
        model.forecast_df(frame, 2)
    model.forecast_df(frame, 2, value="y")  # named, so that no warning is due


@pytest.mark.parametrize(
    ("frame", "options", "said"),
    [
        (one().drop(index=5), {}, "'y' has gaps: 2024-01-06 is missing .* fill_gaps=True"),
        (one()[:0], {}, "df has no rows"),
        (one(), {"id": "x"}, "df has no column 'x', only 'ds', 'y'"),
        (one(z="x"), {"value": ["y", "z"]}, "'z' is not numeric: 'x' in row 1"),
        (one().assign(ds=lambda df: df["ds"].where(df["y"] > -2).shift()), {}, "empty in row 1"),
        (pd.concat([one(), one()["y"]], axis=1), {}, "two columns are called 'y'"),
        (one()[:2], {}, r"2 of the 3 rows .* freq='D'"),
    ],
)
def test_what_can_not_be_understood_is_one_sentence(model, frame, options, said):
    with pytest.raises(TableError, match=said) as error:
        model.forecast_df(frame, 2, **options)
    assert "\n" not in str(error.value)
    assert "--" not in str(error.value)


def test_wrong_types_and_options_are_type_errors(model):
    with pytest.raises(TypeError, match="df is a ndarray, not a pandas DataFrame"):
        model.forecast_df(np.zeros(9), 2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'gaps'"):
        model.forecast_df(one(), 2, gaps=True)


def test_options_read_as_on_the_command_line(model):
    absent, empty = one().drop(index=[5, 6]), one()
    empty.loc[[5, 6], "y"] = np.nan
    pd.testing.assert_frame_equal(
        model.forecast_df(absent, 3, fill_gaps=True), model.forecast_df(empty, 3)
    )
    assert model.forecast_df(one()[:1], 1, freq="W-MON")["ds"][0] == pd.Timestamp("2024-01-08")
    assert model.forecast_df(one()[:1], 1, freq=pd.offsets.Day())["ds"][0] == DAYS[1]
    local = one(ds=pd.date_range("2024-10-26", periods=40, freq="h", tz="Europe/Berlin"))
    naive = local.assign(ds=local["ds"].dt.tz_localize(None))
    result = model.forecast_df(naive, 3, timezone="Europe/Berlin")
    expected = model.forecast_df(local, 3)
    assert list(result["ds"]) == list(expected["ds"].dt.tz_localize(None))


def driven(rows, future):
    """Two shops whose sales follow the price, and their prices of the future."""
    frames = []
    for seed, shop in enumerate(("north", "south")):
        random = np.random.default_rng(seed)
        price = random.normal(size=rows + future)
        days = pd.date_range("2024-01-01", periods=rows + future)
        sales = 10 - 3 * price + 0.1 * random.normal(size=rows + future)
        frames.append(pd.DataFrame({"shop": shop, "day": days, "sales": sales, "price": price}))
    history = pd.concat([frame[:rows] for frame in frames], ignore_index=True)
    ahead = pd.concat([frame[rows:] for frame in frames], ignore_index=True)
    return history, ahead.drop(columns="sales")


SIZES = pd.DataFrame({"shop": ["south", "north"], "size": ["small", "large"]})


@pytest.fixture(scope="module")
def tuned(model):
    pytest.importorskip("lightning", reason="training needs the extra train")
    history, _ = driven(120, 6)
    settings = FineTuneConfig(steps=10, batch_size=16, learning_rate=0.01)
    return model.fine_tune_df(
        history, 6, value="sales", known="price", static=SIZES, settings=settings
    )


def test_a_fine_tuned_model_forecasts_frames_with_their_covariates(tuned, tmp_path):
    history, ahead = driven(120, 6)
    forecaster = tuned.forecaster
    result = forecaster.forecast_df(history, 6, future_df=ahead, static=SIZES, value="sales")
    assert list(result["shop"]) == ["north"] * 6 + ["south"] * 6
    assert result["day"][0] == pd.Timestamp("2024-04-30")
    loaded = ttm_estimators.load(tuned.save(tmp_path / "tuned"))
    assert loaded.roles.static == {"size": ["large", "small"]}
    shuffled = ahead.sample(frac=1, random_state=0)
    again = loaded.forecast_df(
        history, 6, future_df=shuffled, static=SIZES.set_index("shop"), value="sales"
    )
    pd.testing.assert_frame_equal(again, result)
    in_rows = pd.concat([history, ahead]).merge(SIZES, on="shop")
    pd.testing.assert_frame_equal(loaded.forecast_df(in_rows, 6, value="sales"), result)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda options: options.pop("future_df"), "no future values of the covariates 'price'"),
        (lambda options: options.pop("static"), "no column 'size'"),
        (lambda options: options["future_df"].pop("price"), "future_df has no column 'price'"),
        (
            lambda options: options.update(future_df=options["future_df"][2:]),
            "series 'north' has gaps: 2024-04-30 is missing.*let the future go on",
        ),
        (
            lambda options: options.update(static=pd.concat([SIZES, SIZES])),
            "static has two rows for 'south'",
        ),
    ],
)
def test_covariates_that_are_lacking_are_named(tuned, change, said):
    history, ahead = driven(120, 6)
    options = {"future_df": ahead, "static": SIZES, "value": "sales"}
    change(options)
    with pytest.raises(ValueError, match=said):
        tuned.forecaster.forecast_df(history, 6, **options)


def test_covariates_of_no_use_are_warned_of(model):
    history, ahead = driven(120, 6)
    for name, table in (("future_df", ahead), ("static", SIZES)):
        with pytest.warns(TableWarning, match=f"{name} is not used"):
            model.forecast_df(history, 6, value="sales", **{name: table})


def test_columns_with_the_names_of_quantiles_leave_the_result_as_it_is(model):
    frame = pd.DataFrame({"ds": DAYS, 0.1: 1.5, 0.5: 2.5})
    assert list(model.forecast_df(frame, 1)) == ["variable", "ds", *NUMBERS]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda df: df.assign(day=df["day"].astype(str)), "'day' is (object|str) in future_df"),
        (lambda df: df.assign(shop="west"), "future_df has rows of 'west', df none"),
        (lambda df: df.assign(day=df["day"] + pd.Timedelta("1h")), "not evenly spaced"),
    ],
)
def test_a_future_that_does_not_fit_is_refused(tuned, change, said):
    history, ahead = driven(120, 6)
    with pytest.raises(TableError, match=said):
        tuned.forecaster.forecast_df(
            history, 6, future_df=change(ahead), static=SIZES, value="sales"
        )


def test_a_series_without_categories_is_named(tuned):
    history, ahead = driven(120, 6)
    with pytest.raises(TableError, match="static has no row for 'north'"):
        tuned.forecaster.forecast_df(history, 6, future_df=ahead, static=SIZES[:1], value="sales")


def test_wrong_horizons_and_levels_are_told(model):
    with pytest.raises(ValueError, match="horizon must be a whole number"):
        model.forecast_df(one(), "2")
    with pytest.raises(ValueError, match="quantile_levels must differ"):
        model.forecast_df(one(), 2, quantile_levels=[0.5, 0.5])


def test_a_file_that_was_read_with_another_separator_is_told(model):
    frame = pd.DataFrame({"date;load": ["2024-01-01;1", "2024-01-02;2"]})
    with pytest.raises(TableError, match=r"single column 'date;load'.*pd\.read_csv"):
        model.forecast_df(frame, 1)
    model.forecast_df(one()[["y"]].set_axis(["a|b"], axis="columns").set_axis(DAYS), 1)


def test_a_series_most_of_which_was_filled_is_warned_of(model):
    with pytest.warns(TableWarning, match="has only 40 of 79 times.*give its own freq="):
        model.forecast_df(one(), 3, fill_gaps=True, freq="12h")


def test_what_was_taken_as_the_id_is_warned_of_though_values_are_named(model):
    frame = pd.concat([one().assign(shop=shop, unit="kWh") for shop in "ab"])
    with pytest.warns(TableWarning, match="took 'shop' as the id, not 'unit'.*choose with id="):
        result = model.forecast_df(frame, 3, value="y")
    assert list(result["shop"].unique()) == ["a", "b"]
    assert "unit" not in result


def test_what_was_left_out_is_told_once_and_with_its_own_remedy(model):
    frame = pd.concat([one().assign(shop=shop, unit="kWh", cap=9.5) for shop in "ab"])
    with pytest.warns(TableWarning) as told:
        model.forecast_df(frame, 3)
    assert [str(each.message) for each in told] == [
        "took 'shop' as the id, not 'unit' (the same in all rows); choose with id=",
        "left out: 'cap' (not the value); name what to forecast with value=",
    ]
    with pytest.warns(TableWarning) as told:
        model.forecast_df(one(note="fine"), 3)
    assert [str(each.message) for each in told] == ["left out: 'note' (text)"]


def test_categories_as_ids_are_read_without_a_warning(model, recwarn):
    frame = pd.concat([one().assign(shop=s, kind=k) for s in "ab" for k in "xy"])
    expected = model.forecast_df(frame, 3)
    result = model.forecast_df(frame.astype({"shop": "category", "kind": "category"}), 3)
    assert not recwarn.list
    assert result["median"].equals(expected["median"])


def test_absent_times_are_counted_in_each_value_column_and_logged(model, caplog):
    frame = one(z=1.5).rename(columns={"y": "a"}).drop(index=[5, 9])
    with caplog.at_level("INFO", "ttm_estimators"):
        model.forecast_df(frame, 3, fill_gaps=True)
    assert "4 absent times in 2 series are taken as missing" in caplog.text


def test_text_with_decimal_commas_is_forecast_as_its_numbers_are(shipped):
    hours = pd.date_range("2024-10-20", periods=400, freq="h", tz="Europe/Berlin")
    numbers = np.round(np.sin(np.arange(400) * np.pi / 12), 3)
    frame = pd.DataFrame({"zeit": hours.tz_localize(None), "mw": numbers})
    text = frame.assign(mw=[f"{number:.3f}".replace(".", ",") for number in numbers])
    expected = shipped.forecast_df(frame, 3, timezone="Europe/Berlin")
    pd.testing.assert_frame_equal(shipped.forecast_df(text, 3, timezone="Europe/Berlin"), expected)
