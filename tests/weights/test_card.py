"""The card of a weights folder."""

import json
from typing import get_type_hints

from ttm_estimators.weights import Card, read_card, resolve, shipped_models, write_card


def test_a_card_is_read_as_it_was_written(tmp_path):
    write_card(tmp_path, {"steps": 3, "fraction": 0.5}, source="shops", steps=2)
    assert read_card(tmp_path) == {"source": "shops", "steps": 3, "fraction": 0.5}


def test_a_folder_without_a_card_has_an_empty_one(folder):
    assert read_card(folder) == {}


def test_entries_of_older_cards_are_read_under_their_new_names(tmp_path):
    (tmp_path / "card.json").write_text(json.dumps({"share": 0.5, "real_share": 0.25}))
    assert read_card(tmp_path) == {"fraction": 0.5, "real_fraction": 0.25}


def test_shipped_cards_have_no_entry_that_is_not_described():
    for name in shipped_models():
        assert read_card(resolve(name)).keys() <= get_type_hints(Card).keys()
