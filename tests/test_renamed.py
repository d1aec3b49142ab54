"""Old names of public things."""

import pickle
from dataclasses import dataclass, replace

import pytest

import ttm_estimators
from ttm_estimators.renamed import renamed_fields


@renamed_fields(shade="color")
@dataclass(frozen=True, kw_only=True)
class Paint:
    color: str = "red"
    gloss: float = 0.0


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


def test_replace_takes_old_names_too():
    with pytest.warns(FutureWarning, match="color") as caught:
        assert replace(Paint(), shade="green").color == "green"
    assert caught[0].filename == __file__


def test_the_warning_points_at_the_line_that_has_the_old_name():
    with pytest.warns(FutureWarning, match="color") as caught:
        Paint(shade="blue")
    assert caught[0].filename == __file__


def test_what_was_pickled_with_old_names_has_the_new_ones():
    paint = Paint.__new__(Paint)
    paint.__setstate__({"shade": "blue"})
    assert paint == Paint(color="blue")
    assert pickle.loads(pickle.dumps(paint)) == paint


def test_old_public_names_are_found(recwarn):
    for old, new in {"FineTuning": "FineTuneConfig", "FineTuned": "FineTuneResult"}.items():
        with pytest.warns(FutureWarning, match=new):
            assert getattr(ttm_estimators, old) is getattr(ttm_estimators, new)
    with pytest.warns(FutureWarning, match="adaptive_patching_levels"):
        assert ttm_estimators.TTMConfig(levels=2).adaptive_patching_levels == 2
