import math

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ttm_estimators.data.corpus import Corpus
from ttm_estimators.data.write import write_corpus


def read(file):
    return pq.read_table(file).to_pylist()


def test_entries_of_gluonts_are_written_as_they_are(tmp_path):
    entry = {
        "item_id": "a",
        "start": pd.Period("2020-01-03", "D"),
        "target": np.array([1.0, math.nan, 3.0]),
        "feat_static_cat": [1],
    }
    (row,) = read(write_corpus([entry], tmp_path / "corpus", "shops"))
    assert math.isnan(row["target"].pop(1))
    assert row == {
        "item_id": "a",
        "freq": "D",
        "start": pd.Timestamp("2020-01-03").to_pydatetime(),
        "target": [1.0, 3.0],
        "source": "shops",
    }


def test_rows_of_hugging_face_are_written_variate_by_variate(tmp_path):
    entry = {"start": "2020-01-01T06:00:00", "freq": "h", "target": [[1, 2], [3, None]]}
    first, second = read(write_corpus([entry], tmp_path, "shops"))
    assert (first["item_id"], second["item_id"]) == ("0/0", "0/1")
    assert first["target"] == [1, 2]
    assert math.isnan(second["target"][1])
    assert first["start"].hour == 6


def test_only_the_target_is_needed(tmp_path):
    (row,) = read(write_corpus([{"target": [1, 2]}], tmp_path, "shops"))
    assert (row["item_id"], row["start"], row["freq"]) == ("0", None, None)


def test_what_is_written_is_a_corpus(tmp_path):
    series = ({"target": np.sin(np.arange(50) * k)} for k in range(1, 301))
    write_corpus(series, tmp_path / "corpus", "waves")
    corpus = Corpus.read(tmp_path / "corpus", cache=tmp_path / "cache")
    assert len(corpus) == 300
    assert set(corpus.sources) == {"waves"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"item_id": "b"}, "'b' of 'shops' has no 'target'"),
        ({"target": ["x"]}, "'0' of 'shops' has no 'target' that is an array of numbers"),
        ({"target": 3.0}, r"has shape \(\)"),
    ],
)
def test_an_unusable_entry_is_named_and_leaves_no_file(entry, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_corpus([entry], tmp_path, "shops")
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_file_that_was_there(tmp_path):
    file = write_corpus([{"target": [1.0]}], tmp_path, "shops")
    with pytest.raises(ValueError, match="has no series"):
        write_corpus([], tmp_path, "shops")
    assert len(read(file)) == 1


@pytest.mark.parametrize(
    ("source", "message"), [("m4_daily", "test set"), ("a/b", "file name"), ("", "file name")]
)
def test_a_source_with_the_name_of_a_benchmark_or_of_a_folder_is_refused(source, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_corpus([{"target": [1.0]}], tmp_path, source)
