import numpy as np
import pytest

pytest.importorskip("sktime", reason="needs the extra sktime")

from ttm_benchmarks.speed import sktime_speed
from ttm_benchmarks.speed.sktime_speed import ADAPTER, CORE, make_panel, ours, run, save_ours


def test_the_panel_holds_the_arrays():
    values, y = make_panel(3, 20)
    np.testing.assert_array_equal(y.loc[2, "value"], values[2])
    assert len(y) == 60


def test_ours_forecasts_intervals_of_every_series(tmp_path):
    _, y = make_panel(3, 20)
    assert ours(save_ours(tmp_path), y, 4).shape == (12, 2)


@pytest.mark.parametrize(
    ("seconds", "added", "within"), [(1.9, 1, True), (2.1, 1, False), (1.9, 1e9, False)]
)
def test_all_bars_must_hold(monkeypatch, capsys, seconds, added, within):
    monkeypatch.setattr(sktime_speed, "median_seconds", lambda *_: {CORE: 1.0, ADAPTER: seconds})
    monkeypatch.setattr(sktime_speed, "added_memory", lambda _: added)
    assert run(series=2, points=20, horizon=3, rounds=1, peer=False) is within
    assert ("Within all bars" in capsys.readouterr().out) is within
