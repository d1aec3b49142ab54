import numpy as np
import pytest

from ttm_benchmarks.speed import forecast_speed
from ttm_benchmarks.speed.forecast_speed import (
    LENGTHS,
    LENGTHS_SERIES,
    MAX_TIMES,
    NUMBERS,
    main,
    make_series,
    series_of_lengths,
)
from ttm_benchmarks.speed.forecasters import GRANITE, HORIZON, OURS, ROWS, Row

CALLS = []


def fake(name):
    """A forecaster that notes the shapes of what it is given."""

    def prepare(values):
        return lambda: CALLS.append((name, *values.shape))

    return prepare


def row(name, needs="numpy", **settings):
    return Row(f"label of {name}", needs, lambda: fake(name), **settings)


@pytest.fixture(autouse=True)
def _fakes(monkeypatch):
    CALLS.clear()
    rows = {
        OURS: row(OURS, most_series=10_000),
        GRANITE: row(GRANITE, most_series=10_000),
        "slow": row("slow", most_series=10, longest=512),
        "absent": row("absent", "no_such_module", most_series=10),
    }
    monkeypatch.setattr(forecast_speed, "ROWS", rows)
    monkeypatch.setattr(forecast_speed, "make_series", lambda n, points: np.zeros((n, points)))
    monkeypatch.setattr(forecast_speed, "shortest_seconds", shortest)


def shortest(timers, _):
    """Call each once. Every forecast of every forecaster takes a second."""
    for one in timers.values():
        one()
    return dict.fromkeys(timers, 1.0)


def compared(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code, *capsys.readouterr()


def test_slow_forecasters_have_fewer_and_shorter_series(capsys):
    compared(capsys, "--rows", "slow")
    slow = [shape for name, *shape in CALLS if name == "slow"]
    assert slow == [[1, 512], [10, 512], [1, 128], [1, 512]]


def test_ours_has_all_numbers_and_lengths(capsys):
    compared(capsys, "--rows", OURS)
    ours = [shape for name, *shape in CALLS if name == OURS]
    assert ours == [[n, 512] for n in NUMBERS] + [[LENGTHS_SERIES, t] for t in LENGTHS]


def test_times_are_of_a_series_and_those_that_were_not_run_are_marked(capsys):
    _, out, _ = compared(capsys, "--rows", "slow")
    assert "| label of slow | 256 | 25.6 | ~25.6 | ~25.6 | ~25.6 |" in out
    assert "| label of slow | 1 | 256 | 256 |  |  |  |" in out


def test_the_reference_is_timed_in_every_turn_though_it_is_no_row(capsys):
    _, out, _ = compared(capsys, "--rows", "slow")
    assert CALLS.count((GRANITE, 256, 512)) == 4
    assert f"label of {GRANITE}" not in out


def test_a_forecaster_that_is_not_installed_is_left_out_and_named(capsys):
    _, out, err = compared(capsys)
    assert "label of absent is left out: no_such_module is not installed" in err
    assert "absent" not in out


@pytest.mark.parametrize(("times", "code"), [(1.2, 0), (1.21, 1)])
def test_the_exit_code_tells_whether_the_bars_were_held(capsys, monkeypatch, times, code):
    def seconds(timers, _):
        return {name: 1.0 if name == "" else times for name in timers}

    monkeypatch.setattr(forecast_speed, "shortest_seconds", seconds)
    found, out, _ = compared(capsys, "--rows", OURS)
    assert found == code
    assert out.count("the bar of") == len(MAX_TIMES)


def test_the_picture_shows_every_row(capsys, monkeypatch, tmp_path):
    figure = pytest.importorskip("matplotlib.figure").Figure
    save, drawn = figure.savefig, []

    def spy(self, *arguments, **settings):
        drawn.append(self)
        save(self, *arguments, **settings)

    monkeypatch.setattr(figure, "savefig", spy)
    compared(capsys, "--picture", str(tmp_path / "speed.png"))
    assert (tmp_path / "speed.png").stat().st_size < 200_000
    (legend,) = drawn[0].legends
    assert [text.get_text() for text in legend.get_texts()] == [
        f"label of {name}" for name in (OURS, GRANITE, "slow")
    ]


def test_series_do_not_depend_on_how_many_there_are():
    np.testing.assert_array_equal(make_series(3, 60)[:2], make_series(2, 60))


def test_ours_forecasts_every_series():
    result = ROWS[OURS].make()(make_series(2, 100))()
    assert result.point[1].shape == (HORIZON,)


def test_bars_are_of_lengths_that_are_measured_with_many_series():
    assert set(MAX_TIMES) <= set(LENGTHS)
    assert {series_of_lengths(ROWS[name]) for name in (OURS, GRANITE)} == {LENGTHS_SERIES}
