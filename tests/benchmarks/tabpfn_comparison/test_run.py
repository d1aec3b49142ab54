import json
from math import sqrt

import pandas as pd
import pytest

from tests.benchmarks.tabpfn_comparison.conftest import BIRTHS, MONTHS, WEEKS
from ttm_benchmarks.tabpfn_comparison import contenders

NEVER = "nowhere.NoPredictor"


@pytest.fixture
def compare(bench, baseline, tmp_path):
    """Run ``ttm-bench compare`` and return its tables and what it showed."""

    def run(*models: object, **options: object):
        output = tmp_path / "comparison"
        arguments = [word for model in models for word in ("--model", model)]
        for name, value in options.items():
            arguments += [f"--{name}", value]
        code, shown, error = bench(
            "compare", *arguments, "--baseline", baseline, "--output", output
        )
        assert (code, error) == (0, "")
        names = ("tasks", "models", "pairs")
        return *(pd.read_csv(output / f"{name}.csv") for name in names), shown

    return run


@pytest.fixture
def refused(bench, baseline, tmp_path):
    """Run ``ttm-bench compare`` in vain and return the error."""

    def run(*arguments: object) -> str:
        common = ("--baseline", baseline, "--output", tmp_path / "comparison")
        code, _, error = bench("compare", *arguments, *common)
        assert code == 2
        assert error.count("\n") == 1
        return error

    return run


def test_published_results_are_compared_without_data(compare, publish):
    ours = publish("Ours", {WEEKS: (1, 0.2), MONTHS: (1, 0.1)}, parameters=1000)
    theirs = publish("Theirs", {WEEKS: (2, 0.1), MONTHS: (4, 0.1), BIRTHS: (1, 1)})
    tasks, models, pairs, shown = compare(ours, theirs, parameters="Theirs=4e6")
    assert list(tasks["dataset"].unique()) == [WEEKS, MONTHS]
    assert list(tasks.query("model == 'Ours'")["MASE"]) == [1, 1]
    assert list(tasks.query("model == 'Theirs'")["CRPS"]) == [0.1, 0.1]
    assert set(tasks["source"]) == {"published"}
    models = models.set_index("model")
    assert models.loc["Ours", "MASE"] == pytest.approx(sqrt(1 / 1 * 1 / 2))
    assert models.loc["Theirs", "CRPS"] == pytest.approx(sqrt(0.1 / 0.1 * 0.1 / 0.2))
    assert list(models.loc[["Ours", "Theirs"], "parameters"]) == [1000, 4_000_000]
    assert models[["seconds_per_series", "peak_memory_mb"]].isna().all(axis=None)
    (mase, crps) = pairs.query("by == 'overall'").to_dict("records")
    assert (mase["metric"], mase["wins"], mase["losses"]) == ("MASE", 2, 0)
    assert (crps["metric"], crps["wins"], crps["ties"], crps["losses"]) == ("CRPS", 0, 1, 1)
    assert set(pairs["by"]) == {"overall", "domain", "term", "frequency", "variates"}
    for text in ("Ours", "Theirs", "published", "4,000,000", "wins", "Energy (1)"):
        assert text in shown


def test_a_model_that_runs_here_has_costs_and_meets_one_that_does_not(
    compare, gift, model_folder, publish
):
    theirs = publish("tabpfn_ts", {WEEKS: (1e-3, 1e-3), MONTHS: (1e-3, 1e-3), BIRTHS: (1, 1)})
    tasks, models, pairs, shown = compare(model_folder, f"{NEVER}={theirs}", data=gift)
    assert f"{NEVER} can not run here" in shown
    assert f"The results in {theirs} stand in for it" in shown
    assert "out of" not in shown
    models = models.set_index("model")
    ours = models.loc[model_folder.name]
    assert (ours["source"], models.loc["tabpfn_ts", "source"]) == ("measured", "published")
    assert ours["parameters"] > 0
    assert ours["seconds_per_series"] > 0
    assert ours["peak_memory_mb"] > 10
    assert len(tasks) == 4
    assert pairs.query("by == 'overall'")["losses"].tolist() == [2, 2]


def test_a_finished_task_is_not_measured_again(
    compare, gift, model_folder, publish, in_process, monkeypatch
):
    theirs = publish("Theirs", {WEEKS: (1, 1), MONTHS: (1, 1)})
    first = compare(model_folder, theirs, data=gift)
    monkeypatch.setattr(contenders, "evaluate", None)
    again = compare(model_folder, theirs, data=gift)
    for one, two in zip(first[:3], again[:3], strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_two_models_can_run_and_the_first_is_compared(compare, gift, model_folder, in_process):
    tasks, models, pairs, _ = compare("naive", model_folder, data=gift, tasks="hospital/*")
    assert set(tasks["dataset"]) == {MONTHS}
    assert set(models["source"]) == {"measured"}
    assert set(pairs["model"]) == {"naive"}
    assert set(pairs["other"]) == {model_folder.name}


def test_results_of_another_model_are_not_gone_on_with(refused, gift, model_folder, tmp_path):
    folder = tmp_path / "comparison" / "naive"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model": "x", "predictor": "other"}))
    error = refused("--model", "naive", "--model", model_folder, "--data", gift)
    assert "predictor 'other' but this run has 'naive'" in error


def test_a_model_that_can_not_run_needs_a_stand_in(refused, model_folder, gift):
    error = refused("--model", NEVER, "--model", model_folder, "--data", gift)
    assert f"{NEVER} can not run here" in error
    assert f"--model {NEVER}=FOLDER" in error


def test_one_model_alone_is_refused(refused, model_folder):
    assert "two models or more" in refused("--model", model_folder)


def test_a_model_that_runs_needs_data(refused, model_folder, publish, monkeypatch):
    monkeypatch.delenv("GIFT_EVAL", raising=False)
    theirs = publish("Theirs", {WEEKS: (1, 1)})
    assert "needs --data" in refused("--model", model_folder, "--model", theirs)


def test_models_without_a_common_task_are_refused(refused, publish):
    one, two = publish("One", {WEEKS: (1, 1)}), publish("Two", {MONTHS: (1, 1)})
    assert "no task has data and results" in refused("--model", one, "--model", two)


def test_parameters_of_a_model_that_is_not_compared_are_refused(refused, publish):
    one, two = publish("One", {WEEKS: (1, 1)}), publish("Two", {WEEKS: (1, 1)})
    error = refused("--model", one, "--model", two, "--parameters", "Three=3")
    assert "--parameters of 'Three'" in error


def test_a_run_under_the_name_of_the_baseline_is_refused(refused, gift, model_folder):
    error = refused("--model", "seasonal_naive", "--model", model_folder, "--data", gift)
    assert "two models are called 'seasonal_naive'" in error
