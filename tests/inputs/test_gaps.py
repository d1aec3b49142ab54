import numpy as np
import pytest

import ttm_estimators
from ttm_estimators.inputs.gaps import MAX_GAPS, MIN_GAP_STEPS, REACH_POINTS, gaps_to_forecast

STEPS = 700


def history(*gaps):
    values = np.arange(float(STEPS))[:, None]
    for start, steps in gaps:
        values[start : start + steps] = np.nan
    return values


def test_gaps_between_values_are_found_oldest_first():
    assert gaps_to_forecast(history((300, 10), (600, 40)), 650, 96) == [
        slice(300, 310),
        slice(600, 640),
    ]


@pytest.mark.parametrize(
    "gap",
    [
        (500, MIN_GAP_STEPS - 1),
        (400, 97),  # longer than a pass
        (STEPS - REACH_POINTS - 20, 20),  # too long ago
        (STEPS - 650 - 10, 20),  # where the context begins
    ],
)
def test_gaps_that_are_short_or_long_or_old_are_not_forecast(gap):
    assert gaps_to_forecast(history(gap), 650, 96) == []


def test_the_latest_gaps_are_forecast_where_there_are_many():
    found = gaps_to_forecast(history(*((start, 10) for start in range(300, 600, 20))), 650, 96)
    assert len(found) == MAX_GAPS
    assert found[-1] == slice(580, 590)


def test_a_step_at_which_a_channel_was_observed_is_in_no_gap():
    values = np.hstack([history((600, 40)), history()])
    assert gaps_to_forecast(values, 650, 96) == []


@pytest.mark.parametrize("observed", [0, 1, 24, 200])
@pytest.mark.parametrize("gap", [10, 40, 100])
def test_a_gap_hardly_changes_the_forecast_of_a_daily_cycle(gap, observed):
    """On the weights that ship: filled with the value before it, errors were up to six times as
    large."""
    random, days = np.random.default_rng(0), 2 * np.pi * np.arange(648) / 24
    series = [10 * np.sin(days + random.uniform(0, 6)) + random.normal(size=648) for _ in range(8)]
    gappy = [values[:600].copy() for values in series]
    for values in gappy:
        values[600 - observed - gap : 600 - observed] = np.nan
    point = ttm_estimators.load().forecast(gappy, 48).point
    error = np.abs(point - np.array([values[600:] for values in series])).mean()
    assert error < 1.05
