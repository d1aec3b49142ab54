"""One step of pre-training: loss, gradients, Muon and AdamW, and the running mean of the weights.

All that a step reads and writes stays in the same memory, so that on a GPU the whole of it is one
CUDA graph.

Shape suffixes: B batch, H horizon, V target channels, Q quantile levels.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, distributed, nn

from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.training.loss import pinball_loss
from ttm_estimators.training.nested import map_tensors
from ttm_estimators.training.optimizer import BETAS, make_optimizer
from ttm_estimators.training.pretraining.chunks import Chunk
from ttm_estimators.training.pretraining.muon import Muon, mixing_matrices
from ttm_estimators.training.recipe import Recipe

WARM_UP_RUNS = 3
"""Runs before a CUDA graph is captured, as libraries allocate and choose kernels in the first."""


def chunk_loss(network: TinyTimeMixer, chunk: Chunk, *, relative: bool = False) -> Tensor:
    """Quantile loss of prepared windows, on the scale of their histories.

    Parameters
    ----------
    network : TinyTimeMixer
        Network to forecast with.
    chunk : Chunk
        The windows.
    relative : bool, default False
        See :func:`~ttm_estimators.training.loss.pinball_loss`.
    """
    forecast_BHVQ = network.forecast_prepared(
        chunk.prepared,
        horizon=chunk.target_BHV.shape[1],
        resolution_B=chunk.resolution_B if network.config.resolutions else None,
    )
    return pinball_loss(
        forecast_BHVQ, chunk.target_BHV, network.config.quantile_levels, relative=relative
    )


def _step_loss(network: TinyTimeMixer, chunk: Chunk, precision: str) -> Tensor:
    """What a step of pre-training minimises, in the number format of its recipe."""
    device = chunk.target_BHV.device.type
    with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16-mixed"):
        return chunk_loss(network, chunk, relative=True)


def compiled(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Compile a loss. The compiler's own random numbers are several times slower on a CPU."""
    return torch.compile(loss, options={"fallback_random": True})


class Step:
    """Trains a network in place, a batch at a time.

    Under several processes gradients are averaged over them.

    Parameters
    ----------
    network : TinyTimeMixer
        On the device where it is trained. It is put in training mode, and stays there.
    recipe : Recipe
        How to train it.
    example : Chunk
        Windows of which the first are a batch in shape.
    processes : int, default 1
        Processes that train.
    """

    def __init__(
        self, network: TinyTimeMixer, recipe: Recipe, example: Chunk, processes: int = 1
    ) -> None:
        self.network = network.train()
        self.recipe = recipe
        self.processes = processes
        self.average = copy.deepcopy(network).requires_grad_(False).eval()
        device = example.target_BHV.device
        self.batch: Chunk = map_tensors(lambda tensor: tensor[: recipe.batch_size].clone(), example)
        self.learning_rate = torch.zeros((), device=device)
        self.weight_of_latest = torch.zeros((), device=device)
        self.loss_sum = torch.zeros((), device=device)
        self.not_finite = torch.zeros((), dtype=torch.int64, device=device)
        on_gpu = device.type == "cuda"
        matrices = mixing_matrices(network)
        by_muon = set(matrices)
        self.optimizers = (
            Muon(
                matrices,
                self.learning_rate,
                recipe.weight_decay,
                torch.bfloat16 if recipe.precision == "bf16-mixed" else torch.float32,
            ),
            make_optimizer(
                [p for p in network.parameters() if p not in by_muon],
                self.learning_rate,
                recipe.weight_decay,
                betas=BETAS,
                fused=True,
                capturable=on_gpu,
            ),
        )
        self.loss = compiled(_step_loss) if recipe.compile else _step_loss
        self.parts: list[Callable[[], None]] = [self._gradients, self._update]
        if processes > 1:
            self.parts.insert(1, self._average_gradients)
        with warnings.catch_warnings():
            # It is about steps outside of a graph, which have to come before the capture.
            warnings.filterwarnings("ignore", message=".*capturable=True.*")
            self._make_moments()
            if on_gpu:
                self._capture()

    def __call__(self, batch: Chunk, number: int, learning_rate_factor: float) -> None:
        """Take step ``number``, counted from 0, at a fraction of the peak learning rate."""
        # Dropout of a step depends on its number alone, so that a resumed run repeats it.
        torch.manual_seed(self.recipe.seed * 1_000_003 + number)
        map_tensors(lambda own, given: own.copy_(given), self.batch, batch)
        self.learning_rate.fill_(self.recipe.learning_rate * learning_rate_factor)
        self.weight_of_latest.fill_(1 / (1 + self.recipe.averaged_fraction * number))
        for part in self.parts:
            part()

    def tensors(self) -> dict[str, Tensor]:
        """All that a run must keep to go on, by name, where a step reads and writes it."""
        found: dict[str, Tensor] = {
            f"network.{name}": value for name, value in self.network.named_parameters()
        }
        found |= {f"average.{name}": value for name, value in self.average.named_parameters()}
        moments = self._moments
        for name, parameter in self.network.named_parameters():
            for moment, value in moments[parameter].items():
                found[f"optimizer.{name}.{moment}"] = value
        return {name: value.detach() for name, value in found.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Restore what :meth:`tensors` returned.

        Raises
        ------
        ValueError
            When the tensors are of another network.
        """
        own = self.tensors()
        if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in tensors.items()}:
            raise ValueError(
                "the checkpoint is of another network or version: choose another folder"
            )
        for name, value in own.items():
            value.copy_(tensors[name])

    def take_sums(self) -> tuple[float, int]:
        """Sum of the losses, and number of windows that were not finite, since the last call."""
        sums = float(self.loss_sum), int(self.not_finite)
        self.loss_sum.zero_()
        self.not_finite.zero_()
        return sums

    def _gradients(self) -> None:
        self.network.zero_grad(set_to_none=True)
        loss = self.loss(self.network, self.batch, self.recipe.precision)
        loss.backward()  # type: ignore[no-untyped-call]
        self.loss_sum += loss.detach()
        self.not_finite += (~self.batch.finite_B).sum()

    def _average_gradients(self) -> None:
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.processes
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    @torch.no_grad()
    def _update(self) -> None:
        parameters = list(self.network.parameters())
        nn.utils.clip_grad_norm_(parameters, self.recipe.gradient_clip, foreach=True)
        for optimizer in self.optimizers:
            optimizer.step()
        for mean, parameter in zip(self.average.parameters(), parameters, strict=True):
            mean.lerp_(parameter, self.weight_of_latest)

    def _make_moments(self) -> None:
        """Let the optimiser make its state, by an update at a learning rate of zero."""
        for parameter in self.network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self._update()
        self._forget()

    @property
    def _moments(self) -> dict[Tensor, dict[str, Tensor]]:
        """What the optimisers keep of each parameter, by name."""
        return {p: own for optimizer in self.optimizers for p, own in optimizer.state.items()}

    def _forget(self) -> None:
        """Reset what steps at a learning rate of zero change: moments, counters and sums."""
        for moments in self._moments.values():
            for value in moments.values():
                value.zero_()
        self.take_sums()

    def _capture(self) -> None:
        """Make CUDA graphs of the parts: one of all, or one before and one after the average.

        The learning rate and the weight of the latest are still zero, so that weights stay.
        """
        warming_up = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        warming_up.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(warming_up):
            for _ in range(WARM_UP_RUNS):
                for part in self.parts:
                    part()
        torch.cuda.current_stream().wait_stream(warming_up)
        if self.processes == 1:
            self.parts = [_graph(*self.parts)]
        else:
            self.parts = [_graph(self._gradients), self._average_gradients, _graph(self._update)]
        self._forget()


def _graph(*parts: Callable[[], None]) -> Callable[[], None]:
    """Capture the kernels of some functions, to be launched again as one."""
    graph = torch.cuda.CUDAGraph()
    # Other threads, such as NCCL's, may work on the GPU during the capture.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        for part in parts:
            part()
    return graph.replay
