"""Every block of Python on a page runs, and every command on it is one."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from ttm_benchmarks.command_line import app as ttm_bench
from ttm_estimators.command_line import app as ttm

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for pattern in ("*.md", "docs/**/*.md", "ttm_estimators/weights/*/README.md")
    for path in sorted(ROOT.glob(pattern))
}
NOTEBOOK_CELL = "{code-cell}"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

APPS = {"ttm": ttm, "ttm-bench": ttm_bench}
SHORTENED = ["--steps", "2", "--learning-rate", "0.001", "--windows", "64"]
BACKTEST = ["--windows", "2", "--models", "ttm,seasonal_naive"]
RUN = {"backtest": BACKTEST, "detect": [], "example": [], "explain": [], "finetune": SHORTENED}
RUN |= {"forecast": [], "models": [], "partition": []}
"""Commands that run, if the page has made the file that they read, and what shortens them. Others
are only parsed. After ``ttm example`` none of these may lack its file."""

every_page = pytest.mark.parametrize("page", PAGES)


def commands(shell: str) -> list[list[str]]:
    """Split lines of shell into words, from the name of one of our commands on."""
    lines = [shlex.split(line, comments=True) for line in shell.replace("\\\n", " ").splitlines()]
    names = {*APPS, "make"}
    first = [next((i for i, word in enumerate(line) if word in names), None) for line in lines]
    return [line[i:] for line, i in zip(lines, first, strict=True) if i is not None]


def parse(words: list[str]) -> None:
    """Fail where the command would refuse its arguments."""

    def disarm(command):
        command.callback = None
        for each in getattr(command, "commands", {}).values():
            disarm(each)

    command = typer.main.get_command(APPS[words[0]])
    disarm(command)
    command.main(words[1:], prog_name=words[0], standalone_mode=False)


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@every_page
def test_the_python_of_a_page_runs_and_does_what_the_page_says(page, tmp_path, monkeypatch):
    pytest.importorskip("gluonts")
    pytest.importorskip("sktime")
    pytest.importorskip("fev")
    if page == "docs/darts.md":
        pytest.importorskip("darts", reason="tests/darts runs it, in make darts")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    printed = ""
    blocks = [*FENCE.findall(PAGES[page]), ("", "")]
    for (language, block), (following, shown) in pairwise(blocks):
        if language in ("python", NOTEBOOK_CELL):
            exec(compile(block, page, "exec"), names)
        for words in commands(block) if language == "bash" else []:
            if words[0] != "ttm" or words[1] not in RUN:
                continue
            if all(Path(file).exists() for file in words[2:3]):
                shorter = [] if following == "text" else RUN[words[1]]
                result = CliRunner().invoke(ttm, [*words[1:], *shorter])
                assert result.exit_code == 0, result.output
                printed += result.output
            elif not words[2].startswith(("days/", "csv/")):  # of the reader
                assert "ttm example" not in PAGES[page], f"{words[2]} is not there"
        if following == "text":
            seen = printed + "".join(file.read_text() for file in Path().glob("*.csv"))
            for part in re.split(r"\n\n|\n(?=[│┃])", shown.strip()):
                assert " ".join(part.split()) in " ".join(seen.split()), part
    if page in PROMISES:
        PROMISES[page](names)


@every_page
def test_the_commands_of_a_page_take_their_arguments(page):
    for language, block in FENCE.findall(PAGES[page]):
        for words in commands(block) if language == "bash" else []:
            if words[0] == "make":
                assert words[1] in make_targets()
            else:
                parse(words)


@every_page
def test_the_commands_that_a_page_mentions_exist(page):
    text = FENCE.sub("", PAGES[page])
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= make_targets()
    for code in re.findall(r"`((?:ttm|ttm-bench) [^`]+)`", text):
        name, *words = code.split()
        command = typer.main.get_command(APPS[name])
        while hasattr(command, "commands") and not words[0].startswith("-"):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, code


def test_a_command_with_a_wrong_option_fails():
    parse(["ttm", "forecast", "sales.csv", "--horizon", "3"])
    with pytest.raises(SystemExit):
        parse(["ttm", "forecast", "sales.csv", "--horizont", "3"])


@every_page
def test_no_block_of_a_page_goes_unnoticed(page):
    blocks = FENCE.findall(PAGES[page])
    python = [block for language, block in blocks if language == "python"]
    assert len(python) == PAGES[page].count("```python"), "indented blocks are not found"
    for language, block in blocks:
        assert language or not commands(block), f"```bash for\n{block}"


# What pages say of their results, looked at in the folder that the page ran in.


def readme(names):
    assert names["forecast"].point.shape == (2, 48)
    assert names["forecast"].quantiles.shape == (2, 48, 9)
    assert str(names["forecasts"][0].start_date) == "2024-01-17 16:00"
    assert names["interval"].shape == (48, 2)
    assert str(names["interval"].index[0]) == "2024-01-17 16:00:00"
    future = np.arange(400, 448)
    truth = 20 + 5 * np.sin(future * 2 * np.pi / 24)
    assert np.abs(names["forecast"].point[0] - truth).mean() < 1.0
    median = names["forecasts"][0].quantile(0.5)
    np.testing.assert_allclose(median, names["forecast"].point[0], rtol=1e-5)


def dataframes(names):
    forecast, filled = names["forecast"], names["filled"]
    assert list(forecast) == ["unique_id", "ds", "median", "0.1", "0.9"]
    assert list(forecast["ds"][:28]) == list(pd.date_range("2024-03-31", periods=28))
    assert len(forecast) == len(filled) == 56
    for result in ("driven", "learnt", "added"):
        assert list(names[result]["day"]) == list(pd.date_range("2024-05-01", periods=7))
    truth = names["shop"]["sales"][121:].to_numpy()
    assert np.abs(names["driven"]["median"] - truth).mean() < 0.5 * np.abs(truth - 20).mean()
    assert list(names["added"]) == ["day", "without", "base", "price", "with", "gain"]


def command_line(names):
    solar, shops = pd.read_csv("forecast.csv"), pd.read_csv("shops.csv")
    assert list(solar) == ["time", "median", *(f"0.{k}" for k in range(1, 10))]
    assert (len(solar), solar["time"].iloc[0]) == (96, "2021-05-07 00:30:00+00:00")
    assert list(shops) == ["shop", "day", "median", "0.05", "0.5", "0.95"]
    assert shops.groupby("shop").size().to_dict() == {"north": 28, "south": 28}
    assert Path("forecast.png").stat().st_size > 0
    assert len(pd.read_csv("sales_forecast.csv")) == 3 * 28
    assert Path("effects.png").stat().st_size > 0


def sktime(names):
    assert names["point"].index[-1] == pd.Period("1961-12", "M")
    assert names["interval"].shape == (12, 4)
    assert names["quantiles"].shape == (12, 3)
    assert names["forecast"].loc["north"].index[0] == pd.Timestamp("2024-04-10")
    assert names["forecast"].loc["south"].index[0] == pd.Timestamp("2024-03-01")
    assert names["forecast_of_gappy"].notna().all()
    assert names["scores"]["test_PinballLoss"].notna().all()
    pd.testing.assert_series_equal(names["again"], names["after"])
    for name in ("with_price", "with_learnt"):
        assert list(names[name].index) == list(names["days"][90:])
    assert np.abs(names["with_price"] - names["sales"][90:]).mean() < 1.0


def gluonts(names):
    assert names["forecast"].quantile(0.9).shape == (48,)
    assert str(names["forecast"].start_date) == "2024-01-17 16:00"
    assert names["wide"].forecast_keys == ["0.025", "0.5", "0.975", "mean"]
    assert names["scores"].notna().all(axis=None)
    assert names["again"] == names["tuned"]
    truth = names["heating"]["load"].to_numpy()[400:]
    assert np.abs(names["with_cold"].mean - truth).mean() < 1.0
    assert names["with_learnt"].mean.shape == (48,)


def fine_tuning(names):
    assert names["tuned"].loss <= names["tuned"].zero_shot_loss
    assert names["forecast"].quantiles.shape == (3, 24, 9)


def covariates(names):
    model, series, truth = names["model"], names["series"], names["truth"][:, 200:]
    without = np.abs(model.forecast(series, 7).point - truth).mean()
    assert without > 7
    assert names["error"] < 0.3 * without
    assert np.abs(names["learnt"].point - truth).mean() < 0.5 * without
    assert all(effects.kept for effects in names["forecast"].effects)
    holiday = names["easter"]["date"] == "2025-04-18"
    assert (names["easter"]["median"][holiday] < 0.7 * names["ahead"]["median"][holiday]).all()
    alone = model.explain_df(names["sales"], 28, value="sales", holidays="DE")
    assert (alone["gain"] > 0.1).all()
    written = pd.read_csv("effects.csv")
    assert list(written) == list(names["effects"])
    np.testing.assert_allclose(written["with"], names["effects"]["with"])
    assert Path("effects.png").stat().st_size > 0


def backtest(names):
    columns = ["shop", "cutoff", "date", "y", "ttm", *(f"ttm-0.{k}" for k in range(1, 10))]
    assert list(names["frame"])[: len(columns)] == columns
    assert names["result"].advice.startswith("Use ttm: its MASE is ")
    assert names["result"].models.loc["ttm", "relative MASE"] < 0.7
    assert {"ours", "last week"} < {*names["other"]}
    assert len(pd.read_csv("forecasts.csv")) == 20 * 7 * 3
    assert "Backtest of sales.csv" in Path("report.html").read_text(encoding="utf-8")


def many_series(names):
    assert names["manifest"]["series"].tolist() == [4, 4, 4]
    assert list(names["forecast"])[:3] == ["shop", "day", "median"]
    assert len(names["forecast"]) == 12 * 28
    assert len(pd.read_parquet("two_weeks")) == 12 * 14
    assert len(pd.read_parquet("backtest")) == 12 * 2 * 7
    assert names["result"].best in ("ttm", "seasonal_naive")
    assert names["scores"].groupby("model").size().to_dict() == dict.fromkeys(
        ("naive", "seasonal_naive", "ttm"), 12
    )


def fev(names):
    assert names["summary"]["test_error"] < 0.6
    assert list(names["leaderboard"].index) == ["ttm", "last week"]
    assert names["leaderboard"]["skill_score"]["ttm"] > 0.1


def weights(names):
    model, again = names["model"], names["again"]
    series = np.sin(np.arange(50.0))
    np.testing.assert_array_equal(model.forecast(series, 3).point, again.forecast(series, 3).point)
    assert names["card"]["licence"] == "Apache-2.0"


def pretraining(names):
    target = pd.read_parquet("corpus/my_source.parquet")["target"][0]
    np.testing.assert_array_equal(target[:3], [3.0, np.nan, 5.0])


def detect(names):
    flags = names["flags"]
    assert list(flags) == ["time", "value", "median", "low", "high", "score", "flag"]
    flagged = set(np.flatnonzero(flags["flag"]).tolist())
    assert {300, *range(420, 426), 560} <= flagged <= {300, *range(420, 426), *range(560, 572)}
    assert len(pd.read_csv("often.csv")) == 720
    assert Path("detect.png").stat().st_size > 0


def retail(names):
    assert names["errors"]["with"] < 0.6 * names["errors"]["without"]
    assert {"price", "promotion"} < set(names["effects"])


def energy(names):
    alone, weather, both = names["errors"].values()
    assert both < weather < alone
    assert str(names["last"]["time"].dtype.tz) == "UTC"


def telemetry(names):
    flagged = {name: counts["flagged"] for name, counts in names["summary"].items()}
    assert (flagged["spike"], flagged["zeros"], flagged["error code"]) == (1, 6, 2)
    assert 0 < flagged["new sensor"] <= 24
    assert flagged["normal"] <= 3
    assert all(names["found"].flag[points][0] for points in names["faults"].values())


PROMISES = {
    "README.md": readme,
    "docs/backtest.md": backtest,
    "docs/command_line.md": command_line,
    "docs/dataframes.md": dataframes,
    "docs/detect.md": detect,
    "docs/covariates.md": covariates,
    "docs/fev.md": fev,
    "docs/fine_tuning.md": fine_tuning,
    "docs/gluonts.md": gluonts,
    "docs/many_series.md": many_series,
    "docs/notebooks/energy.md": energy,
    "docs/notebooks/retail.md": retail,
    "docs/notebooks/telemetry.md": telemetry,
    "docs/pretraining.md": pretraining,
    "docs/sktime.md": sktime,
    "docs/weights.md": weights,
}
