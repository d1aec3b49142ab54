import pytest

from ttm_estimators.backtest.models import parse_model, split_models


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ttm", ("ttm", {})),
        ("ttm-finetuned( steps = 20 )", ("ttm-finetuned", {"steps": 20})),
        (
            "a.b.C(sp=12, name='x, y', flag=True)",
            ("a.b.C", {"sp": 12, "name": "x, y", "flag": True}),
        ),
        ("a.C(model=my-weights)", ("a.C", {"model": "my-weights"})),
        ("a.C(kwargs={'max_epochs': 1})", ("a.C", {"kwargs": {"max_epochs": 1}})),
    ],
)
def test_a_model_in_text_has_a_name_and_arguments(text, expected):
    assert parse_model(text) == expected


@pytest.mark.parametrize("text", ["", "a b", "a(", "a(7)", "a(b=1)c"])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match="can not be read"):
        parse_model(text)


def test_commas_in_brackets_and_quotes_separate_no_models():
    text = "ttm, a.B(c=1, d=[2, 3]) ,e.F(g='(,')"
    assert split_models(text) == ["ttm", "a.B(c=1, d=[2, 3])", "e.F(g='(,')"]
