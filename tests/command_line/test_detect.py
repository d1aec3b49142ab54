import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.figure import Figure

TIMES = pd.date_range("2024-03-30", periods=120, freq="h", tz="Europe/Berlin")
COLUMNS = ["time", "value", "median", "low", "high", "score", "flag"]


@pytest.fixture
def data(tmp_path):
    load = np.sin(np.arange(120) / 4)
    load[100], load[50] = 1000, np.nan
    path = tmp_path / "data.parquet"
    pd.DataFrame({"time": TIMES, "load": load}).to_parquet(path, index=False)
    return path


def test_the_file_has_a_row_for_each_point_and_a_line_says_how_many_are_flagged(
    run, model, data, tmp_path
):
    output = tmp_path / "flags.parquet"
    code, out, err = run("detect", data, "--model", model, "--warm-up", 30, "--output", output)
    assert code == 0
    frame = pd.read_parquet(output)
    assert list(frame.columns) == COLUMNS
    assert frame["time"].tolist() == TIMES.tolist()
    assert frame["flag"][100]
    assert frame["score"].isna().sum() == 31
    flags = int(frame["flag"].sum())
    assert err == (
        f"{flags} of 89 scored points flagged, a fraction of {flags / 89:.2g}; nominal rate 0.001; "
        "without a score: 1 missing and 30 in the warm-up\n"
    )
    assert f"Wrote {output}: 1 series, model tiny" in out


def test_without_a_file_the_flags_are_shown(run, model, data):
    code, out, _ = run("detect", data, "--model", model)
    assert code == 0
    assert "1,000" in out
    assert "save all points with --output flags.csv" in out


def test_the_picture_marks_what_is_flagged(run, model, data, tmp_path):
    plot = tmp_path / "plot.png"
    code, *_ = run("detect", data, "--model", model, "--plot", plot)
    assert code == 0
    pixels = image.imread(plot)[..., :3]
    red = (pixels[..., 0] > 0.7) & (pixels[..., 1] < 0.3)
    assert red.sum() > 10


def test_the_axis_ends_at_the_possible_readings_and_the_others_are_marked_at_its_edge(
    run, model, tmp_path, monkeypatch
):
    drawn = []
    save = Figure.savefig

    def spy(self, *arguments, **options):
        (axes,) = self.axes
        marks = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
        drawn.append((axes.get_ylim(), marks.get("beyond the axis")))
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", spy)
    load = 20 + np.sin(np.arange(120) / 4)
    load[100] = -999
    pd.DataFrame({"time": TIMES, "load": load}).to_csv(tmp_path / "data.csv", index=False)
    arguments = ["detect", tmp_path / "data.csv", "--model", model, "--plot", tmp_path / "a.png"]
    assert run(*arguments).code == run(*arguments, "--keep-outliers").code == 0
    ((low, high), marked), ((all_low, _), none) = drawn
    assert 18 < low < 19.5
    assert 20.5 < high < 22
    assert marked == [low]
    assert all_low < -999
    assert none is None


def test_what_is_written_names_the_series_that_is_drawn(run, model, data, tmp_path):
    wide = pd.read_parquet(data).assign(other=np.arange(120.0))
    wide.to_csv(tmp_path / "wide.csv", index=False)
    table, plot = tmp_path / "flags.csv", tmp_path / "plot.png"
    arguments = [tmp_path / "wide.csv", "--model", model, "--output", table, "--plot", plot]
    for options, name in (((), "load"), (("--plot-series", "other"), "other")):
        _, out, _ = run("detect", *arguments, *options)
        assert out.endswith(
            f"Wrote {table}: 2 series, model tiny\n"
            f"Wrote {plot}: series '{name}' (one of 2, see --plot-series), model tiny\n"
        )


def test_series_of_several_columns_are_told_apart(run, model, data, tmp_path):
    wide = pd.read_parquet(data).assign(other=np.arange(120.0))
    wide.to_csv(tmp_path / "wide.csv", index=False)
    output = tmp_path / "flags.csv"
    assert run("detect", tmp_path / "wide.csv", "--model", model, "--output", output).code == 0
    assert pd.read_csv(output)["variable"].value_counts().to_dict() == {"load": 120, "other": 120}


def test_a_series_that_is_too_short_for_a_score_is_told_of(run, model, data):
    _, _, err = run("detect", data, "--model", model, "--warm-up", 500)
    assert err.endswith("series 'load' is too short for a score\n")


def test_a_rate_that_is_none_is_refused_in_one_line(run, model, data):
    code, _, err = run("detect", data, "--model", model, "--rate", 2)
    assert (code, err) == (2, "error: rate must be a number from 0.0001 to 0.5, got 2.0\n")


def test_a_column_with_the_name_of_one_of_the_result_is_refused(run, model, data, tmp_path):
    frame = pd.read_parquet(data).assign(score="a")
    frame.to_csv(tmp_path / "named.csv", index=False)
    options = ["--id", "score", "--value", "load", "--model", model]
    code, _, err = run("detect", tmp_path / "named.csv", *options)
    assert (code, err) == (
        2, "error: column 'score' has the name of a column of the result: rename it\n"
    )  # fmt: skip
