import json
import re

import pytest

from tests.benchmarks.report.conftest import HOURS, LONG, MONTHS, WEEKS


@pytest.fixture
def report(bench, tmp_path):
    """Run ``ttm-bench report`` and return the exit code, what the page holds, and the error."""

    def run(*arguments: object):
        code, _, error = bench("report", *arguments, "--output", tmp_path / "report")
        path = tmp_path / "report" / "index.html"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        found = re.search(r'id="content">(.*?)</script>', text, re.DOTALL)
        return code, json.loads(found[1]) if found else None, error

    return run


def test_the_report_is_one_file_without_links_to_others(page):
    assert [file.name for file in page.parent.iterdir()] == ["index.html"]
    text = page.read_text(encoding="utf-8")
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', markup) == []
    assert "@import" not in text
    assert "url(" not in re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]


def test_scores_are_ratios_to_the_baseline_by_task(report, results):
    code, content, error = report(*results)
    assert (code, error) == (0, "")
    assert [task["name"] for task in content["tasks"]] == [WEEKS, MONTHS, HOURS, LONG]
    ours = content["models"][0]
    assert (ours["name"], content["ours"]) == ("Ours", "Ours")
    assert ours["MASE"] == pytest.approx([1.5, 0.5, 0.5, 1.0])
    assert ours["CRPS"] == pytest.approx([1.0, 0.25, 0.5, 0.75])
    assert (ours["series"], ours["seconds"]) == ([30, 40, 10, 20], [0.1] * 4)
    assert (ours["source"], ours["parameters"]) == ("measured", 1_000_000)
    others = {model["name"]: model for model in content["models"][1:]}
    assert others.keys() == {"Big", "seasonal_naive", "tabpfn_ts"}
    assert others["Big"]["source"] == "published"
    assert others["Big"]["seconds"] is None
    assert others["seasonal_naive"]["parameters"] is None


def test_pictures_show_the_best_the_median_and_the_worst_task(report, results):
    _, content, _ = report(*results)
    shown = [(one["place"], one["task"], round(one["ratio"], 9)) for one in content["examples"]]
    assert shown == [("Best", MONTHS, 0.25), ("Median", HOURS, 0.5), ("Worst", WEEKS, 1.0)]
    first = content["examples"][0]
    assert first["start"] == "1 March 2024"
    columns = first["columns"]
    assert {len(column) for column in columns.values()} == {16}
    assert columns["q5"] == [None] * 12 + [4.0] * 4
    assert columns["q1"][-1] == pytest.approx(3.6)


def test_a_run_without_examples_or_times_is_reported_without_them(report, results):
    code, content, error = report(results[1], "--against", "seasonal_naive")
    assert (code, error) == (0, "")
    assert content["ours"] == "Big"
    assert content["examples"] == []


def test_the_facts_of_the_run_are_told(report, results):
    _, content, _ = report(*results)
    facts = content["facts"]
    assert facts["Weights"] == "SHA-256 abc"
    assert facts["Training seed"] == "7"
    assert facts["Version"] == "ttm-estimators 1.2.3"
    assert facts["Machine"] == "2 cores"
    assert "4 of 97 tasks: ett1, hospital, loop_seattle" in facts["Data"]
    assert not [name for name in facts if name.startswith("Checkpoint")]


def test_tasks_and_parameter_counts_can_be_given(report, results):
    options = ("--tasks", "*/short", "--parameters", "seasonal_naive=12")
    _, content, _ = report(*results, *options)
    assert [task["name"] for task in content["tasks"]] == [WEEKS, MONTHS, HOURS]
    counts = {model["name"]: model["parameters"] for model in content["models"]}
    assert counts["seasonal_naive"] == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--baseline", "nobody"), "--baseline names 'nobody', which has no results"),
        (("--against", "nobody"), "--against names 'nobody', which has no results"),
        (("--parameters", "nobody=3"), "--parameters names 'nobody', which has no results"),
        (("--against", "Ours"), "--against names 'Ours', the model that the report is about"),
    ],
)
def test_models_that_can_not_be_compared_are_refused(report, results, options, message):
    code, content, error = report(*results, *options)
    assert (code, content) == (2, None)
    assert message in error
    assert error.count("\n") == 1


def test_names_can_not_break_out_of_the_page(report, results, publish):
    evil = publish("<script>alert(1)<", {HOURS: (1, 1), LONG: (1, 1)})
    code, content, _ = report(evil, results[1])
    assert code == 0
    assert content["ours"] == "<script>alert(1)<"
