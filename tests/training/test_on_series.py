import copy
import logging
import os
import warnings

import numpy as np
import pytest
import torch

from tests.forecasting.conftest import make_forecaster

pytest.importorskip("lightning", reason="training needs the extra train")

import lightning

from ttm_estimators.training import on_series
from ttm_estimators.training.on_series import train_on_series
from ttm_estimators.training.recipe import Recipe

CPU = {"accelerator": "cpu"}


@pytest.fixture(autouse=True)
def _short_epochs(monkeypatch):
    monkeypatch.setattr(on_series, "EPOCH", 5)


def waves(lengths=(150, 90, 200), level=0.0):
    return [np.sin(np.arange(n) / 4 + i) + level for i, n in enumerate(lengths)]


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def train(series=None, network=None, options=None, **changes):
    network = copy.deepcopy(network or make_forecaster().network)
    recipe = {"steps": 6, "batch_size": 8, "warmup_steps": 2}
    keywords = {name: changes.pop(name) for name in ("horizon", "validation") if name in changes}
    trainer = train_on_series(
        network,
        series or waves(),
        Recipe(**{**recipe, **changes}),
        **keywords,
        **CPU,
        **(options or {}),
    )
    return network, trainer


def error(network, series):
    """Mean absolute error of the median of the last 12 points."""
    with torch.inference_mode():
        past = torch.tensor(np.stack([s[-76:-12] for s in series]), dtype=torch.float32)
        median = network(past[..., None])[:, :, 0, 2]
    return float((median - torch.tensor(np.stack([s[-12:] for s in series]))).abs().mean())


def test_training_learns_the_series():
    before = make_forecaster().network
    after, _ = train(steps=100, batch_size=16, learning_rate=1e-2)
    assert error(after, waves()) < 0.3 * error(before.eval(), waves())
    assert not after.training


def test_a_seed_makes_training_repeat_exactly():
    first, again, other = (weights(train(seed=seed)[0]) for seed in (0, 0, 1))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, other)


def test_training_leaves_the_random_state_alone():
    network = make_forecaster().network
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(network=network)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


@pytest.mark.parametrize(("steps", "taken"), [(3, 3), (5, 5), (6, 6), (11, 12), (15, 15)])
def test_steps_are_rounded_up_to_whole_epochs(steps, taken):
    assert train(steps=steps, batch_size=1)[1].global_step == taken


def test_max_epochs_takes_the_place_of_steps():
    _, trainer = train(steps=100, options={"max_epochs": 1})
    assert (trainer.current_epoch, trainer.global_step) == (1, 5)


class Seen(lightning.Callback):
    def __init__(self):
        self.windows = []
        self.losses = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.windows += [row.nan_to_num().numpy().tobytes() for row in batch.past]

    def on_validation_end(self, trainer, pl_module):
        self.losses.append((float(trainer.callback_metrics["val_loss"]), weights(pl_module)))


def test_no_epoch_sees_the_windows_of_another():
    seen = Seen()
    noise = [np.random.default_rng(0).normal(size=2000)]
    train(noise, steps=10, batch_size=40, options={"callbacks": [seen]})
    assert len(seen.windows) == len(set(seen.windows)) == 400


def test_the_weights_with_the_best_validation_loss_are_kept():
    seen = Seen()
    # They end upside down: the better the training series are learnt, the worse it gets.
    contrary = [np.concatenate([values[:-12], -values[-12:]]) for values in waves()]
    network, _ = train(
        steps=25, learning_rate=1e-2, validation=contrary, options={"callbacks": [seen]}
    )
    losses = [loss for loss, _ in seen.losses]
    assert len(losses) == 5
    best = int(np.argmin(losses))
    assert best != 4
    torch.testing.assert_close(weights(network), seen.losses[best][1], rtol=0, atol=0)


def test_a_shorter_horizon_leaves_the_steps_beyond_it_alone():
    changed = []
    for horizon in (4, 12):
        network, _ = train(horizon=horizon, steps=3, learning_rate=1e-2)
        before = make_forecaster().network.head.layers.future.bias
        changed.append((network.head.layers.future.bias != before).tolist())
    assert changed == [[True, False, False], [True, True, True]]


def test_nothing_is_written_or_said(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(validation=waves())
    assert capfd.readouterr() == ("", "")
    assert os.listdir(tmp_path) == []
    assert logging.getLogger("lightning.pytorch").level != logging.ERROR


def test_a_network_that_mixes_channels_is_refused():
    network = make_forecaster(channels=2, mix_channels=True).network
    with pytest.raises(ValueError, match="mixes channels"):
        train(network=network)


def test_a_checkpoint_can_be_gone_on_from(tmp_path):
    class Stop(lightning.Callback):
        def on_train_epoch_end(self, trainer, pl_module):
            trainer.save_checkpoint(tmp_path / "last.ckpt")
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        train(steps=12, options={"callbacks": [Stop()]})
    resumed = make_forecaster().network
    recipe = Recipe(steps=12, batch_size=8, warmup_steps=2)
    whole, _ = train(steps=12)
    train_on_series(resumed, waves(), recipe, checkpoint=tmp_path / "last.ckpt", **CPU)
    torch.testing.assert_close(weights(resumed), weights(whole), rtol=0, atol=0)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_gradients_are_clipped(precision):
    norms = []

    class Norm(lightning.Callback):
        def on_before_zero_grad(self, trainer, pl_module, optimizer):
            gradients = [p.grad.norm() for p in pl_module.parameters() if p.grad is not None]
            if gradients:
                norms.append(float(torch.stack(gradients).norm()))

    train(options={"callbacks": [Norm()]}, gradient_clip=1e-3, precision=precision)
    assert norms
    assert max(norms) == pytest.approx(1e-3, rel=0.02)
