from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "sktime.md"


def test_the_table_of_tags_is_that_of_the_installed_sktime():
    tags = pytest.importorskip("ttm_benchmarks.sktime_tags")
    page = PAGE.read_text(encoding="utf-8")
    assert tags.written_into(page) == page
