from math import sqrt

import pandas as pd
import pytest

from ttm_benchmarks.gift_eval.leaderboard import find_results, read_scores

HOURS, WEEKS, MONTHS = "loop_seattle/H/medium", "ett1/W/short", "hospital/M/short"


@pytest.fixture
def published(publish):
    """Results of three models, of (MASE, CRPS) for each task."""
    publish("Ours", {HOURS: (1, 0.1), WEEKS: (2, 0.2)}, parameters=1000)
    publish("Theirs", {HOURS: (4, 0.8), WEEKS: (1, 0.05), MONTHS: (1, 0.1)})
    return publish("seasonal_naive", {HOURS: (2, 0.4), WEEKS: (1, 0.1), MONTHS: (3, 0.2)}).parent


@pytest.fixture
def board(bench, published, tmp_path):
    """Run ``ttm-bench leaderboard`` and return what it wrote and what it showed."""

    def run(*options: object):
        output = tmp_path / "board"
        common = ("--baseline", published / "seasonal_naive", "--output", output)
        code, shown, error = bench("leaderboard", *common, *options)
        assert (code, error) == (0, "")
        table = pd.read_csv(output / "leaderboard.csv", dtype={"parameters": "Int64"})
        return table.set_index(["by", "group", "model"]).sort_index(), shown

    return run


def test_scores_are_geometric_means_of_ratios_to_the_baseline(board, published):
    table, shown = board("--results", published)
    overall = table.loc["overall", "all"]
    assert list(overall["tasks"]) == [2, 2, 2]
    assert overall.loc["Ours", "MASE"] == pytest.approx(sqrt(1 / 2 * 2))
    assert overall.loc["Ours", "CRPS"] == pytest.approx(sqrt(1 / 4 * 2))
    assert overall.loc["Theirs", "MASE"] == pytest.approx(sqrt(2 * 1))
    assert overall.loc["Theirs", "CRPS"] == pytest.approx(sqrt(2 * 1 / 2))
    assert list(overall.loc["seasonal_naive", ["MASE", "CRPS"]]) == [1.0, 1.0]
    assert "1.414" in shown


def test_ranks_are_means_over_tasks_and_ties_share_theirs(board, published):
    overall = board("--results", published)[0].loc["overall", "all"]
    assert list(overall.loc["Ours", ["MASE_rank", "CRPS_rank"]]) == [(1 + 3) / 2, (1 + 3) / 2]
    assert list(overall.loc["Theirs", ["MASE_rank", "CRPS_rank"]]) == [(3 + 1.5) / 2, (3 + 1) / 2]


def test_tasks_in_which_the_first_model_is_better_are_counted(board, published):
    table, shown = board("--results", published / "Theirs", "--results", published / "Ours")
    overall = table.loc["overall", "all"]
    assert overall.loc["Ours", ["MASE_beaten", "CRPS_beaten"]].tolist() == [1, 1]
    assert overall.loc["seasonal_naive", ["MASE_beaten", "CRPS_beaten"]].tolist() == [0, 1]
    assert overall.loc["Theirs", ["MASE_beaten", "CRPS_beaten"]].tolist() == [0, 0]
    assert "in which Theirs is better" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("by", "of_hours", "of_weeks"),
    [
        ("domain", "Transport", "Energy"),
        ("term", "medium", "short"),
        ("frequency", "hour", "week"),
        ("variates", "univariate", "multivariate"),
    ],
)
def test_groups_have_the_scores_of_their_tasks(board, published, by, of_hours, of_weeks):
    table = board("--results", published)[0].loc[by]
    assert table.loc[(of_hours, "Ours"), ["MASE", "tasks"]].tolist() == [0.5, 1]
    assert table.loc[(of_weeks, "Ours"), ["MASE", "tasks"]].tolist() == [2.0, 1]


def test_without_the_run_that_covers_few_tasks_all_of_them_count(board, published):
    table, _ = board("--results", published / "Theirs")
    assert set(table.loc["overall", "tasks"]) == {3}
    few, _ = board("--results", published / "Theirs", "--tasks", "hospital/*")
    assert few.loc[("overall", "all", "Theirs"), "MASE"] == pytest.approx(1 / 3)


def test_parameters_come_from_the_config_or_the_option(board, published):
    table, shown = board("--results", published, "--parameters", "Theirs=4e6")
    counts = table.loc["overall", "all"]["parameters"]
    assert (counts["Ours"], counts["Theirs"]) == (1000, 4_000_000)
    assert pd.isna(counts["seasonal_naive"])
    assert "4,000,000" in shown


def test_the_picture_has_every_model_of_known_size(board, published, tmp_path):
    board("--results", published)
    one = (tmp_path / "board" / "leaderboard.png").read_bytes()
    board("--results", published, "--parameters", "Theirs=4000000")
    two = (tmp_path / "board" / "leaderboard.png").read_bytes()
    assert one.startswith(b"\x89PNG")
    assert two.startswith(b"\x89PNG")
    assert one != two


def test_without_an_output_folder_the_table_is_only_shown(bench, published, tmp_path):
    code, shown, _ = bench(
        "leaderboard", "--results", published, "--baseline", published / "seasonal_naive"
    )
    assert code == 0
    assert "Theirs" in shown
    assert not list(tmp_path.rglob("leaderboard.*"))


@pytest.mark.parametrize("option", ["Theirs", "Theirs=many", "Nobody=3"])
def test_parameters_that_say_nothing_are_refused(bench, published, option):
    common = ("--results", published, "--baseline", published / "seasonal_naive")
    code, _, error = bench("leaderboard", *common, "--parameters", option)
    assert code == 2
    assert "--parameters" in error


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no all_results.csv in"):
        find_results([tmp_path])


def test_two_models_of_one_name_are_refused(published, tmp_path):
    again = tmp_path / "again"
    (published / "Ours").rename(tmp_path / "moved")
    again.mkdir()
    (tmp_path / "moved").rename(again / "Theirs")
    with pytest.raises(ValueError, match="two models are called 'Theirs'"):
        find_results([published, again])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (WEEKS, HOURS, f"'{HOURS}' is unknown or occurs twice"),
        ("ett1/W/short", "ett9/W/short", "'ett9/W/short' is unknown"),
        ("0.05", "nan", "scores of ett1/W/short are not positive"),
        ("MASE[0.5]", "Mase", r"no column 'eval_metrics/MASE\[0.5\]'"),
    ],
)
def test_damaged_results_are_refused(published, old, new, message):
    path = published / "Theirs" / "all_results.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_scores(published / "Theirs")
