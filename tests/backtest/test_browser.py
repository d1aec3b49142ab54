"""The report of a backtest as a person sees it: in a real browser."""

import numpy as np
import pandas as pd
import pytest

from tests.browser import DESKTOP, PHONE
from ttm_estimators import cross_validation, evaluate

pytest.importorskip("playwright.sync_api")
pytest.importorskip("vl_convert")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_complaints_and_asks_for_nothing_else(visit, page, size, scheme):
    tab, complaints, requests = visit(size, scheme)
    tab.locator("#series-chart [aria-roledescription=point]").first.hover()
    assert tab.locator("#vg-tooltip-element").inner_text()
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [page.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_it_has_the_sentence_the_models_and_the_worst_series(tab):
    assert tab.locator("#advice").inner_text().startswith(("Use ", "Can't tell "))
    models = tab.locator("#models tbody td:first-child").all_inner_texts()
    assert models == ["ttm", "seasonal_naive", "naive"]
    assert tab.locator("#models tr.ours td").nth(1).inner_text().startswith("0.")
    assert tab.locator("#worst tbody tr").count() == 3


def test_every_series_has_both_models_on_its_line(tab):
    assert tab.locator("#series-chart [aria-roledescription=point]").count() == 2 * 3


def test_forecasts_are_drawn_with_bands_truth_and_the_baseline_in_every_window(tab):
    for number in range(3):
        chart = tab.locator(f"#example-{number} svg")
        assert chart.locator("g.mark-area path").count() == 2 * 3
        assert chart.locator("g.mark-line path").count() == 1 + 2 * 3


def test_points_and_windows_without_neighbours_are_drawn(browser, make_series, tmp_path):
    df = make_series("a", pd.date_range("2024-01-01", periods=120))
    df.loc[::2, "y"] = np.nan
    frame = cross_validation(df, 1, windows=5, step=4, models=["naive", "ttm"], season=6)
    page = evaluate(frame, df, season=6).report(tmp_path / "report.html")
    tab = browser.new_page()
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto(page.as_uri())
    tab.wait_for_selector("body[data-ready]")
    points = tab.locator("#example-0 [aria-roledescription=point]")
    # History of 30 points and three windows, of which every second value is missing.
    assert points.count() == 15 + 5 + 2 * 3
    assert complaints == []
