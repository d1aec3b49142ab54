"""A picture of the synthetic priors."""

from __future__ import annotations

from pathlib import Path

import torch

from ttm_estimators.data.synthetic import FAMILIES, Draw

EXAMPLES = 4
LENGTH = 400


def gallery(path: str | Path, seed: int = 0) -> None:
    """Draw a few series of every family, one family to a row, and save the picture.

    Parameters
    ----------
    path : str or Path
        Where to write the picture; its ending names the format.
    seed : int, default 0
        Another seed shows other series.

    Raises
    ------
    ImportError
        If matplotlib, part of the extra ``plot``, is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        message = "The gallery needs matplotlib: pip install 'ttm-estimators[plot]'"
        raise ImportError(message) from error

    figure = Figure(figsize=(2.5 * EXAMPLES, 0.75 * len(FAMILIES)), layout="constrained")
    axes = figure.subplots(len(FAMILIES), EXAMPLES, squeeze=False)
    generator = torch.Generator().manual_seed(seed)
    for row, family in zip(axes, FAMILIES, strict=True):
        series = family(Draw(EXAMPLES, LENGTH, generator))
        row[0].set_title(family.__name__.replace("_", " "), loc="left", fontsize=8, pad=2)
        for axis, values in zip(row, series.cpu(), strict=True):
            axis.plot(values.numpy(), linewidth=0.5)
            axis.set_axis_off()
    figure.savefig(path, dpi=72)
