import pandas as pd


def test_the_example_is_written_here_and_can_be_forecast(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("example")
    assert (code, err) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sales.csv", "sales_future.csv"]
    command = out.split("ttm forecast ")[1].split()
    assert run("forecast", *command, "--output", "forecast.csv").code == 0
    assert len(pd.read_csv("forecast.csv")) == 3 * 28


def test_files_that_exist_are_not_replaced(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "sales_future.csv"
    mine.write_text("mine", encoding="utf-8")
    code, _, err = run("example")
    assert code == 2
    assert err == "error: sales_future.csv exists here: go to another folder\n"
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
