import math

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ttm_estimators.data.corpus import Corpus, write_corpus


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


@pytest.mark.parametrize("form", [None, "numpy"])
@pytest.mark.parametrize("target", [[1.0, 2.0, 3.0], [[1.0, 2.0], [3.0, 4.0]]])
def test_a_dataset_of_hugging_face_is_written_in_any_format(tmp_path, form, target):
    datasets = pytest.importorskip("datasets")
    start = pd.Timestamp("2020-01-01 06:00")
    entry = {"item_id": "a", "start": start, "freq": "h", "target": target}
    dataset = datasets.Dataset.from_list([entry]).with_format(form)
    found = read(write_corpus(dataset, tmp_path, "shops"))
    assert [row["target"] for row in found] == (target if np.ndim(target) == 2 else [target])
    assert {(row["start"], row["freq"]) for row in found} == {(start, "h")}


def test_data_of_gluonts_is_written(tmp_path):
    gluonts = pytest.importorskip("gluonts.dataset.common")
    entry = {"item_id": "a", "start": "2020-01-01", "target": [[1.0, 2.0], [3.0, 4.0]]}
    dataset = gluonts.ListDataset([entry], freq="h", one_dim_target=False)
    found = read(write_corpus(dataset, tmp_path, "shops"))
    assert [(row["item_id"], row["target"]) for row in found] == [
        ("a/0", [1.0, 2.0]),
        ("a/1", [3.0, 4.0]),
    ]


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
