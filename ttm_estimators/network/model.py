"""TinyTimeMixer: a history in, quantiles of the future out.

Shape suffixes: B batch, T time, C channels, P patches, L values in a patch, D features, H horizon,
Q quantile levels, V target channels, X covariates known in the future, K static covariates, N
series (only in the old name of an argument).
"""

from __future__ import annotations

from typing import NamedTuple

from einops import rearrange
from torch import Tensor, nn

from ttm_estimators.network.backbone import Backbone
from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.decoder import Decoder
from ttm_estimators.network.exogenous import ExogenousMixer
from ttm_estimators.network.heads import Head, Shortcut
from ttm_estimators.network.prepared import Prepared, prepare
from ttm_estimators.network.scaling import Scaling
from ttm_estimators.network.seasonal.head import SeasonalHead
from ttm_estimators.renamed import warn_of

MAX_COVARIATE_DEVIATIONS = 10.0
"""Standard deviations of their history at which future covariates are clipped (ours): a flag that
the history lacks would be hundreds of them away."""


class Encoded(NamedTuple):
    """What decoder and head need of a history. Only the features of the backbone are costly."""

    hidden_BCPD: Tensor
    """Features of the backbone."""

    prepared: Prepared
    """What was made of the history before, with the latest patch alone."""


class TinyTimeMixer(nn.Module):
    """The network of TTM (arXiv 2401.03955): normalise, patch, backbone, decoder, head.

    Parameters
    ----------
    config : TTMConfig
        Geometry and switches.

    Examples
    --------
    >>> import torch
    >>> from ttm_estimators.network import TinyTimeMixer, TTMConfig
    >>> network = TinyTimeMixer(TTMConfig()).eval()
    >>> network(torch.randn(8, 512, 3)).shape
    torch.Size([8, 96, 3, 1])
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.decoder = Decoder(config)
        self.head = SeasonalHead(config) if config.seasons else Head(config)
        self.shortcut = Shortcut(config) if config.shortcut else None
        self.exogenous = ExogenousMixer(config) if config.exogenous_mixing else None

    def forward(
        self,
        past_BTC: Tensor,
        observed_BTC: Tensor | None = None,
        *,
        horizon: int | None = None,
        future_BHX: Tensor | None = None,
        resolution_B: Tensor | None = None,
        static_BK: Tensor | None = None,
        future_BHN: Tensor | None = None,
    ) -> Tensor:
        """Forecast on the scale of the data.

        Parameters
        ----------
        past_BTC : Tensor
            History, shape (batch, time, channels), latest step last, of ``context_length`` to
            ``input_length`` steps. What is not observed may hold anything, NaN too.
        observed_BTC : Tensor, optional
            True where a point was observed. Default: where ``past_BTC`` is not NaN.
        horizon : int, optional
            Steps to forecast, at most the configured ones, which are the default.
        future_BHX : Tensor, optional
            Future values of the covariate channels, shape (batch, horizon, covariates). NaN, unless
            scaling is the published one, stands for the mean of the history.
        resolution_B : Tensor, optional
            Index of the sampling resolution, for a network with a resolution prefix.
        static_BK : Tensor, optional
            Categories of the static covariates, shape (batch, static covariates).
        future_BHN : Tensor, optional
            Old name of ``future_BHX``.

        Returns
        -------
        Tensor
            Forecast of shape (batch, horizon, target channels, quantile levels). A network without
            quantile levels returns one number, its point forecast.

        Raises
        ------
        ValueError
            When a shape does not fit the configuration, or a needed input is missing.
        """
        if future_BHN is not None:
            warn_of("future_BHN", "future_BHX", stacklevel=4)
            future_BHX = future_BHN
        encoded = self.encode(past_BTC, observed_BTC, horizon=horizon, resolution_B=resolution_B)
        normalised_BHVQ, scaling = self.decode(
            encoded, horizon=horizon, future_BHX=future_BHX, static_BK=static_BK
        )
        # [B, 1, V] -> [B, 1, V, 1]
        return Scaling(scaling.loc[..., None], scaling.scale[..., None]).denormalise(
            normalised_BHVQ
        )

    def encode(
        self,
        past_BTC: Tensor,
        observed_BTC: Tensor | None = None,
        *,
        horizon: int | None = None,
        resolution_B: Tensor | None = None,
    ) -> Encoded:
        """Take a history through the backbone.

        Takes what :meth:`forward` takes. Fine-tuning with a frozen backbone does this once.
        """
        horizon = self._validated_horizon(past_BTC, horizon)
        return self._encode(prepare(self.config, past_BTC, observed_BTC, horizon), resolution_B)

    def forecast_prepared(
        self, prepared: Prepared, *, horizon: int | None = None, resolution_B: Tensor | None = None
    ) -> Tensor:
        """Forecast, on the normalised scale, what :func:`prepare` made of a history.

        Training prepares many windows at once. For networks that take no covariates.
        """
        return self.decode(self._encode(prepared, resolution_B), horizon=horizon)[0]

    def _encode(self, prepared: Prepared, resolution_B: Tensor | None) -> Encoded:
        latest_BCPL = prepared.patch_BCPL[:, :, -1:]
        hidden_BCPD = self.backbone(prepared.patch_BCPL, resolution_B)
        # Not by _replace, nor by a slice: the compiler of torch 2.6 sees through neither.
        _, recent_BTC, loc_B1C, scale_B1C, seasons = prepared
        latest = Prepared(latest_BCPL, recent_BTC, loc_B1C, scale_B1C, seasons)
        return Encoded(hidden_BCPD, latest)

    def decode(
        self,
        encoded: Encoded,
        *,
        horizon: int | None = None,
        future_BHX: Tensor | None = None,
        static_BK: Tensor | None = None,
    ) -> tuple[Tensor, Scaling]:
        """Forecast what was encoded for this horizon, on the normalised scale.

        Takes what :meth:`forward` takes and returns the forecast, of shape (batch, horizon, target
        channels, quantile levels), with the scaling of the targets.
        """
        horizon = self.config.horizon if horizon is None else horizon
        hidden_BCPD, prepared = self.decoder(encoded.hidden_BCPD, static_BK), encoded.prepared
        latest_BCL = prepared.patch_BCPL[:, :, -1]
        shift_BCH = self.shortcut(latest_BCL, horizon) if self.shortcut else None
        seasonal = (prepared.seasons,) if self.config.seasons else ()
        forecast_BCHQ = self.head(hidden_BCPD, horizon, shift_BCH, *seasonal)
        scaling = Scaling(prepared.loc_B1C, prepared.scale_B1C)
        if self.config.target_channels:
            targets = list(self.config.target_channels)
            if self.config.mix_channels:
                forecast_BCHQ = forecast_BCHQ[:, targets]
            scaling = Scaling(scaling.loc[..., targets], scaling.scale[..., targets])
        forecast_BHVQ = rearrange(forecast_BCHQ, "b v h q -> b h v q")
        if self.exogenous is not None:
            forecast_BHVQ = self._refined(forecast_BHVQ, prepared, future_BHX)
        return forecast_BHVQ, scaling

    def _refined(
        self, forecast_BHVQ: Tensor, prepared: Prepared, future_BHX: Tensor | None
    ) -> Tensor:
        """Apply the exogenous mixer."""
        assert self.exogenous is not None
        covariates = list(self.config.covariate_channels)
        batch, horizon = forecast_BHVQ.shape[:2]
        expected = (batch, horizon, len(covariates))
        if future_BHX is None:
            if covariates:
                raise ValueError(f"this network needs future covariates of shape {expected}")
            future_BHX = forecast_BHVQ.new_zeros(expected)
        if future_BHX.shape != expected:
            raise ValueError(
                f"future covariates must have shape {expected}, got {tuple(future_BHX.shape)}"
            )
        if self.config.exogenous_scaling == "own":
            loc_B1X = prepared.loc_B1C[..., covariates]
            scale_B1X = prepared.scale_B1C[..., covariates]
            future_BHX = ((future_BHX - loc_B1X) / scale_B1X).clamp(
                -MAX_COVARIATE_DEVIATIONS, MAX_COVARIATE_DEVIATIONS
            )
            future_BHX = future_BHX.nan_to_num(0.0)  # as a missing one of the past: its mean
        return self.exogenous(forecast_BHVQ, prepared.recent_BTC, future_BHX)

    def _validated_horizon(self, past_BTC: Tensor, horizon: int | None) -> int:
        config = self.config
        shortest, longest = config.context_length, config.input_length
        if past_BTC.ndim != 3 or not shortest <= past_BTC.shape[1] <= longest:
            steps = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
            raise ValueError(
                f"history must have shape (batch, {steps}, channels), got {tuple(past_BTC.shape)}"
            )
        if config.tied_channels and past_BTC.shape[2] != config.channels:
            raise ValueError(
                f"this network takes {config.channels} channels, got {past_BTC.shape[2]}"
            )
        if horizon is None:
            return config.horizon
        if not 1 <= horizon <= config.horizon:
            raise ValueError(f"horizon must lie between 1 and {config.horizon}, got {horizon}")
        return horizon
