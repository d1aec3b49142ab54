"""From a network that forecasts channels apart to one that mixes them and takes covariates."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from ttm_estimators.network.mixer import ChannelMixer
from ttm_estimators.network.model import TinyTimeMixer

EXOGENOUS_CONTEXT_STEPS = 2
"""Neighbouring steps on each side that the exogenous mixer sees (ours)."""

EXOGENOUS_BLOCKS = 1
"""Its mixer blocks (ours)."""


def add_covariates(
    network: TinyTimeMixer,
    *,
    targets: int = 1,
    known: int = 0,
    past: int = 0,
    static_cardinalities: tuple[int, ...] = (),
    mix_channels: bool = False,
) -> TinyTimeMixer:
    """Make a network with more channels, which forecasts as the given one until it is trained.

    Channels stand in the order targets, covariates known in the future, covariates known in the
    past only. New mixers begin by adding nothing.

    Parameters
    ----------
    network : TinyTimeMixer
        Network that forecasts every channel by itself. It stays as it is.
    targets : int, default 1
        Channels to forecast.
    known, past : int, default 0
        Covariates known in the future, and those known in the past only.
    static_cardinalities : tuple of int, default ()
        Categories of each static covariate.
    mix_channels : bool, default False
        Whether the decoder mixes targets. Covariates of the past, static ones too, make it mix in
        any case: they have no other way in.

    Returns
    -------
    TinyTimeMixer
        On the CPU, in evaluation mode.

    Raises
    ------
    ValueError
        When the network is tied to its channels already.
    """
    config = network.config
    if config.tied_channels:
        raise ValueError(
            "this network is made for certain channels and covariates already: start from one that "
            "forecasts every channel by itself"
        )
    covariates = known + past
    config = replace(
        config,
        channels=targets + covariates,
        target_channels=tuple(range(targets)) if covariates else (),
        covariate_channels=tuple(range(targets, targets + known)),
        mix_channels=mix_channels or past > 0 or bool(static_cardinalities),
        static_cardinalities=static_cardinalities,
        exogenous_mixing=known > 0,
        exogenous_context=EXOGENOUS_CONTEXT_STEPS if known else 0,
        exogenous_blocks=EXOGENOUS_BLOCKS if known else 0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        wide = TinyTimeMixer(config)
    new = wide.load_state_dict(network.state_dict(), strict=False)
    assert not new.unexpected_keys
    adding = [
        module.mlp.fc2 for module in wide.decoder.modules() if isinstance(module, ChannelMixer)
    ]
    if wide.exogenous is not None:
        adding.append(wide.exogenous.projection)
    for parameter in nn.ModuleList(adding).parameters():
        nn.init.zeros_(parameter)
    return wide.eval()
