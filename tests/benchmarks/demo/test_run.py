import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

pytest.importorskip("statsmodels", reason="the demo reads series that come with statsmodels")
pytest.importorskip(
    "bokeh_sampledata", reason="the demo reads series that come with bokeh_sampledata"
)

from ttm_benchmarks.demo.run import frame, rich_table
from ttm_benchmarks.demo.series import demo_series


def test_series_are_regular_real_and_of_six_frequencies_or_more():
    series = list(demo_series())
    assert len({one.frequency for one in series}) >= 6
    for one in series:
        assert one.values.index.is_monotonic_increasing
        assert one.values.index.freq is not None
        assert len(one.values) > 3 * max(one.horizon, one.season)
        assert one.values.notna().mean() > 0.8


def test_years_without_an_observation_stay_missing():
    marriages = next(one for one in demo_series() if one.name == "marriages")
    assert marriages.values.loc["1982":"1983"].isna().all()
    assert marriages.values.loc["1981"].notna().all()


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


def test_the_demo_writes_a_picture_of_each_series_and_the_results(bench, output, model_folder):
    code, text, error = bench("demo", "--output", output / "new", "--model", model_folder)
    assert (code, error) == (0, "")
    assert text.splitlines()[-1] == f"Pictures and results.csv are in {output / 'new'}"

    results = pd.read_csv(output / "new" / "results.csv")
    assert list(results.columns) == [
        "series",
        "frequency",
        "horizon",
        "season",
        "windows",
        "mase",
        "naive_mase",
        "wql",
        "naive_wql",
    ]
    scores = results[["mase", "naive_mase", "wql", "naive_wql"]]
    assert ((scores > 0) & np.isfinite(scores)).all(axis=None)
    assert list(results["series"]) == [one.name for one in demo_series()]
    for name in results["series"]:
        picture = imread(output / "new" / f"{name}.png")
        assert picture.shape[1] > 1000
        assert picture[..., :3].std() > 0.05, f"{name}.png is blank"
        assert name in text


def test_the_table_ends_with_geometric_means_of_the_ratios():
    results = frame([]).reindex(
        columns=["series", "frequency", "windows", "mase", "naive_mase", "wql", "naive_wql"]
    )
    results.loc[0] = ["a", "D", 1, 2.0, 1.0, 3.0, 1.0]
    results.loc[1] = ["b", "D", 1, 8.0, 1.0, 3.0, 4.0]
    columns = [list(column.cells) for column in rich_table(results).columns]
    # sqrt(2 * 8) = 4 and sqrt(3 * 3 / 4) = 1.5
    assert (columns[3][-1], columns[5][-1]) == ("4.000", "1.500")
