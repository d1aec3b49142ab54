"""The configuration of a network: one frozen, validated dataclass with a JSON round trip."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from ttm_estimators.renamed import renamed_fields

MAX_BLOCKS = 100
"""Of one kind, and levels, far beyond use: a damaged file may ask for any number."""

MAX_LENGTH = 2**18
"""Points, features or channels, likewise."""

MAX_VALUES = 1000
"""In a field that holds several, likewise."""

OLD_NAMES = {"levels": "adaptive_patching_levels"}
"""Fields that had another name in the last release."""


@renamed_fields(**OLD_NAMES)
@dataclass(frozen=True, kw_only=True)
class TTMConfig:
    """Geometry and switches of a :class:`~ttm_estimators.network.TinyTimeMixer`.

    The defaults are the published 512 → 96 geometry (TTM, arXiv 2401.03955, section 3). The last
    group of fields is ours: what the published network lacks.

    Raises
    ------
    ValueError
        When a field is out of range or two fields contradict each other. The message names them.
    """

    context_length: int = 512
    """Past time steps the network sees, over all scales."""

    horizon: int = 96
    """Future time steps of one forward pass, at most. Shorter horizons are pruned."""

    patch_length: int = 64
    """Time steps in one patch. Patches do not overlap."""

    hidden_size: int = 192
    """Features of a patch in the backbone."""

    adaptive_patching_levels: int = 3
    """Levels of the backbone. Level i of n cuts each patch in 2^(n-i) pieces (section 3.1)."""

    blocks_per_level: int = 2
    """TSMixer blocks in one adaptive-patching level."""

    expansion: int = 2
    """Width of the hidden layer of every MLP, as a multiple of the width that it mixes."""

    gate: Literal["softmax", "sigmoid", "none"] = "softmax"
    """Gate after every MLP. "softmax" is published; "sigmoid" (ours) passes half of a residual
    branch at the start, where a softmax over n values passes one n-th."""

    dropout: float = 0.2
    """Dropout in the backbone."""

    decoder_hidden_size: int = 128
    """Features of a patch in the decoder. An adapter changes width where it differs."""

    decoder_blocks: int = 2
    """TSMixer blocks in the decoder."""

    head_dropout: float = 0.2
    """Dropout in the decoder, the head and the exogenous mixer."""

    channels: int = 1
    """Input channels. Only the mixing modes depend on it: else every channel goes its own way."""

    mix_channels: bool = False
    """Whether the decoder mixes channels."""

    resolutions: int = 0
    """Known sampling resolutions for the prefix token (section 3.1). 0: no prefix."""

    static_cardinalities: tuple[int, ...] = ()
    """Categories of each static covariate. Each becomes one more channel of the mixing decoder."""

    target_channels: tuple[int, ...] = ()
    """Channels that are forecast, in this order. Empty: all of them."""

    covariate_channels: tuple[int, ...] = ()
    """Channels that are known in the future and feed the exogenous mixer."""

    exogenous_mixing: bool = False
    """Whether an exogenous mixer (section 3.3) refines the forecast of the head."""

    exogenous_context: int = 0
    """Neighbouring steps on each side that the exogenous mixer sees around a future step."""

    exogenous_blocks: int = 0
    """TSMixer blocks in the exogenous mixer. 0: a gate and a linear layer only."""

    exogenous_scaling: Literal["own", "published"] = "own"
    """ "own": targets and covariates are each normalised by their own history. "published": as in
    the published code, which mixes a normalised forecast with values on the caller's scale."""

    scales: tuple[int, ...] = (1,)
    """Ours. Mean-pooling factors of the history. Every scale gives the patcher its latest
    ``context_length // max(scales)`` points, so a coarse scale sees further back."""

    mask_input: bool = False
    """Ours. Whether the patch embedding sees which points were observed."""

    head: Literal["flat", "patch"] = "flat"
    """ "flat": the published linear layer over all decoder features. "patch" (ours): patches of the
    past are mixed to patches of the future, and a shared layer writes each out."""

    shortcut: bool = False
    """Ours. Whether a linear layer adds the latest patch to every step of the forecast, so that the
    latest values reach it without passing through the mixers."""

    seasons: bool = False
    """Ours. Whether the "patch" head is shown seasonal naive forecasts: the latest cycles of the
    history, found by how well they repeat."""

    seasons_length: int = 0
    """Ours. Past time steps that cycles are looked for in, where more than ``context_length``."""

    output_patch_length: int = 48
    """Ours. Time steps in one patch of the "patch" head."""

    quantile_levels: tuple[float, ...] = ()
    """Ours. Levels of the quantile head, which is monotone by construction. Empty: a point
    forecast, as published."""

    def __post_init__(self) -> None:
        for name, lowest in {
            "context_length": 1,
            "horizon": 1,
            "patch_length": 1,
            "hidden_size": 1,
            "adaptive_patching_levels": 0,
            "blocks_per_level": 1,
            "expansion": 1,
            "decoder_hidden_size": 1,
            "decoder_blocks": 1,
            "channels": 1,
            "resolutions": 0,
            "exogenous_context": 0,
            "exogenous_blocks": 0,
            "seasons_length": 0,
            "output_patch_length": 1,
        }.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
                raise ValueError(f"{name} must be an integer of at least {lowest}, got {value!r}")
            if value > MAX_LENGTH:
                raise ValueError(f"{name} must be at most {MAX_LENGTH}")
        for name in (
            "adaptive_patching_levels",
            "blocks_per_level",
            "decoder_blocks",
            "exogenous_blocks",
        ):
            if getattr(self, name) > MAX_BLOCKS:
                raise ValueError(f"{name} must be at most {MAX_BLOCKS}, got {getattr(self, name)}")
        for name in ("dropout", "head_dropout"):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not 0 <= value < 1:
                raise ValueError(f"{name} must lie in [0, 1), got {value!r}")
        for name in ("mix_channels", "exogenous_mixing", "mask_input", "shortcut", "seasons"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be true or false, got {getattr(self, name)!r}")
        for name, choices in {
            "exogenous_scaling": ("own", "published"),
            "head": ("flat", "patch"),
            "gate": ("softmax", "sigmoid", "none"),
        }.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {choices}, got {getattr(self, name)!r}")
        for name, kind in {
            "static_cardinalities": int,
            "target_channels": int,
            "covariate_channels": int,
            "scales": int,
            "quantile_levels": float,
        }.items():
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) > MAX_VALUES:
                raise ValueError(f"{name} must hold at most {MAX_VALUES} values, got {len(value)}")
            if not isinstance(value, tuple) or not all(isinstance(one, kind) for one in value):
                raise ValueError(f"{name} must be a tuple of {kind.__name__}, got {value!r}")
        if self.seasons and self.head != "patch":
            raise ValueError('seasons need the "patch" head: choose it, or set seasons to false')
        if self.seasons_length and not self.seasons:
            raise ValueError("seasons_length needs seasons")
        self._validate_scales()
        self._validate_adaptive_patching()
        self._validate_channels()
        self._validate_quantiles()

    def _validate_scales(self) -> None:
        if not self.scales or self.scales[0] != 1 or list(self.scales) != sorted(set(self.scales)):
            raise ValueError(f"scales must be increasing factors from 1, got {self.scales}")
        if self.context_length % self.scales[-1]:
            raise ValueError(
                f"context_length {self.context_length} must be a multiple of the coarsest scale "
                f"{self.scales[-1]}"
            )
        if any(self.scales[-1] % scale for scale in self.scales):
            raise ValueError(f"every scale must divide the coarsest one, got {self.scales}")
        if self.scale_length < self.patch_length:
            raise ValueError(
                f"a scale holds {self.scale_length} points, fewer than one patch of "
                f"{self.patch_length}: raise context_length or lower patch_length"
            )

    def _validate_adaptive_patching(self) -> None:
        for factor in self.level_factors:
            if self.hidden_size % factor:
                raise ValueError(
                    f"hidden_size {self.hidden_size} must be a multiple of {factor} for "
                    f"{self.adaptive_patching_levels} adaptive_patching_levels"
                )

    def _validate_channels(self) -> None:
        for name in ("target_channels", "covariate_channels"):
            for channel in getattr(self, name):
                if not 0 <= channel < self.channels:
                    raise ValueError(
                        f"{name} names channel {channel}, but channels is {self.channels}"
                    )
        both = set(self.target_channels) & set(self.covariate_channels)
        if both:
            raise ValueError(f"channels {sorted(both)} are both targets and covariates")
        if self.covariate_channels and not self.target_channels:
            raise ValueError("covariate_channels need target_channels: name the ones to forecast")
        if self.covariate_channels and not self.exogenous_mixing:
            raise ValueError("covariate_channels need exogenous_mixing")
        if self.static_cardinalities and not self.mix_channels:
            raise ValueError("static_cardinalities need mix_channels: they become channels")
        if not all(1 <= cardinality <= MAX_LENGTH for cardinality in self.static_cardinalities):
            raise ValueError(
                f"static_cardinalities must lie in [1, {MAX_LENGTH}], got "
                f"{self.static_cardinalities}"
            )
        if self.exogenous_context > self.context_length:
            raise ValueError(
                f"exogenous_context {self.exogenous_context} must be at most context_length "
                f"{self.context_length}"
            )

    def _validate_quantiles(self) -> None:
        levels = self.quantile_levels
        if not levels:
            return
        if list(levels) != sorted(set(levels)) or not 0 < levels[0] <= levels[-1] < 1:
            raise ValueError(f"quantile_levels must increase inside (0, 1), got {levels}")
        if 0.5 not in levels:
            raise ValueError(f"quantile_levels must hold the median 0.5, got {levels}")

    @property
    def input_length(self) -> int:
        """Past time steps that are of any use: more than ``context_length`` where cycles are looked
        for further back.
        """
        return max(self.context_length, self.seasons_length)

    @property
    def scale_length(self) -> int:
        """Points that each scale gives to the patcher."""
        return self.context_length // self.scales[-1]

    @property
    def patches(self) -> int:
        """Patches that the mixers see: those of all scales, and the prefix if there is one."""
        prefix = int(self.resolutions > 0)
        return prefix + len(self.scales) * (self.scale_length // self.patch_length)

    @property
    def patch_values(self) -> int:
        """Numbers in a patch as the network sees it: its points, and their mask if it sees that."""
        return self.patch_length * (2 if self.mask_input else 1)

    @property
    def output_patches(self) -> int:
        """Patches that the "patch" head writes for the whole horizon."""
        return -(-self.horizon // self.output_patch_length)

    @property
    def level_factors(self) -> tuple[int, ...]:
        """Pieces that each adaptive-patching level cuts a patch in. Where they would have four
        features or fewer it does not cut, as in the published code. 0 levels are one that does not.
        """
        factors = [2**level for level in reversed(range(self.adaptive_patching_levels))] or [1]
        return tuple(factor if self.hidden_size // factor > 4 else 1 for factor in factors)

    @property
    def targets(self) -> tuple[int, ...]:
        """Channels that are forecast."""
        return self.target_channels or tuple(range(self.channels))

    @property
    def encoded_channels(self) -> tuple[int, ...]:
        """Channels that go through backbone and decoder, where what they do not mix would come to
        nothing. Empty: all.
        """
        return () if self.mix_channels else self.target_channels

    @property
    def tied_channels(self) -> bool:
        """Whether the network takes exactly ``channels`` channels. Else it takes any number and
        forecasts each by itself.
        """
        return self.mix_channels or self.exogenous_mixing or bool(self.target_channels)

    def to_json(self) -> str:
        """Return the configuration as JSON text that :meth:`from_json` reads back."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> TTMConfig:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            When the text is not JSON, or holds a field that this version does not know.
        """
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TTMConfig:
        """Build a configuration from plain values, lists standing for tuples.

        Old names of fields are read as the new ones.
        """
        if not isinstance(values, dict):
            raise ValueError("a network configuration must be a JSON object")
        values = {OLD_NAMES.get(name, name): value for name, value in values.items()}
        if "far_factors" in values:
            raise ValueError(
                "far_factors is no setting of a network any more: leave it out, and give "
                "Forecaster and save_network a ForecastConfig(aggregation_factors=…)"
            )
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(
                f"unknown configuration fields {unknown}: a newer version may have written them"
            )
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**plain)
