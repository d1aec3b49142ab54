import re

import numpy as np
import pandas as pd
import pytest

from ttm_estimators import cross_validation, load

ROWS = 60


@pytest.fixture
def data(tmp_path):
    """Two series of days, one with a price."""
    random, days = np.random.default_rng(0), pd.date_range("2024-01-01", periods=ROWS)
    steps = np.arange(ROWS)
    parts = [
        pd.DataFrame(
            {
                "shop": name,
                "day": days,
                "sales": 20 + 5 * np.sin(steps * 2 * np.pi / 7) + random.normal(size=ROWS),
            }
        )
        for name in ("north", "south")
    ]
    pd.concat(parts).to_csv(tmp_path / "sales.csv", index=False)
    return tmp_path / "sales.csv"


def test_it_prints_models_a_sentence_and_the_worst_series(run, data):
    code, out, _ = run("backtest", data, "--horizon", 7, "--windows", 3)
    assert code == 0
    assert "time 'day', id 'shop', value 'sales'" in out
    table = [line for line in out.splitlines() if line.startswith("│")]
    assert [line.split("│")[1].strip() for line in table] == ["ttm", "seasonal_naive", "naive"]
    assert re.search(r"^(Use|Can't tell) ", out, re.MULTILINE)
    assert re.search(r"^Worst series of \w+ by MASE: '(north|south)' \(\d", out, re.MULTILINE)


def test_the_output_is_the_frame_of_cross_validation(run, data, model, tmp_path):
    output = tmp_path / "forecasts.parquet"
    options = ("--windows", 2, "--step", 3, "--quantiles", "0.1,0.9", "--model", model)
    code, out, _ = run("backtest", data, "--horizon", 7, *options, "--output", output)
    assert code == 0
    assert f"Wrote {output}" in out
    frame = cross_validation(
        pd.read_csv(data), 7, windows=2, step=3, quantile_levels=[0.1, 0.9], model=load(model)
    )
    pd.testing.assert_frame_equal(pd.read_parquet(output), frame)


def test_the_report_is_written_under_the_name_of_the_data(run, data, tmp_path):
    pytest.importorskip("vl_convert")
    report = tmp_path / "report.html"
    code, _, _ = run("backtest", data, "--horizon", 7, "--models", "naive", "--report", report)
    assert code == 0
    assert "<h1>Backtest of sales.csv</h1>" in report.read_text(encoding="utf-8")
    assert "Calendar" not in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (("--calendar",), "of the dates"),
        (("--holidays", "de", "--holidays", "US"), "of the dates, holidays of DE, US"),
    ],
)
def test_the_report_says_of_which_calendar_models_were_told(run, data, tmp_path, options, fact):
    pytest.importorskip("vl_convert")
    pytest.importorskip("holidays")
    report = tmp_path / "report.html"
    given = ("--horizon", 7, "--models", "naive", "--report", report, *options)
    code, _, _ = run("backtest", data, *given)
    assert code == 0
    assert f'"Calendar": "{fact}"' in report.read_text(encoding="utf-8")


def test_progress_with_the_time_left_is_told_where_there_is_no_terminal(run, data, monkeypatch):
    monkeypatch.setattr("ttm_estimators.backtest.progress.SECONDS_BETWEEN_LINES", -1.0)
    _, _, err = run("backtest", data, "--horizon", 7, "--windows", 2, "--models", "naive")
    assert re.match(r"backtest: 25%, naive, \d+ s left\n", err)
    assert err.endswith("backtest: 100%, naive, 0 s left\n")


def test_training_is_told_before_it_begins(run, data):
    tuned = "ttm-finetuned(steps=2, learning_rate=1e-3, windows=64)"
    code, _, err = run("backtest", data, "--horizon", 7, "--windows", 2, "--models", tuned)
    assert code == 0
    assert err.splitlines()[0] == "backtest: training ttm-finetuned"


def test_how_the_file_was_read_is_told_before_any_model_begins(run, data, monkeypatch):
    def fail(*_):
        raise ValueError("no")

    monkeypatch.setattr("ttm_estimators.backtest.models.Naive.forecast", fail)
    code, out, err = run("backtest", data, "--horizon", 7, "--models", "naive")
    assert code == 2
    assert out == f"Read {data}: time 'day', id 'shop', value 'sales'\n"
    assert err.startswith("error: model 'naive' failed")


def test_a_season_that_is_unknown_is_told(run, data, tmp_path):
    pd.read_csv(data)[["sales"]].to_csv(tmp_path / "bare.csv", index=False)
    models = ("--models", "seasonal_naive,naive")
    given = ("backtest", tmp_path / "bare.csv", "--no-time", "--horizon", 7, *models)
    code, _, err = run(*given)
    assert code == 0
    assert err.startswith("warning: no season known: give --season 7, or --season 1 where there")
    assert run(*given, "--season", 7).err == ""


def test_a_covariate_with_the_name_of_a_part_of_the_calendar_is_an_error(run, data, tmp_path):
    frame = pd.read_csv(data)
    frame.assign(weekday=frame.index % 7).to_csv(tmp_path / "dated.csv", index=False)
    options = ("--known", "weekday", "--calendar")
    code, out, err = run("backtest", tmp_path / "dated.csv", "--horizon", 7, *options)
    assert (code, out) == (2, "")
    assert err == "error: column 'weekday' has the name of a part of the calendar: rename it\n"


def test_impossible_readings_are_told_and_may_be_kept(run, data):
    frame = pd.read_csv(data)
    frame.loc[[15, 55], "sales"] = -999
    frame.to_csv(data, index=False)
    arguments = ("backtest", data, "--horizon", 7, "--models", "naive")
    code, out, err = run(*arguments)
    assert code == 0
    assert "2 readings are impossible" in err
    assert "give --keep-outliers to keep them; 1 in what is forecast" in err
    code, kept, err = run(*arguments, "--keep-outliers")
    assert code == 0
    assert "impossible" not in err
    assert kept != out


def test_codes_that_are_scored_as_a_new_level_are_told_of(run, data):
    frame = pd.read_csv(data)
    frame["sales"] = 10.0 + frame.index % 7
    frame.loc[frame.index[-30:], "sales"] = -999
    frame.to_csv(data, index=False)
    code, _, err = run("backtest", data, "--horizon", 7, "--models", "naive")
    assert code == 0
    assert "ends in 30 readings of -999, taken as a new level: put NaN" in err
    assert "or give --keep-outliers" in err


def test_readings_taken_as_missing_are_told_where_a_model_fails_for_them(run, data):
    pytest.importorskip("sktime")
    frame = pd.read_csv(data)
    frame.loc[30, "sales"] = -999
    frame.to_csv(data, index=False)
    model = "sktime.forecasting.theta.ThetaForecaster"
    code, _, err = run("backtest", data, "--horizon", 7, "--models", model)
    assert code == 2
    assert "warning: 1 reading is impossible" in err
    assert "model 'ThetaForecaster' failed on series 'north'" in err


def test_it_goes_on_from_its_folder(run, data, tmp_path, monkeypatch):
    first = run("backtest", data, "--horizon", 7, "--folder", tmp_path / "parts")
    monkeypatch.setattr("ttm_estimators.backtest.progress.SECONDS_BETWEEN_LINES", -1.0)
    again = run("backtest", data, "--horizon", 7, "--folder", tmp_path / "parts")
    assert again.out == first.out
    assert again.err == ""


def test_series_that_are_too_short_are_told_in_one_line(run, data, tmp_path):
    frame = pd.read_csv(data)
    frame = frame[(frame["shop"] == "north") | (frame["day"] > "2024-02-18")]
    frame.to_csv(tmp_path / "short.csv", index=False)
    code, _, err = run("backtest", tmp_path / "short.csv", "--horizon", 7, "--models", "naive")
    assert code == 0
    assert err.startswith("warning: of 5 windows, series were left out")
    assert "'south' in 4" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--models", "best"), "model 'best' is unknown"),
        (("--models", "sktime.no.Thing"), "can not be imported"),
        (("--models", "ttm(model=nowhere)"), "unknown model 'nowhere'"),
        (("--models", "ttm,ttm"), "given twice"),
        (("--known", "price"), "no column 'price'"),
        (("--windows", "0"), "--windows"),
        (("--report", "report.pdf"), "must end in .html"),
        (("--output", "nowhere/a.csv"), "does not exist"),
        (("--quantiles", "2"), "give different levels"),
        (("--horizon", "70"), "no series is long enough"),
        (("--season", "0"), "--season"),
    ],
)
def test_whatever_is_wrong_is_one_line(run, data, options, said):
    given = options if "--horizon" in options else ("--horizon", "7", *options)
    code, out, err = run("backtest", data, *given)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: .+\n", err), err
    assert said in err


def test_a_folder_that_is_a_file_is_refused(run, data):
    code, _, err = run("backtest", data, "--horizon", 7, "--folder", data)
    assert (code, err) == (2, f"error: --folder {data} is a file: name a folder\n")


def test_a_model_that_fails_is_one_line(run, data):
    pytest.importorskip("sktime")
    theta = "sktime.forecasting.theta.ThetaForecaster(sp=50)"
    code, _, err = run("backtest", data, "--horizon", 7, "--models", theta)
    assert code == 2
    line = err.splitlines()[-1]
    assert line.startswith("error: model 'ThetaForecaster' failed on series 'north' at the cutoff")


@pytest.fixture
def folder(tmp_path):
    """Two files of two series."""
    days = pd.date_range("2024-01-01", periods=40)
    (tmp_path / "in").mkdir()
    for part in range(2):
        rows = [
            pd.DataFrame({"id": f"{part} {i}", "ds": days, "y": np.arange(40.0) % 7 + i})
            for i in range(2)
        ]
        pd.concat(rows).to_parquet(tmp_path / "in" / f"{part}.parquet", index=False)
    return tmp_path / "in"


FEW = ("--horizon", 3, "--windows", 2, "--models", "seasonal_naive,naive")


@pytest.mark.parametrize("more", [(), ("--workers", 2)])
def test_a_folder_is_backtested_to_a_folder_with_scores(run, folder, tmp_path, more):
    outcome = run("backtest", folder, *FEW, "--output", tmp_path / "out", *more)
    assert outcome.code == 0, outcome.err
    assert "Use seasonal_naive: its MASE is " in outcome.out
    written = f"{tmp_path / 'out'} has 2 files, 4 series, horizon 3, 2 windows"
    assert written in " ".join(outcome.out.split())
    frame = pd.read_parquet(tmp_path / "out")
    assert list(frame)[:5] == ["id", "cutoff", "ds", "y", "seasonal_naive"]
    assert len(frame) == 4 * 2 * 3
    assert len(pd.read_parquet(tmp_path / "out" / "_scores")) == 4 * 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "name a folder for the results, --output"),
        (("--output", "out", "--report", "page.html"), "--report is for a single file"),
        (("--output", "out", "--folder", "parts"), "--folder is for a single file"),
        (("--output", "out", "--models", "ttm-finetuned"), "trained on all series at once"),
    ],
)
def test_options_of_no_use_for_a_folder_are_refused(run, folder, monkeypatch, options, told):
    monkeypatch.chdir(folder.parent)
    outcome = run("backtest", folder, *FEW, *options)
    assert (outcome.code, told in " ".join(outcome.err.split())) == (2, True)
    assert not (folder.parent / "out").exists()


def test_workers_are_refused_for_a_file(run, folder):
    outcome = run("backtest", folder / "0.parquet", *FEW, "--workers", 2)
    assert (outcome.code, "--workers needs a folder" in outcome.err) == (2, True)
