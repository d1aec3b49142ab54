import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lightning", reason="training needs the extra train")

from ttm_benchmarks import covariates
from ttm_benchmarks.covariates import HORIZON, made, real
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
    assert (code, error) == (0, "")
    (row,) = pd.read_csv(output).to_dict("records")
    assert row["set"] == "made"
    assert row["with covariates"] < 0.5 * row["fine-tuned"]
    assert "zero-shot" in text


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
