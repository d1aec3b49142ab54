import math

import numpy as np
import pytest

from ttm_benchmarks.gift_eval.data import forecast_values, present_tasks, read_task
from ttm_benchmarks.gift_eval.tasks import TASKS

from .conftest import write_set


def test_only_tasks_whose_data_are_there_are_listed(gift):
    names = [task.name for task in present_tasks(gift)]
    assert names == ["m4_weekly/W/short", "ett1/W/short", "hospital/M/short", "us_births/M/short"]


def test_a_folder_without_data_is_refused_with_the_layout(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected folders such as .*ett1/15T"):
        present_tasks(tmp_path)


@pytest.mark.parametrize("length", [13, 120, 121, 5000])
def test_windows_cover_a_tenth_of_the_shortest_series_and_at_most_twenty(tmp_path, length):
    task = TASKS["hospital/M/short"]
    write_set(tmp_path / "hospital", "M", [np.arange(length + 7), np.arange(length)])
    pairs = list(read_task(tmp_path, task).test)
    windows = min(20, math.ceil(length / 10 / task.horizon))
    assert len(pairs) == 2 * windows
    assert forecast_values(tmp_path, task) == 2 * windows * task.horizon


def test_windows_follow_each_other_up_to_the_end_of_the_series(tmp_path):
    write_set(tmp_path / "hospital", "M", [np.arange(300)])
    pairs = list(read_task(tmp_path, TASKS["hospital/M/short"]).test)
    truth = np.concatenate([future["target"] for _, future in pairs])
    np.testing.assert_array_equal(truth, np.arange(300 - 36, 300))
    for past, future in pairs:
        np.testing.assert_array_equal(past["target"], np.arange(future["target"][0]))
        assert future["start"] == past["start"] + len(past["target"])


def test_windows_before_the_tests_end_where_the_first_test_begins(tmp_path):
    write_set(tmp_path / "hospital", "M", [np.arange(300)])
    before = read_task(tmp_path, TASKS["hospital/M/short"], before_test=True)
    truth = np.concatenate([future["target"] for _, future in before.test])
    np.testing.assert_array_equal(truth, np.arange(300 - 72, 300 - 36))
    assert [len(entry["target"]) for entry in before.training] == [300 - 72]


def test_series_without_room_before_the_tests_are_refused(tmp_path):
    write_set(tmp_path / "hospital", "M", [np.arange(24)])
    with pytest.raises(ValueError, match="a series of 24 points has no history before 1 windows"):
        read_task(tmp_path, TASKS["hospital/M/short"], before_test=True)


def test_m4_has_its_last_window_only(gift):
    pairs = list(read_task(gift, TASKS["m4_weekly/W/short"]).test)
    assert [(len(past["target"]), len(future["target"])) for past, future in pairs] == [(287, 13)]


def test_variates_are_series_of_their_own_unless_asked_for_together(gift):
    apart = list(read_task(gift, TASKS["ett1/W/short"]).test)
    together = list(read_task(gift, TASKS["ett1/W/short"], multivariate=True).test)
    assert (len(apart), len(together)) == (6, 2)
    for variate in range(3):
        for window in range(2):
            for ours, theirs in zip(apart[2 * variate + window], together[window], strict=True):
                np.testing.assert_array_equal(ours["target"], theirs["target"][variate])
    assert len({past["item_id"] for past, _ in apart}) == 3


def test_season_and_dates_come_from_the_frequency_on_disk(gift):
    months = read_task(gift, TASKS["us_births/M/short"])
    weeks = read_task(gift, TASKS["ett1/W/short"])
    assert (months.season, weeks.season) == (12, 1)
    past, future = next(iter(months.test))
    assert str(past["start"]) == "2015-01"
    assert str(future["start"]) == "2033-01"
    assert next(iter(weeks.test))[0]["start"].freqstr == "W-THU"
