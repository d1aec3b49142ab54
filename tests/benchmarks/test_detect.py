import numpy as np
import pandas as pd
import pytest

from tests.tiny import tiny_network
from ttm_benchmarks import detect
from ttm_benchmarks.detect import FAULT_POINTS, Series, flags, run, shifted, with_faults, z_score
from ttm_estimators import save_network

rng = np.random.default_rng(0)
NOISE = Series(rng.normal(size=detect.POINTS), 24, {})


def test_faults_of_every_kind_are_put_in_and_nothing_else_changes():
    faulty = with_faults(NOISE, np.random.default_rng(1))
    assert set(faulty.faults.values()) == set(FAULT_POINTS)
    changed = faulty.values_T != NOISE.values_T
    for start, kind in faulty.faults.items():
        points = slice(start, start + FAULT_POINTS[kind])
        assert changed[points].all()
        changed[points] = False
    assert not changed.any()


def test_a_perfect_detector_finds_all_and_flags_nothing_else():
    faulty = with_faults(NOISE, np.random.default_rng(1))
    scores = np.zeros(detect.POINTS)
    scores[list(faulty.faults)] = 38.0
    found = flags([faulty], [scores], 0.01)
    assert found["false flags"] == 0
    assert all(found[kind] == 1 for kind in FAULT_POINTS)


def test_a_z_score_sees_the_points_before_only():
    cut = z_score(NOISE.values_T[:500])
    assert np.array_equal(cut, z_score(NOISE.values_T)[:500], equal_nan=True)
    assert np.array_equal(shifted(NOISE.values_T, 24)[24:], NOISE.values_T[:-24])


def test_a_row_is_written_for_each_set_detector_and_rate(tmp_path, monkeypatch):
    monkeypatch.setattr(detect, "MADE_POINTS", 300)
    model = save_network(tiny_network(), tmp_path / "tiny")
    run(str(model), None, tmp_path / "detect.csv", series=1, seed=0)
    frame = pd.read_csv(tmp_path / "detect.csv")
    assert len(frame) == 6 * 3 * 2
    assert frame["false flags"].between(0, 1).all()
    made = frame[~frame["set"].str.startswith("counts")]
    assert made["normal points"].min() == pytest.approx(300 - 24 - 64)
