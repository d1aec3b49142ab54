"""Known covariates whose future is in another table."""

import numpy as np
import pandas as pd
import pytest

from ttm_estimators.tables import TableError
from ttm_estimators.tables.files import Table, read_file
from ttm_estimators.tables.future import read_with_future
from ttm_estimators.tables.panel import read_panel
from ttm_estimators.tables.reading import Reading

DAYS = pd.date_range("2024-01-01", periods=70)
ROWS = 60


def both(ids=("a", "b"), form="%Y-%m-%d", **extra):
    """Histories, and the days after them."""
    frames = [
        pd.DataFrame(
            {"item": key, "day": DAYS.strftime(form), "sales": np.arange(70.0), "price": 5.5 + i}
        )
        for i, key in enumerate(ids)
    ]
    history = pd.concat([frame[:ROWS] for frame in frames], ignore_index=True)
    ahead = pd.concat([frame[ROWS:] for frame in frames], ignore_index=True)
    return history, ahead.drop(columns="sales").assign(**extra)


def written(tmp_path, *frames, **options):
    tables = []
    for name, frame in zip(("sales.csv", "future.csv"), frames, strict=True):
        frame.to_csv(tmp_path / name, index=False, **options)
        tables.append(read_file(tmp_path / name))
    return tables


READING = Reading(known=["price"])


def assert_same(panel, expected):
    assert [one.name for one in panel.series] == [one.name for one in expected.series]
    for one, other in zip(panel.series, expected.series, strict=True):
        assert one.times.equals(other.times)
        np.testing.assert_array_equal(one.values, other.values)
        pd.testing.assert_frame_equal(one.covariates, other.covariates)


@pytest.mark.parametrize("ids", [("a", "b"), (1, 2), ("007", "10"), ("NA", "x")])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d"])
def test_rows_of_another_file_are_like_rows_after_the_end(tmp_path, ids, form):
    history, ahead = both(ids, form)
    joined = pd.concat([history, ahead], ignore_index=True)
    joined.to_csv(tmp_path / "joined.csv", index=False)
    expected = read_panel(read_file(tmp_path / "joined.csv"), READING)
    shuffled = ahead.sample(frac=1, random_state=0)
    assert_same(read_with_future(*written(tmp_path, history, shuffled), READING), expected)


def test_a_future_of_some_series_keeps_their_ids_as_they_are_written(tmp_path):
    history, ahead = both(("007", "10"))
    tables = written(tmp_path, history, ahead[ahead["item"] == "10"])
    panel = read_with_future(*tables, READING)
    assert [one.name for one in panel.series] == ["007", "10"]
    assert [len(one.covariates) for one in panel.series] == [60, 70]


def test_signs_of_numbers_are_those_of_both_files_together(tmp_path):
    history, ahead = both()
    history["price"] = [f"{price:.2f}".replace(".", ",") for price in 1234.5 + history["price"]]
    ahead["price"] = "1,000"  # a thousand or one, if one sees only these
    tables = written(tmp_path, history, ahead, sep=";")
    panel = read_with_future(*tables, READING)
    assert panel.series[0].covariates["price"].tolist()[-1] == 1.0


@pytest.mark.parametrize("separators", [(";", ";"), (",", ";"), (",", "\t")])
def test_thousands_of_the_future_that_may_be_decimals_are_asked_for(tmp_path, separators):
    history, ahead = both()
    history["price"], ahead["price"] = 990, "1.024"
    history["sales"] = np.arange(len(history))
    history.to_csv(tmp_path / "sales.csv", index=False, sep=separators[0])
    ahead.to_csv(tmp_path / "future.csv", index=False, sep=separators[1])
    tables = read_file(tmp_path / "sales.csv"), read_file(tmp_path / "future.csv")
    with pytest.raises(TableError, match=r"'1.024' may have a decimal sign"):
        read_with_future(*tables, READING)
    panel = read_with_future(*tables, Reading(known=["price"], thousands="."))
    assert panel.series[0].covariates["price"].tolist()[-1] == 1024


def test_a_parquet_file_and_a_csv_file_go_together(tmp_path):
    history, ahead = both()
    ahead.to_csv(tmp_path / "future.csv", index=False)
    panel = read_with_future(Table(history, "df"), read_file(tmp_path / "future.csv"), READING)
    assert [len(one.covariates) for one in panel.series] == [70, 70]


@pytest.mark.parametrize(("past", "future"), [("001", "1"), ("1", "001")])
def test_ids_that_are_written_in_another_way_are_told_with_both(tmp_path, past, future):
    history, ahead = both([past])
    ahead["item"] = future
    said = rf"future.csv has rows of '{future}', .*sales.csv none, but of '{past}': write ids the"
    with pytest.raises(TableError, match=said):
        read_with_future(*written(tmp_path, history, ahead), READING)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [("10,00", "write all numbers of the column with the same signs"), ("low", "'price=low'")],
)
def test_a_cell_of_the_future_that_is_no_number_is_told_with_its_file(tmp_path, cell, remedy):
    history, ahead = both()
    ahead["price"] = ahead["price"].astype(object)
    ahead.loc[2, "price"] = cell
    said = rf"'price' of .*future.csv is not numeric: '{cell}' in row 3: .*{remedy}"
    with pytest.raises(TableError, match=said):
        read_with_future(*written(tmp_path, history, ahead), READING)
    said = rf"'price' of future_df is not numeric: '{cell}' in row 3: .*{remedy}"
    with pytest.raises(TableError, match=said):
        read_with_future(Table(history, "df"), Table(ahead, "future_df"), READING)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y"])
def test_a_table_of_past_and_future_gives_what_its_rows_after_the_end_give(tmp_path, form):
    history, ahead = both(form=form)
    expected = read_with_future(*written(tmp_path, history, ahead), READING)
    plan = pd.concat([ahead, history.drop(columns="sales")], ignore_index=True)
    assert_same(read_with_future(*written(tmp_path, history, plan), READING), expected)
    tables = Table(history, "df"), Table(plan, "future_df")
    panel = read_with_future(*tables, READING)
    assert_same(panel, expected)
    assert not panel.unused_future


def test_other_values_at_times_that_both_have_are_told(tmp_path):
    history, ahead = both()
    plan = pd.concat([history.drop(columns="sales").assign(price=7.0)[40:], ahead])
    panel = read_with_future(*written(tmp_path, history, plan), READING)
    said = "sales.csv have other values of 'price' at the same times, such as '2024-02-10', 'a'"
    assert said in panel.unused_future[0]
    assert panel.series[0].covariates["price"].unique().tolist() == [5.5]


@pytest.mark.parametrize("past_turned", [False, True])
@pytest.mark.parametrize("future_turned", [False, True])
def test_each_table_of_counted_rows_may_run_from_new_to_old(tmp_path, past_turned, future_turned):
    history, ahead = both()
    history["price"], ahead["price"] = np.arange(len(history)) / 4, np.arange(len(ahead)) / 8
    reading = Reading(known=["price"], no_time=True)
    expected = read_with_future(Table(history, "df"), Table(ahead, "plan"), reading)
    turned = [
        frame.iloc[::-1].sort_values("item", kind="stable", ignore_index=True) if turn else frame
        for frame, turn in ((history, past_turned), (ahead, future_turned))
    ]
    for tables in (written(tmp_path, *turned), map(Table, turned, ("df", "plan"))):
        panel = read_with_future(*tables, reading)
        assert_same(panel, expected)
        assert ("as 'day' runs from new to old" in panel.took) == past_turned


def test_a_cell_of_a_future_from_new_to_old_that_is_no_number_is_told_with_its_row():
    history, ahead = both()
    ahead = ahead.iloc[::-1].reset_index(drop=True).astype({"price": object})
    ahead.loc[2, "price"] = "low"
    reading = Reading(known=["price"], no_time=True)
    with pytest.raises(TableError, match="of plan is not numeric: 'low' in row 3"):
        read_with_future(Table(history, "df"), Table(ahead, "plan"), reading)


def test_a_future_whose_series_run_both_ways_is_refused():
    history, ahead = both()
    turned = pd.concat([ahead[ahead["item"] == "a"], ahead[ahead["item"] == "b"][::-1]])
    reading = Reading(known=["price"], no_time=True)
    with pytest.raises(TableError, match="runs from old to new in some series"):
        read_with_future(Table(history, "df"), Table(turned, "plan"), reading)


def test_a_future_without_dates_is_refused_where_the_history_runs_from_new_to_old():
    history, ahead = both()
    tables = Table(history.iloc[::-1], "df"), Table(ahead.drop(columns="day"), "plan")
    with pytest.raises(TableError, match="plan has no dates to tell which of its rows comes first"):
        read_with_future(*tables, Reading(known=["price"], no_time=True))


@pytest.mark.parametrize("fill_gaps", [False, True])
def test_a_history_ends_with_its_last_row_where_the_future_is_in_another_table(tmp_path, fill_gaps):
    history, ahead = both()
    history.loc[(history["item"] == "b") & (history["day"] > "2024-02-25"), "sales"] = np.nan
    reading = Reading(known=["price"], fill_gaps=fill_gaps)
    for tables in (written(tmp_path, history, ahead), (Table(history, "df"), Table(ahead, "plan"))):
        for one in read_with_future(*tables, reading).series:
            assert str(one.times[-1].date()) == "2024-02-29"
            assert len(one.values) == ROWS
        assert np.isnan(one.values[-4:]).all()
        assert len(one.covariates) == len(DAYS)


def test_two_rows_for_one_time_of_the_history_are_refused(tmp_path):
    history, ahead = both()
    again = history.drop(columns="sales")[50:52]
    plan = pd.concat([again, again.assign(price=np.nan), ahead], ignore_index=True)
    with pytest.raises(TableError, match=r"two rows for '?2024-02-20"):
        read_with_future(*written(tmp_path, history, plan), READING)


def test_rows_of_the_future_may_stand_in_both_tables(tmp_path):
    history, ahead = both()
    expected = read_with_future(*written(tmp_path, history, ahead), READING)
    below = pd.concat([history, ahead], ignore_index=True)
    for tables in (written(tmp_path, below, ahead), (Table(below, "df"), Table(ahead, "plan"))):
        assert_same(read_with_future(*tables, READING), expected)


def test_what_the_history_lacks_is_taken_from_a_table_of_past_and_future(tmp_path):
    history, ahead = both()
    expected = read_with_future(*written(tmp_path, history, ahead), READING)
    plan = pd.concat([history.drop(columns="sales"), ahead], ignore_index=True)
    history.loc[40:, "price"] = np.nan
    for tables in (written(tmp_path, history, plan), (Table(history, "df"), Table(plan, "plan"))):
        panel = read_with_future(*tables, READING)
        assert_same(panel, expected)
        assert not panel.unused_future


def test_a_cell_of_a_table_of_past_and_future_that_is_no_number_is_told_with_its_row(tmp_path):
    history, ahead = both()
    plan = pd.concat([history.drop(columns="sales"), ahead.astype({"price": object})])
    plan = plan.reset_index(drop=True)
    plan.loc[122, "price"] = "low"
    with pytest.raises(TableError, match=r"future.csv is not numeric: 'low' in row 123"):
        read_with_future(*written(tmp_path, history, plan), READING)


def test_series_that_the_history_lacks_are_told_and_left_out(tmp_path):
    history, ahead = both(("a", "b"))
    _, others = both(("c", "d"))
    expected = read_with_future(*written(tmp_path, history, ahead), READING)
    panel = read_with_future(*written(tmp_path, history, pd.concat([others, ahead])), READING)
    assert "has rows of 'c' and 1 more series" in panel.unused_future[0]
    assert_same(panel, expected)


def test_columns_that_the_future_has_beside_are_told(tmp_path):
    history, ahead = both(visits=3, note="x", sales=np.nan)
    panel = read_with_future(Table(history, "df"), Table(ahead, "future_df"), READING)
    assert panel.left_out == "'visits', 'note' of future_df"
    told = read_with_future(Table(history, "df"), Table(ahead.assign(sales=1), "x.csv"), READING)
    assert "'sales' of x.csv" in told.left_out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ahead: ahead.drop(columns="price"), "future_df has no column 'price', only 'item'"),
        (lambda ahead: ahead.drop(columns="item"), "future_df has no column 'item'"),
        (lambda ahead: ahead.assign(item="z"), "future_df has rows of 'z', df none"),
        (lambda ahead: ahead[1:], "'a' has gaps: 2024-03-01 .*: let the future go on where"),
        (lambda ahead: ahead.assign(item=1), "'item' is int64 in future_df and (object|str) in df"),
        (lambda ahead: pd.concat([ahead, ahead]), "future_df has two rows for '2024-03-01', 'a'"),
    ],
)
def test_a_future_that_does_not_fit_is_one_sentence(change, said):
    history, ahead = both()
    with pytest.raises(TableError, match=said) as error:
        read_with_future(Table(history, "df"), Table(change(ahead), "future_df"), READING)
    assert "\n" not in str(error.value)
