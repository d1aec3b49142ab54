import numpy as np
import pytest

from ttm_benchmarks.ltsf.linear import fit_linear, forecast_linear


def test_a_wave_is_continued_without_error():
    wave_TC = np.stack([np.sin(np.arange(400) / 5), 3 + np.cos(np.arange(400) / 5)], axis=1)
    weights = fit_linear(wave_TC[:300], horizon=12, context=40)
    forecast = forecast_linear(weights, [wave_TC[:340], wave_TC[10:350]])
    np.testing.assert_allclose(forecast, [wave_TC[340:352], wave_TC[350:362]], atol=1e-6)


def test_a_level_that_was_never_seen_is_kept():
    weights = fit_linear(np.random.default_rng(0).normal(size=(300, 2)), horizon=5, context=20)
    forecast = forecast_linear(weights, [np.full((20, 2), 1e6)])
    np.testing.assert_allclose(forecast, 1e6)


def test_too_short_a_training_part_is_refused():
    with pytest.raises(ValueError, match="fewer than the 25 of a window"):
        fit_linear(np.zeros((24, 1)), horizon=5, context=20)
