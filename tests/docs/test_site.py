import re
from pathlib import Path

import pytest

from ttm_estimators import PRESETS

DOCS = Path(__file__).parents[2] / "docs"
SHIPPED = DOCS.parent / "ttm_estimators" / "weights"


def test_the_table_of_contents_has_every_page():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```$", index, re.MULTILINE | re.DOTALL)
    listed = [line for tree in trees for line in tree.splitlines() if line and line[0] != ":"]
    pages = [str(path.relative_to(DOCS).with_suffix("")) for path in DOCS.rglob("*.md")]
    assert sorted(["index", *listed]) == sorted(pages)


@pytest.mark.parametrize("card", [*SHIPPED.glob("*/README.md")], ids=lambda path: path.parent.name)
def test_every_shipped_model_has_its_card_on_a_page(card):
    assert (DOCS / "cards" / f"{card.parent.name}.md").exists()


def test_the_drawing_has_the_numbers_of_the_network():
    config = PRESETS["ttm_2048_720"]
    drawing = (
        (DOCS / "network.svg").read_text(encoding="utf-8").replace("\N{MULTIPLICATION SIGN}", "x")
    )
    levels = [
        f"{config.patches * factor} pieces x {config.hidden_size // factor} features"
        for factor in config.level_factors
    ]
    assert re.findall(r"\d+ pieces x \d+ features", drawing) == levels
    for text in (
        f"{config.context_length:,} points of one channel",
        f"cycles of the latest {config.seasons_length:,} points",
        f"all {config.context_length:,} points, averaged by {config.scales[-1]}",
        f"the latest {config.scale_length} as they are",
        f"{config.patches} x ({config.patch_length} points + mask)",
        f"{config.blocks_per_level} TSMixer blocks",
        f"{config.patches} x {config.hidden_size} features",
        f"{config.patches} x {config.decoder_hidden_size} features",
        f"{config.output_patches} future patches of {config.output_patch_length} steps",
        f"{config.horizon} steps x {len(config.quantile_levels)} deciles",
    ):
        assert text in drawing
