from dataclasses import replace

import pytest
import torch

from tests.forecasting.conftest import TINY
from ttm_estimators.weights import load_network

pytest.importorskip("lightning", reason="training needs the extra train")

from ttm_estimators.training import pretraining
from ttm_estimators.training.pretraining import Recipe, pretrain


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.fixture(autouse=True)
def _frequent_checkpoints(monkeypatch):
    monkeypatch.setattr(pretraining, "CHECKPOINT_EVERY", 2)


def train(folder, **changes):
    recipe = Recipe(**{"steps": 8, "batch_size": 16, "warmup_steps": 2, **changes})
    return pretrain(TINY, recipe, folder, workers=0, progress=False)


def test_training_lowers_the_loss(tmp_path):
    train(tmp_path, steps=300, batch_size=32)
    rows = (tmp_path / "log" / "from_step_0" / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("loss")
    losses = [float(row.split(",")[column]) for row in rows[1:]]
    assert sum(losses[-2:]) < 0.95 * sum(losses[:2])


def test_a_seed_makes_training_repeat_exactly(tmp_path):
    first, again = (weights(train(tmp_path / name)) for name in ("first", "again"))
    other = weights(train(tmp_path / "other", seed=1))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, other)


def test_the_result_is_a_weights_folder(tmp_path):
    network = train(tmp_path)
    torch.testing.assert_close(weights(load_network(tmp_path)), weights(network), rtol=0, atol=0)
    assert not network.training


def test_an_interrupted_run_ends_where_an_undisturbed_one_does(tmp_path, monkeypatch):
    undisturbed = weights(train(tmp_path / "undisturbed"))

    for stop in (5, 6):  # twice, for a resumed run must be resumable too

        def interrupt(module, batch, batch_idx, stop=stop):
            if module.global_step == stop:
                raise ConnectionAbortedError

        with monkeypatch.context() as patch:
            patch.setattr(pretraining.Training, "on_train_batch_start", interrupt, raising=False)
            with pytest.raises(ConnectionAbortedError):
                train(tmp_path / "interrupted")
    checkpoints = list((tmp_path / "interrupted" / "checkpoints").iterdir())
    assert [path.name for path in checkpoints] == ["last.ckpt"]
    assert not (tmp_path / "interrupted" / "model.safetensors").exists()
    resumed = weights(train(tmp_path / "interrupted"))
    logs = {path.name for path in (tmp_path / "interrupted" / "log").iterdir()}
    assert logs == {"from_step_0", "from_step_4", "from_step_6"}
    torch.testing.assert_close(resumed, undisturbed, rtol=0, atol=0)


def test_the_rate_warms_up_stays_and_decays():
    recipe = Recipe(steps=100, warmup_steps=10, decay_share=0.4)
    rates = [recipe.rate(step) for step in range(101)]
    assert rates[0] < rates[5] < rates[9] == 1.0
    assert rates[10:60] == [1.0] * 50
    assert rates[61] > rates[80] > rates[100] == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch_size": 0},
        {"warmup_steps": 0},
        {"decay_share": 2.0},
        {"precision": "8"},
        {"learning_rate": -1.0},
    ],
)
def test_a_recipe_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Recipe(**wrong)


def test_a_network_for_more_than_single_series_is_refused(tmp_path):
    for changes in ({"resolutions": 3}, {"channels": 2, "mix_channels": True}):
        with pytest.raises(ValueError, match="single series"):
            pretrain(replace(TINY, **changes), Recipe(steps=1), tmp_path / "run")
    assert not (tmp_path / "run").exists()
