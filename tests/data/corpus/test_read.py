import math
import time
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from ttm_estimators.data.corpus import Corpus
from ttm_estimators.data.corpus.read import MAX_SOURCE_FRACTION, SAMPLING_FACTORS
from ttm_estimators.data.synthetic import Draw


def write(folder, name, series, **columns):
    table = {"item_id": [f"{name}-{i}" for i in range(len(series))], "target": series, **columns}
    pq.write_table(pa.table(table), folder / f"{name}.parquet")


@pytest.fixture
def cut(tmp_path):
    """Windows of a corpus of given series."""

    def run(series, windows=64, context_length=32, horizon=16, seed=0):
        write(tmp_path, "made", series)
        corpus = Corpus.read(tmp_path, cache=tmp_path / "cache")
        return draw_windows(corpus, windows, context_length, horizon, seed)[0]

    return run


def draw_windows(corpus, windows=64, context_length=32, horizon=16, seed=0):
    draw = Draw(windows, 1, torch.Generator().manual_seed(seed))
    return corpus.windows(draw, corpus.weights().cumsum(0), context_length, horizon)


def test_windows_are_pieces_of_standardised_series_means_of_them_or_backwards(cut):
    values = np.arange(4_000.0)
    windows = cut([values], windows=200)
    step = np.diff(values).mean() / values.std()
    steps = windows.double().diff(dim=1)
    rates = steps.nanmean(dim=1) / step
    assert (steps - steps.nanmean(dim=1, keepdim=True)).nan_to_num().abs().max() < 1e-5
    assert set(rates.abs().round().int().tolist()) <= {1, *SAMPLING_FACTORS}
    assert (rates < 0).any()
    assert (rates.abs() > 1.5).any()


def test_a_down_sampled_window_holds_means_or_every_kth_point(cut, monkeypatch):
    monkeypatch.setattr("ttm_estimators.data.corpus.read.DOWNSAMPLED_FRACTION", 1.0)
    monkeypatch.setattr("ttm_estimators.data.corpus.read.REVERSED_FRACTION", 0.0)
    monkeypatch.setattr("ttm_estimators.data.corpus.read.SAMPLING_FACTORS", (2,))
    windows = cut([np.tile([1.0, 3.0], 200)], windows=100)
    means = windows.nan_to_num().abs().amax(dim=1) < 1e-6
    every_second = (windows.nan_to_num(nan=1.0).abs() - 1).abs().amax(dim=1) < 1e-6
    assert means.any()
    assert every_second.any()
    assert (means | every_second).all()


PUBLISHED = (None, "min", "2min", "5min", "10min", "15min", "30min", "h", "D", "W")
"""What the published tokens stand for, in their order."""


@pytest.mark.parametrize("freq", PUBLISHED[1:])
def test_a_window_has_the_published_token_of_its_frequency(tmp_path, monkeypatch, freq):
    monkeypatch.setattr("ttm_estimators.data.corpus.read.DOWNSAMPLED_FRACTION", 0.0)
    write(tmp_path, "made", [np.arange(200.0)], freq=[freq])
    _, tokens = draw_windows(Corpus.read(tmp_path, cache=tmp_path / "cache"))
    assert set(tokens.tolist()) == {PUBLISHED.index(freq)}


@pytest.mark.parametrize("decimated", [0.0, 1.0])
@pytest.mark.parametrize(
    ("freq", "rate", "coarser"),
    [("30min", 2, "h"), ("5min", 3, "15min"), ("h", 24, "D"), ("D", 7, "W"), ("h", 7, None)],
)
def test_a_down_sampled_window_is_relabelled(tmp_path, monkeypatch, freq, rate, coarser, decimated):
    monkeypatch.setattr("ttm_estimators.data.corpus.read.DOWNSAMPLED_FRACTION", 0.5)
    monkeypatch.setattr("ttm_estimators.data.corpus.read.DECIMATED_FRACTION", decimated)
    monkeypatch.setattr("ttm_estimators.data.corpus.read.SAMPLING_FACTORS", (rate,))
    values = np.arange(4_000.0)
    write(tmp_path, "made", [values], freq=[freq])
    windows, tokens = draw_windows(Corpus.read(tmp_path, cache=tmp_path / "cache"), windows=200)
    step = windows.diff(dim=1).nanmean(dim=1).abs() * values.std()
    down_sampled = step > 1.5
    assert 0 < down_sampled.sum() < 200
    assert set(tokens[down_sampled].tolist()) == {PUBLISHED.index(coarser)}
    assert set(tokens[~down_sampled].tolist()) == {PUBLISHED.index(freq)}


@pytest.mark.parametrize(
    ("alias", "same"), [("H", "h"), ("60min", "h"), ("W-MON", "W"), ("7D", "W")]
)
def test_spellings_of_a_frequency_are_one(tmp_path, alias, same):
    for folder, freq in (("alias", alias), ("same", same)):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "made", [np.arange(4_000.0)], freq=[freq])
    tokens = [
        draw_windows(Corpus.read(tmp_path / folder, cache=tmp_path / "cache"))[1]
        for folder in ("alias", "same")
    ]
    assert tokens[0].any()
    assert torch.equal(*tokens)


@pytest.mark.parametrize(
    "columns",
    [{}, *({"freq": [freq]} for freq in (None, "MS", "B", "QS", "12h", "s", "hourly", "", 60))],
    ids=str,
)
def test_a_frequency_without_a_token_is_unknown(tmp_path, monkeypatch, columns):
    monkeypatch.setattr("ttm_estimators.data.corpus.read.SAMPLING_FACTORS", (5,))
    write(tmp_path, "made", [np.arange(4_000.0)], **columns)
    windows, tokens = draw_windows(Corpus.read(tmp_path, cache=tmp_path / "cache"))
    assert tokens.shape == (len(windows),)
    assert not tokens.any()


def test_a_frequency_changes_no_window(tmp_path):
    series = [np.sin(np.arange(500.0) / k) for k in range(1, 4)]
    write(tmp_path, "made", series)
    without, _ = draw_windows(Corpus.read(tmp_path, cache=tmp_path / "cache"))
    time.sleep(0.01)
    write(tmp_path, "made", series, freq=["h", None, "D"])
    windows, tokens = draw_windows(Corpus.read(tmp_path, cache=tmp_path / "cache"))
    assert torch.equal(windows.nan_to_num(), without.nan_to_num())
    assert len(tokens.unique()) > 2


def test_missing_values_stay_missing_and_alter_no_other(cut, monkeypatch):
    monkeypatch.setattr("ttm_estimators.data.corpus.read.DOWNSAMPLED_FRACTION", 0.0)
    values = np.sin(np.arange(300.0))
    values[::7] = math.nan
    observed = values[np.isfinite(values)]
    windows = cut([values])
    known = windows[windows.isfinite()].double().numpy() * observed.std() + observed.mean()
    assert 0.1 < windows.isnan().float().mean() < 0.6
    assert np.isin(known.round(4), observed.round(4)).mean() > 0.999


def test_a_window_never_runs_into_the_next_series(cut):
    up, down = np.arange(40.0), -np.arange(40.0)
    windows = cut([up, down], windows=200, context_length=64, horizon=64)
    slopes = windows.diff(dim=1)
    for row in slopes:
        signs = row[row.isfinite()].sign().unique()
        assert len(signs) == 1


def test_every_window_has_a_history_and_a_future(cut):
    windows = cut([np.sin(np.arange(float(n))) for n in (17, 20, 50, 90, 400)], windows=300)
    assert windows[:, :32].isfinite().any(dim=1).all()
    assert windows[:, 32:].isfinite().any(dim=1).all()


def test_the_same_seed_cuts_the_same_windows(cut):
    series = [np.sin(np.arange(500.0) / k) for k in range(1, 9)]
    assert torch.equal(cut(series).nan_to_num(), cut(series).nan_to_num())
    assert not torch.equal(cut(series).nan_to_num(), cut(series, seed=1).nan_to_num())


def test_no_source_has_more_than_its_largest_share(tmp_path):
    write(tmp_path, "large", [np.sin(np.arange(50_000.0) / k) for k in range(1, 9)])
    for i in range(40):
        write(tmp_path, f"small_{i}", [np.sin(np.arange(100.0) / (i + 2))])
    corpus = Corpus.read(tmp_path, cache=tmp_path / "cache")
    weights = corpus.weights()
    large = torch.tensor([source == "large" for source in corpus.sources])
    assert weights.sum() == pytest.approx(1.0)
    assert weights[large].sum() == pytest.approx(MAX_SOURCE_FRACTION)


def test_a_longer_series_is_taken_more_often_as_the_root_of_its_length(tmp_path):
    write(tmp_path, "made", [np.sin(np.arange(100.0)), np.sin(np.arange(400.0))])
    weights = Corpus.read(tmp_path, cache=tmp_path / "cache").weights()
    assert float(weights[1] / weights[0]) == pytest.approx(2.0)


def test_constant_broken_and_short_series_are_left_out(tmp_path):
    good = np.sin(np.arange(100.0))
    odd = [np.full(100, 3.0), np.full(100, math.nan), np.arange(5.0), [], np.full(100, math.inf)]
    write(tmp_path, "made", [good, *odd])
    assert len(Corpus.read(tmp_path, cache=tmp_path / "cache")) == 1


def test_series_of_any_size_are_alike(cut):
    values = np.sin(np.arange(500.0))
    small = cut([values * 1e-30])
    assert torch.allclose(small, cut([values * 1e30]), atol=1e-4, equal_nan=True)


def test_held_back_series_are_whole_and_the_rest_is_trained_on(tmp_path):
    series = [np.sin(np.arange(60.0 + i)) for i in range(100)]
    write(tmp_path, "made", series, freq=[f"{60 + i}s" for i in range(100)])
    corpus = Corpus.read(tmp_path, cache=tmp_path / "cache")
    train, validation = corpus.split(0.1)
    assert len(validation) == 10
    for part in (train, validation):
        assert torch.equal(part.intervals, part.lengths * 10**9)
    lengths = [*train.lengths.tolist(), *validation.lengths.tolist()]
    assert sorted(lengths) == list(range(60, 160))


def test_the_cache_is_used_again_until_a_file_changes(tmp_path):
    write(tmp_path, "made", [np.sin(np.arange(60.0))])
    Corpus.read(tmp_path, cache=tmp_path / "cache")
    Corpus.read(tmp_path, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    time.sleep(0.01)
    write(tmp_path, "made", [np.sin(np.arange(60.0)), np.cos(np.arange(60.0))])
    assert len(Corpus.read(tmp_path, cache=tmp_path / "cache")) == 2


def test_a_folder_without_parquet_files_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no parquet files"):
        Corpus.read(tmp_path)


def test_a_file_without_targets_is_refused_by_name(tmp_path):
    pq.write_table(pa.table({"value": [1.0]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match=r"other.parquet has no column 'target'"):
        Corpus.read(tmp_path, cache=tmp_path / "cache")


def test_a_corpus_without_a_usable_series_is_refused(tmp_path):
    write(tmp_path, "made", [np.full(100, 1.0)])
    with pytest.raises(ValueError, match="that vary"):
        Corpus.read(tmp_path, cache=tmp_path / "cache")


def test_a_corpus_is_read_and_cut_without_being_loaded(tmp_path):
    series = [np.sin(np.arange(20_000.0) / (k + 2)).astype(np.float32) for k in range(100)]
    for part in range(0, 100, 10):
        write(tmp_path, f"part_{part}", series[part : part + 10])
    del series
    tracemalloc.start()
    corpus = Corpus.read(tmp_path, cache=tmp_path / "cache")
    draw_windows(corpus, windows=8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert int(corpus.lengths.sum()) == 2_000_000
    assert peak < 4e6  # all values would take 16 MB


def test_a_benchmark_is_refused_by_name(tmp_path):
    write(tmp_path, "ETTh1", [np.sin(np.arange(60.0))])
    with pytest.raises(ValueError, match="ETTh1"):
        Corpus.read(tmp_path, cache=tmp_path / "cache")


@pytest.mark.parametrize("file", ["index.json", "sums.bin", "counts.bin"])
@pytest.mark.parametrize("keep", [0, 5, None], ids=["empty", "cut", "gone"])
def test_a_cache_that_was_cut_is_made_anew(tmp_path, file, keep):
    write(tmp_path, "made", [np.sin(np.arange(60.0))])
    sums = Corpus.read(tmp_path, cache=tmp_path / "cache").sums.clone()
    (made,) = (tmp_path / "cache").iterdir()
    if keep is None:
        (made / file).unlink()
    else:
        (made / file).write_bytes((made / file).read_bytes()[:keep])
    assert torch.equal(Corpus.read(tmp_path, cache=tmp_path / "cache").sums, sums)
    assert [*(tmp_path / "cache").iterdir()] == [made]


@pytest.mark.parametrize("file", ["index.json", "sums.bin", "counts.bin"])
def test_a_cache_with_a_flipped_bit_is_made_anew(tmp_path, file):
    write(tmp_path, "made", [np.sin(np.arange(60.0))])
    Corpus.read(tmp_path, cache=tmp_path / "cache")
    (made,) = (tmp_path / "cache").iterdir()
    whole = (made / file).read_bytes()
    for place in (0, len(whole) // 2, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (made / file).write_bytes(damaged)
        Corpus.read(tmp_path, cache=tmp_path / "cache")
        assert (made / file).read_bytes() == whole


def test_a_folder_named_as_a_file_and_a_file_that_is_damaged_are_refused_by_name(tmp_path):
    (tmp_path / "made.parquet").mkdir()
    with pytest.raises(ValueError, match=r"made\.parquet is a folder"):
        Corpus.read(tmp_path, cache=tmp_path / "cache")
    (tmp_path / "made.parquet").rmdir()
    (tmp_path / "made.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(ValueError, match=r"made\.parquet can not be read"):
        Corpus.read(tmp_path, cache=tmp_path / "cache")
    assert [*(tmp_path / "cache").iterdir()] == []


@pytest.mark.parametrize("target", [[1.0, 2.0], [["a"], ["b"]], [[[1.0]], [[2.0]]]])
def test_targets_that_are_no_lists_of_numbers_are_refused(tmp_path, target):
    pq.write_table(pa.table({"target": target}), tmp_path / "made.parquet")
    with pytest.raises(ValueError, match="every row needs a list of numbers"):
        Corpus.read(tmp_path, cache=tmp_path / "cache")
