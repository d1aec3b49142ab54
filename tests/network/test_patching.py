import numpy as np
import pytest
import torch

from ttm_estimators.network.patching import multi_scale_patches, patchify


def reference_patches(x_T, observed_T, scales, patch_length, mask_input):
    """Patches of one channel by plain loops, shape (P, L) or (P, 2 * L)."""
    length = len(x_T) // scales[-1]
    rows = []
    for scale in reversed(scales):
        values, mask = [], []
        for s in range(length):
            start = len(x_T) - (length - s) * scale
            window, known = x_T[start : start + scale], observed_T[start : start + scale]
            # The finest scale without its mask is shown as it is, as published.
            missing = window.mean() if scale == 1 and not mask_input else 0.0
            values.append(window[known].mean() if known.any() else missing)
            mask.append(float(known.any()))
        skip = length % patch_length
        for p in range(length // patch_length):
            cut = slice(skip + p * patch_length, skip + (p + 1) * patch_length)
            rows.append(values[cut] + (mask[cut] if mask_input else []))
    return np.array(rows)


@pytest.mark.parametrize("mask_input", [True, False])
@pytest.mark.parametrize(
    ("scales", "patch_length", "length"),
    [((1,), 8, 40), ((1, 4), 5, 40), ((1, 2, 8), 4, 96), ((1, 3), 6, 42), ((1, 5), 3, 50)],
)
def test_patches_are_means_of_observed_points_coarse_to_fine(
    scales, patch_length, length, mask_input
):
    generator = np.random.default_rng(0)
    observed = generator.random((2, length, 3)) < 0.5
    observed[0, :10, 0] = False
    x = generator.normal(size=observed.shape)
    patches = multi_scale_patches(
        torch.from_numpy(x),
        torch.from_numpy(observed),
        scales=scales,
        patch_length=patch_length,
        mask_input=mask_input,
    )
    for b, c in np.ndindex(2, 3):
        expected = reference_patches(
            x[b, :, c], observed[b, :, c], scales, patch_length, mask_input
        )
        np.testing.assert_allclose(patches[b, c], expected, atol=1e-12)


def test_what_is_missing_is_zero_when_the_mask_is_shown():
    x = torch.full((1, 8, 1), 5.0)
    observed = torch.tensor([True, False] * 4)[None, :, None]
    patches = multi_scale_patches(x, observed, scales=(1,), patch_length=4, mask_input=True)
    assert patches[0, 0, 0].tolist() == [5, 0, 5, 0, 1, 0, 1, 0]


def test_a_remainder_is_dropped_at_the_old_end():
    x = torch.arange(11.0)[None, :, None]
    assert patchify(x, 4)[0, 0].tolist() == [[3, 4, 5, 6], [7, 8, 9, 10]]
