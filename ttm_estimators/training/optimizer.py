"""AdamW: of fine-tuning whole, and in pre-training of what Muon does not train."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

BETAS = (0.9, 0.98)
"""Of AdamW in pre-training: the running mean of the squares forgets faster than by default, as the
size of gradients changes much over a run (ours)."""


def make_optimizer(
    parameters: Iterable[nn.Parameter],
    learning_rate: float | Tensor,
    weight_decay: float,
    **options: Any,
) -> torch.optim.AdamW:
    """AdamW on the parameters that need gradients, with weight decay on matrices alone."""
    trained = [p for p in parameters if p.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=learning_rate,
        **options,
    )
