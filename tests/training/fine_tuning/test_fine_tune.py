import copy
import os
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from tests.tiny import tiny_network

pytest.importorskip("lightning", reason="training needs the extra train")

import lightning

from ttm_estimators import load_network, save_network
from ttm_estimators.inputs.aggregation import ForecastConfig, keep_forecasting
from ttm_estimators.inputs.covariates import Covariates
from ttm_estimators.training.fine_tuning import fit, learning_rate
from ttm_estimators.training.fine_tuning.config import FineTuneConfig
from ttm_estimators.training.fine_tuning.fine_tune import fine_tune
from ttm_estimators.training.fine_tuning.learning_rate import LEARNING_RATES
from ttm_estimators.training.fine_tuning.module import (
    Examples,
    FineTuneModule,
    warm_up_and_decay,
)

CPU = {"accelerator": "cpu"}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(fit, "MAX_EPOCH_STEPS", 5)
    monkeypatch.setattr(fit, "MIN_EPOCH_STEPS", 5)
    monkeypatch.setattr(learning_rate, "TRIAL_STEPS", 5)


def waves(lengths=(150, 90, 200), period=8):
    return [np.sin(np.arange(n) * 2 * np.pi / period + i) for i, n in enumerate(lengths)]


def noise(length=300):
    return [np.random.default_rng(i).normal(size=length) for i in range(2)]


def tune(series=None, network=None, options=None, **changes):
    keywords = ("horizon", "validation", "validation_covariates", "covariates", "checkpoint")
    given = {name: changes.pop(name) for name in keywords if name in changes}
    settings = {"steps": 10, "batch_size": 16, "learning_rate": 1e-2, "head_dropout": 0.0}
    return fine_tune(
        network or tiny_network(),
        waves() if series is None else series,
        FineTuneConfig(**{**settings, **changes}),
        **given,
        **CPU,
        **(options or {}),
    )


def changed(result, before):
    old = before.state_dict()
    return {
        name.split(".")[0]
        for name, tensor in result.network.state_dict().items()
        if not torch.equal(tensor, old[name])
    }


def test_fine_tuning_learns_the_series_and_says_so():
    result = tune(steps=60, learning_rate=None)
    assert result.fraction > 0
    assert result.loss < 0.7 * result.zero_shot_loss
    assert result.learning_rate in LEARNING_RATES
    assert "% below zero-shot" in str(result)
    assert not result.network.training


def test_long_series_are_learnt_from_block_medians_too():
    near = tiny_network(seasons_length=96)
    far = tiny_network(seasons_length=96)
    keep_forecasting(far, ForecastConfig(aggregation_factors=(2, 4)))
    assert tune(waves((90,)), far).forecaster.forecasting == ForecastConfig((2, 4))
    assert tune(waves((90,)), far).windows == tune(waves((90,)), near).windows
    # Of 400 points 320 are trained on: 64 blocks of two and 64 of four.
    more = tune(waves((400,)), far).windows - tune(waves((400,)), near).windows
    assert 20 < more < 128


def test_what_does_no_better_is_not_kept():
    # Their ends are upside down: the better the rest is learnt, the worse they get.
    contrary = [np.concatenate([values[:-12], -values[-12:]]) for values in waves()]
    learnt = tune(steps=10, validation=waves()).network
    result = tune(steps=30, network=learnt, validation=contrary)
    assert (result.fraction, result.loss) == (0.0, result.zero_shot_loss)
    assert changed(result, learnt) == set()
    assert "kept the zero-shot weights" in str(result)


@pytest.mark.parametrize(
    ("strategy", "parts"),
    [
        ("head", {"head", "shortcut"}),
        ("decoder", {"decoder", "head", "shortcut"}),
        ("full", {"backbone", "decoder", "head", "shortcut"}),
    ],
)
def test_a_strategy_trains_its_parts(strategy, parts):
    before = tiny_network()
    result = tune(network=before, strategy=strategy, steps=20)
    assert changed(result, before) == parts
    assert all(p.requires_grad for p in result.network.parameters())


def test_the_bias_strategy_trains_every_bias_and_nothing_else():
    before = tiny_network()
    result = tune(network=before, strategy="bias", steps=20)
    old = before.state_dict()
    new = {n for n, t in result.network.state_dict().items() if not torch.equal(t, old[n])}
    assert new
    assert all(name.endswith("bias") for name in new)
    assert any(name.startswith("backbone") for name in new)


def test_a_frozen_backbone_is_passed_once_only():
    network, calls = tiny_network(), []
    original = type(network.backbone).forward

    def counted(self, *args):
        calls.append(len(args[0]))
        return original(self, *args)

    type(network.backbone).forward = counted
    try:
        result = tune(network=network, steps=50)
    finally:
        type(network.backbone).forward = original
    assert sum(calls) == result.windows + result.validation_windows


def test_the_network_that_is_given_stays_as_it_is():
    network = tiny_network()
    before = copy.deepcopy(network.state_dict())
    tune(network=network)
    torch.testing.assert_close(dict(network.state_dict()), dict(before), rtol=0, atol=0)


def test_a_seed_makes_it_repeat_exactly_and_leaves_the_random_state_alone():
    network = tiny_network()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (
        tune(network=network, steps=20, seed=seed, head_dropout=0.5, windows=100).network
        for seed in (0, 0, 1)
    )
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    state = dict(first.state_dict())
    torch.testing.assert_close(dict(again.state_dict()), state, rtol=0, atol=0)
    assert any(not torch.equal(t, state[n]) for n, t in other.state_dict().items())


def test_head_dropout_is_used_in_training_and_gone_after_it():
    without, with_dropout = tune(), tune(head_dropout=0.7)
    assert repr(with_dropout.network) == repr(tiny_network())
    state = without.network.state_dict()
    assert any(not torch.equal(t, state[n]) for n, t in with_dropout.network.state_dict().items())


def test_a_result_shows_itself_in_one_line():
    shown = repr(tune())
    assert "\n" not in shown
    assert "learning_rate=" in shown
    assert "TinyTimeMixer" not in shown


def test_training_ends_early_where_nothing_improves():
    result = tune(noise(), steps=500, patience=2, learning_rate=0.3)
    assert result.steps < 100


class Stop(lightning.Callback):
    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == 2:
            raise ConnectionAbortedError


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path):
    path = tmp_path / "run.ckpt"
    arguments = {"steps": 20, "learning_rate": None, "head_dropout": 0.3}
    with pytest.raises(ConnectionAbortedError):
        tune(**arguments, checkpoint=path, options={"callbacks": [Stop()]})
    resumed, whole = tune(**arguments, checkpoint=path), tune(**arguments)
    state = dict(whole.network.state_dict())
    torch.testing.assert_close(dict(resumed.network.state_dict()), state, rtol=0, atol=0)
    assert resumed.learning_rate == whole.learning_rate
    with pytest.raises(ValueError, match=r"another run \(strategy"):
        tune(**arguments, strategy="head", checkpoint=path)


def test_a_checkpoint_with_the_old_name_of_a_setting_is_resumed(tmp_path):
    path = tmp_path / "run.ckpt"
    first = tune(checkpoint=path)
    written = torch.load(path, weights_only=True)
    run = written["fine_tuning"]
    run["validation_share"] = run.pop("validation_fraction")
    torch.save(written, path)
    state = dict(first.network.state_dict())
    again = tune(checkpoint=path).network.state_dict()
    torch.testing.assert_close(dict(again), state, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("other", "differ"),
    [
        ({"series": [-2 * values for values in waves()]}, "series"),
        ({"validation": waves((80, 70, 90), period=5)}, "series"),
        ({"network": tiny_network(seed=1)}, "first_weights"),
        ({"covariates": [Covariates(known=values) for values in waves()]}, "first_weights, series"),
    ],
)
def test_a_checkpoint_is_of_its_data_and_first_weights(other, differ, tmp_path):
    path = tmp_path / "run.ckpt"
    tune(checkpoint=path, **({"validation": waves()} if "validation" in other else {}))
    with pytest.raises(ValueError, match=rf"run\.ckpt is of another run \({differ} differ\)"):
        tune(checkpoint=path, **other)


def damaged(whole):
    return whole[:64] + whole[80:]


@pytest.mark.parametrize("damage", [damaged, lambda _: b"", lambda _: b"no checkpoint"])
def test_a_damaged_checkpoint_is_told(damage, tmp_path):
    path = tmp_path / "run.ckpt"
    tune(checkpoint=path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"run\.ckpt is damaged, or no checkpoint of fine-tuning"):
        tune(checkpoint=path)


def test_the_result_is_a_network_that_can_be_saved(tmp_path):
    result = tune()
    again = load_network(save_network(result.network, tmp_path))
    torch.testing.assert_close(
        dict(again.state_dict()), dict(result.network.state_dict()), rtol=0, atol=0
    )


def test_nothing_is_written_or_said(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tune(learning_rate=None)
    assert capfd.readouterr() == ("", "")
    assert os.listdir(tmp_path) == []


def test_channels_are_series_of_their_own_unless_they_are_mixed():
    together = [np.stack(waves((120, 120)), axis=1)]
    first, second = tune(together), tune(waves((120, 120)))
    state = dict(first.network.state_dict())
    torch.testing.assert_close(state, dict(second.network.state_dict()), rtol=0, atol=0)


def two_channels(seed=0):
    """Two noisy waves of shape (time, 2)."""
    return np.stack(waves((200, 200)), axis=1) + np.random.default_rng(seed).normal(size=(200, 2))


def moved_by_the_other_channel(network):
    past_BTC = torch.tensor(two_channels()[None, -64:], dtype=torch.float32)
    other = past_BTC.clone()
    other[..., 1] = other[..., 1].flip(1)
    with torch.inference_mode():
        return not torch.equal(network(past_BTC)[:, :, 0], network(other)[:, :, 0])


def test_channels_move_each_other_when_they_are_mixed_and_only_then():
    mixed = tune([two_channels()], mix_channels=True, steps=20)
    assert mixed.network.config.mix_channels
    assert mixed.network.config.channels == 2
    assert moved_by_the_other_channel(mixed.network)
    assert not moved_by_the_other_channel(tune([two_channels()]).network)


def driven(seed, length=200, future=0):
    """A series that a known driver makes, but for little noise."""
    random = np.random.default_rng(seed)
    driver = random.normal(size=length + future)
    series = 3 * driver[:length] + 5 + 0.1 * random.normal(size=length)
    return series, driver


def test_a_known_driver_is_learnt():
    pairs = [driven(seed) for seed in range(4)]
    series = [one for one, _ in pairs]
    covariates = [Covariates(known=driver) for _, driver in pairs]
    without = tune(series, steps=100)
    result = tune(series, steps=200, covariates=covariates)
    assert result.loss < 0.5 * without.loss
    config = result.network.config
    assert (config.target_channels, config.covariate_channels) == ((0,), (1,))
    assert "% below the same network without covariates" in str(result)
    assert "% below zero-shot" in str(without)


def test_a_covariate_of_the_past_moves_the_forecast():
    series, past = two_channels().T
    result = tune([series], covariates=[Covariates(past=past)], steps=20)
    assert result.network.config.covariate_channels == ()
    assert result.network.config.target_channels == (0,)
    assert moved_by_the_other_channel(result.network)


def branches(seed, count):
    """Noise that goes up or down at its end, as a category says and nothing else."""
    random = np.random.default_rng(seed)
    series = [
        np.concatenate([random.normal(size=8), np.full(4, 10.0 * (i % 2) - 5)])
        for i in range(count)
    ]
    return series, [Covariates(static=[i % 2]) for i in range(count)]


def test_a_static_category_is_learnt():
    series, covariates = branches(0, 48)
    held, held_covariates = branches(1, 24)  # others, so that noise can not be learnt by heart
    keywords = {"steps": 100, "learning_rate": 0.03, "horizon": 4, "shortest_history": 8}
    keywords |= {"validation": held, "patience": 20}
    without = tune(series, **keywords)
    result = tune(series, covariates=covariates, validation_covariates=held_covariates, **keywords)
    assert result.network.config.static_cardinalities == (2,)
    assert result.loss < 0.6 * without.loss


def test_missing_values_of_series_and_covariates_are_taken():
    series, driver = driven(0)
    series, driver = series.copy(), driver.copy()
    series[30:40] = np.nan
    driver[::7] = np.nan
    result = tune([series], covariates=[Covariates(known=driver)])
    assert np.isfinite(result.loss)


@pytest.mark.parametrize(
    "given",
    [
        lambda values: np.ma.masked_array(np.nan_to_num(values, nan=99.0), np.isnan(values)),
        lambda values: pd.Series(values, dtype="Float64"),
        lambda values: torch.tensor(values, requires_grad=True),
        lambda values: [None if np.isnan(one) else one for one in values],
    ],
)
def test_series_are_read_as_a_forecaster_reads_them(given):
    gaps = [np.where(np.arange(len(values)) % 9, values, np.nan) for values in waves()]
    first, second = tune(gaps), tune([given(values) for values in gaps])
    assert first.zero_shot_loss == second.zero_shot_loss
    state = dict(first.network.state_dict())
    torch.testing.assert_close(dict(second.network.state_dict()), state, rtol=0, atol=0)


def test_a_single_series_may_stand_alone_and_a_table_may_not():
    assert tune(waves((150,))[0]).windows == tune(waves((150,))).windows
    with pytest.raises(TypeError, match="could be one series or many"):
        tune(np.stack(waves((150, 150))))


def test_a_series_below_the_shortest_history_is_only_validated_on():
    settings = {"horizon": 12, "shortest_history": 36}
    with_it, without = tune(waves((80, 50)), **settings), tune(waves((80,)), **settings)
    assert with_it.windows == without.windows
    assert with_it.validation_windows > without.validation_windows


@pytest.mark.parametrize(
    ("series", "more", "said"),
    [
        ([np.zeros(2)], {}, "nothing to train on: no series has"),
        ([], {}, "nothing to train on"),
        ([[]], {}, "nothing to train on"),
        ([np.array([1.0, np.inf] * 20)], {}, "series 0 holds infinity"),
        ([np.zeros((20, 2, 2))], {}, "series 0 has 3 dimensions"),
        ([*waves(), ["high", "low"]], {}, "series 3 is not numeric"),
        (
            waves((50, 60)),
            {"shortest_history": 37, "horizon": 12},
            "no series has 37 points before a future, as shortest_history asks, 36 at most",
        ),
        (waves(), {"validation": [["high", "low"]]}, "^validation series 0 is not numeric"),
        (
            waves((50, 2)),
            {"covariates": [Covariates(past=np.zeros(50)), Covariates(past=["high", "low"])]},
            "series 1, the table of covariates known in the past, is not numeric",
        ),
        (waves(), {"covariates": [Covariates()]}, "3 series, but covariates of 1"),
        (
            waves((50, 50)),
            {"covariates": [Covariates(known=np.zeros(50)), Covariates()]},
            "different numbers",
        ),
        (
            waves((50,)),
            {"covariates": [Covariates(known=np.zeros(40))]},
            "series 0 has 50 points, but its covariates known in the future have 40",
        ),
        (waves((50,)), {"covariates": [Covariates(static=[-1])]}, "some are negative"),
    ],
)
def test_what_can_not_be_trained_on_is_told(series, more, said):
    with pytest.raises(ValueError, match=said):
        tune(series, **more)


@pytest.mark.parametrize("field", [{"steps": 5}, {"strategy": "full"}])
def test_a_setting_among_the_options_of_the_trainer_is_sent_where_it_belongs(field):
    (name, value), *_ = field.items()
    with pytest.raises(TypeError, match=rf"give settings=FineTuneConfig\({name}={value!r}\)"):
        tune(options=field)


def test_steps_are_taken_exactly():
    assert tune(steps=7, patience=7).steps == 7


@pytest.mark.parametrize("horizon", [0, -3, 2.5, True])
def test_a_horizon_is_a_whole_number_of_at_least_1(horizon):
    with pytest.raises(ValueError, match="horizon must be"):
        tune(horizon=horizon)


def test_a_validation_without_values_is_told():
    ended = [np.concatenate([values, np.full(60, np.nan)]) for values in waves((120,))]
    result = tune(ended)
    assert (result.fraction, result.zero_shot_loss) == (0.0, 0.0)
    assert str(result).startswith("kept the zero-shot weights, for validation has no values")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("strategy", "backbone"),
        ("mix_channels", 1),
        ("windows", 0),
        ("steps", 1.5),
        ("patience", True),
        ("batch_size", 0),
        ("shortest_history", 0),
        ("seed", -1),
        ("validation_fraction", 1.0),
        ("validation_fraction", None),
        ("learning_rate", "fast"),
        ("head_dropout", "0.5"),
        ("learning_rate", 0.0),
        ("head_dropout", 1.0),
        ("minutes", 0.0),
        ("minutes", "long"),
    ],
)
def test_a_setting_out_of_range_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        FineTuneConfig(**{field: value})


def test_impossible_readings_are_missing_in_training_and_validation_unless_they_are_kept():
    spoilt, gap = waves(), waves()
    spoilt[0][-3], gap[0][-3] = -999, np.nan
    with pytest.warns(UserWarning, match="such as -999, number 3 from the end of series 0"):
        found = tune(spoilt)
    assert found.loss == tune(gap).loss
    with pytest.warns(UserWarning, match="from the end of validation series 0"):
        (outlier,) = tune(waves(), validation=spoilt).outliers
    assert outlier[0] == len(waves())  # counted on after those that are trained on
    assert tune(spoilt, keep_outliers=True).loss != found.loss


@pytest.mark.parametrize("strategy", ["decoder", "full"])
def test_every_step_of_every_trial_is_taken_in_training_mode(monkeypatch, strategy):
    modes = []
    step = FineTuneModule.training_step

    def noted(self, batch):
        modes.append({module.training for module in self.network.modules()})
        return step(self, batch)

    monkeypatch.setattr(FineTuneModule, "training_step", noted)
    network = tiny_network().eval()
    tuned = tune(network=network, learning_rate=None, head_dropout=None, strategy=strategy)
    assert len(modes) == len(LEARNING_RATES) * 5 + tuned.steps
    assert modes == [{True}] * len(modes)
    assert not network.training


@pytest.mark.parametrize("training", [True, False])
def test_losses_are_of_evaluation_and_leave_the_mode_as_it_was(training):
    network = tiny_network(head_dropout=0.5).train(training)
    tuning = FineTuneModule(network, 1e-3, warm_up_and_decay(1), 0)
    past, future = torch.randn(4, network.config.context_length, 1), torch.randn(4, 3, 1)
    batch = Examples(past, future, torch.empty(4, 3, 0), torch.empty(4, 0, dtype=torch.long), None)
    first, second = (tuning.losses([batch]) for _ in range(2))
    assert torch.equal(first, second)
    assert network.training is training
