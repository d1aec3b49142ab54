"""One optimiser step under Lightning, for any source of windows."""

from __future__ import annotations

import lightning
import torch
from torch import Tensor

from ttm_estimators.data.windows import Window
from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.training.optimizer import BETAS, make_optimizer
from ttm_estimators.training.pretraining.chunks import prepare_chunk, require_single_series
from ttm_estimators.training.pretraining.step import chunk_loss, compiled
from ttm_estimators.training.recipe import Recipe


class PretrainModule(lightning.LightningModule):
    """One optimiser step: forecast a batch of windows, quantile loss on the normalised scale.

    The loss of training is relative to what is known of each step, that of validation is not.

    Raises
    ------
    ValueError
        When the network takes more than windows of single series.
    """

    def __init__(self, network: TinyTimeMixer, recipe: Recipe) -> None:
        super().__init__()
        require_single_series(network.config)
        self.network = network
        self.recipe = recipe
        self.chunk_loss = compiled(chunk_loss) if recipe.compile else chunk_loss

    def training_step(self, window: Window) -> Tensor:
        # Dropout of a step depends on its number alone, so that a resumed run repeats it.
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.global_step)
        loss = self.loss(window, relative=True)
        self.log("loss", loss, prog_bar=True)
        return loss

    def loss(self, window: Window, *, relative: bool = False) -> Tensor:
        """Quantile loss of a batch of windows, on the scale of their histories.

        Parameters
        ----------
        window : Window
            The batch.
        relative : bool, default False
            See :func:`~ttm_estimators.training.loss.pinball_loss`.
        """
        chunk = prepare_chunk(self.network.config, window)
        return self.chunk_loss(self.network, chunk, relative=relative)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        by_norm = gradient_clip_algorithm in (None, "norm")
        if gradient_clip_val and by_norm and self.trainer.precision == "bf16-mixed":
            # Lightning refuses a fused optimiser in any mixed precision, for the sake of float16.
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val)
        else:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def configure_optimizers(self) -> dict[str, object]:  # type: ignore[override]
        optimizer = make_optimizer(
            self.network,
            self.recipe.learning_rate,
            self.recipe.weight_decay,
            betas=BETAS,
            fused=self.trainer.precision != "16-mixed",
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.recipe.rate(step))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
