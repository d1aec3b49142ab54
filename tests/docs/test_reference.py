import re
from importlib import import_module
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "docs" / "api"


@pytest.mark.parametrize(
    "package",
    ["ttm_estimators", "ttm_darts", "ttm_fev", "ttm_gluonts", "ttm_sktime", "ttm_tabpfn"],
)
def test_the_reference_has_every_public_name(package):
    page = (REFERENCE / f"{package}.md").read_text(encoding="utf-8")
    named = re.findall(r"^\.\. (?:auto)?(?:class|data|exception|function):: (\w+)", page, re.M)
    assert sorted(named) == sorted(import_module(package).__all__)
