"""The report as a person sees it: in a real browser, which is not asked for anything else."""

import numpy as np
import pytest

from tests.benchmarks.report.conftest import HOURS, LONG, MONTHS, WEEKS
from tests.browser import DESKTOP, PHONE
from ttm_benchmarks.gift_eval.leaderboard import aggregate, find_results, read_scores
from ttm_benchmarks.gift_eval.tasks import TASKS

playwright = pytest.importorskip("playwright.sync_api")


def names(tab) -> list[str]:
    return tab.locator("#leaderboard tbody td:first-child").all_inner_texts()


def column(tab, number: int) -> list[str]:
    return tab.locator(f"#leaderboard tbody td:nth-child({number})").all_text_contents()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_complaints_and_asks_for_nothing_else(visit, page, size, scheme):
    tab, complaints, requests = visit(size, scheme)
    tab.select_option("[name=term]", "short")
    tab.locator(".metric label", has_text="MASE").click()
    tab.locator("#pair-chart path").first.hover()
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [page.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_the_page_is_dark_where_the_reader_wants_it_dark(visit):
    def brightness(tab) -> int:
        colour = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(",")))

    assert brightness(visit(scheme="light")[0]) > 3 * 200
    assert brightness(visit(scheme="dark")[0]) < 3 * 60


def test_a_click_on_a_heading_sorts_and_another_turns_the_order(tab):
    assert names(tab)[-1] == "seasonal_naive"
    heading = tab.get_by_role("columnheader", name="MASE", exact=True)
    heading.get_by_role("button").click()
    ascending = [float(text) for text in column(tab, 3)]
    assert ascending == sorted(ascending)
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.get_by_role("button").click()
    assert [float(text) for text in column(tab, 3)] == ascending[::-1]
    assert heading.get_attribute("aria-sort") == "descending"


def test_what_is_not_known_comes_last_in_either_order(tab):
    button = tab.locator("button[data-key=parameters]")
    button.click()
    assert names(tab) == ["Ours", "tabpfn_ts", "Big", "seasonal_naive"]
    button.click()
    assert names(tab) == ["Big", "tabpfn_ts", "Ours", "seasonal_naive"]


@pytest.mark.parametrize(
    ("chosen", "tasks"),
    [
        ({}, [HOURS, LONG, WEEKS, MONTHS]),
        ({"domain": "Transport"}, [HOURS, LONG]),
        ({"term": "short"}, [HOURS, WEEKS, MONTHS]),
        ({"frequency": "week"}, [WEEKS]),
        ({"domain": "Transport", "term": "long"}, [LONG]),
    ],
)
def test_filters_leave_the_scores_of_their_tasks(tab, results, chosen, tasks):
    for name, value in chosen.items():
        tab.select_option(f"[name={name}]", value)
    scores = {name: read_scores(folder) for name, folder in find_results(results).items()}
    board = aggregate(scores, "seasonal_naive", [TASKS[task] for task in tasks])
    board = board[board["by"] == "overall"].set_index("model")
    assert tab.locator("#count").inner_text() == f"{len(tasks)} of 4 tasks"
    shown = zip(*(column(tab, number) for number in range(1, 6)), strict=True)
    for model, *cells in shown:
        row = board.loc[model]
        expected = row[["CRPS", "MASE", "CRPS_rank", "MASE_rank"]].astype(float)
        digits = np.array([6e-4, 6e-4, 0.06, 0.06])
        assert (np.abs(np.array(cells, dtype=float) - expected) < digits).all()
    points = tab.locator("#pair-chart [aria-roledescription=point]")
    playwright.expect(points).to_have_count(2 * len(tasks))


def test_filters_that_would_leave_no_task_can_not_be_chosen(tab):
    tab.select_option("[name=domain]", "Energy")
    assert tab.locator("[name=term] option", has_text="long").is_disabled()
    assert tab.locator("[name=term] option", has_text="short").is_enabled()
    tab.get_by_role("button", name="Show all").click()
    assert tab.locator("[name=term] option", has_text="long").is_enabled()
    assert tab.locator("#count").inner_text() == "4 of 4 tasks"


def test_the_metric_changes_what_the_charts_show(tab):
    assert "lower CRPS on 2 of 4 tasks" in tab.locator("#pair-summary").inner_text()
    tab.locator(".metric label", has_text="MASE").click()
    assert "lower MASE on 2 of 4 tasks" in tab.locator("#pair-summary").inner_text()
    assert tab.locator("figcaption", has_text="MASE against parameters").is_visible()
    assert [float(text) for text in column(tab, 3)] == sorted(map(float, column(tab, 3)))
    tab.select_option("[name=term]", "short")
    tab.get_by_role("button", name="Show all").click()
    assert "lower MASE on 2 of 4 tasks" in tab.locator("#pair-summary").inner_text()


def test_charts_show_every_model_of_known_cost_and_say_how_many_are_left_out(tab):
    points = "[aria-roledescription=point]"
    assert tab.locator(f"#parameters-chart {points}").count() == 3
    assert tab.locator("#parameters-note").inner_text().startswith("Without 1 model ")
    assert tab.locator(f"#time-chart {points}").count() == 1
    assert tab.locator("#time-note").inner_text().startswith("Without 3 models ")


def test_forecasts_are_drawn_with_both_bands_and_the_truth(tab):
    for number in range(3):
        chart = tab.locator(f"#example-{number} svg")
        assert chart.locator("g.mark-area path").count() == 2
        assert chart.locator("g.mark-line path").count() == 2
