"""The protocol against published errors, where the real data are at hand."""

import os

import pandas as pd
import pytest

from ttm_benchmarks.ltsf.protocol import DATASETS, HORIZONS
from ttm_benchmarks.ltsf.published import TTM_BASE


def test_published_errors_are_of_every_dataset_and_horizon():
    assert {name: tuple(row) for name, row in TTM_BASE.items()} == dict.fromkeys(DATASETS, HORIZONS)


@pytest.mark.skipif("LTSF" not in os.environ, reason="LTSF names no folder of data")
@pytest.mark.parametrize(
    ("model", "mse", "mae"),
    # Persistence as printed by several papers, NLinear within its spread over papers.
    [("naive", (1.293, 1.296), (0.712, 0.714)), ("linear", (0.368, 0.386), (0.390, 0.400))],
)
def test_models_that_need_no_weights_land_at_their_published_errors(
    bench, tmp_path, model, mse, mae
):
    options = ("--datasets", "ETTh1", "--horizons", 96, "--model", model)
    code, *_ = bench("ltsf", "--data", os.environ["LTSF"], "--output", tmp_path / "x.csv", *options)
    assert code == 0
    (row,) = pd.read_csv(tmp_path / "x.csv").itertuples()
    assert row.windows == 2785
    assert mse[0] <= row.mse <= mse[1]
    assert mae[0] <= row.mae <= mae[1]
