"""Old names of public things."""

import sys
from dataclasses import dataclass, replace
from types import ModuleType

import pytest

from ttm_estimators.renamed import renamed_fields, renamed_names


@renamed_fields(shade="color")
@dataclass(frozen=True, kw_only=True)
class Paint:
    color: str = "red"


def test_an_old_argument_works_and_names_the_new_one():
    with pytest.warns(FutureWarning, match="color"):
        paint = Paint(shade="blue")
    assert paint == Paint(color="blue")


def test_an_old_attribute_works_and_names_the_new_one():
    with pytest.warns(FutureWarning, match="color"):
        assert Paint().shade == "red"


def test_an_old_argument_beside_the_new_one_is_refused():
    with pytest.raises(TypeError, match="color"):
        Paint(shade="blue", color="red")


def test_new_names_are_silent(recwarn):
    assert replace(Paint(), color="green").color == "green"
    assert not recwarn


def test_a_module_finds_old_names(monkeypatch):
    module = ModuleType("paints")
    module.Color = Paint
    module.__getattr__ = renamed_names("paints", Shade="Color", floor="math.floor")
    monkeypatch.setitem(sys.modules, "paints", module)
    with pytest.warns(FutureWarning, match="Color"):
        assert module.Shade is Paint
    with pytest.warns(FutureWarning, match="math"):
        assert module.floor(1.5) == 1
    with pytest.raises(AttributeError, match="nothing"):
        module.nothing  # noqa: B018
