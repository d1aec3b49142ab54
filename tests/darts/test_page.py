"""The code of docs/darts.md, which runs where darts is: ``make darts``."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("darts", reason="needs the extra darts: make darts")

from darts.metrics import mae

PAGE = Path(__file__).parents[2] / "docs" / "darts.md"


def test_the_python_of_the_page_runs_and_does_what_it_says():
    names: dict = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S):
        exec(compile(block, str(PAGE), "exec"), names)
    assert len(names["forecast"]) == 3
    assert names["quantiles"].n_components == 9
    assert list(names["interval"].components) == ["sales_q0.025", "sales_q0.500", "sales_q0.975"]
    assert names["samples"].n_samples == 500
    plain, driven = (np.mean(mae(names["series"], names[one])) for one in ("forecast", "driven"))
    assert driven < 0.8 * plain
    assert len(names["errors"]) == len(names["past_forecasts"]) == 3
