import os
import shutil
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttm_estimators import TableError, TableWarning
from ttm_estimators.dataset.sources import find_units, warn_of_spread_series

ROWS = pd.DataFrame(
    {"id": ["a", "a", "b"], "ds": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-01"])}
).assign(y=1.0)


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        ROWS.to_parquet(folder / name, index=False)
    return folder


def targets(source, output="elsewhere", **options):
    return [unit.target for unit in find_units(source, output, **options)]


def test_a_folder_is_taken_with_all_folders_in_it(tmp_path):
    write(tmp_path, "b.parquet", "a/b.parquet", "a/c/d.parquet")
    assert targets(tmp_path) == ["a/b.parquet", "a/c/d.parquet", "b.parquet"]


def test_a_glob_may_match_files_and_folders(tmp_path):
    write(tmp_path, "x1/a.parquet", "x2/a.parquet", "y/a.parquet", "x1/b.parquet")
    assert targets(tmp_path / "x*" / "a.parquet") == ["x1/a.parquet", "x2/a.parquet"]
    assert targets(f"{tmp_path}/x[12]") == ["x1/a.parquet", "x1/b.parquet", "x2/a.parquet"]


@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_urls_are_opened_by_the_drivers_of_fsspec(tmp_path, scheme):
    folder = f"{scheme}://{tmp_path}"
    with fsspec.open(f"{folder}/region=north/a.parquet", "wb", auto_mkdir=True) as file:
        ROWS.to_parquet(file, index=False)
    (unit,) = find_units(folder, f"{scheme}:///elsewhere")
    assert unit.target == "region=north/a.parquet"
    with fsspec.open(unit.path, "rb") as file:
        assert len(pd.read_parquet(file)) == 3
    (same,) = find_units(f"{folder}/*/*.parquet", f"{scheme}:///elsewhere")
    assert same == unit


def test_a_url_without_a_driver_is_an_error_that_says_what_to_install():
    with pytest.raises(TableError, match="boxfs"):
        find_units("box://bucket/folder", "elsewhere")
    with pytest.raises(TableError, match="nowhere://bucket/folder can not be opened"):
        find_units("nowhere://bucket/folder", "elsewhere")


def test_partitions_are_columns_by_the_names_of_folders(tmp_path):
    write(tmp_path, "region=north/city=Bad%20Ems/a.parquet", "_kind=x/a.parquet")
    first, second = find_units(tmp_path, "elsewhere")
    assert first.partition == (("_kind", "x"),)
    assert second.partition == (("region", "north"), ("city", "Bad Ems"))
    assert second.target == "region=north/city=Bad%20Ems/a.parquet"


def test_what_spark_hides_is_no_source(tmp_path):
    write(tmp_path, "a.parquet", "_metadata", ".a.parquet", "_temporary/b.parquet", ".x/c.parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".a.parquet.crc").write_text("1")
    assert targets(tmp_path) == ["a.parquet"]


def test_empty_files_and_other_kinds_are_left_out_with_a_word(tmp_path):
    write(tmp_path, "a.parquet", "000000_0", "b.parq")
    (tmp_path / "part-1.parquet").touch()
    (tmp_path / "notes.txt").write_text("of no use")
    with pytest.warns(TableWarning) as told:
        assert targets(tmp_path) == ["000000_0.parquet", "a.parquet", "b.parq.parquet"]
    texts = " ".join(str(one.message) for one in told)
    assert "not Parquet by their names: 'notes.txt'" in texts
    assert "empty: 'part-1.parquet'" in texts


def test_nothing_found_is_an_error(tmp_path):
    with pytest.raises(TableError, match="holds no Parquet files"):
        find_units(tmp_path, "elsewhere")
    with pytest.raises(TableError, match="absent does not exist"):
        find_units(tmp_path / "absent", "elsewhere")
    with pytest.raises(TableError, match="no file matches"):
        find_units(tmp_path / "*.parquet", "elsewhere")


def test_two_files_are_never_written_to_one(tmp_path):
    write(tmp_path, "a.parq", "a.parq.parquet")
    with pytest.raises(TableError, match=r"would both be written to a\.parq\.parquet"):
        find_units(tmp_path, "elsewhere")


@pytest.mark.parametrize("inner", ["", "out", "in/out"])
def test_an_output_in_the_source_is_refused(tmp_path, inner):
    write(tmp_path, "in/a.parquet")
    with pytest.raises(TableError, match="one lies in the other"):
        find_units(tmp_path, tmp_path / inner)
    with pytest.raises(TableError, match="one lies in the other"):
        find_units(f"{tmp_path}/**/*.parquet", tmp_path / inner)


def test_an_output_around_the_source_is_refused(tmp_path):
    write(tmp_path, "in/a.parquet")
    for source in (tmp_path / "in", tmp_path / "in" / "a.parquet"):
        with pytest.raises(TableError, match="one lies in the other"):
            find_units(source, tmp_path)


def test_an_output_beside_the_files_of_a_glob_is_none_of_them(tmp_path):
    write(tmp_path, "a.parquet", "out/a.parquet")
    assert targets(tmp_path / "*", tmp_path / "out") == ["a.parquet"]
    assert targets(tmp_path / "a.parquet", tmp_path / "out") == ["a.parquet"]


def test_a_file_that_changes_has_another_fingerprint(tmp_path):
    write(tmp_path, "a.parquet")
    (before,) = find_units(tmp_path, "elsewhere")
    assert find_units(tmp_path, "elsewhere") == [before]
    ROWS.assign(y=2.5).to_parquet(tmp_path / "a.parquet", index=False)
    (after,) = find_units(tmp_path, "elsewhere")
    assert after.fingerprint != before.fingerprint


def grouped(path: Path, ids: list[str], group: int, name: str = "id") -> Path:
    """Write a file of so many rows a row group."""
    frame = pd.DataFrame({name: ids, "y": range(len(ids))})
    pq.write_table(pa.Table.from_pandas(frame), path, row_group_size=group)
    return path


def ranges(path, **options):
    return [unit.row_groups for unit in find_units(path, "elsewhere", **options)]


def test_a_sorted_file_is_cut_where_its_row_groups_end(tmp_path):
    path = grouped(tmp_path / "a.parquet", sorted("abcdefgh" * 5), 5)
    assert ranges(path, max_rows=10) == [(0, 2), (2, 4), (4, 6), (6, 8)]
    assert ranges(path, max_rows=100) == [None]
    units = find_units(path, "elsewhere", max_rows=20)
    assert [unit.target for unit in units] == ["a-00000.parquet", "a-00001.parquet"]
    assert len({unit.fingerprint for unit in units}) == 2


def test_in_every_range_a_series_begins(tmp_path):
    path = grouped(tmp_path / "a.parquet", ["a"] * 3 + ["b"] * 25 + ["c"] * 12, 5)
    assert ranges(path, max_rows=5) == [(0, 5), (5, 8)]


def test_a_file_that_is_not_sorted_is_one_unit(tmp_path):
    assert ranges(grouped(tmp_path / "a.parquet", list("abcdabcd"), 2), max_rows=2) == [None]


def test_a_file_is_cut_by_the_id_that_is_given_or_usual(tmp_path):
    path = grouped(tmp_path / "a.parquet", sorted("abcd" * 2), 2, name="shop")
    assert ranges(path, max_rows=2) == [None]
    assert len(ranges(path, max_rows=2, id=["shop"])) == 4


def test_large_files_of_a_folder_are_cut_too(tmp_path, monkeypatch):
    grouped(tmp_path / "a.parquet", sorted("abcd" * 2), 2)
    assert ranges(tmp_path, max_rows=4) == [None]
    monkeypatch.setattr("ttm_estimators.dataset.sources.MIN_CUT_BYTES", 100)
    assert ranges(tmp_path, max_rows=4) == [(0, 2), (2, 4)]


def test_a_series_that_is_spread_over_files_of_a_partition_is_refused(tmp_path):
    write(tmp_path, "shop=a/1.parquet", "shop=a/2.parquet", "shop=b/1.parquet")
    with pytest.raises(TableError, match="hold the same series"):
        find_units(tmp_path, "elsewhere", id=["shop"])
    assert len(find_units(tmp_path, "elsewhere", id=["shop", "id"])) == 3


def test_two_colons_in_a_local_path_are_a_name(tmp_path):
    write(tmp_path / "a::b", "c.parquet")
    (unit,) = find_units(tmp_path / "a::b", "elsewhere")
    assert unit.path == f"{tmp_path}/a::b/c.parquet"


def test_a_file_that_is_named_is_taken_whatever_it_is_called(tmp_path):
    write(tmp_path, "_b.parquet")
    (unit,) = find_units(tmp_path / "_b.parquet", "elsewhere")
    assert (Path(unit.path).name, unit.target) == ("_b.parquet", "b.parquet")


def test_links_are_left_out_with_a_word_where_they_lead_to_no_file(tmp_path):
    write(tmp_path, "in/a.parquet", "other/b.parquet", "other/c.parquet")
    (tmp_path / "in/folder").symlink_to(tmp_path / "other")
    (tmp_path / "in/broken.parquet").symlink_to(tmp_path / "absent")
    (tmp_path / "in/c.parquet").symlink_to(tmp_path / "other/c.parquet")
    with pytest.warns(TableWarning) as told:
        assert targets(tmp_path / "in", tmp_path / "out") == ["a.parquet", "c.parquet"]
    texts = [str(one.message).partition("they are ")[2] for one in told]
    assert texts == ["links to folders: 'folder'", "links to nothing: 'broken.parquet'"]


def test_a_name_that_is_no_text_is_refused(tmp_path):
    write(tmp_path, "a.parquet")
    shutil.copy(tmp_path / "a.parquet", os.fsencode(tmp_path) + b"/\xff.parquet")
    with pytest.raises(TableError, match=r"udcff\.parquet' is not in UTF-8: rename it"):
        find_units(tmp_path, "elsewhere")


def test_an_output_that_leads_into_the_source_is_refused(tmp_path):
    write(tmp_path, "in/a.parquet", "in/b/c.parquet")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for output in ("link", "link/new", "other/../in/new"):
        with pytest.raises(TableError, match="one lies in the other"):
            find_units(tmp_path / "in", f"{tmp_path}/{output}")
    with pytest.raises(TableError, match="one lies in the other"):
        find_units(tmp_path / "link/b", tmp_path / "in")
    assert targets(f"{tmp_path}/link/*", tmp_path / "in/b") == ["a.parquet"]
    (tmp_path / "links").mkdir()
    (tmp_path / "links/x.parquet").symlink_to(tmp_path / "in/a.parquet")
    with pytest.raises(TableError, match=r"x\.parquet leads to a file of the output"):
        find_units(tmp_path / "links", tmp_path / "in")


def test_a_copy_of_the_same_size_and_time_has_another_fingerprint(tmp_path):
    write(tmp_path, "real/a.parquet", "other/a.parquet")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.parquet").symlink_to(tmp_path / "real/a.parquet")
    (before,) = find_units(tmp_path / "in", "elsewhere")
    os.utime(tmp_path / "other/a.parquet", ns=(0, os.stat(tmp_path / "real/a.parquet").st_mtime_ns))
    shutil.copy2(tmp_path / "other/a.parquet", tmp_path / "real/a.parquet")
    (after,) = find_units(tmp_path / "in", "elsewhere")
    assert after.fingerprint != before.fingerprint


def test_a_series_in_several_files_is_told_of_as_far_as_their_footers_tell(tmp_path):
    write(tmp_path, "year=2023/a.parquet", "year=2024/a.parquet")
    units = find_units(tmp_path, "elsewhere")
    with pytest.warns(TableWarning, match=r"series 'a' is in .*year=2023.* and in .*year=2024.*"):
        warn_of_spread_series(units, [])
    warn_of_spread_series(units, ["year", "id"])
    grouped(tmp_path / "b.parquet", list("bcdk"), 4)
    grouped(tmp_path / "c.parquet", list("aefl"), 4)  # as ttm partition mixes them
    warn_of_spread_series(find_units(f"{tmp_path}/*.parquet", "elsewhere"), ["id"])


def test_ranges_of_one_file_are_not_told_of(tmp_path):
    path = grouped(tmp_path / "a.parquet", ["a"] * 3 + ["b"] * 25 + ["c"] * 12, 5)
    units = find_units(path, "elsewhere", max_rows=5)
    assert len(units) == 2
    warn_of_spread_series(units, [])
