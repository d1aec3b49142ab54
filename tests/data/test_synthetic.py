import pytest
import torch

from ttm_estimators.data.synthetic import FAMILIES, Draw, sample
from ttm_estimators.data.synthetic.calendar import daily
from ttm_estimators.data.synthetic.components import (
    held,
    mixture,
    recursion,
    seasonal,
    segments,
    spectral_noise,
    standardise,
)
from ttm_estimators.data.synthetic.counts import counts
from ttm_estimators.data.synthetic.fractional_noise import fractional_noise
from ttm_estimators.data.synthetic.gallery import gallery
from ttm_estimators.data.synthetic.saturation import sales, saturation, solar
from ttm_estimators.data.synthetic.schedules import LENGTHS, schedules
from ttm_estimators.data.synthetic.telemetry import queue


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("length", [8, 16, 100, 700])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_family_makes_finite_series_that_vary(family, length):
    series = family(Draw(64, length, generator()))
    assert series.shape == (64, length)
    assert series.isfinite().all()
    assert (series.std(dim=-1) > 0).float().mean() > 0.5


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_seed_gives_the_same_series_again_and_another_seed_others(family):
    first, again, other = (family(Draw(4, 50, generator(seed))) for seed in (0, 0, 1))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.allclose(first, other)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_the_series_of_a_family_differ_from_each_other(family):
    series = family(Draw(16, 200, generator()))
    same = (series[:, None] == series[None]).all(dim=-1)
    assert same.sum() <= 16 + 2, "two rows at most may be the same, for instance all zero"


def test_shares_of_the_families_sum_to_one():
    assert sum(FAMILIES.values()) == pytest.approx(1.0)


def test_a_sample_interleaves_its_families():
    whole = (sample(400, 50, generator()) == sample(400, 50, generator()).round()).all(dim=-1)
    halves = whole[:200].float().mean(), whole[200:].float().mean()
    assert all(0.005 < half < 0.3 for half in halves), "counts should stand in both halves"


def test_few_rows_hold_the_shares_of_the_families_on_average():
    def zeros(draw):
        return torch.zeros(draw.series, draw.length)

    def ones(draw):
        return torch.ones(draw.series, draw.length)

    source = generator()
    rows = [mixture(Draw(3, 2, source), {zeros: 0.9, ones: 0.1}) for _ in range(500)]
    assert torch.stack(rows).mean() == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("rows", [100, 256, 16_384])
def test_many_rows_hold_the_exact_shares_of_the_families(rows):
    def family(number):
        return lambda draw: torch.full((draw.series, draw.length), float(number))

    shares = {family(k): share for k, share in enumerate(FAMILIES.values())}
    for source in (generator(), generator()):
        drawn = mixture(Draw(rows, 1, source), shares)[:, 0]
        counts = drawn.long().bincount(minlength=len(shares))
        assert counts.sum() == rows
        exact = rows * torch.tensor(list(shares.values()))
        assert (counts - exact).abs().max() <= 1


def test_a_recursion_is_what_a_loop_over_time_gives():
    draw = Draw(3, 37, generator())
    gain, shocks = draw.uniform(-1.0, 1.0, 37), draw.normal(37)
    expected = [shocks[:, 0]]
    for t in range(1, 37):
        expected.append(gain[:, t] * expected[-1] + shocks[:, t])
    torch.testing.assert_close(recursion(gain, shocks), torch.stack(expected, dim=-1))


def test_a_held_value_changes_with_its_segment_only():
    draw = Draw(20, 300, generator())
    segment = segments(draw, torch.full((20, 1), 5.0))
    changes = held(draw, segment).diff(dim=-1) != 0
    assert (changes == (segment.diff(dim=-1) != 0)).all()
    assert 3.0 < segment[:, -1].float().mean() < 7.0


def test_a_seasonal_curve_repeats_after_its_period():
    draw = Draw(5, 96, generator())
    curve = seasonal(draw, torch.full((5, 1), 24.0))
    torch.testing.assert_close(curve[:, :72], curve[:, 24:], atol=1e-3, rtol=0)


def test_a_higher_exponent_makes_smoother_noise():
    draw = Draw(50, 500, generator())
    roughness = [
        spectral_noise(draw, torch.full((50, 1), exponent)).diff(dim=-1).std()
        for exponent in (0.0, 1.0, 2.0, 3.0)
    ]
    assert roughness == sorted(roughness, reverse=True)


def test_counts_are_whole_and_not_negative():
    series = counts(Draw(100, 200, generator()))
    assert (series >= 0).all()
    torch.testing.assert_close(series, series.round())


def test_saturation_rests_at_its_floor_or_ceiling():
    series = saturation(Draw(200, 400, generator()))
    lowest = series == series.amin(dim=-1, keepdim=True)
    highest = series == series.amax(dim=-1, keepdim=True)
    resting = torch.maximum(lowest.float().mean(dim=-1), highest.float().mean(dim=-1))
    assert (resting > 0.05).float().mean() > 0.5


def test_solar_power_is_zero_at_night_and_at_no_time_negative():
    power = solar(Draw(50, 500, generator()))
    assert (power >= 0).all()
    dark = (power == 0).float().mean(dim=-1)
    assert ((dark > 0.2) & (dark < 0.8)).all()


def test_sales_and_queues_are_not_negative():
    assert (sales(Draw(100, 200, generator())) >= 0).all()
    assert (queue(Draw(100, 200, generator())) >= 0).all()


def test_daily_series_differ_by_weekday_more_than_by_days_of_another_week():
    series = daily(Draw(200, 700, generator()))
    correlation = [
        (standardise(series)[:, lag:] * standardise(series)[:, :-lag]).mean() for lag in (7, 9)
    ]
    assert correlation[0] > correlation[1] + 0.1


def test_fractional_noise_is_persistent_in_some_series_and_wanders_in_others():
    steps = fractional_noise(Draw(400, 500, generator())).diff(dim=-1)
    together = (steps[:, 1:] * steps[:, :-1]).mean(dim=-1) / steps.square().mean(dim=-1)
    assert together.amin() < -0.4, "differences of anti-persistent noise alternate"
    assert together.amax() > 0.2, "steps of a persistent walk go on"


def test_a_gallery_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    gallery(tmp_path / "priors.png")
    assert (tmp_path / "priors.png").stat().st_size < 300_000


def test_a_schedule_repeats_after_one_of_its_lengths_and_after_no_other():
    x = standardise(schedules(Draw(200, 4800, generator())))

    def error(lag):
        return (x - x.roll(int(lag), 1))[:, 2016:].square().mean(dim=1)

    assert torch.stack([error(lag) for lag in LENGTHS]).amin(dim=0).median() < 0.1
    assert torch.stack([error(lag) for lag in (83, 450, 1290)]).amin(dim=0).median() > 0.5
