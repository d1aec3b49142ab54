import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch.utils.data import DataLoader

from ttm_estimators.data.corpus import Corpus
from ttm_estimators.data.stream import WindowStream
from ttm_estimators.data.synthetic import sample
from ttm_estimators.inputs.forward_fill import FORWARD_FILL_LIMIT_STEPS

SHAPE = (128, 32, 24)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    series = [np.sin(np.arange(60.0 * i) / (i + 2)) for i in range(1, 21)]
    pq.write_table(pa.table({"target": series}), folder / "made.parquet")
    return Corpus.read(folder, cache=folder / "cache")


def same(a, b):
    pairs = zip(a, b, strict=True)
    return all(torch.equal(x.nan_to_num(nan=7.0), y.nan_to_num(nan=7.0)) for x, y in pairs)


def first(batches, n):
    return [window for window, _ in zip(batches, range(n), strict=False)]


@pytest.mark.parametrize("real_fraction", [0.0, 0.5, 1.0])
def test_batches_have_their_shape_and_a_share_of_real_windows(corpus, real_fraction):
    past, future, _ = WindowStream(*SHAPE, corpus=corpus, real_fraction=real_fraction).batch(0)
    assert past.shape == (24, 128)
    assert future.shape == (24, 32)
    assert not past.isinf().any()
    assert future.isfinite().any()


def test_a_longer_input_has_what_lies_before_the_context(corpus):
    past, future, resolution = WindowStream(*SHAPE, corpus=corpus, input_length=512).batch(0)
    assert past.shape == (24, 512)
    assert future.shape == (24, 32)
    assert resolution.shape == (24,)
    assert past[:, :384].isfinite().any()


def test_a_context_that_does_not_vary_teaches_nothing_whatever_came_before(tmp_path):
    series = [np.r_[np.sin(np.arange(400.0) + i), np.full(400, i)] for i in range(8)]
    pq.write_table(pa.table({"target": series}), tmp_path / "made.parquet")
    corpus = Corpus.read(tmp_path, cache=tmp_path / "cache")
    stream = WindowStream(
        64, 16, 200, corpus=corpus, real_fraction=1.0, augmentation=False, input_length=512
    )
    past, future, _ = stream.batch(0)
    context = past[:, -64:].nan_to_num()
    flat = context.amax(dim=1) - context.amin(dim=1) < 1e-4
    assert (past[flat].nan_to_num().std(dim=1) > 0.1).any()
    assert future[flat].isnan().all()
    assert future[~flat].isfinite().any()


def test_a_context_holds_no_value_from_before_it():
    stream = WindowStream(64, 16, 400, input_length=256)
    for k in range(5):
        past = stream.batch(k).past
        begins = past[:, 64 * 3].isnan() & past[:, 64 * 3 - 1].isfinite()
        if begins.any():
            return
    raise AssertionError("every context went on with a value from before it")


def test_without_augmentation_a_history_is_what_was_cut(corpus):
    past, future, _ = WindowStream(
        *SHAPE, corpus=corpus, real_fraction=1.0, augmentation=False
    ).batch(0)
    whole = torch.cat([past, future], dim=1)
    known = whole.isfinite()
    gaps = known.int().diff(dim=1).clamp(min=0).sum(dim=1) + known[:, 0]
    assert (gaps <= 1).all()  # no points or blocks lost
    assert torch.allclose(whole.nanmean(dim=1), torch.zeros(24), atol=1e-4)


@pytest.mark.parametrize("augmentation", [True, False])
def test_windows_of_a_known_frequency_alone_are_told_their_resolution(tmp_path, augmentation):
    series = [np.sin(np.arange(20.0) / (i + 2)) for i in range(8)]  # too short to down-sample
    pq.write_table(pa.table({"target": series, "freq": ["h"] * 8}), tmp_path / "made.parquet")
    corpus = Corpus.read(tmp_path, cache=tmp_path / "cache")
    window = WindowStream(*SHAPE, corpus=corpus, augmentation=augmentation).batch(0)
    hourly = window.resolution == 7
    assert window.resolution.shape == (24,)
    assert hourly.sum() == 12
    assert not window.resolution[~hourly].any()
    points = torch.cat([window.past, window.future], dim=1).isfinite().sum(dim=1)
    assert (points[hourly] <= 20).all()
    if not augmentation:
        assert (points[~hourly] > 20).all()


def test_a_batch_depends_on_seed_and_number_alone(corpus):
    batch = WindowStream(*SHAPE, corpus=corpus).batch(5)
    stream = WindowStream(*SHAPE, corpus=corpus)
    stream.batch(2)
    assert same(stream.batch(5), batch)
    assert not same(stream.batch(6), batch)
    assert not same(WindowStream(*SHAPE, corpus=corpus, seed=1).batch(5), batch)


def test_a_resumed_stream_goes_on_at_the_exact_window(corpus):
    whole = first(WindowStream(*SHAPE, corpus=corpus), 5)
    rest = first(WindowStream(*SHAPE, corpus=corpus, first=3), 2)
    assert all(same(a, b) for a, b in zip(whole[3:], rest, strict=True))


@pytest.mark.parametrize(("workers", "method"), [(1, "fork"), (2, "fork"), (2, "spawn")])
def test_loader_workers_give_the_stream_of_one_process(corpus, workers, method):
    whole = first(WindowStream(*SHAPE, corpus=corpus), 4)
    options = {"num_workers": workers, "multiprocessing_context": method}
    loader = DataLoader(WindowStream(*SHAPE, corpus=corpus), batch_size=None, **options)
    assert all(same(a, b) for a, b in zip(whole, first(loader, 4), strict=True))


def test_ranks_share_the_stream_out(corpus):
    whole = first(WindowStream(*SHAPE, corpus=corpus), 6)
    for rank in range(2):
        own = first(WindowStream(*SHAPE, corpus=corpus, rank=rank, ranks=2), 3)
        assert all(same(a, b) for a, b in zip(whole[rank::2], own, strict=True))


def test_nothing_is_asked_of_a_history_that_does_not_vary(corpus):
    past, future, _ = WindowStream(*SHAPE[:2], 400, corpus=corpus).batch(0)
    spread = past.nan_to_num(-9e9).amax(dim=1) - past.nan_to_num(9e9).amin(dim=1)
    assert future[~(spread > 1e-4)].isnan().all()


def test_a_gap_is_left_only_where_a_forecaster_leaves_one():
    past, _, _ = WindowStream(800, 20, 400, input_length=1000).batch(0)
    missing = past.isnan()
    rows, steps = (missing[:, 1:] & ~missing[:, :-1]).nonzero().T
    rows, steps = rows[steps != 199], steps[steps != 199]  # but where the context begins
    assert len(rows) > 5
    for row, step in zip(rows, steps, strict=True):
        filled = past[row, max(0, step - FORWARD_FILL_LIMIT_STEPS) : step + 1]
        assert len(filled) == FORWARD_FILL_LIMIT_STEPS + 1
        assert (filled == filled[0]).all()


def test_every_window_has_something_to_learn_from(corpus):
    for k in range(10):
        past, future, _ = WindowStream(*SHAPE, corpus=corpus).batch(k)
        assert past.isfinite().any(dim=1).float().mean() > 0.9
        assert future.isfinite().any(dim=1).float().mean() > 0.8


def test_a_series_that_is_not_finite_stays_so_until_it_is_counted(monkeypatch):
    def failing(series, length, generator):
        values = sample(series, length, generator)
        values[0, 3], values[1, -1] = torch.nan, -torch.inf
        return values

    monkeypatch.setattr("ttm_estimators.data.stream.sample", failing)
    past, future, _ = WindowStream(*SHAPE[:2], 200).batch(0)
    infinite = future.isinf()
    assert infinite.any(dim=1).sum() == 2 * 7  # of the long ones, and of each length of young ones
    assert (infinite.any(dim=1) == infinite.all(dim=1)).all()
    assert not past.isinf().any()


def test_young_series_begin_at_few_places_that_are_short_and_long_in_every_batch():
    stream = WindowStream(2048, 96, 240, augmentation=False)
    begins = []
    for k in range(8):
        unknown = stream.batch(k).past.isnan().int().cumprod(dim=1).sum(dim=1)
        begins.append(set(unknown[unknown > 0].tolist()))
    assert all(len(each) == 6 for each in begins)
    assert all(min(each) < 1200 and max(each) > 2025 for each in begins)
    assert len(set.union(*begins[:4])) == 24
    assert begins[0] == begins[4] != begins[1]


def test_some_synthetic_series_are_young_and_their_history_ends_at_the_cutoff():
    past, _, _ = WindowStream(*SHAPE[:2], 100).batch(3)
    young = past[:, :64].isnan().all(dim=1)
    assert 0.1 < young.float().mean() < 0.5
    assert past[young, -1].isfinite().float().mean() > 0.7
