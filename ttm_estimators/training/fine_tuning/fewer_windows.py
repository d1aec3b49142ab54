"""As many windows as a run has time for."""

from __future__ import annotations

import time

import torch

from ttm_estimators.data.split_windows import Windows
from ttm_estimators.training.fine_tuning.clock import Clock
from ttm_estimators.training.fine_tuning.module import FineTuneModule, examples

MEASURED_WINDOWS = 32
"""Windows whose time is taken, twice, for the first time is longer."""

ENCODING_TIME_FRACTION = 0.2
"""Fraction of the time of a run for passes through a frozen backbone, at most."""

VALIDATION_TIME_FRACTION = 0.02
"""Fraction for one look at all validation windows, at most. There are five at least."""


def fewer_windows(
    training: Windows, validation: Windows, module: FineTuneModule, clock: Clock, *, encode: bool
) -> tuple[Windows, Windows]:
    """Draw windows at random where passing all of them would take too long.

    Parameters
    ----------
    training, validation : Windows
        All windows.
    module : FineTuneModule
        It has the network.
    clock : Clock
        The time of the run.
    encode : bool
        Whether windows pass the backbone once, in advance.
    """
    some = _draw(training, MEASURED_WINDOWS, module.seed)
    for _ in range(2):
        began = time.perf_counter()
        shown = examples(some, module.network, encode=encode)
        encoded = time.perf_counter()
        module.losses([shown])
        ended = time.perf_counter()
    encoding = (encoded - began) / len(some.past) if encode else 0.0
    looking = (ended - encoded) / len(some.past)
    affordable = VALIDATION_TIME_FRACTION * clock.limit / looking
    validation = _draw(validation, max(1, int(affordable)), module.seed)
    if encoding:
        affordable = ENCODING_TIME_FRACTION * clock.limit / encoding
        both = len(training.past) + len(validation.past)
        kept = min(1.0, affordable / both)
        training, validation = (
            _draw(each, max(1, int(kept * len(each.past))), module.seed)
            for each in (training, validation)
        )
    return training, validation


def _draw(windows: Windows, count: int, seed: int) -> Windows:
    """Draw some windows at random, in the order that they have."""
    found = len(windows.past)
    if count >= found:
        return windows
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(found, generator=generator)[:count].sort().values
    return Windows(*(tensor[chosen] for tensor in windows))
