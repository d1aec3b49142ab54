import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ttm_estimators import TableError, TableWarning
from ttm_estimators.backtest.windows import before, earliest, find_windows
from ttm_estimators.tables.files import Table
from ttm_estimators.tables.panel import read_panel


def panel(**lengths: int):
    rows = [
        pd.DataFrame(
            {
                "id": name,
                "ds": pd.date_range("2024-01-01", periods=length),
                "y": np.arange(float(length)),
            }
        )
        for name, length in lengths.items()
    ]
    return read_panel(Table(pd.concat(rows, ignore_index=True), "df"))


def cuts(found):
    return [dict(zip(window.members, window.cuts, strict=True)) for window in found]


def test_the_last_cutoff_leaves_a_horizon_and_earlier_ones_a_step_more_each():
    found = find_windows(panel(a=30, b=25), 5, 3, 2)
    assert cuts(found) == [{0: 21, 1: 16}, {0: 23, 1: 18}, {0: 25, 1: 20}]


def test_a_series_is_left_out_where_it_is_too_short_and_one_warning_names_it():
    with pytest.warns(TableWarning, match=r"of 3 windows, series .*: 'b' in 1") as told:
        found = find_windows(panel(a=30, b=11), 5, 3, 3)
    assert len(told) == 1
    assert cuts(found) == [{0: 19}, {0: 22, 1: 3}, {0: 25, 1: 6}]


def test_windows_that_no_series_is_long_enough_for_are_left_out_and_told():
    with pytest.warns(TableWarning, match="'a' in 2"):
        found = find_windows(panel(a=11), 5, 3, 5)
    assert cuts(found) == [{0: 6}]


def test_a_window_without_anything_observed_is_left_out():
    table = panel(a=20)
    (one,) = table.series
    table.series[0] = replace(one, values=np.append(one.values[:-3], [np.nan] * 3))
    with pytest.warns(TableWarning, match="no observed values: 'a' in 1"):
        assert cuts(find_windows(table, 3, 2, 3)) == [{0: 14}]


def test_it_is_an_error_where_no_series_is_long_enough():
    with pytest.raises(TableError, match=r"no series is long enough .* 'a', has 6 rows"):
        find_windows(panel(a=6), 5, 3, 5)


def test_channels_of_one_table_are_left_out_together():
    days = pd.date_range("2024-01-01", periods=20)
    wide = pd.DataFrame({"ds": days, "one": np.arange(20.0), "two": [np.nan] * 12 + [1.0] * 8})
    with pytest.warns(TableWarning):
        apart = find_windows(read_panel(Table(wide, "df")), 4, 2, 4)
    with pytest.warns(TableWarning):
        together = find_windows(read_panel(Table(wide, "df")), 4, 2, 4, together=True)
    assert [window.members for window in apart] == [[0], [0, 1]]
    assert [window.members for window in together] == [[0, 1]]


def test_nothing_after_a_cutoff_is_known_but_a_horizon_of_covariates():
    table = panel(a=30, b=25)
    for one in table.series:
        object.__setattr__(one, "covariates", pd.DataFrame({"x": np.arange(len(one.times) + 9)}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        window = find_windows(table, 5, 2, 5)[0]
    known = before(table, window, 5)
    assert [len(one.values) for one in known.series] == [20, 15]
    assert [one.times[-1].day for one in known.series] == [20, 15]
    assert [len(one.covariates) for one in known.series] == [25, 20]


def test_training_ends_at_the_earliest_cutoff_of_all_series():
    table = panel(a=30, b=11)
    with pytest.warns(TableWarning):
        found = find_windows(table, 5, 3, 3)
    first = earliest(table, found)
    assert dict(zip(first.members, first.cuts, strict=True)) == {0: 3, 1: 3}
