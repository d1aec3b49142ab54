import torch
from torch.utils.data import DataLoader

from ttm_estimators.data.windows import SyntheticWindows

SHAPE = {"context_length": 64, "horizon": 48, "batch_size": 40}


def batches(windows, count, **loader):
    stream = iter(DataLoader(windows, batch_size=None, **loader))
    return [next(stream) for _ in range(count)]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(a, b, equal_nan=True, rtol=0, atol=0)


def test_windows_have_the_shape_asked_for():
    past, future = SyntheticWindows(**SHAPE).batch(0)
    assert past.shape == (40, 64)
    assert future.shape == (40, 48)


def test_values_are_finite_or_missing():
    for k in range(20):
        for part in SyntheticWindows(**SHAPE).batch(k):
            assert not part.isinf().any()


def test_every_window_has_something_to_learn_from():
    for k in range(20):
        past, future = SyntheticWindows(**SHAPE).batch(k)
        assert ((~past.isnan()).sum(dim=1) > 0).float().mean() > 0.85
        assert ((~future.isnan()).sum(dim=1) > 0).float().mean() > 0.85


def test_some_series_are_young_and_their_history_ends_at_the_cutoff():
    past, _ = SyntheticWindows(**SHAPE).batch(3)
    young = past[:, 0].isnan() & past[:, 1].isnan()
    assert 0.1 < young.float().mean() < 0.6
    assert (~past[young].isnan()).any(dim=1).all()


def test_a_stream_can_be_taken_up_where_it_stopped():
    whole = batches(SyntheticWindows(**SHAPE), 5)
    assert_same(batches(SyntheticWindows(**SHAPE, first=3), 2), whole[3:])


def test_any_number_of_workers_gives_the_same_stream():
    alone = batches(SyntheticWindows(**SHAPE), 5)
    assert_same(batches(SyntheticWindows(**SHAPE), 5, num_workers=2), alone)


def test_seeds_give_different_windows():
    first = SyntheticWindows(**SHAPE).batch(0).past
    other = SyntheticWindows(**SHAPE, seed=1).batch(0).past
    assert not torch.equal(first.nan_to_num(), other.nan_to_num())
