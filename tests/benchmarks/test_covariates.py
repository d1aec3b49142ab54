import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lightning", reason="training needs the extra train")

from ttm_benchmarks import covariates
from ttm_benchmarks.covariates import HORIZON, corpus_sets, made, real
from ttm_benchmarks.ltsf.protocol import borders
from ttm_estimators import FineTuneConfig


@pytest.fixture
def _short(monkeypatch):
    quick = {"steps": 100, "windows": 500, "batch_size": 16, "learning_rate": 2e-2}
    monkeypatch.setattr(
        covariates,
        "FineTuneConfig",
        lambda seed, **_: FineTuneConfig(seed=seed, head_dropout=0.0, **quick),
    )


@pytest.mark.usefixtures("_short")
def test_a_known_driver_is_worth_what_the_bar_asks_for(bench, model_folder, tmp_path):
    output = tmp_path / "covariates.csv"
    code, text, error = bench("covariates", "--output", output, "--model", model_folder)
    assert (code, error) == (1, "")  # so short a fine-tuning leaves no time to be a hundredth of
    (row,) = pd.read_csv(output).to_dict("records")
    assert row["set"] == "made"
    assert row["fine-tuned with covariates"] < 0.5 * row["fine-tuned"]
    assert row["zero-shot with covariates"] < 0.5 * row["zero-shot"]
    assert "zero-shot" in text


def test_sets_of_a_corpus_end_where_their_future_begins(tmp_path):
    random = np.random.default_rng(0)
    hours = random.normal(size=1000)
    frames = {
        "gefcom2012_load": {"zone 1": hours, "zone 2": -hours},
        "gefcom2012_temp": {"station": hours},
        "apress_recipes": {
            "avocado/Here/Total Volume": hours[:100],
            "avocado/Here/AveragePrice": hours[100:200],
            "unrelated": hours[:3],
        },
    }
    for name, series in frames.items():
        table = pd.DataFrame(
            {"item_id": list(series), "target": [each.tolist() for each in series.values()]}
        )
        table.to_parquet(tmp_path / f"{name}.parquet")
    sets = corpus_sets(tmp_path)
    assert {name: len(panels[0].pasts) for name, panels in sets.items()} == {
        "loads, 24 hours": 2,
        "loads, 168 hours": 2,
        "avocados, 8 weeks": 1,
    }
    for panels in sets.values():
        for one in panels:
            cutoff = len(one.pasts[0])
            assert one.futures.shape == (len(one.pasts), one.horizon)
            assert {len(known) for known in one.past_known} == {cutoff + one.horizon}
    last = sets["loads, 24 hours"][-1]
    np.testing.assert_array_equal(last.futures[0], hours[-24:])


def test_nothing_of_the_future_is_trained_on():
    one = made(0)
    np.testing.assert_array_equal(one.series, one.pasts)
    assert {len(known) for known in one.known} == {len(one.series[0])}
    assert {len(known) for known in one.past_known} == {len(one.series[0]) + HORIZON}
    values = np.random.default_rng(0).normal(size=(20 * 30 * 24, 3))
    one = real("ETTh1", values, 64)
    assert len(one.series[0]) == borders("ETTh1", len(values)).train_end
    assert one.known[0].shape == (len(one.series[0]), 2)
    assert {known.shape for known in one.past_known} == {(64 + 96, 2)}
