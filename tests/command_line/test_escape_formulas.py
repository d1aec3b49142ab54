"""Text that a spreadsheet would run as a formula, in CSV files that are written."""

import pandas as pd
import pytest

NAMES = ["=cmd|' /C calc'!A0", "+1", "-1 + 1", "@SUM(A1)", "\tx", "plain", "a=b", "'=quoted"]
ESCAPED = [f"'{name}" for name in NAMES[:5]] + NAMES[5:]


@pytest.fixture
def shops(tmp_path):
    days = pd.date_range("2024-01-01", periods=20)
    frames = [
        pd.DataFrame({"=shop": name, "day": days, "sales": range(-10, 10), "price": 1.0 + k % 2})
        for k, name in enumerate(NAMES)
    ]
    path = tmp_path / "shops.csv"
    pd.concat(frames).to_csv(path, index=False)
    return path


READING = ("--id", "=shop", "--value", "sales")


@pytest.mark.parametrize(
    "command",
    [("forecast", "--horizon", 2), ("backtest", "--horizon", 2, "--windows", 1)],
    ids=["forecast", "backtest"],
)
def test_text_and_names_are_escaped_on_request_and_numbers_stay(
    run, model, shops, tmp_path, command
):
    tables = []
    for name, *options in (("plain.csv",), ("escaped.csv", "--escape-formulas")):
        done = run(command[0], shops, *command[1:], *READING, "--model", model,
                   "--output", tmp_path / name, *options)  # fmt: skip
        assert done.code == 0, done.err
        tables.append(pd.read_csv(tmp_path / name, keep_default_na=False))
    plain, escaped = tables
    assert [*plain["=shop"].unique()] == NAMES
    assert [*escaped["'=shop"].unique()] == ESCAPED
    pd.testing.assert_frame_equal(
        plain.drop(columns="=shop"), escaped.drop(columns="'=shop"), check_exact=True
    )


def test_what_covariates_add_is_escaped_too(run, model, shops, tmp_path):
    table = pd.read_csv(shops).rename(columns={"price": "=price"})
    table["day"] = pd.to_datetime(table["day"])
    future = table.groupby("=shop", sort=False).tail(2).assign(sales=float("nan"))
    future["day"] += pd.Timedelta(days=2)
    pd.concat([table, future]).to_csv(shops, index=False)
    output = tmp_path / "out.csv"
    done = run("explain", shops, "--horizon", 2, *READING, "--known", "=price", "--model", model,
               "--output", output, "--escape-formulas")  # fmt: skip
    assert done.code == 0, done.err
    columns = pd.read_csv(output).columns
    assert "'=price" in columns
    assert not [name for name in columns if name.startswith("=")]


@pytest.mark.parametrize("options", [(), ("--output", "out.parquet")])
def test_only_a_csv_file_is_escaped(run, model, shops, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("forecast", shops, "--horizon", 2, "--model", model, "--escape-formulas", *options)
    assert (done.code, done.err) == (
        2,
        "error: --escape-formulas needs --output with a .csv file\n",
    )
