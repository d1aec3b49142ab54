"""Train in two processes and write down what each saw and ended with. Run by a test."""

import sys
from pathlib import Path

import lightning
import numpy as np
import torch
from gluonts.dataset.common import ListDataset

from ttm_gluonts import TTMEstimator


class Record(lightning.Callback):
    def __init__(self, output: Path) -> None:
        self.output = output
        self.past: list[torch.Tensor] = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        self.past.append(batch.past.nan_to_num())

    def on_train_end(self, trainer, pl_module) -> None:
        weights = torch.cat([p.detach().flatten() for p in pl_module.network.parameters()])
        backend = torch.distributed.get_backend()
        record = {"windows": torch.cat(self.past), "weights": weights, "backend": backend}
        torch.save(record, self.output / f"{trainer.global_rank}.pt")


def main(model: str, output: Path) -> None:
    random = np.random.default_rng(0)
    rows = [{"start": "2024-01-01", "target": random.random(600)} for _ in range(3)]
    data = ListDataset(rows, freq="h")
    TTMEstimator(
        prediction_length=5,
        model=model,
        fine_tuning={"steps": 4, "batch_size": 8, "strategy": "full"},
        trainer_kwargs={
            "accelerator": "cpu",
            "devices": 2,
            "strategy": "ddp",
            "callbacks": [Record(output)],
        },
    ).train(data, data)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
