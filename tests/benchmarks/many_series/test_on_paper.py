import pytest

from ttm_benchmarks.many_series.on_paper import Measured, on_paper

MEASURED = Measured(
    series_a_second=500.0, input_bytes=2000.0, output_bytes=1000.0, tasks_a_second=1000.0
)


def test_a_billion_series_are_worked_out_from_what_one_worker_did():
    found = on_paper(MEASURED, series=10**9, per_file=10_000, workers=1000)
    assert found.files == 100_000
    assert found.core_hours == pytest.approx(2e6 / 3600)
    assert found.hours == pytest.approx(2000 / 3600)
    assert found.scheduler_busy == pytest.approx(0.05)
    assert found.workers_that_the_scheduler_feeds == 20_000
    assert found.reads == 100_000 * (3 + 4)  # 20 MB in parts of 5 MiB
    assert found.writes == 100_000 * (3 + 2)
    assert found.gigabytes == pytest.approx(3000)
    assert found.gigabits_a_second == pytest.approx(12)
    assert found.core_cost == pytest.approx(2e6 / 3600 * 0.05)
    assert found.request_cost == pytest.approx(700 * 0.0004 + 500 * 0.005)


def test_small_files_make_the_object_store_the_bottleneck():
    assert on_paper(MEASURED, workers=1000).bottleneck == "the cores"
    assert on_paper(MEASURED, workers=1000, per_file=100).bottleneck == "the object store"


def test_more_workers_cost_the_same_and_take_less_time():
    few, many = (on_paper(MEASURED, workers=workers) for workers in (100, 200))
    assert few.core_cost == many.core_cost
    assert few.hours == 2 * many.hours
