import pytest

from ttm_benchmarks.speed import table_speed
from ttm_benchmarks.speed.table_speed import LAYOUTS, make_frame, offsets_by_naive


def test_layouts_hold_the_same_series():
    frames = {layout: make_frame(3, layout, 0) for layout in LAYOUTS}
    assert {len(frame) for frame in frames.values()} == {600}
    assert not frames["shuffled"].index.is_monotonic_increasing
    assert frames["different ends"].groupby("unique_id")["ds"].max().nunique() == 3


def test_reading_offsets_is_timed_beside_naive_dates():
    assert 0 < offsets_by_naive(200, 1) < 200


@pytest.mark.parametrize(("overhead", "code"), [(0.25, 0), (0.26, 1)])
def test_the_exit_code_tells_whether_the_bar_was_held(bench, monkeypatch, overhead, code):
    monkeypatch.setattr(table_speed, "overhead", lambda *_: overhead)
    found, text, _ = bench("table-speed", "--series", "2", "--dates", "100", "--rounds", "1")
    assert found == code
    assert f"{overhead:.3f}" in text
