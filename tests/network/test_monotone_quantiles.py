import pytest
import torch

from ttm_estimators.network.monotone_quantiles import monotone_quantiles


@pytest.mark.parametrize("median", [0, 2, 4])
def test_the_median_is_free_and_the_others_step_away_from_it(median):
    raw = torch.randn(100, 5, generator=torch.Generator().manual_seed(0))
    quantiles = monotone_quantiles(raw, median)
    torch.testing.assert_close(quantiles[:, median], raw[:, median])
    steps = torch.nn.functional.softplus(raw)
    steps = torch.cat([steps[:, :median], steps[:, median + 1 :]], dim=1)
    torch.testing.assert_close(quantiles.diff(dim=-1), steps)


def test_a_point_forecast_is_left_alone():
    raw = torch.randn(3, 1)
    assert monotone_quantiles(raw, 0) is raw
