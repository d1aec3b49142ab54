import gzip
import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ttm_estimators.tables import TableError
from ttm_estimators.tables.files import STDIN, read_file

ROWS = "date,load\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n"
DAYS = pd.date_range("2024-01-01", periods=6)


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, name="data.csv", **options):
        path = tmp_path / name
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_file(path, **options)

    return write_and_read


def test_a_file_may_be_compressed(read):
    plain = read(ROWS).frame
    for name in ("data.csv.gz", "data.csv"):
        pd.testing.assert_frame_equal(read(gzip.compress(ROWS.encode()), name).frame, plain)
    with pytest.raises(TableError, match="can not be read"):
        read(gzip.compress(ROWS.encode())[:-9], "data.csv.gz")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_may_come_on_standard_input(kind, monkeypatch):
    frame, content = pd.read_csv(io.StringIO(ROWS)), io.BytesIO()
    frame.to_csv(content, index=False) if kind == "csv" else frame.to_parquet(content)
    content.seek(0)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content))
    table = read_file(STDIN)
    assert table.name == "standard input"
    pd.testing.assert_frame_equal(table.frame, frame)


@pytest.mark.parametrize(
    ("preamble", "note"),
    [
        ("sep=;\n", None),
        ("Load of the city\n", "the first line before the header"),
        ("Load, of the city\n\nunit: MW\n", "the first 3 lines before the header"),
        ("# made 2024-01-01\n", "the first line before the header"),
    ],
)
def test_lines_before_the_header_are_left_out_and_told(read, preamble, note):
    rows = "date,load,rain\n2024-01-01,1,0\n2024-01-02,2,0\n"
    rows = rows.replace(",", ";") if note is None else rows
    table = read(preamble + rows)
    assert list(table.frame) == ["date", "load", "rain"]
    assert table.notes == ([] if note is None else [note])


def test_unicode_text_of_spreadsheets_is_read(read):
    pd.testing.assert_frame_equal(read(ROWS.encode("utf-16")).frame, read(ROWS).frame)


def test_blanks_around_names_are_no_part_of_them(read):
    assert list(read(ROWS.replace("date,load", " date, load ")).frame) == ["date", "load"]


def test_rows_of_numbers_have_no_header_where_there_is_no_time(read):
    table = read("0,10\n1,11\n2,12\n", headless=True)
    assert table.remark == "the first line was read as a row, for it has numbers or dates"
    assert table.frame.to_numpy().tolist() == [[0, 10], [1, 11], [2, 12]]
    assert list(read("a,b\n1,2\n", headless=True).frame) == ["a", "b"]


@pytest.mark.parametrize(
    ("cells", "name"),
    [(DAYS.astype(str), "time"), (["a", "b"] * 3, "id"), (range(6), "Unnamed: 0")],
)
def test_a_first_column_without_a_name_is_what_it_holds(read, cells, name):
    frame = pd.DataFrame({"y": range(6)}, index=list(cells))
    if name != "time":
        frame.insert(0, "date", DAYS)
    assert read(frame.to_csv()).frame.columns[0] == name


BASE = pd.DataFrame({"time": DAYS, "y": np.arange(6.0)})


@pytest.mark.parametrize(
    ("frame", "columns", "rows"),
    [
        (BASE[BASE["y"] > 2], ["time", "y"], 3),
        (pd.concat([BASE.assign(k="a"), BASE.assign(k="b")]), ["time", "y", "k"], 12),
        (BASE.set_index("time"), ["time", "y"], 6),
        (BASE.set_index("time", drop=False), ["time", "y"], 6),
        (BASE.set_index("time", drop=False).rename_axis(None), ["index", "time", "y"], 6),
        (BASE.set_index("y").set_axis(range(2000, 2006))[[]].assign(z=1), ["time", "z"], 6),
        (
            pd.DataFrame({"y": 1.0}, index=pd.MultiIndex.from_product([["a", "b"], DAYS])),
            ["level_0", "time", "y"],
            12,
        ),
    ],
)
def test_an_index_of_parquet_is_a_column_unless_it_counts_rows(read, frame, columns, rows):
    table = read(frame, "data.parquet")
    assert list(table.frame) == columns
    assert len(table.frame) == rows


def test_two_columns_of_one_name_are_refused():
    from ttm_estimators.tables.files import with_index

    with pytest.raises(TableError, match="two columns are called 'y'"):
        with_index(pd.concat([BASE, BASE["y"]], axis=1))


def test_text_stays_as_it_is_written(read):
    table = read("id,y\n007,1\nNA,2\n")
    assert table.as_written(["id"])["id"].tolist() == ["007", "NA"]


def test_western_european_text_is_read_and_told(read):
    table = read("größe;datum\n1,5;2024-01-01\n".encode("cp1252"))
    assert list(table.frame) == ["größe", "datum"]
    assert "Windows-1252" in table.remark
    assert table.notes == []


def test_blanks_before_quotes_are_none_of_the_names(read):
    table = read('"id", "date", "load"\n"a", "2024-01-01", "1"\n')
    assert list(table.frame) == ["id", "date", "load"]
    assert table.as_written(["id"])["id"].tolist() == ["a"]


def test_an_empty_first_column_without_a_name_stays_one(read):
    assert "Unnamed: 0" in read(",Monat,Nord\n,2024-01,1\n,2024-02,2\n").frame


def test_a_first_row_of_data_is_kept_where_there_is_no_time(read):
    assert len(read("a,2024-01-01,3\na,2024-01-02,4\n", headless=True).frame) == 2


def test_years_stay_names_where_there_is_no_time(read):
    table = read("month,2022,2023\n1,5,6\n2,5,6\n", headless=True)
    assert (list(table.frame), table.remark) == (["month", "2022", "2023"], "")


def test_a_header_of_two_lines_is_refused(read):
    head = ",Store A,,Store B,\nDate,Sales,Returns,Sales,Returns\n"
    with pytest.raises(TableError, match="a row of names below them, such as 'Date': make one"):
        read(head + "2024-01-01,5,1,7,2\n")
    assert len(read(",Store A,,Store B,\n2024-01-01,5,1,7,2\n").frame) == 1


def test_no_column_is_parsed_as_text_twice(read, monkeypatch):
    table = read("id;a;b\n1;1.5;2.5\n")
    first = table.as_written(["b", "id"])
    assert first.to_numpy().tolist() == [["2.5", "1"]]
    monkeypatch.delattr("ttm_estimators.tables.files._parse_csv")
    assert table.as_written(["id"])["id"].tolist() == ["1"]


def test_whatever_arrow_finds_in_a_damaged_file_is_one_error(tmp_path, monkeypatch):
    path = tmp_path / "data.parquet"
    pd.DataFrame({"value": [1.0]}).to_parquet(path)

    def fail(*_, **__):
        raise pa.ArrowException("Unknown error: Wrapping 64392751016375 failed")

    monkeypatch.setattr("pyarrow.parquet.ParquetFile.read", fail)
    with pytest.raises(TableError, match=r"data\.parquet can not be read: Unknown error"):
        read_file(path)


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux does")
def test_no_thread_of_arrow_is_left_that_could_abort_a_process_at_its_end(tmp_path):
    pd.DataFrame({"y": np.arange(1000.0)}).to_parquet(tmp_path / "a.parquet")
    script = (
        "import os, sys, pyarrow.parquet\n"
        "from pathlib import Path\n"
        "from ttm_estimators.tables.files import read_file\n"
        "count = lambda: len(os.listdir('/proc/self/task'))\n"
        "before = count()\n"
        "read_file(Path(sys.argv[1]))\n"
        "assert count() == before, (before, count())\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.parquet")], check=True)
