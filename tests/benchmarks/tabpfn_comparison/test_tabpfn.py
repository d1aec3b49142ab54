"""TabPFN-TS itself through the benchmarks, with random weights where it is installed."""

import json
from importlib.metadata import version

import pandas as pd
import pytest

from tests.benchmarks.tabpfn_comparison.conftest import MONTHS, WEEKS
from tests.tabpfn.conftest import NON_COMMERCIAL, write_checkpoint

PREDICTOR = "ttm_tabpfn.TabPFNPredictor"

pytestmark = pytest.mark.filterwarnings(NON_COMMERCIAL)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """TabPFN's cache folder, with random weights under the name of its own."""
    write_checkpoint(tmp_path / "tabpfn-v3.5-20260909.safetensors")
    from tabpfn.settings import settings

    monkeypatch.setattr(settings.tabpfn, "model_cache_dir", tmp_path)
    return tmp_path


def test_the_gift_eval_runner_takes_it_and_records_its_checkpoint(cache, bench, gift, tmp_path):
    output = tmp_path / "out"
    code, _, error = bench("gift-eval", "--data", gift, "--output", output, "--model", PREDICTOR)
    assert (code, [line for line in error.splitlines() if line.startswith("ttm-bench")]) == (0, [])
    table = pd.read_csv(output / "all_results.csv")
    assert list(table["dataset"]) == [WEEKS, MONTHS]
    assert table.notna().all(axis=None)
    config = json.loads((output / "config.json").read_text())
    assert config["predictor"] == PREDICTOR
    assert config["model_path"] == str(cache / "tabpfn-v3.5-20260909.safetensors")
    assert config["model_version"] == "v3.5"
    assert config["model_licence"] == "non-commercial"
    assert config["tabpfn-time-series"] == version("tabpfn-time-series")
    assert config["parameters"] > 0


def test_it_is_compared_with_ours(cache, bench, gift, baseline, model_folder, in_process, tmp_path):
    models = ("--model", model_folder, "--model", PREDICTOR)
    output = tmp_path / "out"
    code, shown, _ = bench(
        "compare", *models, "--data", gift, "--baseline", baseline, "--output", output
    )
    assert code == 0
    table = pd.read_csv(output / "models.csv").set_index("model")
    assert set(table["source"]) == {"measured"}
    assert table.loc["TabPFNPredictor", "parameters"] > 0
    assert "TabPFNPredictor" in shown


def test_without_a_checkpoint_its_published_results_stand_in(
    cache, bench, gift, baseline, model_folder, in_process, publish, tmp_path
):
    next(cache.glob("*.safetensors")).unlink()
    theirs = publish("tabpfn_ts", {WEEKS: (1, 0.1), MONTHS: (1, 0.1)})
    models = ("--model", model_folder, "--model", f"{PREDICTOR}={theirs}")
    output = tmp_path / "out"
    code, shown, _ = bench(
        "compare", *models, "--data", gift, "--baseline", baseline, "--output", output
    )
    assert code == 0
    assert f"{PREDICTOR} can not run here: there is no TabPFN checkpoint" in shown
    table = pd.read_csv(output / "models.csv").set_index("model")
    assert table.loc["tabpfn_ts", "source"] == "published"
