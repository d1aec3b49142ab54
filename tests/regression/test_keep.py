import numpy as np
import pytest

from ttm_estimators.regression.keep import best, best_width, is_clear, kept_gains

RANDOM = np.random.default_rng(0)


def losses(gain, series=1, windows=8, spread=0.2):
    """Losses of windows before, and after with a relative gain that varies from one to the next."""
    before = np.ones((series, windows))
    return before, before * (1 - gain - spread * RANDOM.normal(size=before.shape))


def test_one_window_must_gain_three_fifths():
    before = np.ones((1, 1))
    assert kept_gains(before, before * 0.43) == 0.0
    assert kept_gains(before, before * 0.41) == pytest.approx(0.59)


def test_gains_by_chance_are_seldom_kept():
    kept = [kept_gains(*losses(0.0))[0] > 0 for _ in range(400)]
    assert np.mean(kept) < 0.06


def test_a_panel_keeps_a_gain_that_each_series_alone_is_too_short_for():
    before, after = losses(0.15, series=40, windows=2)
    alone = [kept_gains(b[None], a[None])[0] > 0 for b, a in zip(before, after, strict=True)]
    together = kept_gains(before, after)
    assert np.mean(alone) < 0.5
    assert (together > 0).all()
    assert np.ptp(together) < 0.5 * np.ptp((before - after).mean(axis=1))


def test_series_that_gain_in_the_same_windows_are_no_surer_than_these_windows():
    kept = []
    for _ in range(200):
        common = 0.2 * RANDOM.normal(size=(1, 4))
        before = np.ones((100, 4))
        after = before * (1 - common - 0.05 * RANDOM.normal(size=before.shape))
        kept.append((kept_gains(before, after) > 0).mean())
    assert np.mean(kept) < 0.05


def test_a_series_that_is_unlike_the_others_is_judged_by_itself():
    before, after = losses(0.5, series=10, windows=8, spread=0.05)
    after[0] = 1.5 * before[0]
    gains = kept_gains(before, after)
    assert gains[0] == 0.0
    assert (gains[1:] > 0.4).all()


def test_a_series_without_a_window_has_no_gain():
    before, after = losses(0.5, series=3)
    before[1] = after[1] = np.nan
    gains = kept_gains(before, after)
    assert gains[1] == 0.0
    assert (gains[[0, 2]] > 0).all()


def test_the_best_forecast_is_none_where_all_are_worse():
    before = np.ones((2, 4))
    after = np.stack([before * [[0.9], [1.1]], before * [[0.8], [1.2]], before * np.nan])
    np.testing.assert_array_equal(best(before, after), [1, -1])


@pytest.mark.parametrize(
    ("gain", "clear"), [(0.8, True), (0.1, False), (0.02, False), (-0.3, True)]
)
def test_a_few_windows_suffice_where_the_gain_is_large_or_below_nought(gain, clear):
    before, after = losses(gain, series=20, windows=3, spread=0.05)
    assert is_clear(before, after, 3 / 11) is clear
    assert is_clear(before, np.full_like(after, np.nan), 3 / 11)


def test_noise_that_a_panel_has_in_common_is_seldom_kept_for_few_windows():
    kept = []
    for _ in range(300):
        gain = 0.2 * RANDOM.normal(size=(1, 11)) + 0.05 * RANDOM.normal(size=(20, 11))
        before = np.ones(gain.shape)
        seen = next(
            (k for k in range(1, 11) if is_clear(before[:, :k], 1 - gain[:, :k], k / 11)), 11
        )
        kept.append((kept_gains(before[:, :seen], 1 - gain[:, :seen]) > 0).mean())
    assert np.mean(kept) < 0.08


def test_few_windows_ask_for_wider_bands_that_are_about_as_good():
    after = np.ones((1, 12, 3)) * [0.5, 0.501, 0.52]
    assert best_width(np.ones((1, 12)), after) == 0
    assert best_width(np.ones((1, 2)), after[:, :2]) == 1


def test_bands_are_as_wide_as_the_series_that_gain_ask_for():
    before = np.ones((2, 4))
    after = np.ones((2, 4, 3)) * np.array([[[0.5, 0.4, 0.6]], [[2.0, 1.5, 1.0]]])
    assert best_width(before, after) == 1
    assert best_width(before, np.full((2, 4, 3), np.nan)) == 0
