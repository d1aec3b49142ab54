"""From a history to patches: several scales, one patcher.

Shape suffixes: B batch, T time, C channels, S steps of one scale, P patches, L values
in a patch.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor


def pool(x_BTC: Tensor, observed_BTC: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Average non-overlapping windows of ``factor`` observed points.

    Ours: the published network sees one scale. A window counts as observed when any of its points
    is, so that missing points change a pooled value as little as they can.

    Returns
    -------
    tuple of Tensor
        Pooled values, 0 where nothing was observed, and their mask, of shape (B, T / factor, C).
    """
    if factor == 1:
        return x_BTC, observed_BTC
    # [B, S*factor, C] -> [B, S, factor, C]
    weight = rearrange(observed_BTC, "b (s f) c -> b s f c", f=factor).to(x_BTC.dtype)
    window = rearrange(x_BTC, "b (s f) c -> b s f c", f=factor)
    count_BSC = weight.sum(dim=2)
    mean_BSC = (window * weight).sum(dim=2) / count_BSC.clamp(min=1)
    return mean_BSC, count_BSC > 0


def patchify(x_BSC: Tensor, patch_length: int) -> Tensor:
    """Cut the latest points in patches; a remainder at the old end is dropped.

    Returns
    -------
    Tensor
        Patches of shape (B, C, P, L).
    """
    patches = x_BSC.shape[1] // patch_length
    latest = x_BSC[:, x_BSC.shape[1] - patches * patch_length :]
    # [B, P*L, C] -> [B, C, P, L]
    return rearrange(latest, "b (p l) c -> b c p l", l=patch_length)


def multi_scale_patches(
    x_BTC: Tensor,
    observed_BTC: Tensor,
    *,
    scales: tuple[int, ...],
    patch_length: int,
    mask_input: bool,
) -> Tensor:
    """Patches of the history at every scale, coarse to fine, oldest to latest.

    Parameters
    ----------
    x_BTC, observed_BTC : Tensor
        Normalised history and its mask.
    scales : tuple of int
        Pooling factors. Each scale keeps its latest ``T // max(scales)`` pooled points.
    patch_length : int
        Points in a patch.
    mask_input : bool
        Whether values at unobserved points become 0 and the mask is appended to each patch.

    Returns
    -------
    Tensor
        Patches of shape (B, C, P, L), or (B, C, P, 2 * L) with the mask.
    """
    length = x_BTC.shape[1] // scales[-1]
    patches = []
    for scale in reversed(scales):
        start = x_BTC.shape[1] - length * scale
        x_BSC, observed_BSC = pool(x_BTC[:, start:], observed_BTC[:, start:], scale)
        patch_BCPL = patchify(x_BSC, patch_length)
        if mask_input:
            mask_BCPL = patchify(observed_BSC, patch_length).to(patch_BCPL.dtype)
            patch_BCPL = torch.cat([patch_BCPL * mask_BCPL, mask_BCPL], dim=-1)
        patches.append(patch_BCPL)
    return torch.cat(patches, dim=2)
