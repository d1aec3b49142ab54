import pandas as pd


def write(path, name="unique_id"):
    days = pd.date_range("2024-01-01", periods=9)
    parts = [pd.DataFrame({name: one, "ds": days, "y": range(9)}) for one in "ab"]
    pd.concat(parts).sample(frac=1, random_state=0).to_parquet(path)


def test_partition_says_what_it_wrote(run, tmp_path):
    write(tmp_path / "in.parquet")
    told = run("partition", str(tmp_path / "in.parquet"), str(tmp_path / "out"), "--files", "1")
    assert told.out == (
        f"Wrote 1 file to {tmp_path / 'out'}: 18 rows of 2 series, by 'unique_id'\n"
        f"Forecast them with: ttm forecast {tmp_path / 'out'} --id unique_id --horizon 24 "
        "--output forecasts (and --value COLUMN, where several columns are numbers)\n"
    )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["part-00000.parquet"]


def test_fewer_files_than_were_asked_for_are_told(run, tmp_path):
    write(tmp_path / "in.parquet")
    told = run("partition", str(tmp_path / "in.parquet"), str(tmp_path / "out"), "--files", "50")
    assert told.out.startswith("Wrote 2 files (of 50: no series falls into the others) to ")


def test_an_id_that_is_not_told_is_asked_for_as_an_option(run, tmp_path):
    write(tmp_path / "in.parquet", "shop")
    source, output = str(tmp_path / "in.parquet"), str(tmp_path / "out")
    told = run("partition", source, output, "--files", "2")
    assert told.code == 2
    assert "choose with --id" in told.err
    assert run("partition", source, output, "--files", "2", "--id", "shop").code == 0
