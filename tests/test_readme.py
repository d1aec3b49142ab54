import re
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_python_of_the_readme_runs_and_does_what_it_says():
    pytest.importorskip("gluonts")
    pytest.importorskip("sktime")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict = {}
    for block in blocks:
        exec(block, names)
    assert names["forecast"].point.shape == (2, 48)
    assert names["forecast"].quantiles.shape == (2, 48, 9)
    assert str(names["forecasts"][0].start_date) == "2024-01-17 16:00"
    assert names["interval"].shape == (48, 2)
    assert str(names["interval"].index[0]) == "2024-01-17 16:00:00"
    future = np.arange(400, 448)
    truth = 20 + 5 * np.sin(future * 2 * np.pi / 24)
    assert np.abs(names["forecast"].point[0] - truth).mean() < 1.0
