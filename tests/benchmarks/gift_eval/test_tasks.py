from collections import Counter

import pytest

from ttm_benchmarks.gift_eval.tasks import TASKS, TERMS, select


def test_there_are_97_tasks_of_which_55_are_short():
    assert Counter(task.term for task in TASKS.values()) == {"short": 55, "medium": 21, "long": 21}


def test_a_longer_term_multiplies_the_horizon_of_the_short_one():
    for name, task in TASKS.items():
        short = TASKS[name.replace(task.term, "short")]
        assert task.horizon == TERMS[task.term] * short.horizon
        assert task.folder == short.folder


@pytest.mark.parametrize(
    ("name", "folder", "horizon"),
    [
        ("saugeen/D/short", "saugeenday/D", 30),
        ("loop_seattle/5T/long", "LOOP_SEATTLE/5T", 720),
        ("temperature_rain/D/short", "temperature_rain_with_missing", 30),
        ("kdd_cup_2018/H/medium", "kdd_cup_2018_with_missing/H", 480),
        ("bizitobs_service/10S/short", "bizitobs_service", 60),
        ("m4_yearly/A/short", "m4_yearly", 6),
        ("m4_monthly/M/short", "m4_monthly", 18),
        ("hospital/M/short", "hospital", 12),
    ],
)
def test_names_are_those_of_submissions_and_folders_those_on_disk(name, folder, horizon):
    assert (TASKS[name].folder, TASKS[name].horizon) == (folder, horizon)


def test_only_m4_is_measured_on_one_window():
    assert {name.split("_")[0] for name, task in TASKS.items() if task.one_window} == {"m4"}


def test_patterns_choose_tasks_in_the_order_of_the_benchmark():
    found = select(list(TASKS.values()), ["us_births/*", "ett1/15T/*"])
    assert [task.name for task in found] == [
        "ett1/15T/short",
        "ett1/15T/medium",
        "ett1/15T/long",
        "us_births/D/short",
        "us_births/W/short",
        "us_births/M/short",
    ]


def test_a_pattern_that_matches_nothing_is_refused():
    with pytest.raises(ValueError, match="'ett3/\\*' matches none of the 97 tasks"):
        select(list(TASKS.values()), ["ett1/*", "ett3/*"])
