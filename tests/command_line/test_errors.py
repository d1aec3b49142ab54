"""Whatever is wrong: one line that says what, exit code 2, no traceback and no file."""

import errno
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ttm_estimators import TinyTimeMixer, TTMConfig, save_network
from ttm_estimators.command_line.errors import as_options
from ttm_estimators.forecasting import Forecaster

DAYS = "date,load\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n2024-01-04,4\n"
PANEL = "item_id,date,load\n" + "".join(
    f"{name},2024-01-{day:02},{day}\n" for name in "ab" for day in range(1, 13)
)


def dated(*lines: str) -> str:
    return "\n".join(["date,load", *lines]) + "\n"


def without(text: str, *parts: str) -> str:
    return "".join(
        line for line in text.splitlines(keepends=True) if not any(part in line for part in parts)
    )


@pytest.fixture
def refuse(run, model, tmp_path):
    """Forecast a file that can not be, and give the error without its prefix."""

    def forecast(content, *options, name="data.csv", horizon=3, output="out.csv"):
        data = tmp_path / name
        if isinstance(content, bytes):
            data.write_bytes(content)
        elif isinstance(content, str):
            data.write_text(content, encoding="utf-8")
        elif content is not None:
            content.to_parquet(data)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        arguments = [data, "--horizon", horizon, "--output", tmp_path / output]
        if "--model" not in options:
            arguments += ["--model", model]
        code, _, err = run("forecast", *arguments, *options)
        assert code == 2
        assert re.fullmatch(r"error: .+\n", err), err
        after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        assert after == before
        return err.removeprefix("error: ").rstrip("\n")

    return forecast


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("date,load\n", "has no rows"),
        (b"\x00\x01\xff\xfe\x9c" * 300, "is not UTF-8 text"),
        (b"\x00" * 300, "not text"),
        ("größe,datum\n".encode("latin-1"), "has no rows"),
        (dated("2024-01-01,1", "2024-01-02,2,3,4"), "can not be read"),
        (dated("2024-01-01,1,5", "2024-01-02,2,5"), "more fields than its header"),
    ],
)
def test_a_file_without_a_table(refuse, content, said):
    message = refuse(content)
    assert said in message
    assert "data.csv" in message


def test_a_parquet_file_that_is_none(refuse):
    assert "data.parquet can not be read" in refuse(b"PAR1 and garbage", name="data.parquet")


def test_a_parquet_file_without_rows(refuse):
    frame = pd.DataFrame({"date": pd.DatetimeIndex([]), "load": []})
    assert "has no rows" in refuse(frame, name="data.parquet")


def test_a_file_that_does_not_exist(refuse):
    assert "data.csv does not exist" in refuse(None)


def test_a_folder(refuse, tmp_path):
    (tmp_path / "data.csv").mkdir()
    assert "out.csv must be a folder" in refuse(None)
    assert "holds no Parquet files" in refuse(None, output="out")


def test_a_file_of_another_kind(refuse):
    assert "neither a .csv nor a .parquet file" in refuse(DAYS, name="data.xlsx")


@pytest.mark.parametrize("content", [without(DAYS, "load"), "0,10.0\n1,11.0\n2,12.0\n"])
def test_a_file_without_header(refuse, content):
    assert "add a header" in refuse(content)


@pytest.mark.parametrize("rows", [4, 200_000])
def test_a_damaged_value(refuse, rows):
    content = "step,load\n" + "".join(f"{row},{row}\n" for row in range(rows))
    assert "not text" in refuse(content.encode()[:-2] + b"\0\n")


@pytest.mark.parametrize("option", ["--time", "--value", "--id"])
def test_a_column_that_does_not_exist(refuse, option):
    message = refuse(DAYS, option, "nope")
    assert "no column 'nope'" in message
    assert "'date', 'load'" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "a,b\n1,2\n3,4\n",
            "no time column among 'a', 'b': name it with --time, or count the rows with --no-time",
        ),
        ("start,end,x\n2024-01-01,2024-01-02,1\n", "'start', 'end' could all be the time"),
        ("date,name\n2024-01-01,a\n2024-01-02,b\n", "column 'name' is not numeric: 'a' in row 1"),
        ("date,a,b\n2024-01-01,x,y\n", "no numeric column among 'date', 'a', 'b'"),
        (DAYS.replace(",3", ",x3"), "column 'load' is not numeric: 'x3' in row 3"),
        ("date,a,b\n2024-01-01,1,1\n2024-01-02,2,2\n2024-01-03,3,3x\n", "'3x' in row 3"),
        ("date;load\n2024-01-01;1,500\n2024-01-02;2,500\n", "'1,500' may have a decimal sign"),
        ("date;load\n2024-01-01;1.500\n2024-01-02;2.500\n", "'1.500' may have a decimal sign"),
        ("id,date,load,size\na,2024-01-01,1,2\n", "'load', 'size' could all be the value"),
        (
            "shop,kind,date,load\n" + "".join(f"{k},{k},2024-01-01,1\n" for k in "ab"),
            "'shop', 'kind' could all identify the series: choose with --id",
        ),
        (PANEL.replace("a,2024-01-05", ",2024-01-05"), "column 'item_id' is empty in row 5"),
        ("median,load\n2024-01-01,1\n2024-01-02,1\n2024-01-03,1\n", "column 'median' has the name"),
    ],
)
def test_columns_that_leave_doubt(refuse, content, said):
    assert said in refuse(content)


def test_one_column_for_two_purposes(refuse):
    assert "chosen twice" in refuse(PANEL, "--id", "item_id", "--value", "load", "--value", "load")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (dated("2024-01-01,1", "soon,2", "2024-01-03,3"), "'soon' in row 2 is no date"),
        (dated("soon,1", "2024-01-02,2"), "'soon' in row 1 is not understood as a date"),
        (dated("2024-02-28,1", "2024-02-30,2"), "'2024-02-30' in row 2 is no date"),
        (dated("2024-01-01,1", ",2", "2024-01-03,3"), "column 'date' is empty in row 2"),
        (dated("01/02/2024,1", "02/02/2024,2"), "day first or month first"),
        (dated("2024.5,1", "2025.5,2"), "neither dates nor whole numbers"),
        (dated("2261-01-01,1", "2262-01-01,2", "2262-02-01,3"), "2262-02-01"),
    ],
)
def test_dates_that_can_not_be_read(refuse, content, said):
    assert said in refuse(content)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("date", (20241, 20242, 20243)),
        ("date", (202411, 202412, 202413)),
        ("week", (202401, 202402, 202403)),
        ("date", (2024001, 2024002, 2024003)),
        ("date", (1012024, 2012024, 3012024)),
        ("date", (29012024, 30012024, 31012024)),
        ("date", (1292024, 1302024, 1312024)),
    ],
)
def test_whole_numbers_of_a_calendar_that_does_not_count_on(refuse, name, numbers):
    rows = "".join(f"{number},1\n" for number in numbers)
    message = refuse(f"{name},load\n{rows}")
    assert str(numbers[0]) in message
    assert ("write weeks as 2024-W05" if name == "week" else "--date-format") in message


def test_months_without_a_clear_year_are_told_their_format(refuse):
    rows = dated("Jan-23,1", "Feb-23,2", "Mar-23,3")
    assert "such as --date-format %b-%y" in refuse(rows)


def test_dates_before_those_that_pandas_knows(refuse):
    times = np.array(["1500-01-01", "1500-01-02", "1500-01-03"], dtype="datetime64[us]")
    message = refuse(pd.DataFrame({"date": times, "load": 1.0}), name="data.parquet")
    assert "column 'date'" in message
    assert "1500-01-01" in message


def test_a_date_format_that_is_none(refuse):
    assert "can not be read as '%q'" in refuse(DAYS, "--date-format", "%q")


def test_dates_that_another_format_was_given_for(refuse):
    assert "is no date" in refuse(DAYS, "--date-format", "%d.%m.%Y")


def test_forecasts_beyond_the_dates_that_pandas_knows(refuse):
    years = dated("2258-01-01,1", "2259-01-01,2", "2260-01-01,3")
    assert "3 steps after 2260-01-01" in refuse(years)


def test_duplicate_dates_name_the_series_the_date_and_the_remedy(refuse):
    message = refuse(PANEL + "b,2024-01-07,1\n")
    assert "series 'b' has two rows for 2024-01-07" in message
    assert "--id" in refuse(without(DAYS, "-04") + "2024-01-03,5\n")


@pytest.mark.parametrize(
    ("alias", "missing"),
    [
        ("h", "2024-01-31 10:00"),
        ("D", "2024-02-10"),
        ("B", "2024-02-14"),
        ("W-MON", "2024-04-15"),
        ("MS", "2024-12-01"),
        ("ME", "2024-11-30"),
        ("QE", "2026-09-30"),
        ("YE", "2034-12-31"),
    ],
)
def test_gaps_name_the_series_the_first_missing_date_and_the_remedy(refuse, alias, missing):
    times = pd.date_range("2024-01-31", periods=40, freq=alias).delete([10, 25])
    message = refuse(pd.DataFrame({"date": times, "load": 1.0}), name="data.parquet")
    assert "series 'load' has gaps" in message
    assert missing in message
    assert "--fill-gaps" in message


def test_a_gap_in_a_panel_names_its_series(refuse):
    message = refuse(without(PANEL, "b,2024-01-04", "b,2024-01-06"))
    assert "series 'b' has gaps: 2024-01-04 is missing" in message


def test_a_gap_between_whole_numbers(refuse):
    years = "".join(f"{year},1\n" for year in range(1990, 2020) if year != 2001)
    assert "series 'gdp' has gaps: 2001 is missing" in refuse("year,gdp\n" + years)


def test_gaps_too_large_to_fill(refuse):
    times = pd.date_range("2024-01-01", periods=20, freq="s")
    times = times.append(times + pd.Timedelta("2h"))
    frame = pd.DataFrame({"date": times, "load": 1.0})
    assert "not evenly spaced" in refuse(frame, "--fill-gaps", name="data.parquet")


def test_mixed_frequencies_in_a_panel_name_both(refuse):
    hourly = "".join(f"c,2024-01-01 {hour:02}:00,1\n" for hour in range(20))
    message = refuse(PANEL + hourly)
    assert "mixed frequencies" in message
    assert "'a' has D" in message
    assert "'c' h" in message


def test_mixed_frequencies_in_a_series(refuse):
    hours = pd.date_range("2024-01-01", periods=30, freq="h")
    times = hours.append(pd.date_range("2024-01-03", periods=30))
    message = refuse(pd.DataFrame({"date": times, "load": 1.0}), name="data.parquet")
    assert "mixed frequencies, h and D" in message


def test_uneven_dates(refuse):
    times = pd.date_range("2024-01-01", periods=30, freq="h").to_series(index=range(30))
    times[20] += pd.Timedelta("7min")
    for options in ((), ("--fill-gaps",)):
        frame = pd.DataFrame({"date": times, "load": 1.0})
        message = refuse(frame, *options, name="data.parquet")
        assert "not evenly spaced" in message
        assert "2024-01-01 20:07" in message


def test_dates_without_any_rhythm(refuse):
    days = np.cumsum(np.arange(1, 15))
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    frame = pd.DataFrame({"date": times, "load": 1.0})
    assert "series 'load' is not evenly spaced" in refuse(frame, name="data.parquet")


@pytest.mark.parametrize("rows", [1, 2])
def test_too_few_rows_to_tell_a_frequency(refuse, rows):
    message = refuse("".join(DAYS.splitlines(keepends=True)[: rows + 1]))
    assert f"series 'load' has {rows} of the 3 rows" in message
    assert "--freq" in message


@pytest.mark.parametrize(
    ("freq", "said"),
    [
        ("hourly", "unknown frequency 'hourly'"),
        ("", "unknown frequency ''"),
        ("99999999999999999999h", "unknown frequency '99999999999999999999h'"),
        ("-1D", "does not move forward"),
        ("0", "does not move forward"),
        ("1", "does not fit times such as 2024-01-01"),
        ("h", "has the frequency D, not h"),
        ("MS", "has the frequency D, not MS"),
    ],
)
def test_a_frequency_that_does_not_fit(refuse, freq, said):
    assert said in refuse(DAYS, "--freq", freq)


def test_a_single_date_that_is_none_of_the_frequency(refuse):
    assert "2024-01-06 is no date of frequency B" in refuse(dated("2024-01-06,1"), "--freq", "B")


@pytest.mark.parametrize(
    ("values", "said"), [("", "all missing"), ("inf", "infinity"), ("1e305", "rescale")]
)
def test_values_that_can_not_be_forecast_name_the_series(refuse, values, said):
    rows = "".join(f"sick,2024-01-{day:02},{values}\n" for day in range(1, 13))
    message = refuse(PANEL + rows)
    assert message.startswith("series 'sick'")
    assert said in message


@pytest.mark.parametrize(
    "text", ["", "a", "0.1;0.9", "0", "1", "0.5,1.5", "-0.1", "nan", "0.1,0.1"]
)
def test_quantiles_that_are_none(refuse, text):
    assert "--quantiles" in refuse(DAYS, "--quantiles", text)


def test_quantiles_of_a_model_that_forecasts_a_point(refuse, tmp_path):
    config = TTMConfig(context_length=16, horizon=4, patch_length=8, hidden_size=8)
    folder = save_network(TinyTimeMixer(config), tmp_path / "point")
    assert "0.5 only" in refuse(DAYS, "--quantiles", "0.9", "--model", str(folder))


@pytest.mark.parametrize("horizon", [0, -3, "x", 1.5])
def test_a_horizon_that_is_none(refuse, horizon):
    assert "--horizon" in refuse(DAYS, horizon=horizon)


@pytest.mark.parametrize("horizon", [100_000_000, 10**12])
def test_a_horizon_that_is_a_typing_error(refuse, horizon):
    assert "100000" in refuse("step,load\n0,1\n1,2\n2,3\n", horizon=horizon)


def test_dates_are_known_before_anything_is_forecast(refuse, monkeypatch):
    monkeypatch.delattr(Forecaster, "forecast")
    years = dated("2021-01-01,1", "2022-01-01,2", "2023-01-01,3")
    assert "99 steps after 2203" in refuse(years.replace("202", "220"), horizon=99)


def test_a_forecast_for_which_there_is_no_memory(refuse, monkeypatch):
    def allocate(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Forecaster, "forecast", allocate)
    assert "more memory than there is" in refuse(DAYS)


@pytest.mark.parametrize("name", ["no-such-model", ""])
def test_an_unknown_model_lists_the_known_ones(refuse, name):
    message = refuse(DAYS, "--model", name)
    assert f"unknown model {name!r}" in message
    assert "[" in message


def test_damaged_weights(refuse, model, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model.iterdir():
        (broken / file.name).write_bytes(
            file.read_bytes()[: -1 if file.suffix != ".json" else None]
        )
    assert "is damaged" in refuse(DAYS, "--model", str(broken))


@pytest.mark.parametrize(
    ("device", "said"), [("abacus", "can not be used"), ("meta", "failed, use --device cpu")]
)
def test_a_device_that_does_not_compute(refuse, device, said):
    assert f"device '{device}' {said}" in refuse(DAYS, "--device", device)


def test_a_failure_of_the_network_is_not_blamed_on_the_device(refuse, monkeypatch):
    def fail(_: object) -> None:
        raise RuntimeError("out of paper")

    monkeypatch.setattr("ttm_estimators.forecasting.forecaster.load_network", fail)
    with pytest.raises(RuntimeError, match="out of paper"):
        refuse(DAYS)


@pytest.mark.parametrize("option", ["--output", "--plot"])
@pytest.mark.parametrize(
    ("file", "said"),
    [("out.xlsx", "must end in"), ("out", "must end in"), ("missing/out", "does not exist")],
)
def test_outputs_that_can_not_be_written_are_refused_before_the_data_are_read(
    run, tmp_path, option, file, said
):
    if "missing" in file:
        file += ".csv" if option == "--output" else ".png"
    code, _, err = run("forecast", "no-such.csv", "--horizon", 3, option, tmp_path / file)
    assert code == 2
    assert re.fullmatch(r"error: .+\n", err)
    assert said in err
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_a_folder(refuse, tmp_path):
    (tmp_path / "out.csv").mkdir()
    assert "can not be written" in refuse(DAYS)


def test_the_data_are_never_the_output(refuse):
    assert "would replace the data" in refuse(DAYS, output="data.csv")


def test_an_old_output_stays_when_a_forecast_fails(refuse, tmp_path):
    (tmp_path / "out.csv").write_text("old")
    refuse(without(DAYS, "-02", "-03"))
    assert (tmp_path / "out.csv").read_text() == "old"


def test_a_disk_that_fills_up_leaves_nothing_behind(refuse, monkeypatch):
    def fill_up(self: pd.DataFrame, path: object, **_: object) -> None:
        with open(str(path), "w") as file:
            file.write("half a for")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fill_up)
    assert "no space left on device" in refuse(DAYS)


def test_a_plot_library_that_does_not_load_is_told_with_its_reason(data, model, tmp_path):
    program = "from ttm_estimators.command_line import main; main()"
    command = [sys.executable, "-c", program, "forecast", data, "--horizon", 3, "--model", model]
    result = subprocess.run(
        [str(each) for each in [*command, "--plot", tmp_path / "out.png"]],
        env={**os.environ, "MPLBACKEND": "nonsense"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: --plot needs matplotlib, which can not be loaded: ")
    assert "'nonsense'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_plot_library_is_told_with_the_pip_command(refuse, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = refuse(DAYS, "--plot", str(tmp_path / "out.png"))
    assert 'pip install "ttm-estimators[plot]"' in message


@pytest.mark.parametrize(
    "arguments",
    [[], ["no-such-command"], ["forecast"], ["forecast", "x.csv"], ["models", "--no-such-option"]],
)
def test_wrong_usage_takes_one_line_too(run, arguments):
    code, _, err = run(*arguments)
    assert code == 2
    assert re.fullmatch(r"error: .+ --help\)\n", err)


def test_a_process_ends_with_code_2_and_one_line(tmp_path):
    program = "from ttm_estimators.command_line import main; main()"
    (tmp_path / "data.csv").write_text(DAYS + "2024-01-04,5\n")
    done = subprocess.run(
        [sys.executable, "-c", program, "forecast", "data.csv", "--horizon", "3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: series 'load' has two rows")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("remedy", "spelled"),
    [
        ("give it with freq=, such as freq='D'", "give it with --freq, such as --freq D"),
        ("use fill_gaps=True", "use --fill-gaps"),
        (
            "tell series apart with id='a b' id=\"o'clock\"",
            "tell series apart with --id 'a b' --id \"o'clock\"",
        ),
    ],
)
def test_options_in_a_remedy_are_spelled_as_on_the_command_line(remedy, spelled):
    assert as_options(remedy) == spelled


def refused(result) -> str:
    """The one line of a command that failed."""
    code, _, error = result
    assert code == 2, error
    assert re.fullmatch(r"error: .+\n", error), error
    return error.removeprefix("error: ").rstrip("\n")


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(DAYS)
    return path


REFUSALS = {
    errno.ENOSPC: "no space left on device: free some space, or write elsewhere",
    errno.EACCES: "permission denied: change its permissions, or name another",
    errno.EROFS: "read-only file system: write elsewhere",
    errno.EIO: "input/output error",
}


@pytest.mark.parametrize("number", REFUSALS)
def test_what_the_system_refuses_is_told_with_path_and_remedy(
    run, model, data, tmp_path, monkeypatch, number
):
    def refuse(source, target):
        raise OSError(number, os.strerror(number), str(source))

    monkeypatch.setattr(os, "replace", refuse)
    output = tmp_path / "out.csv"
    result = run("forecast", data, "--horizon", 3, "--model", model, "--output", output)
    assert refused(result) == f"{output} can not be written: {REFUSALS[number]}"
    assert not any(path.suffix == ".partial" for path in tmp_path.iterdir())


def test_a_name_that_is_too_long(run, model, data):
    long = "x" * 300
    arguments = ("forecast", data, "--horizon", 3, "--model", model)
    assert "name too long" in refused(run(*arguments, "--output", f"{long}.csv"))
    assert "name too long" in refused(run("finetune", data, "--horizon", 3, "--output", long))
    assert refused(run("forecast", data, "--horizon", 3, "--model", long))


def test_a_working_folder_that_is_gone(run, data, monkeypatch):
    def gone():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(os, "getcwd", gone)
    message = "the working folder no longer exists: go to another"
    assert refused(run("forecast", data, "--horizon", 3)) == message


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device")
def test_a_standard_output_that_is_full(data, model):
    program = "from ttm_estimators.command_line import main; main()"
    command = [sys.executable, "-c", program, "forecast", data, "--horizon", 3, "--model", model]
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            list(map(str, command)), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    message = "error: no space left on device: free some space, or write elsewhere\n"
    assert (result.returncode, result.stderr) == (2, message)


@pytest.mark.parametrize("device", ["hpu", "cuda:77", "nonsense"])
def test_a_device_that_is_not_there(run, model, data, device):
    arguments = ("forecast", data, "--horizon", 3, "--model", model, "--device", device)
    assert f"device '{device}' can not be used" in refused(run(*arguments))


@pytest.mark.parametrize(
    "card", ["[]", "{", "[" * 100_000, '{"covariates": 3}', '{"covariates": {"a": 1}}']
)
def test_a_damaged_card(run, model, data, tmp_path, card):
    folder = shutil.copytree(model, tmp_path / "damaged")
    (folder / "card.json").write_text(card)
    assert "card.json" in refused(run("forecast", data, "--horizon", 3, "--model", folder))


def test_the_folder_of_an_unknown_user(run, data):
    message = refused(run("forecast", data, "--horizon", 3, "--model", "~nobody_at_all/model"))
    assert "unknown model '~nobody_at_all/model'" in message


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_sigterm_leaves_nothing_behind(data, model, tmp_path):
    program = (
        "import os, signal, pandas\n"
        "from ttm_estimators.command_line import main\n"
        "pandas.DataFrame.to_csv = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n"
        "main()"
    )
    folder = tmp_path / "output"
    folder.mkdir()
    command = [sys.executable, "-c", program, "forecast", data, "--horizon", 3, "--model", model]
    command += ["--output", folder / "out.csv"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (143, "")
    assert not any(folder.iterdir())


def test_sigterm_that_a_library_makes_an_error_of_ends_as_any_other(data, model):
    program = """
import os, signal, pandas
from ttm_estimators.command_line import main
def read(*_, **__):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except SystemExit:
        raise TypeError("exception class must be a subclass of BaseException") from None
pandas.read_csv = read
main()
"""
    command = [sys.executable, "-c", program, "forecast", data, "--horizon", 3, "--model", model]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (143, "")
