"""Every way that GluonTS has to hold data gives the same forecasts."""

import datasets
import numpy as np
import pandas as pd
import pytest
from gluonts.dataset.arrow import ArrowWriter, ParquetWriter
from gluonts.dataset.common import FileDataset, ListDataset
from gluonts.dataset.jsonl import JsonLinesWriter
from gluonts.dataset.pandas import PandasDataset

from tests.gluonts.conftest import entries, values

LENGTHS = (90, 40, 200)


def frame(length: int, seed: int, freq: str = "h") -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=length, freq=freq)
    return pd.DataFrame({"target": values(length, seed)}, index=index)


def long_frame() -> pd.DataFrame:
    frames = [frame(n, i).assign(item_id=f"s{i}") for i, n in enumerate(LENGTHS)]
    return pd.concat(frames).rename_axis("timestamp").reset_index()


def written(writer, folder):
    writer.write_to_folder(ListDataset(entries(*LENGTHS), freq="h"), folder)
    return FileDataset(folder, freq="h")


def hugging_face(rows):
    columns = {name: [row[name] for row in rows] for name in ("item_id", "target")}
    starts = [row["start"].to_timestamp() for row in rows]
    return datasets.Dataset.from_dict({**columns, "start": starts, "freq": ["h"] * len(rows)})


KINDS = {
    "plain list": lambda _: entries(*LENGTHS),
    "ListDataset": lambda _: ListDataset(entries(*LENGTHS), freq="h"),
    "PandasDataset of frames": lambda _: PandasDataset(
        {f"s{i}": frame(n, i) for i, n in enumerate(LENGTHS)}
    ),
    "PandasDataset, long": lambda _: PandasDataset.from_long_dataframe(
        long_frame(), item_id="item_id", timestamp="timestamp", target="target"
    ),
    "JSON lines": lambda folder: written(JsonLinesWriter(), folder),
    "JSON lines, zipped": lambda folder: written(JsonLinesWriter(use_gzip=True), folder),
    "Arrow": lambda folder: written(ArrowWriter(), folder),
    "Parquet": lambda folder: written(ParquetWriter(), folder),
    "Hugging Face": lambda _: hugging_face(entries(*LENGTHS)),
    "Hugging Face, numpy": lambda _: hugging_face(entries(*LENGTHS)).with_format("numpy"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_dataset_gives_the_same_forecasts(predictor, tmp_path, kind):
    expected = list(predictor.predict(entries(*LENGTHS)))
    found = list(predictor.predict(KINDS[kind](tmp_path)))
    assert [f.item_id for f in found] == ["s0", "s1", "s2"]
    for one, other in zip(found, expected, strict=True):
        assert one.start_date == other.start_date
        # Most kinds hold float32.
        np.testing.assert_allclose(one.forecast_array, other.forecast_array, atol=1e-5)


def test_a_wide_frame_is_one_series_a_column(predictor):
    index = pd.date_range("2024-01-01", periods=50, freq="h")
    wide = pd.DataFrame({f"s{i}": values(50, i) for i in range(3)}, index=index)
    found = list(predictor.predict(PandasDataset(dict(wide.items()))))
    expected = list(predictor.predict(entries(50, 50, 50)))
    assert [f.item_id for f in found] == ["s0", "s1", "s2"]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.forecast_array, other.forecast_array, atol=1e-5)


def test_a_wide_frame_may_be_one_multivariate_series(predictor):
    index = pd.date_range("2024-01-01", periods=50, freq="h")
    wide = pd.DataFrame({"a": values(50, 0), "b": values(50, 1)}, index=index)
    (found,) = predictor.predict(PandasDataset(wide, target=["a", "b"]))
    expected = list(predictor.predict(entries(50, 50)))
    for i in range(2):
        np.testing.assert_allclose(
            found.copy_dim(i).forecast_array, expected[i].forecast_array, atol=1e-5
        )


@pytest.mark.filterwarnings("ignore:'H' is deprecated:FutureWarning")
@pytest.mark.parametrize(
    ("freq", "named", "start"),
    [
        ("MS", None, pd.Period("2028-02", "M")),
        ("ME", "M", pd.Period("2028-02", "M")),
        ("QE", "Q", pd.Period("2036Q2", "Q")),
        ("QS", "Q", pd.Period("2036Q2", "Q")),
        ("YE", "Y", pd.Period("2073", "Y")),
        ("h", None, pd.Period("2024-01-03 01:00", "h")),
        ("H", "H", pd.Period("2024-01-03 01:00", "h")),
        ("D", None, pd.Period("2024-02-19", "D")),
    ],
)
def test_frequencies_under_old_and_new_names_give_the_right_start(predictor, freq, named, start):
    data = frame(49, 0, freq)
    (forecast,) = predictor.predict(PandasDataset(data, freq=named))
    assert forecast.start_date == start
    assert forecast.freq == start.freq


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("freq", "start"),
    [
        *((alias, pd.Period("2001-07", "M")) for alias in ("M", "ME", "MS", "BM", "BME", "BMS")),
        ("3MS", pd.Period("2001-11", "3M")),
        *(
            (alias, pd.Period("2001Q4", "Q-DEC"))
            for alias in ("Q", "QE", "QS", "QS-OCT", "BQS-JAN", "BQ", "BQE")
        ),
        *((alias, pd.Period("2001-11", "Q-OCT")) for alias in ("QS-FEB", "BQE-OCT")),
        *(
            (alias, pd.Period("2003", "Y-DEC"))
            for alias in ("A-DEC", "YE", "YS", "AS", "BYE", "BA")
        ),
        *((alias, pd.Period("2002-07", "Y-JUN")) for alias in ("YS-JUL", "BYE-JUN")),
        ("H", pd.Period("2001-05-01 02:00", "h")),
        ("15T", pd.Period("2001-05-01 00:30", "15min")),
        ("10S", pd.Period("2001-05-01 00:00:20", "10s")),
    ],
)
def test_a_stored_frequency_makes_a_period_in_silence(predictor, freq, start):
    row = {"start": np.datetime64("2001-05-01"), "freq": freq, "target": values(2)}
    (forecast,) = predictor.predict([row])
    assert forecast.start_date == start


def test_a_stored_frequency_without_periods_is_refused_by_name(predictor):
    row = {"item_id": "a", "start": np.datetime64("2001-05-01"), "freq": "bh", "target": values(9)}
    with pytest.raises(ValueError, match=r"item 'a' has the freq 'bh'.*not supported as period"):
        list(predictor.predict([row]))


def test_future_covariates_in_a_frame_do_not_move_the_forecast(predictor):
    data = frame(60, 0).assign(price=np.arange(60.0))
    with_future = PandasDataset(data, feat_dynamic_real=["price"], future_length=5)
    with pytest.warns(UserWarning, match="feat_dynamic_real: covariates in the data are not used"):
        (forecast,) = predictor.predict(with_future)
    (expected,) = predictor.predict(PandasDataset(data.iloc[:55]))
    assert forecast.start_date == expected.start_date
    np.testing.assert_allclose(forecast.forecast_array, expected.forecast_array, atol=1e-6)


def test_a_target_of_none_is_refused_by_name_and_one_that_holds_none_has_missing_values(predictor):
    start = pd.Period("2024-01-01", "D")
    with pytest.raises(ValueError, match="item 'a' is None, not a series"):
        list(predictor.predict([{"item_id": "a", "start": start, "target": None}]))
    holes, missing = ([1.0, 2.0, hole, 4.0] * 9 for hole in (None, np.nan))
    first, second = predictor.predict([{"start": start, "target": y} for y in (holes, missing)])
    np.testing.assert_allclose(first.quantile(0.5), second.quantile(0.5), rtol=1e-5)
