import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ttm_estimators import cross_validation, evaluate

pytest.importorskip("vl_convert")


def content_of(path: Path):
    found = re.search(r'id="content">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
    return json.loads(found[1])


def report(df, path, *arguments, **options):
    frame = cross_validation(df, *arguments, **options)
    return evaluate(frame, df).report(path)


def test_the_report_is_one_file_without_links_to_others(page):
    assert [file.name for file in page.parent.iterdir()] == [page.name]
    text = page.read_text(encoding="utf-8")
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', markup) == []
    assert "@import" not in text
    assert "url(" not in re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]


def test_pictures_show_the_best_the_median_and_the_worst_series(page, sales):
    content = content_of(page)
    result = evaluate(cross_validation(sales, 7, windows=4), sales)
    scores = result.series[result.series["model"] == result.best].sort_values("MASE")
    assert [(one["place"], one["series"]) for one in content["examples"]] == list(
        zip(["Best", "Median", "Worst"], scores["series"], strict=True)
    )
    assert content["advice"] == result.advice


def test_a_picture_has_the_latest_windows_with_their_forecasts(page, sales):
    frame = cross_validation(sales, 7, windows=4)
    one = content_of(page)["examples"][0]
    columns = one["columns"]
    last = frame[frame["unique_id"] == one["series"]].tail(21)
    days = pd.to_datetime(pd.Series(columns["time"][-21:]), unit="ms")
    assert days.tolist() == last["ds"].tolist()
    np.testing.assert_allclose(columns["q5"][-21:], last["ttm"], rtol=1e-4)
    np.testing.assert_allclose(columns["q9"][-21:], last["ttm-0.9"], rtol=1e-4)
    np.testing.assert_allclose(columns["other"][-21:], last["seasonal_naive"], rtol=1e-4)
    np.testing.assert_allclose(columns["value"][-21:], last["y"], rtol=1e-4)
    assert columns["q5"][:-21] == [None] * (len(columns["q5"]) - 21)
    assert columns["window"][-21:] == [2] * 7 + [1] * 7 + [0] * 7


def test_windows_that_overlap_are_not_drawn_twice(sales, tmp_path):
    content = content_of(report(sales, tmp_path / "a.html", 7, windows=4, step=3))
    windows = content["examples"][0]["columns"]["window"]
    assert windows.count(0) == windows.count(1) == 7
    assert 2 not in windows


def test_numbers_for_times_one_series_and_one_model_are_reported(make_series, tmp_path):
    df = make_series("a", pd.Index(np.arange(1900, 1960))).drop(columns="unique_id")
    content = content_of(report(df, tmp_path / "a.html", 5, windows=2, models=["naive"]))
    (example,) = content["examples"]
    assert example["axis"] == "quantitative"
    assert example["columns"]["time"][-1] == 1959
    assert content["series"] == []
    assert content["against"] is None


def test_local_times_are_shown_by_the_clock_on_the_wall(make_series, tmp_path):
    times = pd.date_range("2024-06-01", periods=96, freq="h", tz="Europe/Berlin")
    content = content_of(report(make_series("a", times), tmp_path / "a.html", 24, windows=2))
    last = pd.Timestamp(content["examples"][0]["columns"]["time"][-1], unit="ms")
    assert last == pd.Timestamp("2024-06-04 23:00")


def test_names_can_not_break_out_of_the_page(sales, tmp_path):
    evil = sales.assign(unique_id=sales["unique_id"] + "<script>alert(1)</script>")
    path = report(evil, tmp_path / "a.html", 7, windows=1, models=["naive", "seasonal_naive"])
    assert "<script>alert" not in path.read_text(encoding="utf-8")
    assert content_of(path)["examples"][0]["series"].endswith("<script>alert(1)</script>")


@pytest.mark.filterwarnings("ignore::ttm_estimators.OutlierWarning")
def test_an_impossible_reading_is_not_drawn_and_named_below_the_picture(sales, tmp_path):
    broken = sales[sales["unique_id"] == "north"].reset_index(drop=True)
    broken.loc[len(broken) - 10, "y"] = -999
    path = report(broken, tmp_path / "a.html", 7, windows=1)
    (one,) = content_of(path)["examples"]
    assert one["columns"]["value"][-10] is None
    day = broken["ds"].iloc[-10].date()
    assert one["impossible"] == f"-999 at {day}"
    assert f"; not drawn, as impossible: -999 at {day}" in path.read_text(encoding="utf-8")
    frame = cross_validation(broken, 7, windows=1, keep_outliers=True)
    kept = evaluate(frame, broken, keep_outliers=True).report(tmp_path / "b.html")
    assert content_of(kept)["examples"][0]["columns"]["value"][-10] == -999
