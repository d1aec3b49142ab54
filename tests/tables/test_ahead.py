"""Warnings of odd ends of series, and of odd futures of covariates."""

import numpy as np
import pandas as pd
import pytest

from ttm_estimators.tables import TableWarning
from ttm_estimators.tables.ahead import doubts
from ttm_estimators.tables.files import Table
from ttm_estimators.tables.panel import read_panel
from ttm_estimators.tables.reading import Reading

ROWS, HORIZON = 200, 7


def days(count: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=count)


def ending(**lengths: int) -> pd.DataFrame:
    """Daily series that begin on one day, with a number of rows for each."""
    frames = [
        pd.DataFrame({"shop": shop, "day": days(rows), "sales": np.arange(rows) % 7.0})
        for shop, rows in lengths.items()
    ]
    return pd.concat(frames, ignore_index=True)


def told(frame: pd.DataFrame, horizon: int = HORIZON, learnt=False, **reading) -> list[str]:
    panel = read_panel(Table(frame, "df"), Reading(**reading))
    return doubts(panel, horizon, panel.chosen.covariates, learnt=learnt)


def driven(past, future) -> pd.DataFrame:
    """One series whose covariate ``x`` goes on beyond it."""
    x = np.concatenate([np.resize(past, ROWS), np.resize(future, HORIZON)])
    sales = np.where(np.arange(len(x)) < ROWS, np.arange(len(x)) % 7.0, np.nan)
    return pd.DataFrame({"day": days(len(x)), "sales": sales, "x": x})


def test_series_that_end_early_are_told_once():
    assert told(ending(a=ROWS, b=ROWS - 60, c=ROWS - 20)) == [
        "series end on different dates, from 2024-05-19 ('b') to 2024-07-18: 2 of 3 end early, "
        "and are forecast from there"
    ]
    assert "1 of 2 ends early, and is forecast" in told(ending(a=ROWS, b=ROWS - 60))[0]


@pytest.mark.parametrize(
    ("late", "horizon", "warned"), [(0, 1, 0), (2, 3, 0), (3, 3, 1), (8, 30, 0), (11, 30, 1)]
)
def test_a_horizon_or_a_twentieth_of_a_series_is_early(late, horizon, warned):
    assert len(told(ending(a=ROWS, b=ROWS - late), horizon)) == warned


def test_ends_of_counted_rows_are_no_dates():
    frame = ending(a=ROWS, b=ROWS - 60)
    frame["day"] = frame.groupby("shop").cumcount()
    assert told(frame) == []


def test_a_future_that_is_missing_in_part_is_told_with_how_much():
    frame = driven([1.0, 2.0, 4.0], [3.0, *[np.nan] * 6])
    assert told(frame, known=["x"]) == [
        "covariate 'x' is missing at 6 of 7 future steps of series 'sales', and is taken as "
        "average there"
    ]
    assert told(driven([1.0, 2.0, np.nan], [2.0]), known=["x"]) == []


@pytest.mark.parametrize(
    ("past", "future", "ranges"),
    [
        ([8.0, 10.0], [800.0, 1000.0], "8 to 10 in the past and is 800 to 1000"),
        ([800.0, 1000.0], [8.0, 10.0], "800 to 1000 in the past and is 8 to 10"),
        ([5.0, 15.0], [1000.0], "5 to 15 in the past and is 1000"),
        ([-3.0, 12.0], [-999.0], "-3 to 12 in the past and is -999"),
    ],
)
def test_a_future_in_another_unit_is_told_with_both_ranges(past, future, ranges):
    assert told(driven(past, future), known=["x"]) == [
        f"covariate 'x' of series 'sales' was {ranges} in the future: give both in the same unit"
    ]


@pytest.mark.parametrize(
    ("past", "future"),
    [
        (np.arange(ROWS), ROWS + np.arange(HORIZON)),
        (1.02 ** np.arange(ROWS), 1.02 ** (ROWS + np.arange(HORIZON))),
        (100 * 0.99 ** np.arange(ROWS), 100 * 0.99 ** (ROWS + np.arange(HORIZON))),
        ([8.0, 10.0], [7.5]),
        ([10.0, 30.0], [2.0]),
        ([0.0], [1.0]),
        ([0.0, 1.0], [0.0]),
    ],
    ids=["line", "growth", "decay", "lower", "cold", "first", "none"],
)
def test_nothing_is_told_of_trends_and_new_events(past, future):
    assert told(driven(past, future), known=["x"]) == []


@pytest.mark.parametrize(
    ("past", "future", "ranges"),
    [
        ([8.0, 10.0], [4.0], "8 to 10 in the past and is 4"),
        ([10.0, 30.0], [-5.0], "10 to 30 in the past and is -5"),
        ([800.0, 1000.0], [0.0], "800 to 1000 in the past and is 0"),
    ],
    ids=["half", "cold", "zero"],
)
def test_a_future_that_no_effect_was_seen_for_is_told(past, future, ranges):
    assert told(driven(past, future), known=["x"]) == [
        f"covariate 'x' of series 'sales' was {ranges} in the future: farther than 0.5 of that "
        "range beyond the past, its effect stays the same"
    ]
    assert told(driven(past, future), known=["x"], learnt=True) == []


def test_an_effect_stays_the_same_where_it_is_told_to(model):
    days = np.arange(ROWS + HORIZON)
    price = 10 + np.random.default_rng(0).choice([-2.0, 0.0, 2.0], len(days))
    frame = driven(price[:ROWS], [14.0])
    frame["sales"] = np.where(days < ROWS, 100 - 5 * (frame["x"] - 10), np.nan)

    def effect(ahead):
        other = frame.assign(x=frame["x"].mask(frame["sales"].isna(), ahead))
        return model.explain_df(other, HORIZON, known="x", value="sales")["x"].mean()

    assert effect(14.0) == pytest.approx(-20, abs=2)
    with pytest.warns(TableWarning, match="its effect stays the same"):
        assert effect(30.0) == pytest.approx(effect(14.0))


def test_series_of_several_values_are_told_of_once():
    frame = driven([8.0, 10.0], [800.0]).assign(returns=lambda each: each["sales"] / 2)
    (only,) = told(frame, known=["x"])
    assert "more" not in only


def test_frames_and_files_tell_of_both(model, run, folder, tmp_path):
    frame = driven([8.0, 10.0], [800.0, np.nan])
    with pytest.warns(TableWarning) as caught:
        model.forecast_df(frame, HORIZON, known="x")
    messages = [str(each.message) for each in caught]
    assert any("missing at 3 of 7 future steps" in each for each in messages)
    assert any("8 to 10 in the past and is 800 in the future" in each for each in messages)
    frame.to_csv(tmp_path / "sales.csv", index=False)
    for command in ("forecast", "explain"):
        result = run(
            command, tmp_path / "sales.csv", "--horizon", 7, "--known", "x", "--model", folder
        )
        assert "warning: covariate 'x' is missing at 3 of 7 future steps" in result.err
        assert "8 to 10 in the past and is 800 in the future" in result.err


def test_early_ends_are_told_of_frames_and_files(model, run, folder, tmp_path):
    frame = ending(a=ROWS, b=ROWS - 60)
    with pytest.warns(TableWarning, match="end on different dates, from 2024-05-19 .* 1 of 2"):
        model.forecast_df(frame, HORIZON)
    frame.to_csv(tmp_path / "sales.csv", index=False)
    result = run("forecast", tmp_path / "sales.csv", "--horizon", 7, "--model", folder)
    assert result.err.count("end on different dates") == 1
