"""Pre-train a tiny network in a process of its own, or in two under torchrun. Run by tests."""

import os
import sys
from pathlib import Path

import torch

from tests.training.pretraining.test_pretrain import Clock, shorten_periods, train, weights
from ttm_estimators.training.pretraining import pretrain as pretraining


def main(output: Path, steps: int, budget: float | None) -> None:
    shorten_periods(setattr)
    rank = int(os.environ.get("RANK", "0"))
    patches = []

    class Recording(pretraining.Step):
        def __call__(self, batch, number, rate) -> None:
            varies = batch.prepared.scale_B1C.flatten() > 0.01
            patches.append(batch.prepared.patch_BCPL[varies].flatten(1))
            super().__call__(batch, number, rate)

    pretraining.Step = Recording
    # The first process has the slower clock.
    network = train(output, steps=steps, budget=budget, clock=Clock(pace=1.0 + 2.0 * rank))
    seen = {"windows": torch.cat(patches), "weights": weights(network)}
    torch.save(seen, output / f"seen_by_{rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else None)
