"""``Forecaster.detect_df``."""

import numpy as np
import pandas as pd

DAYS = pd.date_range("2024-01-01", periods=90)


def test_a_frame_has_a_row_for_each_point_with_ids_and_times_as_they_were(model):
    frame = pd.concat(
        pd.DataFrame({"shop": name, "day": DAYS[:count].date, "sales": np.sin(np.arange(count))})
        for name, count in (("north", 90), ("south", 70))
    )
    found = model.detect_df(frame, warm_up=40)
    assert list(found) == ["shop", "day", "value", "median", "low", "high", "score", "flag"]
    assert found["shop"].value_counts().to_dict() == {"north": 90, "south": 70}
    assert found["day"].tolist() == frame["day"].tolist()
    assert found["value"].tolist() == frame["sales"].tolist()
    assert found["flag"].dtype == bool
    south = model.detect(frame["sales"].to_numpy()[90:], warm_up=40)[0]
    assert np.array_equal(found["score"][90:], south.score, equal_nan=True)


def test_names_of_columns_that_are_no_text_come_back(model):
    found = model.detect_df(pd.DataFrame({0: DAYS, 1: np.arange(90.0)}))
    assert next(iter(found)) == 0
