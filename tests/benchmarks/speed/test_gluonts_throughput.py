import numpy as np
import pytest

pytest.importorskip("gluonts", reason="needs the extra gluonts")

from ttm_benchmarks.speed import gluonts_throughput
from ttm_benchmarks.speed.gluonts_throughput import (
    ADAPTER,
    CORE,
    PATCH_TST,
    contenders,
    make_entries,
)


def test_all_three_forecast_every_series(model_folder):
    entries = make_entries(7, 64)
    forecasts = {name: f() for name, f in contenders(str(model_folder), entries, 5, 4).items()}
    assert forecasts[CORE].quantiles.shape == (7, 5, 9)
    assert [f.item_id for f in forecasts[ADAPTER]] == [f.item_id for f in forecasts[PATCH_TST]]
    assert {f.prediction_length for f in forecasts[ADAPTER] + forecasts[PATCH_TST]} == {5}
    median = np.stack([f.quantile(0.5) for f in forecasts[ADAPTER]])
    np.testing.assert_allclose(median, forecasts[CORE].point, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("ours", "code"), [(1.4, 0), (1.6, 1), (2.1, 1)])
def test_the_exit_code_tells_whether_both_bars_were_held(
    bench, model_folder, monkeypatch, ours, code
):
    core = 1.0 if ours < 2 else 2.0
    monkeypatch.setattr(
        gluonts_throughput, "median_seconds", lambda *_: {CORE: core, ADAPTER: ours, PATCH_TST: 2.0}
    )
    found, text, _ = bench("gluonts-throughput", "--model", model_folder, "--series", 2)
    assert found == code
    assert f"{ours / core:.2f} times" in text
