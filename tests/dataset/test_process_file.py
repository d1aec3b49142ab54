"""A file that is forecast in batches has the forecasts of the same table at once."""

import datetime
import decimal
import shutil
import warnings
from itertools import pairwise
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ttm_estimators
from ttm_estimators.dataset import batches
from ttm_estimators.dataset.forecast import ForecastTask, forecast_file, forecast_task
from ttm_estimators.dataset.metadata import identity_of, read_done
from ttm_estimators.dataset.process_file import process_file
from ttm_estimators.dataset.sources import unit_of
from ttm_estimators.dataset.unit import Unit
from ttm_estimators.inputs.outliers import OutlierWarning
from ttm_estimators.tables import TableError, TableWarning
from ttm_estimators.tables.reading import Reading

DAYS = pd.date_range("2024-01-01", periods=40)
HORIZON = 3


@pytest.fixture(scope="module")
def model():
    return ttm_estimators.load()


@pytest.fixture
def small(monkeypatch):
    """Batches of few series, which begin and end anywhere in record batches and row groups."""
    monkeypatch.setattr(batches, "SERIES_IN_A_BATCH", 4)
    monkeypatch.setattr(batches, "ROWS_READ_AT_ONCE", 131)


def long(ids=tuple("abcdefghij"), times=DAYS, sizes=(40, 33, 40, 12, 40, 40, 7, 40, 40, 40)):
    """Series of several lengths, the later ones last."""
    parts = []
    for k, (one, size) in enumerate(zip(ids, sizes, strict=False)):
        values = 10 + k + np.sin(np.arange(len(times)) * (k + 1) / 3)
        parts.append(pd.DataFrame({"unique_id": one, "ds": times, "y": values}).iloc[-size:])
    return pd.concat(parts, ignore_index=True)


def categorical():
    return long().astype({"unique_id": "category"})


def two_ids():
    table = long().rename(columns={"unique_id": "shop"})
    table.insert(1, "item", (np.arange(len(table)) // 20) * 7)
    return table


def gaps():
    return long().drop(index=[5, 6, 50, 200])


def as_decimals():
    table = long()
    table["y"] = [decimal.Decimal(f"{value:.3f}") for value in table["y"]]
    return table


def with_nulls():
    table = long()
    table.loc[[0, 3, 39, 100, 101, 300], "y"] = np.nan
    return table


def indexed():
    return long().set_index(["unique_id", "ds"])


def months():
    return long(times=pd.date_range("2020-01-31", periods=40, freq="ME"))


def short():
    return long(sizes=(40, 2, 1, 40, 2, 2, 2, 2, 1, 1))


TABLES = {
    "text": (long, {}),
    "whole numbers": (lambda: long(ids=range(100, 110)), {}),
    "categories": (categorical, {}),
    "two ids": (two_ids, {"id": ["shop", "item"]}),
    "zone": (lambda: long(times=DAYS.tz_localize("Europe/Berlin")), {}),
    "clock change": (
        lambda: long(times=pd.date_range("2024-03-30", periods=40, freq="h", tz="Europe/Berlin")),
        {},
    ),
    "timezone given": (lambda: long(), {"timezone": "Europe/Berlin"}),
    "microseconds": (lambda: long(times=DAYS.as_unit("us")), {}),
    "dates": (lambda: long().assign(ds=lambda df: df["ds"].dt.date), {}),
    "text dates": (lambda: long().assign(ds=lambda df: df["ds"].dt.strftime("%d/%m/%Y")), {}),
    "iso text": (lambda: long().assign(ds=lambda df: df["ds"].astype(str)), {}),
    "periods": (lambda: long().assign(ds=lambda df: df["ds"].dt.to_period("D")), {}),
    "years": (lambda: long(times=pd.Index(range(1980, 2020))), {}),
    "compact": (
        lambda: long().assign(ds=lambda df: df["ds"].dt.strftime("%Y%m%d").astype(int)),
        {},
    ),
    "gaps": (gaps, {"fill_gaps": True}),
    "whole values": (lambda: long().assign(y=lambda df: (df["y"] * 100).astype(np.int32)), {}),
    "decimals": (as_decimals, {}),
    "comma": (
        lambda: long().assign(y=lambda df: df["y"].map("{:.2f}".format).str.replace(".", ",")),
        {},
    ),
    "nulls": (with_nulls, {}),
    "index": (indexed, {}),
    "months": (months, {}),
    "short series": (short, {}),
    "several values": (lambda: long().assign(z=lambda df: df["y"] ** 2), {"value": ["y", "z"]}),
    "weeks": (lambda: long(times=pd.date_range("2023-01-01", periods=40, freq="W-SUN")), {}),
    "counted": (lambda: long().drop(columns="ds"), {"no_time": True}),
    "levels": (long, {"quantile_levels": [0.05, 0.5]}),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.usefixtures("small")
def test_a_file_is_forecast_as_its_table_is(kind, model, tmp_path):
    make, options = TABLES[kind]
    make().to_parquet(tmp_path / "in.parquet", row_group_size=57)
    table = pd.read_parquet(tmp_path / "in.parquet")
    expected = model.forecast_df(table, HORIZON, **options)
    done = forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON, **options)
    found = pd.read_parquet(tmp_path / "out.parquet")
    # How many rows a matrix has changes the last bits of its product.
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6, check_categorical=False)
    assert done.rows == len(expected)
    assert done.failed == ()
    assert 0 < done.network_seconds < done.seconds


def test_forecasts_are_equal_to_the_bit_where_batches_are_full(model, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "SERIES_IN_A_BATCH", 64)
    monkeypatch.setattr(batches, "ROWS_READ_AT_ONCE", 1000)
    ids = [f"s{i:03d}" for i in range(128)]
    long(ids, sizes=[40] * 128).to_parquet(tmp_path / "in.parquet")
    expected = model.forecast_df(pd.read_parquet(tmp_path / "in.parquet"), HORIZON, batch_size=64)
    forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON, batch_size=64)
    found = pd.read_parquet(tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int32(), pa.string())),
        (pa.large_string(), pa.large_string()),
        (pa.string_view(), pa.string()),
    ],
    ids=str,
)
def test_id_columns_of_an_arrow_file_keep_their_type(kind, kept, tmp_path):
    table = pa.Table.from_pandas(long())
    try:
        ids = table.column("unique_id").cast(kind)
        pq.write_table(table.set_column(0, "unique_id", ids), tmp_path / "in.parquet")
    except pa.ArrowNotImplementedError as error:
        pytest.skip(f"this pyarrow writes no such column: {error}")
    forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)
    found = pq.read_schema(tmp_path / "out.parquet")
    assert found.field("unique_id").type == kept


@pytest.mark.usefixtures("small")
def test_the_bytes_of_an_output_are_those_of_an_earlier_run(tmp_path):
    long().to_parquet(tmp_path / "in.parquet")
    for name in ("one", "two"):
        forecast_file(tmp_path / "in.parquet", tmp_path / name / "out.parquet", HORIZON)
    contents = [(tmp_path / name / "out.parquet").read_bytes() for name in ("one", "two")]
    assert contents[0] == contents[1]
    assert str(tmp_path).encode() not in contents[0]


def test_a_table_without_ids_is_read_at_once(model, tmp_path):
    wide = pd.DataFrame({"day": DAYS, "a": np.arange(40.0), "b": np.arange(40.0) % 7})
    wide.to_parquet(tmp_path / "in.parquet", row_group_size=9)
    forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)
    expected = model.forecast_df(wide, HORIZON)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), expected)


def test_a_table_without_ids_that_is_too_large_is_refused(tmp_path, monkeypatch):
    from ttm_estimators.dataset import process_file as module

    monkeypatch.setattr(module, "MAX_CELLS_AT_ONCE", 50)
    pd.DataFrame({"day": DAYS, "a": np.arange(40.0)}).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(TableError, match=r"in\.parquet has 40 rows and no id column .*with id="):
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)


@pytest.mark.usefixtures("small")
def test_covariates_known_in_the_future_are_pooled_over_a_batch(model, tmp_path):
    table = long(sizes=[40] * 4).assign(price=lambda df: np.sin(np.arange(len(df))))
    table.loc[table.groupby("unique_id").tail(HORIZON).index, "y"] = np.nan
    later = table.assign(
        unique_id=lambda df: df["unique_id"].map(str.upper), y=lambda df: df["y"] * 3
    )
    later = later.sort_values("unique_id", kind="stable")
    pd.concat([table, later]).to_parquet(tmp_path / "in.parquet", index=False)
    options = {"known": "price", "calendar": True}
    forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON, **options)
    parts = [model.forecast_df(one, HORIZON, **options) for one in (table, later)]
    expected = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), expected, rtol=1e-6)


BAD = {
    "gap": (lambda one: one.drop(index=one.index[5]), "has gaps"),
    "missing": (lambda one: one.assign(y=np.nan), "all missing"),
    "infinite": (lambda one: one.assign(y=np.inf), "holds infinity"),
    "uneven": (
        lambda one: one.assign(ds=one["ds"].sample(frac=0.5, random_state=0)).dropna(),
        "gap",
    ),
    "twice": (lambda one: one.assign(ds=one["ds"].iloc[0]), "two rows"),
    "null time": (lambda one: one.assign(ds=one["ds"].where(one.index % 7 > 0)), "is empty in row"),
}


@pytest.mark.parametrize("rows", [131, 2**16])
@pytest.mark.parametrize("kind", BAD)
def test_a_series_that_can_not_be_forecast_is_an_error_or_left_out(
    kind, rows, model, tmp_path, monkeypatch
):
    monkeypatch.setattr(batches, "SERIES_IN_A_BATCH", 4)
    monkeypatch.setattr(batches, "ROWS_READ_AT_ONCE", rows)
    spoil, reason = BAD[kind]
    good = long()
    parts = [spoil(one) if name in "fi" else one for name, one in good.groupby("unique_id")]
    pd.concat(parts).to_parquet(tmp_path / "in.parquet", index=False)
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    with pytest.raises(TableError, match=rf"in\.parquet: .*'f'.*{reason}"):
        forecast_file(source, target, HORIZON)
    assert not target.exists()
    assert not list(tmp_path.glob(".*"))
    done = forecast_file(source, target, HORIZON, on_error="record")
    assert [name for name, _ in done.failed] == ["f", "i"]
    assert all(reason in why and "\n" not in why for _, why in done.failed)
    assert done.series == 8
    expected = model.forecast_df(good[~good["unique_id"].isin(["f", "i"])], HORIZON)
    pd.testing.assert_frame_equal(pd.read_parquet(target), expected, rtol=1e-6)


def test_options_out_of_range_are_refused_before_a_file_is_read(tmp_path):
    for options, told in (
        ({"horizon": 0}, "horizon"),
        ({"horizon": 3, "quantile_levels": [1.5]}, "quantile level"),
        ({"horizon": 3, "quantile_levels": [0.5, 0.5]}, "quantile_levels must differ"),
        ({"horizon": 3, "batch_size": 0}, "batch_size"),
        ({"horizon": 3, "on_error": "ignore"}, "on_error must be 'stop' or 'record'"),
    ):
        long().to_parquet(tmp_path / "in.parquet")
        with pytest.raises(ValueError, match=told) as error:
            forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", **options)
        assert "series" not in str(error.value)


def test_a_file_is_not_replaced_by_its_forecasts(tmp_path):
    long().to_parquet(tmp_path / "in.parquet")
    with pytest.raises(TableError, match="is the source"):
        forecast_file(tmp_path / "in.parquet", tmp_path / "in.parquet", HORIZON)


def test_an_empty_id_is_told_with_its_row(tmp_path):
    table = long()
    table.loc[207, "unique_id"] = None
    table.to_parquet(tmp_path / "in.parquet", row_group_size=50)
    with pytest.raises(TableError, match=r"in\.parquet: column 'unique_id' is empty in row 208"):
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("groups", [None, (2, 7)])
def test_rows_in_errors_are_those_of_the_file(groups, tmp_path):
    table = long()
    table.loc[301, "ds"] = None  # of series j, the fourth last
    table.to_parquet(tmp_path / "in.parquet", row_group_size=50)
    unit = Unit(str(tmp_path / "in.parquet"), "out.parquet", groups)
    with pytest.raises(TableError, match=r"series 'j': column 'ds' is empty in row 302"):
        process_file(unit, str(tmp_path), forecast_task(HORIZON))


def test_another_frequency_in_a_later_batch_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "SERIES_IN_A_BATCH", 2)
    weeks = long("yz", times=pd.date_range("2024-01-01", periods=40, freq="W"))
    pd.concat([long(), weeks]).to_parquet(tmp_path / "in.parquet", row_group_size=40)
    monkeypatch.setattr(batches, "ROWS_READ_AT_ONCE", 100)
    with pytest.raises(TableError, match="mixed frequencies: series 'y' has W-SUN and series 'a'"):
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)


@pytest.mark.usefixtures("small")
def test_dates_whose_day_could_be_the_month_are_read_as_the_first_ones_are(model, tmp_path):
    table = long(sizes=[40] * 8)
    late = long(("y", "z"), sizes=(9, 9), times=pd.date_range("2024-02-01", periods=9))
    table = pd.concat([table, late], ignore_index=True)
    table["ds"] = table["ds"].dt.strftime("%d/%m/%Y")
    table.to_parquet(tmp_path / "in.parquet")
    forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)
    expected = model.forecast_df(table, HORIZON)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), expected, rtol=1e-6)


def as_text(later: str) -> pd.DataFrame:
    """Whole numbers as text, and one with a sign in the last series."""
    table = long(sizes=[40] * 10)
    table["y"] = (5 + np.arange(len(table)) % 7).astype(str)
    table.loc[table.index[-3], "y"] = later
    return table


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("later", ["6,969", "11,4", "11.4", "6.969"])
def test_a_sign_in_numbers_of_which_the_first_rows_have_none_is_refused(later, model, tmp_path):
    table = as_text(later)
    table.to_parquet(tmp_path / "in.parquet")
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    with pytest.raises(TableError, match=r"in\.parquet: series 'j': column 'y' .*with decimal="):
        forecast_file(source, target, HORIZON)
    sign = "," if "," in later else "."
    forecast_file(source, target, HORIZON, decimal=sign)
    expected = model.forecast_df(table, HORIZON, decimal=sign)
    pd.testing.assert_frame_equal(pd.read_parquet(target), expected, rtol=1e-6)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("missing", ["n.a.", "-"])
def test_marks_for_missing_are_no_signs(missing, model, tmp_path):
    table = as_text(missing)
    table.to_parquet(tmp_path / "in.parquet")
    forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)
    expected = model.forecast_df(table, HORIZON)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), expected, rtol=1e-6)


@pytest.mark.usefixtures("small")
def test_signs_of_the_first_rows_hold_for_all(model, tmp_path):
    table = as_text("11,4")
    table.loc[3, "y"] = "8,5"
    table.to_parquet(tmp_path / "in.parquet")
    forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)
    expected = model.forecast_df(table, HORIZON)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), expected, rtol=1e-6)


@pytest.mark.usefixtures("small")
def test_a_column_without_a_cell_in_the_first_rows_is_not_told_to_be_empty(tmp_path):
    table = long().assign(stock=np.nan)
    table.loc[table.index[-20:], "stock"] = 1.0
    table.to_parquet(tmp_path / "in.parquet")
    with pytest.warns(TableWarning, match=r"'stock' \(nothing in its first 131 rows\)"):
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("freq", ["h", "D"])
def test_offsets_from_utc_may_change_where_the_zone_is_given(freq, model, tmp_path):
    winter, summer = (
        pd.date_range(start, periods=40, freq=freq, tz="Europe/Berlin")
        for start in ("2024-01-01", "2024-07-01")
    )
    later = long("wxyz", times=summer, sizes=[40] * 4)
    table = pd.concat([long(sizes=[40] * 10, times=winter), later], ignore_index=True)
    table["ds"] = [one.isoformat() for one in table["ds"]]
    table.to_parquet(tmp_path / "in.parquet")
    options = {"timezone": "Europe/Berlin"}
    forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON, **options)
    expected = model.forecast_df(table, HORIZON, **options)
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert str(found["ds"].dt.tz) == "Europe/Berlin"
    found["ds"] = found["ds"].astype(expected["ds"].dtype)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


@pytest.mark.usefixtures("small")
def test_offsets_from_utc_that_change_later_are_refused(tmp_path):
    times = pd.date_range("2024-01-01", periods=40, freq="h")
    table = long(sizes=[40] * 10, times=times)
    table["ds"] = table["ds"].dt.strftime("%Y-%m-%d %H:%M")
    table["ds"] += np.where(table["unique_id"] < "h", "+01:00", "+02:00")
    table.to_parquet(tmp_path / "in.parquet")
    with pytest.raises(TableError, match=r"in\.parquet: .*other types.*timezone="):
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)


@pytest.mark.usefixtures("small")
def test_numbers_that_seem_to_be_months_after_numbers_that_count_are_refused(tmp_path):
    table = long(sizes=[12] * 10, times=DAYS[:12])
    table["ds"] = np.tile(np.arange(1, 13), 10) + np.where(table["unique_id"] < "e", 0, 202000)
    table.to_parquet(tmp_path / "in.parquet")
    with pytest.raises(TableError, match=r"in\.parquet: .*other types.*dates after numbers"):
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)


@pytest.mark.usefixtures("small")
def test_columns_that_are_left_out_are_told_once(tmp_path):
    long().assign(note="x", other=1.5).to_parquet(tmp_path / "in.parquet")
    with pytest.warns(TableWarning, match="left out: 'note'") as told:
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)
    assert len(told) == 1


@pytest.mark.usefixtures("small")
def test_what_is_constant_in_the_first_rows_may_be_an_id_of_others(tmp_path):
    """Such as the shop, where there is a file for each."""
    table = long().rename(columns={"unique_id": "product"}).assign(shop="k")
    table.to_parquet(tmp_path / "in.parquet")
    with pytest.raises(TableError, match=r"such as id='product' id='shop'$"):
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)
    given = {"id": ["product", "shop"]}
    forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON, **given)


@pytest.mark.usefixtures("small")
def test_outliers_of_all_batches_are_told_in_one_warning(tmp_path):
    table = long(sizes=[40] * 10)
    table.loc[table.groupby("unique_id").nth(20).index, "y"] = -99999.0
    table.to_parquet(tmp_path / "in.parquet")
    with pytest.warns(OutlierWarning, match="and such warnings of 2 more batches") as told:
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)
    assert len(told) == 1


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("cuts", [(0, 1, 2, 4, 7), (0, 3, 7), (0, 5, 7)])
def test_ranges_of_a_file_own_the_series_that_begin_in_them(cuts, tmp_path, model):
    long().to_parquet(tmp_path / "in.parquet", row_group_size=50)
    assert pq.read_metadata(tmp_path / "in.parquet").num_row_groups == 7
    task = forecast_task(HORIZON)
    for first, stop in pairwise(cuts):
        unit = Unit(str(tmp_path / "in.parquet"), f"{first}.parquet", (first, stop))
        process_file(unit, str(tmp_path / "out"), task)
    found = pd.concat([pd.read_parquet(tmp_path / "out" / f"{i}.parquet") for i in cuts[:-1]])
    expected = model.forecast_df(long(), HORIZON)
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected, rtol=1e-6)


def test_a_range_in_which_no_series_begins_has_no_output(tmp_path):
    long().to_parquet(tmp_path / "in.parquet", row_group_size=50)
    unit = Unit(str(tmp_path / "in.parquet"), "out.parquet", (6, 7))
    assert process_file(unit, str(tmp_path), forecast_task(HORIZON)).series == 0
    assert not (tmp_path / "out.parquet").exists()


def test_a_range_of_a_file_that_is_not_sorted_is_refused(tmp_path):
    long(ids="abzdefghij").to_parquet(tmp_path / "in.parquet", row_group_size=50)
    unit = Unit(str(tmp_path / "in.parquet"), "out.parquet", (1, 7))
    with pytest.raises(TableError, match=r"groups are not known to be sorted by 'uniq.*ttm part"):
        process_file(unit, str(tmp_path), forecast_task(HORIZON))


@pytest.mark.parametrize("system", ["local", "memory"])
def test_an_output_says_of_what_it_was_made(system, tmp_path):
    root = str(tmp_path) if system == "local" else "memory://said"
    with fsspec.open(f"{root}/in.parquet", "wb") as file:
        long().assign(y=lambda df: df["y"].where(df["unique_id"] != "b")).to_parquet(file)
    unit = unit_of(f"{root}/in.parquet", "region=north/out.parquet")
    task = forecast_task(HORIZON)
    done = process_file(unit, f"{root}/out", task, on_error="record")
    found = read_done(unit, f"{root}/out", identity_of(task.identity, None))
    assert (found.rows, found.series, found.failed) == (done.rows, 9, done.failed)
    other = identity_of(forecast_task(HORIZON + 1).identity, None)
    assert read_done(unit, f"{root}/out", other) is None


@pytest.mark.parametrize("system", ["local", "memory"])
def test_an_error_leaves_an_older_output_as_it_was(system, tmp_path):
    root = str(tmp_path) if system == "local" else "memory://older"
    for name, table in (("good", long()), ("bad", long(ids="aaaaaaaaba"))):
        with fsspec.open(f"{root}/{name}.parquet", "wb") as file:
            table.to_parquet(file)
    forecast_file(f"{root}/good.parquet", f"{root}/out.parquet", HORIZON)
    with fsspec.open(f"{root}/out.parquet", "rb") as file:
        before = file.read()
    with pytest.raises(TableError):
        forecast_file(f"{root}/bad.parquet", f"{root}/out.parquet", HORIZON)
    with fsspec.open(f"{root}/out.parquet", "rb") as file:
        assert file.read() == before


def test_hive_columns_may_be_ids_and_stay_out_of_the_file(tmp_path):
    (tmp_path / "region=north").mkdir()
    long().to_parquet(tmp_path / "region=north" / "in.parquet")
    unit = Unit(
        str(tmp_path / "region=north" / "in.parquet"),
        "region=north/in.parquet",
        partition=(("region", "north"),),
    )
    for id in ((), ("region", "unique_id")):
        done = process_file(unit, str(tmp_path / "out"), forecast_task(HORIZON, id=id))
        assert done.series == 10
        found = pd.read_parquet(tmp_path / "out")
        assert list(found.columns[:3]) == ["unique_id", "ds", "median"]
        assert (found["region"] == "north").all()
        shutil.rmtree(tmp_path / "out")


def in_folder(folder, root):
    """Unit of a file in a folder of Hive's, with all columns of its own."""
    (root / folder).mkdir()
    long().to_parquet(root / folder / "in.parquet")
    pair = tuple(folder.split("="))
    return Unit(str(root / folder / "in.parquet"), f"{folder}/in.parquet", partition=(pair,))


@pytest.mark.parametrize("folder", ["ds=2024-06-30", "unique_id=0", "median=1"])
def test_a_folder_with_the_name_of_a_column_of_the_results_is_refused(folder, tmp_path):
    unit = in_folder(folder, tmp_path)
    name = folder.split("=")[0]
    with pytest.raises(
        TableError, match=rf"in\.parquet: column '{name}' .*folder {folder} too.*ren"
    ):
        process_file(unit, str(tmp_path / "out"), forecast_task(HORIZON))
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_a_file_may_hold_the_id_that_its_folder_is_named_by(tmp_path):
    (tmp_path / "unique_id=a").mkdir()
    long().iloc[:40].to_parquet(tmp_path / "unique_id=a" / "in.parquet")
    path, pair = str(tmp_path / "unique_id=a" / "in.parquet"), ("unique_id", "a")
    unit = Unit(path, "unique_id=a/in.parquet", partition=(pair,))
    process_file(unit, str(tmp_path / "out"), forecast_task(HORIZON))
    found = pd.read_parquet(tmp_path / "out")
    assert (found["unique_id"] == "a").all()
    assert list(found["ds"]) == list(pd.date_range("2024-02-10", periods=HORIZON))


def test_a_folder_with_the_name_of_a_column_of_other_tables_is_refused(tmp_path):
    class Two(ForecastTask):
        def __call__(self, forecaster, panel):
            frame = super().__call__(forecaster, panel)
            return {"": frame, "_scores": frame[["unique_id"]].assign(model="naive")}

    unit = in_folder("model=m1", tmp_path)
    with pytest.raises(TableError, match="column 'model' of the results is in the name"):
        process_file(unit, str(tmp_path / "out"), Two(HORIZON, Reading()))


def test_a_null_in_the_name_of_a_folder_is_no_id(tmp_path):
    unit = in_folder("region=__HIVE_DEFAULT_PARTITION__", tmp_path)
    with pytest.raises(TableError, match=r"in\.parquet: column 'region' is empty"):
        process_file(
            unit, str(tmp_path / "out"), forecast_task(HORIZON, id=["region", "unique_id"])
        )
    assert process_file(unit, str(tmp_path / "out"), forecast_task(HORIZON)).series == 10


def test_a_file_without_rows_has_no_output(tmp_path):
    long().iloc[:0].to_parquet(tmp_path / "in.parquet")
    (tmp_path / "out.parquet").write_bytes(b"of an earlier run")
    done = forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)
    assert (done.rows, done.series) == (0, 0)
    assert not (tmp_path / "out.parquet").exists()


def test_all_tables_of_a_task_are_written(tmp_path):
    class Two(ForecastTask):
        def __call__(self, forecaster, panel):
            frame = super().__call__(forecaster, panel)
            return {"": frame, "_scores": frame[["unique_id"]].drop_duplicates()}

    long().to_parquet(tmp_path / "in.parquet")
    unit = Unit(str(tmp_path / "in.parquet"), "out.parquet")
    process_file(unit, str(tmp_path), Two(HORIZON, Reading()))
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 10 * HORIZON
    assert len(pd.read_parquet(tmp_path / "_scores" / "out.parquet")) == 10


def test_a_missing_or_damaged_file_is_named(tmp_path):
    with pytest.raises(TableError, match=r"none\.parquet does not exist"):
        forecast_file(tmp_path / "none.parquet", tmp_path / "out.parquet", HORIZON)
    (tmp_path / "in.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(TableError, match=r"in\.parquet can not be read"):
        forecast_file(tmp_path / "in.parquet", tmp_path / "out.parquet", HORIZON)


def test_storage_that_fails_is_an_error_that_may_pass(monkeypatch):
    with fsspec.open("memory://fails/in.parquet", "wb") as file:
        long().to_parquet(file)

    def fail(*_):
        raise ConnectionError("reset by peer")

    monkeypatch.setattr(fsspec.implementations.memory.MemoryFile, "read", fail)
    with pytest.raises(OSError, match="reset by peer"):
        forecast_file("memory://fails/in.parquet", "memory://fails/out.parquet", HORIZON)


def test_no_warnings_come_from_a_plain_file(tmp_path):
    long().to_parquet(tmp_path / "in.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecast_file(str(tmp_path / "in.parquet"), tmp_path / "new" / "out.parquet", HORIZON)
    assert Path(tmp_path / "new" / "out.parquet").exists()
    assert isinstance(
        pd.read_parquet(tmp_path / "new" / "out.parquet")["ds"].iloc[0], datetime.date
    )
