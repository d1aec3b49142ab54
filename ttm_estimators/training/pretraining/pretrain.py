"""Pre-training on synthetic and real windows."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import distributed

from ttm_estimators.atomic import write_json
from ttm_estimators.data.corpus import Corpus
from ttm_estimators.data.stream import WindowStream
from ttm_estimators.inputs.aggregation import forecasting_of, keep_forecasting
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.training.hardware import describe_hardware, peak_memory
from ttm_estimators.training.nested import map_tensors
from ttm_estimators.training.pretraining.chunks import (
    Chunk,
    chunks,
    prepare_chunk,
    require_single_series,
)
from ttm_estimators.training.pretraining.run_folder import (
    RUN_FILE,
    UNDECIDED,
    check_run,
    checkpoints,
    is_first_process,
    read_checkpoint,
    read_run,
    save_checkpoint,
    start_or_resume,
    trained_steps,
)
from ttm_estimators.training.pretraining.run_log import RunLog
from ttm_estimators.training.pretraining.step import Step, chunk_loss
from ttm_estimators.training.recipe import Recipe
from ttm_estimators.weights import Card, load_network, resolve, save_network, write_card
from ttm_estimators.weights.card import CARD_FILE
from ttm_estimators.weights.folder import WEIGHTS_FILE

CPU_CHUNK_WINDOWS = 256
"""Windows that a processor makes at once. More only fill memory that processes share, 26 kB a
window of the network that ships."""

GPU_CHUNK_WINDOWS = 131_072
"""Windows that a GPU makes at once, at most. A small chunk takes nearly as long as a large one."""

GPU_WINDOW_BYTES = 300_000
"""GPU memory that is reserved for each of them. At most 187 kB were in use."""

REPORT_STEPS = 20
"""Steps from one report to the next, at least. It comes between two chunks, on a GPU after each, as
it waits for what is queued."""

CHECKPOINT_SECONDS = 60.0
"""Seconds from one checkpoint to the next, at least."""

VALIDATION_WINDOWS = 2048
"""Of each kind, whatever the size of the batches that are trained on."""

VALIDATED_AT_ONCE = 256

VALIDATION_SEED = 1_000_000
"""Added to the seed of training, so that validation windows differ from those of training."""


def pretrain(
    config: TTMConfig,
    recipe: Recipe,
    output: Path,
    *,
    corpus: Path | None = None,
    budget: float | None = None,
    start: str | Path | None = None,
    workers: int = 1,
    progress: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> TinyTimeMixer:
    """Train a network on a stream of windows and write it to a weights folder.

    A run that was interrupted goes on from its last checkpoint in ``output`` when it is called
    again, and on a CPU ends where it would have, bit by bit. It may be given more steps or a larger
    budget, even when it has finished: it goes on from where its rate began to decay.

    Trains on a GPU where there is one. Under ``torchrun`` every process trains on windows of its
    own, and on a GPU of its own.

    Parameters
    ----------
    config : TTMConfig
        The network.
    recipe : Recipe
        How to train it.
    output : Path
        Folder for the weights, the checkpoints and the logs.
    corpus : Path, optional
        Folder of parquet files with real series. Some of them are held back for validation.
    budget : float, optional
        Seconds to train, over all restarts, in place of the recipe's steps. When what is left is
        what the decay will take, the steps are decided and noted in ``run.json``.
    start : str or Path, optional
        Shipped model or weights folder to start from, in place of random weights.
    workers : int, default 1
        Processes that make windows. The stream is the same for any number; 0, which is this
        process, may round otherwise where it has several threads. A GPU makes them itself.
    progress : bool, default True
        Whether to show a progress bar.
    clock : callable, default time.monotonic
        Seconds since any one moment.

    Returns
    -------
    TinyTimeMixer
        The network with the averaged weights, in evaluation mode.

    Raises
    ------
    ValueError
        When the network is not one for single series, ``start`` is of another geometry, the recipe
        needs a corpus, ``output`` holds another run, or the loss is no longer finite.
    """
    require_single_series(config)
    if recipe.real_fraction > 0 and corpus is None:
        raise ValueError(
            f"real_fraction is {recipe.real_fraction}: name a corpus to cut these windows from, or "
            "set real_fraction to 0"
        )
    with _on_own_device() as device:
        torch.manual_seed(recipe.seed)
        network = TinyTimeMixer(config)
        if start is not None:
            _start_from(network, start)
        real, held_back = Corpus.read(corpus).split() if corpus is not None else (None, None)
        if not is_first_process():
            distributed.barrier()  # the first one may have to set a checkpoint back
        steps = start_or_resume(output, config, recipe, budget, start)
        if _processes() > 1 and is_first_process():
            distributed.barrier()
        kept = all((output / name).exists() for name in (WEIGHTS_FILE, CARD_FILE))
        if kept and trained_steps(checkpoints(output)[0]) == steps:
            return load_network(output)
        run = _Run(
            network.to(device),
            replace(recipe, steps=steps),
            output,
            real,
            held_back,
            budget=budget,
            workers=workers,
            clock=clock,
        )
        check_run(output)
        with RunLog(output, run.done, progress=progress, silent=not is_first_process()) as log:
            run.train(log)
        trained = run.step.average.cpu().requires_grad_(True)
        check_run(output)
        if is_first_process():
            run.write_card()
            save_network(trained, output)
            run.save(run.last)  # after what it stands for
    return trained


@contextmanager
def _on_own_device() -> Iterator[torch.device]:
    """The device of this process, which under ``torchrun`` joins the others."""
    torch.set_flush_denormal(True)  # before there are threads, which take it over
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if _processes() > 1:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        with torch.random.fork_rng([device.index] if device.type == "cuda" else []):
            yield device
    finally:
        if _processes() > 1:
            distributed.destroy_process_group()
        torch.set_flush_denormal(False)


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))  # as torchrun sets it


def _chunk_windows(device: torch.device) -> int:
    """Windows of a chunk, the same number in every process."""
    if device.type == "cpu":
        return CPU_CHUNK_WINDOWS
    memory = torch.cuda.get_device_properties(device).total_memory
    windows = torch.tensor(min(GPU_CHUNK_WINDOWS, memory // GPU_WINDOW_BYTES))
    if _processes() > 1:
        windows = windows.to(device)
        distributed.all_reduce(windows, distributed.ReduceOp.MIN)
    return int(windows)


class _Run:
    """A run, from its last checkpoint or its beginning to its end."""

    def __init__(
        self,
        network: TinyTimeMixer,
        recipe: Recipe,
        output: Path,
        corpus: Corpus | None,
        held_back: Corpus | None,
        *,
        budget: float | None,
        workers: int,
        clock: Callable[[], float],
    ) -> None:
        self.recipe = recipe
        self.output = output
        self.budget = budget
        self.workers = workers
        self.clock = clock
        self.config = network.config
        self.device = next(network.parameters()).device
        self.chunk_steps = max(1, _chunk_windows(self.device) // recipe.batch_size)
        self.last, self.stable = checkpoints(output)
        found = read_checkpoint(self.last)
        self.done = self.first = self.reported = found.steps if found else 0
        self.before = found.seconds if found else 0.0
        self.began = self.moment = self.saved = clock()
        self.compiled: tuple[float, int] | None = None  # moment and steps of the first report
        self.validation = self._validation(held_back)
        self.chunks = chunks(self.config, self._windows(corpus), workers)
        self.chunk = next(self.chunks)
        self.step = Step(network, recipe, self.chunk, _processes())
        if found:
            self.step.restore(found.tensors)
        elif recipe.stable_steps == 0:
            self.save(self.stable)

    def _windows(self, corpus: Corpus | None) -> WindowStream:
        return WindowStream(
            self.config.context_length,
            self.config.horizon,
            self.recipe.batch_size * self.chunk_steps,
            seed=self.recipe.seed,
            first=self.done // self.chunk_steps,
            rank=int(os.environ.get("RANK", "0")),
            ranks=_processes(),
            corpus=corpus,
            real_fraction=self.recipe.real_fraction,
            augmentation=self.recipe.augmentation,
            device=self.device,
            input_length=self.config.input_length,
        )

    def _validation(self, held_back: Corpus | None) -> dict[str, list[Chunk]]:
        """Fixed windows, made on the processor, so that the losses of runs can be compared."""
        if not is_first_process():
            return {}
        sources: dict[str, Corpus | None] = {"val_synthetic": None}
        if held_back is not None:
            sources["val_corpus"] = held_back
        made = {}
        for name, corpus in sources.items():
            stream = WindowStream(
                self.config.context_length,
                self.config.horizon,
                VALIDATED_AT_ONCE,
                seed=self.recipe.seed + VALIDATION_SEED,
                corpus=corpus,
                real_fraction=1.0,
                input_length=self.config.input_length,
            )
            made[name] = [
                self._to_device(prepare_chunk(self.config, stream.batch(k)))
                for k in range(VALIDATION_WINDOWS // VALIDATED_AT_ONCE)
            ]
        return made

    def _to_device(self, chunk: Chunk) -> Chunk:
        moved: Chunk = map_tensors(lambda tensor: tensor.to(self.device), chunk)
        return moved

    def train(self, log: RunLog) -> None:
        """Take all steps that are left, a chunk at a time."""
        while self.done < self.recipe.steps:
            self._train_on(self.chunk)
            if self.done < self.recipe.steps:
                self.chunk = next(self.chunks)  # on a GPU, while it does what was queued
            due = self.device.type == "cuda" or self.done - self.reported >= REPORT_STEPS
            if due or self.done == self.recipe.steps:
                self._report(log)

    def _report(self, log: RunLog) -> None:
        """Log the steps since the last report, decide on the end, and write a checkpoint."""
        before, self.reported = self.reported, self.done
        loss, not_finite = self.step.take_sums()
        since, self.moment = self.moment, self.clock()
        loss /= self.done - before
        if not math.isfinite(loss):
            raise self._diverged()
        self.compiled = self.compiled or (self.moment, self.done)
        self._decide()
        windows = (self.done - before) * self.recipe.batch_size * _processes()
        metrics = {
            "loss": loss,
            "learning_rate": float(self.step.learning_rate),
            "windows_per_second": windows / max(self.moment - since, 1e-9),
            "windows_not_finite": not_finite,
            "hours": self._elapsed / 3600,
        }
        every = self.recipe.validation_every
        if self.done // every > before // every or self.done == self.recipe.steps:
            metrics |= self._validate()
        check_run(self.output)
        log.write(metrics, self.done)
        steps = None if self.recipe.steps == UNDECIDED else self.recipe.steps
        log.show(self.done, steps, self._seconds_left)
        if self.moment - self.saved >= CHECKPOINT_SECONDS:
            self.save(self.last)
            self.saved = self.moment

    def _train_on(self, chunk: Chunk) -> None:
        """Take the steps of a chunk, or those that are left of it."""
        size = self.recipe.batch_size
        for place in range(self.done % self.chunk_steps, self.chunk_steps):
            batch = slice(place * size, (place + 1) * size)
            self.step(
                map_tensors(lambda tensor, batch=batch: tensor[batch], chunk),
                self.done,
                self.recipe.learning_rate_factor(self.done),
            )
            self.done += 1
            if self.done == self.recipe.stable_steps:
                self.save(self.stable)
            if self.done == self.recipe.steps:
                return

    def _decide(self) -> None:
        """Fix the number of steps when it is time to decay. The first process's clock decides."""
        if self.recipe.steps != UNDECIDED or self.budget is None:
            return
        decay_steps = self.recipe.steps_for(self.done) - self.done
        is_time = torch.tensor(
            float(self._elapsed + self._pace * decay_steps >= self.budget), device=self.device
        )
        if _processes() > 1:
            distributed.broadcast(is_time, src=0)
        if not is_time:
            return
        steps = self.recipe.steps_for(self.done)
        self.recipe = replace(self.recipe, steps=steps)
        self.save(self.stable)
        if is_first_process():
            write_json(self.output / RUN_FILE, {**read_run(self.output), "steps": steps})

    def _validate(self) -> Mapping[str, float]:
        with torch.no_grad():
            return {
                name: sum(float(chunk_loss(self.step.average, chunk)) for chunk in chunks)
                / len(chunks)
                for name, chunks in self.validation.items()
            }

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        if is_first_process():
            tensors = self.step.tensors()
            if not all(tensor.isfinite().all() for tensor in tensors.values()):
                raise self._diverged()
            save_checkpoint(path, tensors, self.done, self._elapsed)

    def _diverged(self) -> ValueError:
        return ValueError(
            f"the loss is not finite after {self.done} steps: train with a lower learning_rate in "
            "another folder"
        )

    @property
    def _elapsed(self) -> float:
        """Seconds of training until the last report, over all restarts."""
        return self.before + self.moment - self.began

    @property
    def _pace(self) -> float:
        """Seconds a step after the first report, by which all is compiled. NaN before it."""
        moment, steps = self.compiled or (self.moment, self.done)
        return (self.moment - moment) / (self.done - steps) if self.done > steps else math.nan

    @property
    def _seconds_left(self) -> float:
        """Seconds to the end, by the budget or by the pace; NaN where that is not known yet."""
        if self.recipe.steps == UNDECIDED:
            return max(0.0, (self.budget or math.inf) - self._elapsed)
        left = self.recipe.steps - self.done
        return left * self._pace if left else 0.0

    def write_card(self) -> None:
        """Write the card: steps, windows, hours and hardware."""
        processes = _processes()
        batch = self.recipe.batch_size * processes
        hours = self._elapsed / 3600
        machines = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
        hardware, cores = describe_hardware(processes, machines, self.workers)
        memory = peak_memory()
        card: Card = {
            "parameters": sum(tensor.numel() for tensor in self.step.network.parameters()),
            "steps": self.done,
            "windows": self.done * batch,
            "hours": round(hours, 3),
            "hardware": hardware,
            "cores": cores,
            "core_hours": round(cores * hours, 3),
            "windows_per_second": round(
                (self.done - self.first) * batch / max(self.moment - self.began, 1e-9)
            ),
            "peak_memory_gb": None if memory is None else round(memory / 1e9, 2),
            "seed": self.recipe.seed,
            "real_fraction": self.recipe.real_fraction,
            "start": read_run(self.output)["start"],
        }
        write_card(self.output, card)


def _start_from(network: TinyTimeMixer, start: str | Path) -> None:
    """Load trained weights of a network with the same configuration."""
    trained = load_network(resolve(start))
    wanted, found = asdict(network.config), asdict(trained.config)
    differ = [
        name
        for name in wanted
        if wanted[name] != found[name] and name not in ("dropout", "head_dropout")
    ]
    if differ:
        raise ValueError(
            f"{start} is another network than the recipe's, which differs in {', '.join(differ)}"
        )
    network.load_state_dict(trained.state_dict())
    keep_forecasting(network, forecasting_of(trained))
