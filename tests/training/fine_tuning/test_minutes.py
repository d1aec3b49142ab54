"""A number of minutes is kept, whatever is slow."""

import io
import re
import sys
import time

import lightning
import numpy as np
import pytest
import torch

from tests.tiny import tiny_network
from ttm_estimators.training.fine_tuning import fit, progress
from ttm_estimators.training.fine_tuning.clock import Clock
from ttm_estimators.training.fine_tuning.config import FineTuneConfig
from ttm_estimators.training.fine_tuning.fewer_windows import fewer_windows
from ttm_estimators.training.fine_tuning.fine_tune import fine_tune
from ttm_estimators.training.fine_tuning.module import FineTuneModule, warm_up_and_decay
from ttm_estimators.training.fine_tuning.threads import quickest_threads
from ttm_estimators.training.recipe import Recipe

MINUTES = 0.1
ENDLESS = {"steps": 10**6, "patience": 10**6}
WAVES = [np.sin(np.arange(n) * 2 * np.pi / 8) for n in (150, 200)]


def tune(options=None, **changes):
    given = {name: changes.pop(name) for name in ("checkpoint", "progress") if name in changes}
    settings = FineTuneConfig(**{"batch_size": 16, **changes})
    return fine_tune(tiny_network(), WAVES, settings, **given, accelerator="cpu", **(options or {}))


def last_learning_rate(tuned):
    return max(group["lr"] for group in tuned.trainer.optimizers[0].param_groups)


def test_minutes_end_what_would_take_longer_and_the_learning_rate_has_decayed_by_then():
    tuned = tune(minutes=MINUTES, **ENDLESS)
    assert tuned.seconds == pytest.approx(60 * MINUTES, rel=0.2)
    assert last_learning_rate(tuned) < 0.05 * tuned.learning_rate
    assert tuned.loss <= tuned.zero_shot_loss
    assert tuned.fraction > 0


def test_minutes_are_kept_where_a_step_takes_a_tenth_of_them(monkeypatch):
    step = FineTuneModule.training_step

    def slow(self, batch):
        time.sleep(6 * MINUTES)
        return step(self, batch)

    monkeypatch.setattr(FineTuneModule, "training_step", slow)
    tuned = tune(minutes=MINUTES, **ENDLESS)
    assert tuned.seconds == pytest.approx(60 * MINUTES, rel=0.2)
    assert 3 <= tuned.steps < 10


class Stop(lightning.Callback):
    """Interrupts a run at a third of its minutes."""

    def __init__(self):
        self.began = time.perf_counter()

    def on_train_epoch_start(self, trainer, pl_module):
        if time.perf_counter() - self.began > 20 * MINUTES:
            raise ConnectionAbortedError


def test_a_resumed_run_counts_the_minutes_before_it_was_interrupted(tmp_path):
    arguments = {"minutes": MINUTES, "learning_rate": 1e-3, **ENDLESS}
    arguments["checkpoint"] = tmp_path / "run"
    began = time.perf_counter()
    with pytest.raises(ConnectionAbortedError):
        tune(**arguments, options={"callbacks": [Stop()]})
    before = time.perf_counter() - began
    tuned = tune(**arguments)
    assert before > 20 * MINUTES
    assert before + tuned.seconds == pytest.approx(60 * MINUTES, rel=0.2)
    assert last_learning_rate(tuned) < 5e-5


def test_steps_that_come_first_end_it_before_the_minutes():
    tuned = tune(minutes=10.0, steps=7, patience=7, learning_rate=1e-3)
    assert tuned.steps == 7
    assert tuned.seconds < 60


def windows():
    from ttm_estimators.data.split_windows import make_windows, split
    from ttm_estimators.inputs.covariates import Joined

    joined = [Joined(values[:, None], values[:0, None], (), (), origin=0) for values in WAVES]
    return [
        make_windows(cuts, tiny_network().config, 8, max_windows=1000, seed=0)
        for cuts in split(joined, 8, 0.2)
    ]


@pytest.mark.parametrize("encode", [True, False])
def test_there_are_fewer_windows_where_all_would_take_too_long(encode):
    module = FineTuneModule(tiny_network(), 0.0, warm_up_and_decay(1), 0)
    training, validation = windows()
    few = fewer_windows(training, validation, module, Clock(1e-5, 0.0), encode=encode)
    all_of_them = fewer_windows(training, validation, module, Clock(10.0, 0.0), encode=encode)
    assert all(one is other for one, other in zip(all_of_them, (training, validation), strict=True))
    assert 1 <= len(few[1].past) < len(validation.past)
    assert (len(few[0].past) < len(training.past)) == encode


def test_the_number_of_threads_is_restored():
    before = torch.get_num_threads()
    with quickest_threads():
        assert torch.get_num_threads() in (1, before)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"recipe": Recipe(steps=2)}, "minutes are for fine-tuning: a recipe has its steps"),
        ({"devices": 2}, "minutes are kept on one device only"),
    ],
)
def test_minutes_are_refused_where_they_can_not_be_kept(more, said):
    with pytest.raises(ValueError, match=said):
        tune(minutes=1.0, options=more)


LINE = re.compile(
    r"step \d+ of 12, loss \d+\.\d{4}(, validation loss \d+\.\d{4})?, \d:\d\d:\d\d left at most"
)


def test_progress_is_lines_where_standard_error_is_no_terminal(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr(fit, "MAX_EPOCH_STEPS", 5)
    monkeypatch.setattr(fit, "MIN_EPOCH_STEPS", 5)
    tune(steps=12, progress=True)
    out, err = capsys.readouterr()
    trials, steps = err.splitlines()[:4], err.splitlines()[4:]
    assert out == ""
    assert all(line.startswith("learning rate ") for line in trials)
    assert len(steps) == 12
    assert all(LINE.fullmatch(line) for line in steps)
    assert "validation loss" in steps[-1]


def test_progress_is_a_bar_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    tune(steps=12, progress=True, learning_rate=1e-3)
    assert "fine-tuning" in sys.stderr.getvalue()
    assert "step 12 of 12" in sys.stderr.getvalue()
