import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttm_estimators.data.corpus.overlap import (
    EvaluationWindows,
    check,
    read_corpus,
    read_evaluation,
)

RANDOM = np.random.default_rng(0)
OTHER = RANDOM.normal(size=3_000)


@pytest.fixture
def evaluation():
    """The same walk for every test, in whatever order they run."""
    return np.random.default_rng(1).normal(size=2_000).cumsum()


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x,
        lambda x: 250.0 * x - 4_000.0,
        lambda x: -0.003 * x + 2.0,
        lambda x: (x - x.mean()) / x.std(),
        lambda x: np.round(x, 3),
    ],
    ids=["as it is", "other units", "upside down", "standardised", "rounded"],
)
def test_a_stretch_is_found_wherever_it_is_and_whatever_its_scale(evaluation, change):
    corpus = OTHER.copy()
    corpus[701:801] = change(evaluation[333:433])
    positions = {
        position for position, _ in EvaluationWindows([evaluation]).search(np.float32(corpus))
    }
    assert positions
    assert positions <= set(range(701, 801 - 31))


@pytest.mark.parametrize("seed", [1, 4, 8])
def test_forty_seven_points_in_common_are_enough(seed):
    """Also where rounding to half precision would make a copy a little less alike."""
    evaluation = np.random.default_rng(seed).normal(size=2_000).cumsum()
    windows = EvaluationWindows([OTHER, evaluation])
    for start in range(64):
        (match,) = windows.search(evaluation[start : start + 47])
        assert match.series == 1
        assert (start + match.position) % 16 == 0


def test_unrelated_series_do_not_overlap(evaluation):
    assert EvaluationWindows([evaluation]).search(RANDOM.normal(size=20_000).cumsum()) == []


def test_a_copy_that_is_only_similar_is_none(evaluation):
    noisy = evaluation + 0.2 * RANDOM.normal(size=len(evaluation))
    assert EvaluationWindows([evaluation]).search(noisy) == []


TIME = np.arange(2_000.0)


@pytest.mark.parametrize(
    "values",
    [
        np.full(2_000, 3.0),
        TIME,
        TIME**2,
        TIME % 24,
        (TIME % 400 == 7).astype(float),
        RANDOM.poisson(0.8, 2_000).astype(float),
        np.full(2_000, np.nan),
        np.full(2_000, np.inf),
        TIME[:20],
        TIME[:0],
    ],
    ids=[
        *("constant", "ramp", "parabola", "sawtooth", "spikes", "small counts"),
        *("missing", "infinite", "short", "empty"),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_plain_patterns_that_series_share_by_chance_are_no_overlap(values):
    assert EvaluationWindows([values]).search(values * 2.0 + 1.0) == []


def test_series_with_the_same_outliers_are_told_apart():
    outliers = np.where(TIME % 20 == 7, -9999.0, 0.0)
    one, other = (outliers + RANDOM.uniform(size=2_000) for _ in range(2))
    assert EvaluationWindows([one]).search(other) == []


def test_coarse_values_are_told_apart_over_a_longer_stretch():
    values = np.repeat(np.round(10 * RANDOM.normal(size=100).cumsum()), 12)
    matches = EvaluationWindows([values]).search(values[100:900] * 3.0)
    assert matches


def test_missing_values_hide_only_the_windows_around_them(evaluation, monkeypatch):
    monkeypatch.setattr("ttm_estimators.data.corpus.overlap.SPACINGS_IN_POINTS", (1,))
    broken = evaluation.copy()
    broken[[500, 900]] = np.nan
    positions = {position for position, _ in EvaluationWindows([evaluation]).search(broken)}
    assert min(positions) < 100
    assert max(positions) > 1_500
    assert not positions & set(range(500 - 31, 501))


def save_stream(table, file):
    file.parent.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(str(file), table.schema) as stream:
        stream.write_table(table)


def test_evaluation_data_is_read_in_every_layout(tmp_path):
    rows = pa.table({"item_id": ["a"], "target": [[[1.0, 2.0], [3.0, None]]]})
    save_stream(rows, tmp_path / "ett9/15T/data-00000-of-00001.arrow")
    pq.write_table(pa.table({"target": [[1.0, 2.0], None, [3.0]]}), tmp_path / "listed.parquet")
    wide = pd.DataFrame({"date": ["2020-01-01", "2021-01-01"], "x": [1, 2], "y": [3.0, 4.0]})
    wide.to_parquet(tmp_path / "wide.parquet")
    wide.to_csv(tmp_path / "table.csv", index=False)
    found = [(one.set, one.name, one.values.tolist()) for one in read_evaluation(tmp_path)]
    assert [one[:2] for one in found] == [
        *(("ett9/15T", "a/0"), ("ett9/15T", "a/1")),
        *(("listed", "0"), ("listed", "2")),
        *(("table", "x"), ("table", "y")),
        *(("wide", "x"), ("wide", "y")),
    ]
    assert found[0][2] == [1.0, 2.0]
    assert np.isnan(found[1][2][1])
    assert found[5][2] == [3.0, 4.0]


def test_a_set_in_the_folder_itself_has_its_name(tmp_path):
    save_stream(pa.table({"target": [[1.0]]}), tmp_path / "m9/data-00000-of-00001.arrow")
    assert [one.set for one in read_evaluation(tmp_path / "m9")] == ["m9"]


@pytest.mark.parametrize("read", [read_corpus, read_evaluation])
def test_a_folder_with_nothing_to_read_is_refused(read, tmp_path):
    with pytest.raises(ValueError, match="holds no"):
        list(read(tmp_path))


def test_a_corpus_file_without_targets_is_refused_by_name(tmp_path):
    pq.write_table(pa.table({"value": [1.0]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match=r"other.parquet has no column 'target'"):
        list(read_corpus(tmp_path))


def test_the_report_counts_what_was_compared_and_names_each_overlap(tmp_path, evaluation):
    for folder in ("corpus", "sets"):
        (tmp_path / folder).mkdir()
    leak = np.concatenate([OTHER[:50], evaluation[100:400]])
    table = {"item_id": ["leak", "short"], "target": [leak, OTHER[:20]]}
    pq.write_table(pa.table(table), tmp_path / "corpus/shops.parquet")
    pq.write_table(pa.table({"target": [OTHER[1_000:]]}), tmp_path / "corpus/m4_daily.parquet")
    pd.DataFrame({"x": evaluation, "y": 1.0}).to_csv(tmp_path / "sets/walks.csv", index=False)
    report = check(tmp_path / "corpus", [tmp_path / "sets"])
    assert report["corpus"] == {
        "sources": 2,
        "series": 3,
        "series_too_short": 1,
        "points": 350 + 20 + 2_000,
    }
    (seen,) = report["evaluation"]
    assert (seen["set"], seen["series"], seen["points"]) == ("walks", 2, 4_000)
    assert seen["windows"] > 150
    assert report["denied"] == ["m4_daily"]
    (overlap,) = report["overlaps"]
    assert (overlap["source"], overlap["item_id"]) == ("shops", "leak")
    assert overlap["evaluation"] == "walks"
    assert 50 <= overlap["first"] < 150
    assert (overlap["first"] - 50 + 100) % 16 == 0
    assert overlap["windows"] >= (300 - 31) // 16
