import math
import re

import numpy as np
import pandas as pd
import pytest

from ttm_benchmarks.ltsf.read import standardise
from ttm_benchmarks.ltsf.run import rich_table
from ttm_estimators import load

ROWS = 120
TRAIN, TEST = 84, 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A made Exchange, whose borders are 84, 96 and 120."""
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(ROWS, 2)).cumsum(axis=0)
    table = pd.DataFrame({"date": np.arange(ROWS), "a": steps[:, 0], "OT": 50 + 3 * steps[:, 1]})
    folder = tmp_path_factory.mktemp("ltsf")
    table.to_csv(folder / "exchange_rate.csv", index=False)
    return folder


@pytest.fixture
def measure(bench, folder, tmp_path):
    def run(*options: object) -> pd.DataFrame:
        path = tmp_path / "new" / "scores.csv"
        common = ("--data", folder, "--output", path, "--datasets", "Exchange")
        code, _, error = bench("ltsf", *common, *options)
        assert (code, error) == (0, "")
        return pd.read_csv(path)

    return run


def test_persistence_agrees_with_plain_arithmetic(measure, folder):
    found = measure("--model", "naive", "--horizons", "3,5")
    assert list(found.columns) == ["dataset", "horizon", "mse", "mae", "windows"]
    table = pd.read_csv(folder / "exchange_rate.csv")
    for row in found.itertuples():
        squared, absolute = [], []
        for column in (list(table["a"]), list(table["OT"])):
            mean = sum(column[:TRAIN]) / TRAIN
            deviation = math.sqrt(sum((x - mean) ** 2 for x in column[:TRAIN]) / TRAIN)
            for start in range(ROWS - TEST, ROWS - row.horizon + 1):
                for step in range(row.horizon):
                    error = (column[start + step] - column[start - 1]) / deviation
                    squared.append(error**2)
                    absolute.append(abs(error))
        assert row.dataset == "Exchange"
        assert row.windows == TEST - row.horizon + 1
        assert row.mse == pytest.approx(sum(squared) / len(squared))
        assert row.mae == pytest.approx(sum(absolute) / len(absolute))
    assert list(found["horizon"]) == [3, 5]


def test_a_model_sees_its_context_on_the_scaled_data(measure, folder, model_folder):
    found = measure("--model", model_folder, "--horizons", "6").iloc[0]
    table = pd.read_csv(folder / "exchange_rate.csv").drop(columns="date")
    values = standardise(table.to_numpy(), TRAIN)
    starts = range(ROWS - TEST, ROWS - 6 + 1)
    model = load(model_folder)
    length = model.config.input_length
    errors = [
        model.forecast([values[max(0, start - length) : start]], 6).point[0]
        - values[start : start + 6]
        for start in starts
    ]
    assert found.windows == len(starts)
    assert found.mse == pytest.approx(np.square(errors).mean(), rel=1e-5)
    assert found.mae == pytest.approx(np.abs(errors).mean(), rel=1e-5)


def test_the_batch_size_does_not_change_the_scores(measure, model_folder):
    one = measure("--model", model_folder, "--horizons", "6", "--batch-size", "1")
    many = measure("--model", model_folder, "--horizons", "6", "--batch-size", "1000")
    pd.testing.assert_frame_equal(one, many, rtol=1e-5)


def test_each_score_is_told_and_shown_beside_the_published_one(bench, folder, tmp_path):
    options = ("--datasets", "Exchange", "--horizons", "3,5", "--model", "naive")
    _, shown, _ = bench("ltsf", "--data", folder, "--output", tmp_path / "x.csv", *options)
    assert re.search(r"^1/2 Exchange 3: MSE \d.\d{3}, MAE \d.\d{3}$", shown, re.M)
    assert re.search(r"^2/2 Exchange 5: MSE", shown, re.M)
    table = rich_table([("ETTh1", 96, 0.4, 0.5, 1000), ("ETTh1", 3, 0.1, 0.2, 1000)])
    assert list(table.columns[-1].cells) == ["0.364", ""]


def test_a_dataset_that_is_not_there_is_one_line_and_exit_code_2(bench, folder, tmp_path):
    code, _, error = bench(
        "ltsf", "--data", folder, "--output", tmp_path / "x.csv", "--model", "naive"
    )
    assert code == 2
    assert error.count("\n") == 1
    assert "ETTh1.csv, ETTh1.parquet" in error
    assert not (tmp_path / "x.csv").exists()
