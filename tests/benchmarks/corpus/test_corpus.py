import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.tiny import tiny_network
from ttm_benchmarks.command_line import app
from ttm_benchmarks.corpus.run import score
from ttm_benchmarks.corpus.windows import last_windows
from ttm_estimators import Forecaster, save_network


def write(folder, name, series):
    rows = [{"freq": freq, "target": list(map(float, values))} for freq, values in series]
    pd.DataFrame(rows).to_parquet(folder / f"{name}.parquet")


def walk(points, seed=0):
    return np.random.default_rng(seed).normal(size=points).cumsum()


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    write(folder, "many", [("h", walk(2200 + i, i)) for i in range(5)])
    write(folder, "few", [("h", walk(200)), ("W-SUN", walk(40)), ("MS", np.ones(90))])
    return folder


def test_windows_are_grouped_by_frequency_and_the_terms_that_fit(corpus):
    groups = last_windows(corpus, 60)
    assert {group: len(windows) for group, windows in groups.items()} == {
        ("W", "short"): 1,
        ("h", "short"): 6,
        ("h", "medium"): 5,
        ("h", "long"): 5,
    }  # monthly ones do not vary
    (week,) = groups["W", "short"]
    assert np.array_equal(np.r_[week.past_T, week.future_H], walk(40))
    assert len(week.future_H) == 8


def test_sources_take_turns(corpus):
    windows = last_windows(corpus, 2)["h", "short"]
    assert {window.source for window in windows} == {"few", "many"}


def test_a_benchmark_is_refused(corpus):
    write(corpus, "ETTh1", [("h", walk(200))])
    with pytest.raises(ValueError, match="ETTh1"):
        last_windows(corpus, 60)


def test_a_forecast_of_seasonal_naive_scores_one(corpus):
    class Naive:
        def forecast(self, series, horizon, quantile_levels):
            last = [values[-24:][np.arange(horizon) % 24] for values in series]

            class Answer:
                quantiles = np.stack(last)[..., None].repeat(len(quantile_levels), axis=-1)

            return Answer

    windows = last_windows(corpus, 60)["h", "short"]
    assert score(windows, Naive()) == pytest.approx((1.0, 1.0))


def test_missing_truth_does_not_count(corpus):
    windows = last_windows(corpus, 60)["W", "short"]
    forecaster = Forecaster(tiny_network())
    whole = score(windows, forecaster)
    windows[0].future_H[3] = np.nan
    gapped = score(windows, forecaster)
    assert np.isfinite(gapped).all()
    assert gapped != whole


def test_models_are_laid_side_by_side(corpus, tmp_path):
    for name, seed in {"one": 0, "two": 1}.items():
        # In one pass: rolled out, random weights pass the largest float32.
        save_network(tiny_network(seed, horizon=720), tmp_path / name)
    models = [word for name in ("one", "two") for word in ("--model", str(tmp_path / name))]
    output = tmp_path / "scores.csv"
    told = CliRunner().invoke(
        app, ["corpus", "--data", str(corpus), "--output", str(output), *models]
    )
    assert told.exit_code == 0, told.output
    scores = pd.read_csv(output)
    assert list(scores["model"]) == ["one"] * 4 + ["two"] * 4
    assert "geometric mean" in told.output


@pytest.mark.parametrize("option", ["--max-windows", "--most"])
def test_the_old_name_of_an_option_is_taken_too(bench, tmp_path, option):
    code, _, error = bench("corpus", "--data", tmp_path, "--output", tmp_path / "a.csv", option, 3)
    assert (code, "holds no parquet files" in error) == (2, True)
