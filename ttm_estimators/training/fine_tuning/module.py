"""The Lightning parts of fine-tuning: batches of windows in memory, and one step.

Shape suffixes: B batch, X covariates known in the future, H horizon, V target channels, Q quantile
levels, C channels, K static covariates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ttm_estimators.data.split_windows import Windows
from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.network.model import Encoded
from ttm_estimators.network.prepared import prepare
from ttm_estimators.network.resolution import unknown_resolution
from ttm_estimators.network.scaling import Scaling
from ttm_estimators.training.loss import pinball_loss
from ttm_estimators.training.nested import map_tensors
from ttm_estimators.training.optimizer import make_optimizer
from ttm_estimators.training.pretraining.step import compiled

ENCODED_AT_ONCE = 256
"""Windows in one pass through a frozen backbone."""

VALIDATED_AT_ONCE = 256

LOOKED_AT_WINDOWS = 512
"""Windows that are validated after an epoch, at most: of 2,500 the pass would take as long as 13
steps (ours). What is kept at the end is judged by all."""

WEIGHT_DECAY = 0.02
"""Of AdamW, on matrices."""

NEW_PARTS_LEARNING_RATE_FACTOR = 10.0
"""Learning rate of what mixes channels and covariates, in times of that of the trained weights: it
begins by adding nothing, and has further to go (ours)."""

WARM_UP_FRACTION = 0.1
"""Fraction of the steps over which the learning rate rises."""

Schedule = Callable[[int], float]
"""Factor on the learning rate at each step."""


def warm_up_and_decay(steps: int, time_used: Callable[[], float] = float) -> Schedule:
    """Rise linearly, and fall linearly to zero at ``steps``, or earlier where ``time_used``, the
    fraction of the time for training, comes to 1 before.
    """
    warm_up = max(1.0, WARM_UP_FRACTION * steps)

    def factor(step: int) -> float:
        used = time_used()
        warm = max((step + 1) / warm_up, used / WARM_UP_FRACTION)
        return max(0.0, min(warm, 1 - step / steps, 1 - used))

    return factor


def is_new(parameter: str) -> bool:
    """Whether a parameter mixes channels or covariates, which the first weights do not."""
    new = (".mixers.channel.", ".statics.")
    return parameter.startswith("exogenous.") or any(part in parameter for part in new)


class Examples(NamedTuple):
    """Some windows, with what a frozen backbone made of them."""

    past: Tensor
    future: Tensor
    known: Tensor
    static: Tensor
    encoded: Encoded | None

    def take(self, indices: Tensor | slice) -> Examples:
        """Choose windows."""
        past, future, known, static = (tensor[indices] for tensor in self[:4])
        encoded = None
        if self.encoded is not None:
            encoded = map_tensors(lambda tensor: tensor[indices], self.encoded)
        return Examples(past, future, known, static, encoded)

    def spread(self) -> Examples:
        """Choose some windows, evenly spread, where there are more than a look needs."""
        found = len(self.past)
        if found <= LOOKED_AT_WINDOWS:
            return self
        return self.take(torch.arange(LOOKED_AT_WINDOWS) * found // LOOKED_AT_WINDOWS)

    def parts(self, size: int) -> list[Examples]:
        """Cut in batches."""
        return [self.take(slice(first, first + size)) for first in range(0, len(self.past), size)]


def examples(windows: Windows, network: TinyTimeMixer, *, encode: bool) -> Examples:
    """Bring windows to the network's device and, if asked, through its backbone, once for all."""
    device = next(network.parameters()).device
    past, future, known, static = (tensor.to(device) for tensor in windows[:4])
    plain = Examples(past, future, known, static, None)
    if not encode:
        return plain
    with torch.no_grad(), evaluating(network):
        encoded = [
            network.encode(
                one.past,
                horizon=future.shape[1],
                resolution_B=unknown_resolution(network.config, one.past),
            )
            for one in plain.parts(ENCODED_AT_ONCE)
        ]
    return plain._replace(encoded=map_tensors(lambda *parts: torch.cat(parts), *encoded))


@contextmanager
def evaluating(network: TinyTimeMixer) -> Iterator[None]:
    """Leave dropout out for a while."""
    before = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(before)


class FineTuneModule(lightning.LightningModule):
    """One optimiser step on the parameters that need gradients.

    Parameters
    ----------
    network : TinyTimeMixer
        Network to train, in place.
    learning_rate : float
        Peak learning rate.
    schedule : callable
        Factor on it at each step.
    seed : int
        Of dropout.
    run : callable, optional
        Makes the facts of the run that a checkpoint notes down.
    weight_decay : float, default 0.02
        Of AdamW, on matrices.
    compile : bool, default False
        Whether to compile the forecasts of training. For networks that take no covariates.
    """

    def __init__(
        self,
        network: TinyTimeMixer,
        learning_rate: float,
        schedule: Schedule,
        seed: int,
        run: Callable[[], dict[str, Any]] = dict,
        *,
        weight_decay: float = WEIGHT_DECAY,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.seed = seed
        self.run = run
        self.weight_decay = weight_decay
        self.compiled_forecast = compiled(network.forecast_prepared) if compile else None

    def forecast(self, batch: Examples) -> tuple[Tensor, Tensor]:
        """Forecast and target on the scale of the histories."""
        horizon = batch.future.shape[1]
        resolution_B = unknown_resolution(self.network.config, batch.past)
        if self.compiled_forecast is not None and self.network.training:
            # The search for cycles stays as it is: a compiler takes minutes for it.
            prepared = prepare(self.network.config, batch.past, horizon=horizon)
            scaling = Scaling(prepared.loc_B1C, prepared.scale_B1C)
            forecast_BHVQ = self.compiled_forecast(
                prepared, horizon=horizon, resolution_B=resolution_B
            )
            return forecast_BHVQ, scaling.normalise(batch.future)
        encoded = batch.encoded
        if encoded is None:
            encoded = self.network.encode(batch.past, horizon=horizon, resolution_B=resolution_B)
        forecast_BHVQ, scaling = self.network.decode(
            encoded, horizon=horizon, future_BHX=batch.known, static_BK=batch.static
        )
        return forecast_BHVQ, scaling.normalise(batch.future)

    def loss(self, batch: Examples) -> Tensor:
        """Mean quantile loss of a batch."""
        return pinball_loss(*self.forecast(batch), self.network.config.quantile_levels)

    @torch.no_grad()
    def losses(self, batches: list[Examples]) -> Tensor:
        """Quantile loss of every window, without dropout."""
        levels = self.network.config.quantile_levels
        with evaluating(self.network):
            one_by_one = torch.vmap(lambda forecast, target: pinball_loss(forecast, target, levels))
            losses = [
                one_by_one(*(each[:, None] for each in self.forecast(batch))) for batch in batches
            ]
        return torch.cat(losses).double() if losses else torch.empty(0)

    def training_step(self, batch: Examples) -> Tensor:
        # Dropout of a step depends on its number alone, so that a resumed run repeats it.
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)
        loss = self.loss(batch)
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Examples) -> None:
        self.log("val_loss", self.loss(batch), batch_size=len(batch.past), prog_bar=True)

    def configure_optimizers(self) -> dict[str, object]:  # type: ignore[override]
        optimizer = make_optimizer(self.network.parameters(), self.learning_rate, self.weight_decay)
        new = {parameter for name, parameter in self.network.named_parameters() if is_new(name)}
        for group in list(optimizer.param_groups) if new else ():
            faster = [parameter for parameter in group["params"] if parameter in new]
            group["params"] = [parameter for parameter in group["params"] if parameter not in new]
            rate = NEW_PARTS_LEARNING_RATE_FACTOR * self.learning_rate
            optimizer.add_param_group({**group, "params": faster, "lr": rate})
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.schedule(step))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["fine_tuning"] = {**self.run(), "learning_rate_in_use": self.learning_rate}


class Batches(lightning.LightningDataModule):
    """Windows in random order, each once before any comes again, divided among ranks.

    Batch ``k`` depends on the seed and ``k`` alone.
    """

    def __init__(
        self,
        training: Examples,
        validation: Examples | None,
        batch_size: int,
        steps: int,
        epoch_steps: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.training = training
        self.held = validation
        self.validation = [] if validation is None else validation.parts(VALIDATED_AT_ONCE)
        self.looked_at = [] if validation is None else validation.spread().parts(VALIDATED_AT_ONCE)
        self.batch_size = min(batch_size, len(training.past))
        self.steps = steps
        self.epoch_steps = epoch_steps
        self.seed = seed

    def for_steps(self, steps: int) -> Batches:
        """The same windows for one epoch of some steps."""
        return Batches(self.training, self.held, self.batch_size, steps, steps, self.seed)

    def train_dataloader(self) -> DataLoader[Examples]:
        trainer = self.trainer
        assert trainer is not None
        first = trainer.current_epoch * self.epoch_steps
        chosen = [
            self._indices(step * trainer.world_size + trainer.global_rank)
            for step in range(first, min(first + self.epoch_steps, self.steps))
        ]
        return DataLoader(_Chosen(self.training, chosen), batch_size=None)

    def val_dataloader(self) -> Any:
        """Every process takes all of them, and so finds the same loss without a word."""
        return DataLoader(self.looked_at, batch_size=None) if self.looked_at else []  # type: ignore[arg-type]

    def _indices(self, k: int) -> Tensor:
        """Windows of batch ``k`` of all ranks together."""
        windows = len(self.training.past)
        first, end = k * self.batch_size, (k + 1) * self.batch_size
        turns = range(first // windows, -(-end // windows))
        order = torch.cat([self._order(turn, windows) for turn in turns])
        start = first - turns[0] * windows
        return order[start : start + self.batch_size]

    def _order(self, turn: int, windows: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + turn)
        return torch.randperm(windows, generator=generator)


class _Chosen(Dataset[Examples]):
    def __init__(self, windows: Examples, indices: list[Tensor]) -> None:
        self.windows = windows
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, step: int) -> Examples:
        if step >= len(self.indices):
            raise IndexError
        return self.windows.take(self.indices[step].to(self.windows.past.device))
