import json
import os

import pytest

from ttm_benchmarks.gift_eval.submission import COLUMNS, make_row, start_or_resume, write_rows
from ttm_benchmarks.gift_eval.tasks import TASKS

SCORES = {
    column.removeprefix("eval_metrics/"): 0.1 + 1 / (i + 3) for i, column in enumerate(COLUMNS)
}
WEEKS, MONTHS = TASKS["ett1/W/short"], TASKS["us_births/M/short"]


@pytest.fixture
def begun(tmp_path):
    """A submission with one row."""
    start_or_resume(tmp_path, "Model", {"weights_sha256": "a"}, {"model_type": "zero-shot"})
    write_rows(tmp_path, [make_row(WEEKS, "Model", SCORES)])
    return tmp_path


def test_the_columns_are_those_of_a_submission(begun):
    lines = (begun / "all_results.csv").read_text().splitlines()
    assert lines[0] == (
        "dataset,model,eval_metrics/MSE[mean],eval_metrics/MSE[0.5],eval_metrics/MAE[0.5],"
        "eval_metrics/MASE[0.5],eval_metrics/MAPE[0.5],eval_metrics/sMAPE[0.5],eval_metrics/MSIS,"
        "eval_metrics/RMSE[mean],eval_metrics/NRMSE[mean],eval_metrics/ND[0.5],"
        "eval_metrics/mean_weighted_sum_quantile_loss,domain,num_variates"
    )
    assert lines[1].startswith("ett1/W/short,Model,")
    assert lines[1].endswith(",Energy,7")


def test_the_config_has_every_key_that_a_submission_needs(begun):
    config = json.loads((begun / "config.json").read_text())
    links = {"model_link", "code_link", "org"}
    facts = {"model_type", "model_dtype", "testdata_leakage", "replication_code_available"}
    assert {"model", *links, *facts} <= config.keys()
    assert (config["model"], config["model_type"]) == ("Model", "zero-shot")


def test_a_run_goes_on_with_the_very_text_of_its_rows(begun):
    before = (begun / "all_results.csv").read_text()
    name, rows = start_or_resume(begun, "Model", {"weights_sha256": "a"}, {})
    assert (name, [row["dataset"] for row in rows]) == ("Model", ["ett1/W/short"])
    write_rows(begun, [*rows, make_row(MONTHS, name, SCORES)])
    assert (begun / "all_results.csv").read_text().startswith(before)


def test_a_config_that_its_author_filled_in_stays_so(begun):
    config = json.loads((begun / "config.json").read_text())
    edited = json.dumps(config | {"model": "Better name", "org": "Us"})
    (begun / "config.json").write_text(edited)
    name, _ = start_or_resume(begun, "Model", {"weights_sha256": "a"}, {})
    assert name == "Better name"
    assert (begun / "config.json").read_text() == edited


def test_results_of_another_model_are_not_mixed_in(begun):
    with pytest.raises(ValueError, match="weights_sha256 'a' but this run has 'b'"):
        start_or_resume(begun, "Model", {"weights_sha256": "b"}, {})
    (begun / "config.json").unlink()
    with pytest.raises(ValueError, match=r"no config.json .*empty --output"):
        start_or_resume(begun, "Model", {"weights_sha256": "a"}, {})


SWITCHES = {
    "before_test": True,
    "multivariate": True,
    "calendar": True,
    "fine_tuning": {"steps": 100},
}


@pytest.mark.parametrize("name", SWITCHES)
def test_a_run_with_an_option_and_one_without_are_never_mixed(begun, tmp_path, name):
    plain, switched = {"weights_sha256": "a"}, {"weights_sha256": "a", name: SWITCHES[name]}
    with pytest.raises(ValueError, match=f"says {name} None but this run has"):
        start_or_resume(begun, "Model", switched, {})
    start_or_resume(tmp_path / "switched", "Model", switched, {})
    with pytest.raises(ValueError, match=f"says {name} .* but this run has None"):
        start_or_resume(tmp_path / "switched", "Model", plain, {})


def test_rows_of_another_version_are_not_mixed_in(tmp_path):
    start_or_resume(tmp_path, "Model", {"weights_sha256": "a"}, {"ttm_estimators": "1.0"})
    with pytest.raises(ValueError, match=r"says ttm_estimators '1.0' but this run has '1.1'"):
        start_or_resume(tmp_path, "Model", {"weights_sha256": "a"}, {"ttm_estimators": "1.1"})


def test_a_row_of_no_task_is_refused_before_any_work(begun):
    path = begun / "all_results.csv"
    path.write_text(path.read_text().replace("ett1/W/short", "foo"))
    with pytest.raises(ValueError, match="a row of 'foo', which is no task"):
        start_or_resume(begun, "Model", {"weights_sha256": "a"}, {})


def test_a_table_that_a_spreadsheet_has_saved_is_gone_on_with(begun):
    path = begun / "all_results.csv"
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    _, rows = start_or_resume(begun, "Model", {"weights_sha256": "a"}, {})
    assert [row["dataset"] for row in rows] == ["ett1/W/short"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": 3}', "{", "[" * 10_000])
def test_a_damaged_config_is_refused(begun, text):
    (begun / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config.json is damaged: give an empty --output"):
        start_or_resume(begun, "Model", {"weights_sha256": "a"}, {})


def test_when_killed_while_writing_then_the_old_rows_are_whole(begun, monkeypatch):
    before = (begun / "all_results.csv").read_text()

    def killed(*paths):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_rows(begun, [make_row(MONTHS, "Model", SCORES)])
    assert (begun / "all_results.csv").read_text() == before
    _, rows = start_or_resume(begun, "Model", {"weights_sha256": "a"}, {})
    assert [row["dataset"] for row in rows] == ["ett1/W/short"]
