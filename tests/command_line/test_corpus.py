import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttm_estimators.data.corpus import Corpus, monash


@pytest.fixture
def folders(tmp_path):
    """A corpus of one series, and evaluation data of another."""
    for name in ("corpus", "sets"):
        (tmp_path / name).mkdir()
    random = np.random.default_rng(0)
    walk = random.normal(size=500).cumsum()
    pq.write_table(pa.table({"target": [walk]}), tmp_path / "corpus" / "shops.parquet")
    other = pd.DataFrame({"x": random.normal(size=500)})
    other.to_csv(tmp_path / "sets" / "walks.csv", index=False)
    return tmp_path / "corpus", tmp_path / "sets", walk


def test_a_clean_corpus_passes_and_its_report_is_written(run, folders, tmp_path):
    corpus, sets, _ = folders
    report = tmp_path / "report.json"
    code, out, err = run("corpus", "check", corpus, sets, "--output", report)
    assert (code, err) == (0, "")
    assert "Searched 500 points of 1 series from 1 sources" in out
    assert "No overlap found" in out
    assert json.loads(report.read_text())["evaluation"][0]["set"] == "walks"


def test_an_overlap_is_shown_by_source_and_set_with_exit_code_1(run, folders):
    corpus, sets, walk = folders
    pd.DataFrame({"x": 9 - 2 * walk}).to_csv(sets / "copied.csv", index=False)
    code, out, _ = run("corpus", "check", corpus, sets)
    assert code == 1
    row = next(line for line in out.split("Overlaps")[1].splitlines() if "shops" in line)
    assert "copied" in row
    assert "No overlap" not in out


def test_a_source_with_the_name_of_a_benchmark_does_not_pass(run, folders):
    corpus, sets, _ = folders
    (corpus / "shops.parquet").rename(corpus / "hospital.parquet")
    code, out, _ = run("corpus", "check", corpus, sets)
    assert code == 1
    assert "The source hospital bears the name of a benchmark set" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none", "sets"), "there is no folder"),
        (("corpus", "none"), "there is no folder"),
        (("sets", "sets"), "holds no parquet files"),
        (("corpus", "sets", "--output", "report.txt"), "must end in .json"),
    ],
)
def test_what_can_not_be_compared_is_one_line_of_error(
    run, folders, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("corpus", "check", *arguments)
    assert code == 2
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_sets_of_the_monash_archive_become_a_corpus(run, tmp_path, monkeypatch):
    entry = monash.Entry("T1", "D", None, np.sin(np.arange(99, dtype=np.float32)))
    monkeypatch.setattr(monash, "read_monash", lambda name: iter([entry]))
    output = tmp_path / "corpus"
    code, out, _ = run("corpus", "monash", "sunspot", "nn5_daily", "--output", output)
    assert code == 0
    assert out.count("Wrote") == 2
    corpus = Corpus.read(output, cache=tmp_path / "cache")
    assert corpus.sources == ("monash_nn5_daily", "monash_sunspot")


@pytest.mark.parametrize(
    ("name", "message"), [("m4_daily", "test set of GIFT-Eval"), ("x", "choose of")]
)
def test_nothing_is_fetched_when_one_name_is_refused(run, tmp_path, monkeypatch, name, message):
    monkeypatch.setattr(monash, "read_monash", lambda _: pytest.fail("fetched"))
    code, _, err = run("corpus", "monash", "sunspot", name, "--output", tmp_path)
    assert code == 2
    assert message in err


def test_without_a_connection_the_error_is_one_line(run, tmp_path, monkeypatch):
    def read_monash(name):
        raise ConnectionError("the hub can not be reached")
        yield

    monkeypatch.setattr(monash, "read_monash", read_monash)
    outcome = run("corpus", "monash", "sunspot", "--output", tmp_path)
    assert (outcome.code, outcome.err) == (2, "error: the hub can not be reached\n")
