"""One side of the comparison of training speeds, in a process of its own.

Prints the number of parameters. Then for every line that it is sent it trains some steps and prints
how many seconds they took. Imports only what both environments have, and what a side needs when it
is that side.

Shape suffixes: B windows, T time, H horizon.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from time import perf_counter
from typing import Any, cast

import torch
from torch.utils.data import BatchSampler, Dataset, RandomSampler

from ttm_estimators import PRESETS, TinyTimeMixer
from ttm_estimators.data.windows import Window
from ttm_estimators.network.resolution import UNKNOWN
from ttm_estimators.weights.published import published_config

GEOMETRY = "ttm_512_96"
CONFIG = PRESETS[GEOMETRY]
DISTINCT_WALKS = 4096
"""Windows in memory. They come again, so that reading them costs next to nothing."""


class Windows(Dataset[Any]):
    """Random walks in memory, as histories and futures of one channel, a batch at a time."""

    def __init__(self, number: int) -> None:
        length = CONFIG.context_length + CONFIG.horizon
        noise = torch.randn(DISTINCT_WALKS, length, generator=torch.Generator().manual_seed(0))
        self.walks = noise.cumsum(dim=1)
        self.number = number

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, indices: list[int]) -> Window:
        index_B = torch.tensor(indices)
        walk_BT = self.walks[index_B % DISTINCT_WALKS]
        past_BT, future_BH = torch.split(walk_BT, [CONFIG.context_length, CONFIG.horizon], dim=1)
        return Window(past_BT, future_BH, torch.full_like(index_B, UNKNOWN))


class Pace:
    """Lets steps be taken in rounds, each when the other process asks for it."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.taken = 0
        self.began = 0.0

    def begin_step(self) -> None:
        """Wait, at the begin of a round."""
        if self.taken % self.steps == 0:
            sys.stdin.readline()
            self.began = perf_counter()

    def end_step(self) -> None:
        """Tell the seconds, at the end of a round."""
        self.taken += 1
        if self.taken % self.steps == 0:
            say(perf_counter() - self.began)


def say(value: float) -> None:
    """Send a number to the other process."""
    print(value, flush=True)


def train_ours(windows: Windows, batch_size: int, steps: int, compiled: bool) -> None:
    """Train our network as pre-training does."""
    from ttm_estimators.training.pretraining.chunks import prepare_chunk
    from ttm_estimators.training.pretraining.step import Step
    from ttm_estimators.training.recipe import Recipe

    recipe = Recipe(
        steps=len(windows) // batch_size, batch_size=batch_size, compile=compiled, real_fraction=0.0
    )
    network = TinyTimeMixer(CONFIG)
    say(sum(parameter.numel() for parameter in network.parameters()))
    step = Step(network, recipe, prepare_chunk(CONFIG, windows[list(range(batch_size))]))
    pace = Pace(steps)
    # Whole batches at once, as the streams of pre-training make them.
    order = BatchSampler(RandomSampler(windows), batch_size, drop_last=True)
    for number, indices in enumerate(order):
        pace.begin_step()
        step(prepare_chunk(CONFIG, windows[indices]), number, recipe.learning_rate_factor(number))
        pace.end_step()


def granite_network() -> Any:
    """granite-tsfm's network of the same geometry."""
    from tsfm_public.models.tinytimemixer import (  # type: ignore[import-not-found, unused-ignore]
        TinyTimeMixerConfig,
        TinyTimeMixerForPrediction,
    )

    return TinyTimeMixerForPrediction(TinyTimeMixerConfig(**published_config(CONFIG)))


def trainer_settings(folder: str, **settings: Any) -> Any:
    """Settings of the Hugging Face Trainer: on the processor, no reports, no checkpoints."""
    from transformers import TrainingArguments  # type: ignore[import-not-found, unused-ignore]

    return TrainingArguments(
        output_dir=folder,
        use_cpu=True,
        disable_tqdm=True,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        **settings,
    )


def train_theirs(windows: Windows, batch_size: int, steps: int) -> None:
    """Train granite-tsfm's network with the Hugging Face Trainer, as its examples do."""
    from transformers import (  # type: ignore[import-not-found, unused-ignore]
        Trainer,
        TrainerCallback,
    )

    pace = Pace(steps)

    class Paced(TrainerCallback):  # type: ignore[misc, unused-ignore]
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            pace.begin_step()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            pace.end_step()

    class Named(Dataset[Any]):
        def __len__(self) -> int:
            return len(windows)

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            walk = windows.walks[index % DISTINCT_WALKS, :, None]
            past, future = walk[: CONFIG.context_length], walk[CONFIG.context_length :]
            return {"past_values": past, "future_values": future}

    network = granite_network()
    say(sum(parameter.numel() for parameter in network.parameters()))
    with tempfile.TemporaryDirectory() as folder:
        settings = trainer_settings(
            folder,
            max_steps=len(windows) // batch_size,
            per_device_train_batch_size=batch_size,
        )
        Trainer(network, settings, train_dataset=Named(), callbacks=[Paced()]).train()


def main(side: str, batch_size: int, steps: int, rounds: int) -> None:
    """Train one side.

    Parameters
    ----------
    side : str
        "theirs", "eager" or "compiled".
    batch_size, steps : int
        Windows in a step, and steps in a round.
    rounds : int
        Rounds until the end.
    """
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_flush_denormal(True)  # as pre-training does
    windows = Windows(batch_size * steps * rounds)
    if side == "theirs":
        train_theirs(windows, batch_size, steps)
    else:
        train_ours(windows, batch_size, steps, compiled=side == "compiled")


if __name__ == "__main__":
    main(sys.argv[1], *cast("tuple[int, int, int]", map(int, sys.argv[2:])))
