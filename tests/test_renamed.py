"""Old names of public things."""

import sys
from dataclasses import dataclass, replace
from types import ModuleType

import pytest

import ttm_estimators
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


def test_old_names_of_fine_tuning_are_found():
    with pytest.warns(FutureWarning, match="ttm_estimators.FineTuning is now called FineTuneCon"):
        assert ttm_estimators.FineTuning is ttm_estimators.FineTuneConfig
    with pytest.warns(FutureWarning, match="validation_fraction"):
        settings = ttm_estimators.FineTuneConfig(validation_share=0.3)
    assert settings.validation_fraction == 0.3
