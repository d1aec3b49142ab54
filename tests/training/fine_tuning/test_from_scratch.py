import logging
import os
import warnings

import numpy as np
import pytest
import torch

from tests.forecasting.conftest import make_forecaster

pytest.importorskip("lightning", reason="training needs the extra train")

import lightning

from ttm_estimators.training.fine_tuning import fit, module
from ttm_estimators.training.fine_tuning.config import FineTuneConfig
from ttm_estimators.training.fine_tuning.fine_tune import fine_tune
from ttm_estimators.training.recipe import Recipe

CPU = {"accelerator": "cpu"}


@pytest.fixture(autouse=True)
def _short_epochs(monkeypatch):
    monkeypatch.setattr(fit, "MAX_EPOCH_STEPS", 5)
    monkeypatch.setattr(fit, "MIN_EPOCH_STEPS", 5)


def waves(lengths=(150, 90, 200), level=0.0):
    return [np.sin(np.arange(n) / 4 + i) + level for i, n in enumerate(lengths)]


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def train(series=None, network=None, options=None, **changes):
    recipe = {"steps": 6, "batch_size": 8, "warmup_steps": 2}
    settings = FineTuneConfig(keep_outliers=changes.pop("keep_outliers", False))
    names = ("horizon", "validation", "checkpoint")
    keywords = {name: changes.pop(name) for name in names if name in changes}
    return fine_tune(
        network or make_forecaster().network,
        series or waves(),
        settings,
        recipe=Recipe(**{**recipe, **changes}),
        **keywords,
        **CPU,
        **(options or {}),
    )


def error(network, series):
    """Mean absolute error of the median of the last 12 points."""
    with torch.inference_mode():
        past = torch.tensor(np.stack([s[-76:-12] for s in series]), dtype=torch.float32)
        median = network(past[..., None])[:, :, 0, 2]
    return float((median - torch.tensor(np.stack([s[-12:] for s in series]))).abs().mean())


def test_training_learns_the_series():
    before = make_forecaster().network
    result = train(steps=100, batch_size=16, learning_rate=1e-2)
    assert error(result.network, waves()) < 0.3 * error(before.eval(), waves())
    assert not result.network.training
    assert str(result).startswith("trained from random weights: 100 steps on")


def test_a_seed_makes_training_repeat_exactly():
    first, again, other = (weights(train(seed=seed).network) for seed in (0, 0, 1))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, other)


def test_training_leaves_the_random_state_alone():
    network = make_forecaster().network
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(network=network)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


@pytest.mark.parametrize("steps", [3, 5, 6, 15])
def test_steps_are_taken_exactly(steps):
    assert train(steps=steps, batch_size=1).steps == steps


def test_max_epochs_takes_the_place_of_steps():
    assert train(steps=100, options={"max_epochs": 1}).steps == 5


def test_the_network_that_is_given_stays_as_it_is():
    network = make_forecaster().network
    before = weights(network)
    train(network=network)
    torch.testing.assert_close(weights(network), before, rtol=0, atol=0)


def test_all_of_a_series_is_trained_on_and_none_is_left_for_validation():
    result = train(waves((40,)), horizon=12)
    assert (result.windows, result.validation_windows) == (40 - 12 - 8 + 1, 0)
    held = train(waves((40,)), horizon=12, validation=waves((50, 60)))
    assert (held.windows, held.validation_windows) == (result.windows, 2)
    assert held.loss < np.inf


class Seen(lightning.Callback):
    def __init__(self):
        self.windows = []
        self.losses = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.windows += [row.nan_to_num().numpy().tobytes() for row in batch.past]

    def on_validation_end(self, trainer, pl_module):
        found = float(trainer.callback_metrics["val_loss"]), weights(pl_module.network)
        self.losses.append(found)


def test_no_epoch_sees_the_windows_of_another():
    seen = Seen()
    noise = [np.random.default_rng(0).normal(size=2000)]
    train(noise, steps=10, batch_size=40, horizon=12, options={"callbacks": [seen]})
    assert len(seen.windows) == len(set(seen.windows)) == 400


def test_the_weights_with_the_best_validation_loss_are_kept():
    seen = Seen()
    # They end upside down: the better the training series are learnt, the worse it gets.
    contrary = [np.concatenate([values[:-12], -values[-12:]]) for values in waves()]
    result = train(steps=25, learning_rate=1e-2, validation=contrary, options={"callbacks": [seen]})
    losses = [loss for loss, _ in seen.losses]
    assert len(losses) == 5
    best = int(np.argmin(losses))
    assert best != 4
    torch.testing.assert_close(weights(result.network), seen.losses[best][1], rtol=0, atol=0)


def test_a_shorter_horizon_leaves_the_steps_beyond_it_alone():
    changed = []
    for horizon in (4, 12):
        network = train(horizon=horizon, steps=3, learning_rate=1e-2).network
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


def test_a_network_that_mixes_channels_learns_series_of_so_many():
    network = make_forecaster(channels=2, mix_channels=True).network
    both = [np.stack(waves((150, 150)), axis=1)]
    assert not torch.equal(weights(train(both, network).network), weights(network))
    with pytest.raises(ValueError, match="series 0 has 1 channels to forecast, this model takes 2"):
        train(network=network)


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path):
    class Stop(lightning.Callback):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch == 2:
                raise ConnectionAbortedError

    path = tmp_path / "run.ckpt"
    with pytest.raises(ConnectionAbortedError):
        train(steps=20, checkpoint=path, options={"callbacks": [Stop()]})
    resumed, whole = train(steps=20, checkpoint=path), train(steps=20)
    torch.testing.assert_close(weights(resumed.network), weights(whole.network), rtol=0, atol=0)
    with pytest.raises(ValueError, match=r"another run \(weight_decay"):
        train(steps=20, checkpoint=path, weight_decay=0.1)


def test_a_checkpoint_of_a_callback_of_ones_own_can_be_resumed(tmp_path):
    class Stop(lightning.Callback):
        def on_train_epoch_end(self, trainer, pl_module):
            trainer.save_checkpoint(tmp_path / "last.ckpt")
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        train(steps=10, options={"callbacks": [Stop()]})
    resumed, whole = train(steps=10, checkpoint=tmp_path / "last.ckpt"), train(steps=10)
    torch.testing.assert_close(weights(resumed.network), weights(whole.network), rtol=0, atol=0)


def test_impossible_readings_are_missing_unless_they_are_kept():
    spoilt = waves()
    spoilt[0][30] = -999
    with pytest.warns(UserWarning, match="such as -999"):
        found = train(spoilt)
    assert not torch.equal(
        weights(found.network), weights(train(spoilt, keep_outliers=True).network)
    )


def test_a_recipe_may_compile_the_forecasts_of_training(monkeypatch):
    modes = []

    def noted(forecast):
        def call(*args, **named):
            modes.append(forecast.__self__.training)
            return forecast(*args, **named)

        return call

    monkeypatch.setattr(module, "compiled", noted)
    validation = waves((100,))
    compiled, plain = (train(compile=one, validation=validation).network for one in (True, False))
    torch.testing.assert_close(weights(compiled), weights(plain))
    assert modes == [True] * 6


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
