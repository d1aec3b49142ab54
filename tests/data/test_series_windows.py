from collections import Counter
from itertools import chain, islice, pairwise

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from ttm_estimators.data.series_windows import SeriesWindows, cut_windows, last_windows
from ttm_estimators.network.resolution import UNKNOWN

CONTEXT, HORIZON, BATCH = 32, 6, 10
LENGTHS = (50, 12, 200, 3, 90)


def ramp(length: int, start: float = 0.0) -> np.ndarray:
    """A series whose values tell where a window was cut."""
    return np.arange(length) + float(start)


def windows(lengths=LENGTHS, **arguments):
    return SeriesWindows([ramp(n) for n in lengths], CONTEXT, HORIZON, BATCH, **arguments)


def batches(source, count):
    return list(islice(iter(source), count))


def fingerprints(found):
    """Each window as the values of its series, of which every one has another offset and slope."""
    return [
        (past.nan_to_num().numpy().tobytes(), future.nan_to_num().numpy().tobytes())
        for batch in found
        for past, future, _ in zip(*batch, strict=True)
    ]


def noise_windows(lengths=(60, 70, 80), **arguments):
    series = [np.random.default_rng(i).normal(size=n) for i, n in enumerate(lengths)]
    return SeriesWindows(series, CONTEXT, HORIZON, BATCH, **arguments)


def test_windows_have_the_shape_of_the_network():
    past, future, resolution = windows().batch(0)
    assert past.shape == (BATCH, CONTEXT)
    assert future.shape == (BATCH, HORIZON)
    assert resolution.tolist() == [UNKNOWN] * BATCH
    assert past.dtype == future.dtype == torch.float32


def test_a_longer_input_shows_what_lies_before_the_context():
    short, long = (
        noise_windows((300,), input_length=length).batch(0).past for length in (None, 2 * CONTEXT)
    )
    assert long.shape == (BATCH, 2 * CONTEXT)
    whole = ~long.isnan().any(dim=1)
    assert whole.any()
    # The scale is that of the context: what lies before it takes no part.
    torch.testing.assert_close(long[whole, CONTEXT:], short[whole])


def test_a_future_follows_its_history_on_the_same_scale():
    for batch in batches(windows(lengths=(50, 90, 200)), 20):
        for past, future, _ in zip(*batch, strict=True):
            known = past[~past.isnan()]
            # A ramp stays a ramp when it is scaled by its own history.
            steps = torch.cat([known, future]).diff()
            torch.testing.assert_close(steps, steps[:1].expand_as(steps), rtol=1e-3, atol=1e-4)
            torch.testing.assert_close(known.mean(), torch.tensor(0.0), atol=1e-5, rtol=0)


def test_histories_end_where_the_context_does_and_some_are_short():
    past = torch.cat([batch.past for batch in batches(windows(lengths=(200,)), 40)])
    observed = ~past.isnan()
    assert observed[:, -1].all()
    assert (observed.int().diff(dim=1) >= 0).all()
    lengths = Counter(observed.sum(dim=1).tolist())
    assert min(lengths) < CONTEXT // 2
    assert lengths[CONTEXT] > 0.5 * len(past)


def test_a_seed_makes_the_stream_repeat():
    first, again = (fingerprints(batches(noise_windows(seed=3), 5)) for _ in range(2))
    assert first == again
    assert first != fingerprints(batches(noise_windows(seed=4), 5))


def test_a_stream_goes_on_where_it_stopped():
    whole = fingerprints(batches(noise_windows(), 7))
    assert fingerprints(batches(noise_windows(first=4), 3)) == whole[4 * BATCH :]


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_share_one_stream_out(ranks):
    whole = fingerprints(batches(noise_windows(), 6))
    parts = [
        fingerprints(batches(noise_windows(rank=rank, ranks=ranks), 6 // ranks))
        for rank in range(ranks)
    ]
    assert sorted(chain(*parts)) == sorted(whole)
    assert all(set(one).isdisjoint(other) for one, other in pairwise(parts))


def test_any_number_of_workers_gives_the_same_stream():
    alone = fingerprints(batches(DataLoader(noise_windows(), batch_size=None), 6))
    shared = DataLoader(noise_windows(), batch_size=None, num_workers=2)
    assert fingerprints(batches(shared, 6)) == alone


def test_every_series_has_one_window_in_a_pass():
    series = [ramp(n) for n in (40, 60, 200, 90, 70)]
    source = SeriesWindows(series, CONTEXT, HORIZON, batch_size=5)
    for turn in range(6):
        cuts = [source._cutoff(5 * turn + i, 1.0) for i in range(5)]
        owners = {next(i for i, s in enumerate(series) if np.shares_memory(s, c[0])) for c in cuts}
        assert owners == set(range(5))


def test_no_cut_comes_twice_before_all_have_come():
    length = 60
    source = windows(lengths=(length,))
    # A history of 8 points at least, and a whole horizon.
    expected = set(range(8, length - HORIZON + 1))
    ends = [int(source._cutoff(turn, 1.0)[0][-1]) + 1 for turn in range(2 * len(expected))]
    assert set(ends[: len(expected)]) == set(ends[len(expected) :]) == expected


def test_a_short_series_is_cut_in_half_and_its_future_is_padded():
    past, future, _ = windows(lengths=(4,)).batch(0)
    assert (~past.isnan()).sum(dim=1).tolist() == [2] * BATCH
    assert (~future.isnan()).sum(dim=1).tolist() == [2] * BATCH


def test_single_points_are_left_out_and_nothing_at_all_is_refused():
    assert len(windows(lengths=(1, 5, 0)).series) == 1
    with pytest.raises(ValueError, match="no series has two points or more"):
        windows(lengths=(1, 0))


def test_infinity_is_refused_by_name():
    with pytest.raises(ValueError, match="series 1 holds infinity"):
        SeriesWindows([ramp(9), np.array([1.0, np.inf])], CONTEXT, HORIZON, BATCH)


@pytest.mark.parametrize("past", [np.full(9, np.nan), np.full(9, 5.0)])
def test_nothing_is_learnt_from_a_history_without_a_scale(past):
    window = cut_windows([(past, ramp(HORIZON))], CONTEXT, HORIZON, CONTEXT)
    assert window.future.isnan().all()


def test_a_gap_is_held_in_the_past_as_in_a_forecast_and_missing_in_the_future():
    past, future = ramp(CONTEXT), ramp(HORIZON, CONTEXT)
    past[:2] = past[3] = future[2] = np.nan
    window = cut_windows([(past, future)], CONTEXT, HORIZON, CONTEXT)
    assert window.past.isnan().nonzero().tolist() == [[0, 0], [0, 1]]
    assert window.past[0, 3] == window.past[0, 2]
    assert window.future.isnan().nonzero().tolist() == [[0, 2]]


def test_a_large_level_leaves_small_changes_intact():
    small = np.sin(np.arange(CONTEXT + HORIZON))
    plain, lifted = (
        cut_windows(
            [((small + level)[:CONTEXT], (small + level)[CONTEXT:])], CONTEXT, HORIZON, CONTEXT
        )
        for level in (0.0, 1e8)
    )
    torch.testing.assert_close(plain.past, lifted.past, atol=1e-6, rtol=0)
    torch.testing.assert_close(plain.future, lifted.future, atol=1e-6, rtol=0)


def test_validation_takes_the_last_window_of_each_series():
    series = [np.random.default_rng(n).normal(size=n) for n in (50, 1, 200, 40)]
    found = last_windows(series, CONTEXT, HORIZON, batch_size=2, input_length=CONTEXT)
    assert [len(batch.past) for batch in found] == [2, 1]
    past, future, _ = (torch.cat(parts) for parts in zip(*found, strict=True))
    for i, values in enumerate([series[0], series[2], series[3]]):
        history = values[-HORIZON - CONTEXT : -HORIZON]
        expected = (values[-HORIZON:] - history.mean()) / history.std()
        np.testing.assert_allclose(future[i], expected, rtol=1e-5, atol=1e-5)
        assert int((~past[i].isnan()).sum()) == len(history)
