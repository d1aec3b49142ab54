"""Fine-tuning on series of one's own: pre-trained once, adapted in seconds (section 3.4)."""

from __future__ import annotations

import copy
import hashlib
import math
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import lightning
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor, nn

from ttm_estimators.data.series_windows import cutoffs
from ttm_estimators.data.split_windows import (
    Cuts,
    Windows,
    every_cut,
    last_cut,
    make_windows,
    split,
)
from ttm_estimators.forecasting import Forecaster
from ttm_estimators.inputs.aggregation import aggregated, forecasting_of
from ttm_estimators.inputs.arrays import Array, as_list, as_numbers, validated_count
from ttm_estimators.inputs.covariates import Covariates, Joined, Roles, counts, join
from ttm_estimators.inputs.outliers import (
    Outlier,
    OutlierWarning,
    describe,
    without_outliers,
)
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.network.add_covariates import add_covariates
from ttm_estimators.renamed import renamed_fields
from ttm_estimators.training.fine_tuning.module import (
    Batches,
    BestWeights,
    Examples,
    FineTuneModule,
    KeepCheckpoint,
    examples,
)
from ttm_estimators.training.fine_tuning.one_sided_test import is_significant
from ttm_estimators.training.hardware import describe_hardware
from ttm_estimators.training.quiet import quiet
from ttm_estimators.weights import Card, save_network, write_card

Strategy = Literal["head", "decoder", "bias", "full"]

FROZEN_BACKBONE = ("head", "decoder")
"""Strategies under which every window goes through the backbone once only."""

RATES = (1e-4, 3e-4, 1e-3, 3e-3)
"""Learning rates that are tried when none is given."""

TRIAL_STEPS = 50
"""Steps that each rate is tried for."""

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Shares of the way from the first weights to the tuned ones that are validated at the end."""

EPOCH = 50
"""Steps of an epoch at most. After each the validation loss is taken."""

SHORTEST_EPOCH = 10

VALIDATION_PART = 0.25
"""Windows for validation at most, as a part of those for training at most."""

GRADIENT_CLIP = 1.0

FEW_WINDOWS = 1000
FEW_WINDOWS_DROPOUT = 0.7
"""Dropout of the head for fewer windows than these, as the paper has for small data."""


@renamed_fields(validation_share="validation_fraction")
@dataclass(frozen=True, kw_only=True)
class FineTuneConfig:
    """How to fine-tune.

    Raises
    ------
    ValueError
        When a field is out of range.
    """

    strategy: Strategy = "decoder"
    """What is trained. "decoder": decoder and head, the backbone stays (the paper's). "head": the
    head alone. "bias": every bias. "full": all weights. What mixes channels and covariates is
    always trained, for it is new."""

    mix_channels: bool = False
    """Whether the decoder mixes the channels of series that have several."""

    windows: int = 10_000
    """Channels of windows to train on, at most. Of more, this many are drawn at random. Series that
    are long enough for temporal aggregation give windows of block medians too."""

    validation_fraction: float = 0.2
    """Part of each series, its last, that chooses rate and weights and is not trained on. It has
    at least one horizon and at most a third of the series."""

    steps: int = 1000
    """Optimiser steps at most, rounded up to whole epochs of 10 to 50."""

    shortest_history: int | None = None
    """Points before the first future at least. None: as many as the network sees, but at most half
    of what a series has to train on."""

    patience: int = 5
    """Epochs without a lower validation loss after which training ends."""

    batch_size: int = 64
    """Windows in a step."""

    learning_rate: float | None = None
    """Peak rate of AdamW. None: that of 1e-4, 3e-4, 1e-3 and 3e-3 which has the lowest validation
    loss after 50 steps (ours; a range test by training loss says little of a trained network)."""

    head_dropout: float | None = None
    """Dropout of the head's last layer. None: 0.7 for fewer than 1,000 windows, as the paper has
    for small data, or else what the network has."""

    keep_outliers: bool = False
    """Whether single impossible readings stay, as in
    :meth:`ttm_estimators.Forecaster.forecast`. Else they are taken as missing, and a warning says
    so."""

    seed: int = 0
    """Of the draw of windows, their order and dropout."""

    def __post_init__(self) -> None:
        if self.strategy not in get_args(Strategy):
            raise ValueError(f"strategy must be one of {get_args(Strategy)}, got {self.strategy!r}")
        names = ["windows", "steps", "patience", "batch_size", "seed"]
        for name in names + ["shortest_history"] * (self.shortest_history is not None):
            value, lowest = getattr(self, name), int(name != "seed")
            if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
                raise ValueError(
                    f"{name} must be a whole number of at least {lowest}, got {value!r}"
                )
        for name in ("mix_channels", "keep_outliers"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be true or false, got {getattr(self, name)!r}")
        for name in ("validation_fraction", "learning_rate", "head_dropout"):
            value = getattr(self, name)
            absent = value is None and name != "validation_fraction"
            if isinstance(value, bool) or not (absent or isinstance(value, Real)):
                raise ValueError(f"{name} must be a number, got {value!r}")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction must lie in (0, 1), got {self.validation_fraction}"
            )
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        if self.head_dropout is not None and not 0 <= self.head_dropout < 1:
            raise ValueError(f"head_dropout must lie in [0, 1), got {self.head_dropout}")


@renamed_fields(share="fraction")
@dataclass(frozen=True)
class FineTuneResult:
    """A fine-tuned network and what came of it. As text, a line for people."""

    network: TinyTimeMixer
    """In evaluation mode on the CPU."""

    fraction: float
    """How far its weights lie from the first ones towards those that training ended with. 0: as
    they were, for nothing forecast the validation part better."""

    zero_shot_loss: float
    """Quantile loss of the first weights on the validation part. 0 where that has no values."""

    loss: float
    """Quantile loss of the kept weights there, never above that of the first ones."""

    learning_rate: float
    steps: int
    windows: int
    validation_windows: int
    seconds: float
    trainer: lightning.Trainer

    outliers: tuple[Outlier, ...] = ()
    """Impossible readings of the series that were taken as missing."""

    roles: Roles = field(default_factory=Roles)
    """Names of covariates, where they came in a table."""

    @property
    def forecaster(self) -> Forecaster:
        """What forecasts with the network."""
        return Forecaster(self.network, roles=self.roles)

    def save(self, folder: str | Path, **facts: Any) -> Path:
        """Write a weights folder, with a card of how it was trained.

        Parameters
        ----------
        folder : str or Path
            Folder. :func:`ttm_estimators.load` takes it.
        **facts
            Further lines of the card.

        Returns
        -------
        Path
            The folder.
        """
        path = save_network(self.network, folder)
        card: Card = {
            "parameters": sum(tensor.numel() for tensor in self.network.parameters()),
            "covariates": asdict(self.roles),
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "windows": self.windows,
            "validation_windows": self.validation_windows,
            "validation_loss": self.loss,
            "zero_shot_validation_loss": self.zero_shot_loss,
            "fraction": self.fraction,
            "seconds": round(self.seconds, 1),
            "hardware": describe_hardware(1, 1, 0)[0],
        }
        write_card(path, card, **facts)
        return path

    def __str__(self) -> str:
        trained = (
            f"{self.steps} steps on {self.windows:,} windows in {self.seconds:.1f} s, learning "
            f"rate {self.learning_rate:g}; {self.validation_windows:,} windows for validation"
        )
        if not self.zero_shot_loss:
            return f"kept the zero-shot weights, for validation has no values: {trained}"
        if not self.fraction:
            return f"kept the zero-shot weights, no others did better: {trained}"
        gain = 1 - self.loss / self.zero_shot_loss
        return (
            f"validation loss {self.loss:.4f}, {gain:.1%} below zero-shot, at "
            f"{self.fraction:.0%} of the change: {trained}"
        )


def fine_tune(
    network: TinyTimeMixer,
    series: Sequence[npt.ArrayLike],
    settings: FineTuneConfig | None = None,
    *,
    horizon: int | None = None,
    covariates: Sequence[Covariates] | None = None,
    validation: Sequence[npt.ArrayLike] | None = None,
    validation_covariates: Sequence[Covariates] | None = None,
    names: Sequence[str] | None = None,
    validation_names: Sequence[str] | None = None,
    checkpoint: str | Path | None = None,
    **trainer_options: Any,
) -> FineTuneResult:
    """Fine-tune a copy of a network.

    The weights that are kept are the best on the line from the first weights to the tuned ones, by
    their loss on windows later than all that were trained on (as in Wortsman et al., 2022). The
    first weights are on it: the result is never worse than zero-shot there.

    Parameters
    ----------
    network : TinyTimeMixer
        Trained network. It stays as it is.
    series : sequence of array
        Series of shape (time,) or (time, channels), NaN where missing, of the kinds that
        :meth:`ttm_estimators.Forecaster.forecast` takes. Those of fewer than three points are left
        out.
    settings : FineTuneConfig, optional
        How to fine-tune.
    horizon : int, optional
        Steps to train on, when fewer than the network has.
    covariates : sequence of Covariates, optional
        Those of each series, all of the same kinds.
    validation : sequence of array, optional
        Series whose last window each is validated on, in place of a part of ``series``.
    validation_covariates : sequence of Covariates, optional
        Those of ``validation``.
    names, validation_names : sequence of str, optional
        How errors and warnings call each series. Default: "series 0" and "validation series 0".
    checkpoint : str or Path, optional
        File that is written after each epoch. Where there is one, training goes on from it, if it
        is of the same weights, series and settings.
    **trainer_options
        Arguments of ``lightning.Trainer``, such as ``accelerator``, ``devices``, ``callbacks`` and
        ``enable_progress_bar``. ``max_epochs`` takes the place of the settings' steps.

    Returns
    -------
    FineTuneResult

    Raises
    ------
    TypeError
        When ``series`` or ``validation`` is no sequence of series.
    ValueError
        When ``horizon`` is no whole number of at least 1, there is nothing to train on, a series is
        infinite or not numeric, covariates do not fit, or the checkpoint is damaged or of another
        run.
    """
    began = time.perf_counter()
    settings = settings or FineTuneConfig()
    items = as_list(series)
    names = names or [f"series {i}" for i in range(len(items))]
    arrays, outliers = _arrays(items, names, settings)
    network = _prepared(network, arrays, covariates, names, settings)
    longest = network.config.horizon
    horizon = longest if horizon is None else min(validated_count("horizon", horizon), longest)
    joined = _joined(arrays, covariates, network.config, names, "series")
    held = None
    if validation is not None:
        kept = as_list(validation)
        called = validation_names or [f"validation series {i}" for i in range(len(kept))]
        others, _ = _arrays(kept, called, settings)
        held = _joined(others, validation_covariates, network.config, called, "validation series")
    windows = _windows(joined, held, network, horizon, settings)
    found = len(windows[0].past)
    epoch_steps = min(max(found // settings.batch_size, SHORTEST_EPOCH), EPOCH)
    epochs = trainer_options.get("max_epochs") or math.ceil(settings.steps / epoch_steps)
    run = {**asdict(settings), "horizon": horizon, "windows_found": found}
    if checkpoint is not None:
        run["first_weights"] = _digest(network.state_dict().values())
        run["series"] = _digest(tensor for each in windows for tensor in each)
    rate = _rate_of(checkpoint, run)
    resumed = checkpoint if rate is not None else None
    best = BestWeights()
    options = {**trainer_options, "max_epochs": epochs}
    options["callbacks"] = [
        best,
        EarlyStopping("val_loss", patience=settings.patience, check_on_train_epoch_end=False),
        *([] if checkpoint is None else [KeepCheckpoint(Path(checkpoint))]),
        *trainer_options.get("callbacks", ()),
    ]
    network.train()
    with quiet(), torch.random.fork_rng(), _training_mode(network, settings, found):
        trainer = _trainer(options)
        network.to(trainer.strategy.root_device)
        encode = settings.strategy in FROZEN_BACKBONE
        training, held_back = (examples(each, network, encode=encode) for each in windows)
        batches = Batches(training, held_back, settings.batch_size, epoch_steps, settings.seed)
        first = copy.deepcopy(network.state_dict())
        rate = rate or settings.learning_rate or _choose_rate(network, batches, settings, options)
        tuning = FineTuneModule(network, rate, epochs * epoch_steps, settings.seed, run)
        zero_shot = tuning.losses(batches.validation)
        trainer.fit(tuning, datamodule=batches, ckpt_path=resumed)
        fraction, loss = _keep_best(
            tuning, first, best.weights, zero_shot, batches.validation, windows[1].block
        )
    return FineTuneResult(
        network=network.cpu().eval(),
        fraction=fraction,
        zero_shot_loss=float(zero_shot.mean()),
        loss=loss,
        learning_rate=rate,
        steps=trainer.global_step,
        windows=found,
        validation_windows=len(windows[1].past),
        seconds=time.perf_counter() - began,
        trainer=trainer,
        outliers=tuple(outliers),
    )


def _arrays(
    series: Sequence[Any], names: Sequence[str], settings: FineTuneConfig
) -> tuple[list[Array], list[Outlier]]:
    """Series of shape (time,) or (time, channels), and what was impossible in them."""
    arrays = [as_numbers(one, name) for one, name in zip(series, names, strict=True)]
    outliers: list[Outlier] = []
    if settings.keep_outliers:
        return arrays, outliers
    for i, array in enumerate(arrays):
        arrays[i], found = without_outliers(array, i)
        outliers += found
    if outliers:
        message = describe(outliers, names, "set keep_outliers=True")
        warnings.warn(message, OutlierWarning, stacklevel=3)
    return arrays, outliers


def _prepared(
    network: TinyTimeMixer,
    series: list[Array],
    covariates: Sequence[Covariates] | None,
    names: Sequence[str],
    settings: FineTuneConfig,
) -> TinyTimeMixer:
    """Copy a network, with the channels and covariates that it shall have."""
    named = zip(covariates or (), names, strict=False)
    kinds = {counts(one, name) for one, name in named} or {(0, 0, 0)}
    if len(kinds) > 1:
        raise ValueError(
            f"series have different numbers of (known, past, static) covariates: {sorted(kinds)}"
        )
    known, past, static = kinds.pop()
    targets = max((one.shape[1] for one in series if one.ndim == 2), default=1)
    mixed = settings.mix_channels and targets > 1
    if network.config.tied_channels or not (mixed or known or past or static):
        return copy.deepcopy(network)
    categories = list(zip(*(one.static for one in covariates or ()), strict=True))
    if any(category < 0 for column in categories for category in column):
        raise ValueError("static covariates are categories from 0 on, some are negative")
    return add_covariates(
        network,
        targets=targets,
        known=known,
        past=past,
        static_cardinalities=tuple(int(max(column)) + 1 for column in categories),
        mix_channels=mixed,
    )


def _joined(
    series: list[Array],
    covariates: Sequence[Covariates] | None,
    config: TTMConfig,
    names: Sequence[str],
    kind: str,
) -> list[Joined]:
    """Series with their covariates; every channel by itself where the network takes them so."""
    if covariates is not None and len(covariates) != len(series):
        raise ValueError(f"there are {len(series)} {kind}, but covariates of {len(covariates)}")
    joined = []
    for i, one in enumerate(series):
        values_TV = one[:, None] if one.ndim == 1 else one
        if config.tied_channels:
            mine = Covariates() if covariates is None else covariates[i]
            one_joined = join(values_TV, mine, config, names[i])
            joined.append(one_joined._replace(origin=i))
        else:
            joined += [
                Joined(column_T[:, None], column_T[:0, None], (), (), origin=i)
                for column_T in values_TV.T
            ]
    return joined


def _windows(
    series: list[Joined],
    validation: list[Joined] | None,
    network: TinyTimeMixer,
    horizon: int,
    settings: FineTuneConfig,
) -> tuple[Windows, Windows]:
    """Windows to train on and to validate on."""
    config = network.config
    if validation is None:
        training, held = split(series, horizon, settings.validation_fraction)
    else:
        training, held = every_cut(series, horizon), last_cut(validation, horizon)
    training += _aggregated(training, network, horizon)
    longest = settings.shortest_history or config.context_length
    found = [one.after(longest, half=settings.shortest_history is None) for one in training]
    if training and not any(one.points for one in found):
        last = max(one.first + one.points - 1 for one in training)
        raise ValueError(
            f"there is nothing to train on: no series has {longest} points before a future, as "
            f"shortest_history asks, {last} at most"
        )
    training = [one for one in found if one.points]
    if not training or not held:
        raise ValueError(
            "there is nothing to train on: no series has the two points that a window takes"
            + ("" if validation is not None else ", and a third to validate on")
        )
    most = max(1, settings.windows // config.channels)
    most_held = max(1, round(VALIDATION_PART * most))
    return (
        make_windows(training, config, horizon, most=most, seed=settings.seed),
        make_windows(held, config, horizon, most=most_held, seed=settings.seed),
    )


def _aggregated(training: list[Cuts], network: TinyTimeMixer, horizon: int) -> list[Cuts]:
    """Cuts of the block medians that long series are forecast from too."""
    config, factors = network.config, forecasting_of(network).aggregation_factors
    cuts = []
    for one in training:
        for factor, values_SC in aggregated(one.series.values_TC, config, factors).items():
            at = cutoffs(len(values_SC), max(1, horizon // factor))
            cuts.append(Cuts(one.series._replace(values_TC=values_SC), *at))
    return cuts


def _digest(tensors: Iterable[Tensor]) -> str:
    """Fingerprint of some tensors."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _rate_of(checkpoint: str | Path | None, run: dict[str, Any]) -> float | None:
    """Learning rate of the run that a checkpoint is of, None where there is none."""
    if checkpoint is None or not Path(checkpoint).exists():
        return None
    try:
        written = torch.load(checkpoint, map_location="cpu", weights_only=True)["fine_tuning"]
    except Exception as error:  # of many kinds, as the damage has it
        raise ValueError(
            f"{checkpoint} is damaged, or no checkpoint of fine-tuning: remove it, or name another"
        ) from error
    rate: float | None = written.pop("learning_rate_in_use", None)
    if "validation_share" in written:  # its old name
        written["validation_fraction"] = written.pop("validation_share")
    other = [name for name, value in run.items() if written.get(name) != value]
    if rate is None or other:
        raise ValueError(
            f"{checkpoint} is of another run ({', '.join(other) or 'learning rate'} differ): "
            "remove it, or name another"
        )
    return rate


def _trainer(options: dict[str, Any]) -> lightning.Trainer:
    """Make a trainer that writes and shows nothing unless asked to."""
    silent = {
        "accelerator": "auto",
        "devices": 1,
        "gradient_clip_val": GRADIENT_CLIP,
        "num_sanity_val_steps": 0,
        "reload_dataloaders_every_n_epochs": 1,
        "use_distributed_sampler": False,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    with TemporaryDirectory() as folder:  # Lightning's own is the current folder
        return lightning.Trainer(**{"default_root_dir": folder, **silent, **options})


def _choose_rate(
    network: TinyTimeMixer, batches: Batches, settings: FineTuneConfig, options: dict[str, Any]
) -> float:
    """Rate with the lowest validation loss after a short training, which is undone."""
    first = copy.deepcopy(network.state_dict())
    unseen = {"max_epochs": 1, "callbacks": [], "limit_val_batches": 0, "logger": False}
    unseen |= {"enable_checkpointing": False, "enable_progress_bar": False}
    short = batches.with_epochs_of(TRIAL_STEPS)
    losses = {}
    for rate in RATES:
        tuning = FineTuneModule(network, rate, TRIAL_STEPS, settings.seed, {})
        _trainer({**options, **unseen}).fit(tuning, datamodule=short)
        losses[rate] = float(tuning.losses(batches.validation).mean())
        network.load_state_dict(first)
    return min(losses, key=lambda rate: losses[rate])


def _keep_best(
    tuning: FineTuneModule,
    first: dict[str, Tensor],
    last: dict[str, Tensor] | None,
    zero_shot: Tensor,
    validation: list[Examples],
    block: Tensor,
) -> tuple[float, float]:
    """Set the weights on the line from the first to the last that do best, and say which."""
    fraction, loss, kept = 0.0, float(zero_shot.mean()), first
    for one in SHARES if last is not None else ():
        assert last is not None
        weights = {name: torch.lerp(t, last[name].to(t), one) for name, t in first.items()}
        tuning.network.load_state_dict(weights)
        losses = tuning.losses(validation)
        if float(losses.mean()) < loss and is_significant(zero_shot.cpu(), losses.cpu(), block):
            fraction, loss, kept = one, float(losses.mean()), weights
    tuning.network.load_state_dict(kept)
    return fraction, loss


@contextmanager
def _training_mode(
    network: TinyTimeMixer, settings: FineTuneConfig, windows: int
) -> Iterator[None]:
    """Freeze what is not trained, and drop features of the head out."""
    strategy = settings.strategy
    for name, parameter in network.named_parameters():
        part = name.split(".")[0]
        new = part == "exogenous" or ".mixers.channel." in name or ".statics." in name
        parameter.requires_grad_(
            new
            or strategy == "full"
            or (strategy == "bias" and name.endswith("bias"))
            or (strategy in FROZEN_BACKBONE and part in ("head", "shortcut"))
            or (strategy == "decoder" and part == "decoder")
        )
    rate, kept = settings.head_dropout, network.head.layers.dropout
    if rate is None and windows < FEW_WINDOWS:
        rate = FEW_WINDOWS_DROPOUT
    if rate is not None:
        network.head.layers.add_module("dropout", nn.Dropout(rate))
    try:
        yield
    finally:
        network.head.layers.add_module("dropout", kept)
        network.requires_grad_(True)
