import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from ttm_estimators.command_line.plot import _draw_band
from ttm_estimators.weights import DEFAULT

DAYS = pd.date_range("2024-01-01", periods=60, tz="Europe/Berlin")


@pytest.fixture
def draw(run, model, tmp_path):
    def forecast(frame, *options, suffix=".png"):
        frame.to_parquet(tmp_path / "data.parquet", index=False)
        plot = tmp_path / f"plot{suffix}"
        arguments = [tmp_path / "data.parquet", "--horizon", 6, "--model", model, "--plot", plot]
        code, _, err = run("forecast", *arguments, *options)
        assert (code, err) == (0, "")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["data.parquet", plot.name]
        return plot

    return forecast


def frame(times, **columns):
    load = np.sin(np.arange(len(times)))
    return pd.DataFrame({"date": times, **(columns or {"load": load})})


@pytest.mark.parametrize(
    "data",
    [
        frame(DAYS),
        frame(DAYS[:1]),
        frame(range(1950, 2010)),
        frame(pd.date_range("2024-01-01", periods=5000, freq="min")),
        frame(DAYS, **{"cost in $_{unit$": np.ones(60)}),
        frame(DAYS, a_name_that_goes_on_and_on_and_on_until_it_leaves_the_picture=np.ones(60)),
        frame(DAYS, load=[1.0] * 50 + [np.nan] * 10),
    ],
    ids=["zone", "one row", "years", "long", "dollars", "long name", "missing end"],
)
def test_a_picture_has_ink(draw, data):
    options = ["--freq", "D"] if len(data) == 1 else []
    pixels = image.imread(draw(data, *options))
    assert pixels.ndim == 3
    assert pixels[..., :3].std() > 0.05


@pytest.mark.parametrize(
    ("suffix", "start"), [(".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")]
)
def test_the_extension_tells_the_format(draw, suffix, start):
    assert draw(frame(DAYS), suffix=suffix).read_bytes().startswith(start)


def test_median_and_bands_are_those_of_the_first_series(draw):
    first = image.imread(draw(frame(DAYS, a=np.sin(np.arange(60)), b=np.ones(60))))
    alone = image.imread(draw(frame(DAYS, a=np.sin(np.arange(60)))))
    other = image.imread(draw(frame(DAYS, b=np.cos(np.arange(60)))))
    assert np.abs(first - alone).mean() < 1e-3
    assert np.abs(first - other).mean() > 1e-3


def test_a_long_name_ends_before_the_legend(draw, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", spied(Figure.savefig, drawn))
    draw(
        frame(DAYS, a_name_that_goes_on_and_on_and_on_and_on_and_on=np.ones(60)), "--model", DEFAULT
    )
    drawn[0].draw_without_rendering()
    (axes,) = drawn[0].axes
    (title,) = axes.findobj(lambda artist: "steps ahead" in getattr(artist, "get_text", str)())
    assert title.get_window_extent().x1 < axes.get_legend().get_window_extent().x0


def spied(method, calls):
    def call(self, *arguments, **options):
        calls.append(self)
        return method(self, *arguments, **options)

    return call


def test_another_series_than_the_first_may_be_drawn(run, model, tmp_path, draw, monkeypatch):
    titles = []
    save = Figure.savefig

    def spy(self, *arguments, **options):
        titles.append(self.axes[0].get_title("left"))
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", spy)
    panel = frame(DAYS, north=np.sin(np.arange(60)), south=np.cos(np.arange(60)))
    draw(panel)
    draw(panel, "--plot-series", "south")
    assert titles == ["north: 6 steps ahead", "south: 6 steps ahead"]
    arguments = [tmp_path / "data.parquet", "--horizon", 6, "--model", model]
    plot = ["--plot", tmp_path / "plot.png", "--plot-series", "west"]
    assert (
        "no series 'west' to draw, only 'north', 'south'" in run("forecast", *arguments, *plot).err
    )
    assert "--plot-series needs --plot" in run("forecast", *arguments, "--plot-series", "a").err


def drawn_of(monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", spied(Figure.savefig, figures))
    return figures


def line(figure, label):
    (found,) = (one for one in figure.axes[0].lines if one.get_label() == label)
    return found


def marked(one):
    """Values that a line marks."""
    if one.get_marker() in ("None", None, ""):
        return []
    every = one.get_markevery()
    values = one.get_ydata() if every is None else one.get_ydata()[every]
    return values[np.isfinite(values)].tolist()


def every_second(values):
    return np.where(np.arange(len(values)) % 2, np.nan, values)


@pytest.mark.parametrize("command", ["forecast", "detect"])
def test_points_without_neighbours_are_marked_and_no_others(
    run, model, tmp_path, monkeypatch, command
):
    figures = drawn_of(monkeypatch)
    load = np.sin(np.arange(60.0))
    load[[40, 42]] = np.nan  # 41 stands alone
    for each in (load, every_second(load), np.nan_to_num(load)):
        frame(DAYS, load=each).to_parquet(tmp_path / "data.parquet", index=False)
        options = {"forecast": ["--horizon", 6], "detect": ["--warm-up", 20]}[command]
        plot = ["--model", model, "--plot", tmp_path / "plot.png"]
        assert run(command, tmp_path / "data.parquet", *options, *plot).code == 0
    some, all_of_them, none = (marked(line(one, "history")) for one in figures)
    assert some == [load[41]]
    assert all_of_them == load[::2][np.isfinite(load[::2])].tolist()
    assert none == []


def test_a_forecast_of_one_step_after_a_missing_value_is_drawn(run, model, tmp_path, monkeypatch):
    figures = drawn_of(monkeypatch)
    frame(DAYS, load=every_second(np.sin(np.arange(60.0)))).to_csv(tmp_path / "a.csv", index=False)
    plot = ["--model", model, "--plot", tmp_path / "plot.png"]
    assert run("forecast", tmp_path / "a.csv", "--horizon", 1, *plot).code == 0
    (figure,) = figures
    assert len(marked(line(figure, f"median of {model.name}"))) == 1
    assert figure.axes[0].collections[-1].get_segments()  # strokes for the bands


def test_a_band_without_neighbours_is_drawn_as_a_stroke():
    axes = Figure().add_subplot()
    low = np.array([1.0, 2.0, np.nan, 3.0, np.nan])
    _draw_band(axes, pd.RangeIndex(5), low, low + 1, 0.2, "band")
    (stroke,) = axes.collections[-1].get_segments()
    assert stroke.tolist() == [[3.0, 3.0], [3.0, 4.0]]
