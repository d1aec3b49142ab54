"""``ttm explain`` and the covariates of ``ttm forecast``, on the weights that ship."""

import re
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.figure import Figure

import ttm_estimators
from ttm_estimators.example import FILES
from ttm_estimators.forecasting import forecaster
from ttm_estimators.inputs.covariates import Roles

HORIZON = 28
SALES, FUTURE = FILES
KNOWN = ("--known", "price", "--known", "promotion")
DRIVEN = (SALES, "--horizon", HORIZON, *KNOWN, "--future", FUTURE)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def figures(monkeypatch):
    """Those that are saved."""
    found = []
    save = Figure.savefig

    def spy(self, *arguments, **options):
        found.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", spy)
    return found


def expected(**options):
    history, future = pd.read_csv(SALES), pd.read_csv(FUTURE)
    return ttm_estimators.load(), (history, HORIZON), {
        "known": ["price", "promotion"], "future_df": future, "value": "sales", **options
    }  # fmt: skip


def test_a_forecast_with_covariates_is_that_of_a_frame_and_says_what_they_gain(run, here):
    code, out, err = run("forecast", *DRIVEN, "--output", "forecast.csv")
    assert (code, err) == (0, "")
    assert f"Read {SALES} and {FUTURE}: time 'date', id 'shop', value 'sales', covariates" in out
    last = out.splitlines()[-1]
    assert re.fullmatch(
        r"Covariates used together in 3 of 3 series: price, promotion; error on their own past "
        r"\d+ % lower",
        last,
    )
    model, arguments, options = expected()
    result = pd.read_csv("forecast.csv")
    frame = model.forecast_df(*arguments, **options)
    np.testing.assert_allclose(result["median"], frame["median"])
    assert list(result["date"]) == list(pd.read_csv(FUTURE)["date"])


def test_series_of_the_future_that_the_history_lacks_are_a_line_of_warning(run, here):
    run("forecast", *DRIVEN, "--output", "forecast.csv")
    plan = pd.read_csv(FUTURE)
    pd.concat([plan, plan.assign(shop="closed")]).to_csv("plan.csv", index=False)
    driven = (*DRIVEN[:-1], "plan.csv")
    code, _, err = run("forecast", *driven, "--output", "same.csv")
    assert code == 0
    assert err == f"warning: plan.csv has rows of 'closed', {SALES} none: they are not used\n"
    pd.testing.assert_frame_equal(pd.read_csv("same.csv"), pd.read_csv("forecast.csv"))


def random_numbers_beside_a_wave():
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=207)})
    frame["load"] = 20 + 5 * np.sin(np.arange(207) / 3) + random.normal(size=207)
    frame.loc[200:, "load"] = np.nan
    frame["noise"] = random.normal(size=207)
    frame.to_csv("data.csv", index=False)
    return ("data.csv", "--horizon", 7, "--known", "noise")


def test_covariates_that_are_not_used_are_told(run, here):
    code, out, err = run("forecast", *random_numbers_beside_a_wave())
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("Covariates not used: noise; on held-out windows they ")


def test_effects_of_covariates_that_are_not_used_are_not_drawn(run, here, figures):
    code, _, err = run("explain", *random_numbers_beside_a_wave(), "--plot", "effects.png")
    assert (code, err) == (0, "")
    (axes,) = figures[0].axes
    assert [line.get_label() for line in axes.lines][::2] == ["history", "without covariates"]


def test_effects_are_printed_written_and_drawn(run, here):
    files = ("--output", "effects.csv", "--plot", "effects.png")
    code, out, err = run("explain", *DRIVEN, "--calendar", *files)
    assert (code, err) == (0, "")
    for covariate in ("price", "promotion", "weekday"):
        assert re.search(rf"│ {covariate} +│ +[\d.]+ │ +\d+% │", out), out
    assert ": price, promotion, weekday" in out.splitlines()[-1]
    model, arguments, options = expected(calendar=True)
    frame = model.explain_df(*arguments, **options)
    result = pd.read_csv("effects.csv")
    assert list(result) == list(frame)
    np.testing.assert_allclose(result.iloc[:, 2:], frame.iloc[:, 2:], atol=1e-9)
    assert image.imread("effects.png")[..., :3].std() > 0.05


def test_the_series_that_is_drawn_is_the_one_that_is_named(run, here, figures):
    plot = ("--plot", "effects.svg", "--plot-series", "west", "--output", "effects.csv")
    code, _, err = run("explain", *DRIVEN, *plot)
    assert (code, err) == (0, "")
    titles = [axes.get_title("left") for axes in figures[0].axes]
    assert titles == ["west: 28 steps ahead", "effects: base + effects = forecast"]
    drawn = {line.get_label(): line for line in figures[0].axes[0].lines}
    west = pd.read_csv("effects.csv").query("shop == 'west'")
    for column, label in [("base", "base"), ("without", "without covariates")]:
        np.testing.assert_allclose(drawn[label].get_ydata()[1:], west[column])
    assert drawn["base"].get_linestyle() == ":"


def test_a_model_that_has_learnt_covariates_has_no_effects_to_tell(run, here, monkeypatch):
    roles = Roles(known=("price", "promotion"))
    monkeypatch.setattr(forecaster, "read_roles", lambda path: roles)
    for known in (KNOWN, ()):
        code, _, err = run("explain", SALES, "--horizon", 3, *known, "--model", "ttm-2048-720")
        assert code == 2
        assert "effects are told of zero-shot covariates only" in err
        assert "but ttm-2048-720 has learnt 'price', 'promotion': take a model" in err


@pytest.mark.parametrize("command", ["forecast", "explain"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*DRIVEN, "--known", "cost"), "has no column 'cost', only 'shop', 'date'"),
        ((*DRIVEN[:3], *KNOWN), "'price', 'promotion' for the steps 1 to 28 of 28"),
        ((*DRIVEN[:2], 30, *DRIVEN[3:]), "'price', 'promotion' for the steps 29 to 30 of 30"),
        ((*DRIVEN[:-1], "none.csv"), "none.csv does not exist"),
        ((*DRIVEN[:3], "--calendar", "--future", FUTURE), "--future needs --known with the"),
        ((*DRIVEN, "--output", FUTURE), "would replace the data"),
        ((*DRIVEN, "--plot-series", "west"), "--plot-series needs --plot"),
        ((*DRIVEN, "--plot", "a.png", "--plot-series", "east"), "no series 'east' to draw"),
        (
            (SALES, "--horizon", 3, "--value", "sales", "--no-time", "--id", "shop", "--calendar"),
            "a calendar and holidays need dates, but rows are counted: leave --calendar and",
        ),
    ],
)
def test_what_is_wrong_is_one_line(run, here, command, arguments, said):
    code, _, err = run(command, *arguments)
    assert code == 2
    assert said in err
    assert re.fullmatch(r"error: .+\n", err)
    assert not list(here.iterdir())


@pytest.mark.parametrize("command", ["forecast", "explain"])
def test_an_unknown_country_is_one_line(run, here, command):
    pytest.importorskip("holidays", reason="holidays need the extra of that name")
    code, _, err = run(command, *DRIVEN, "--holidays", "GER")
    assert code == 2
    assert re.fullmatch(r"error: no holidays of 'GER' are known.*\n", err)


@pytest.mark.parametrize("command", ["forecast", "explain"])
def test_every_country_of_holidays_counts(run, here, command):
    pytest.importorskip("holidays", reason="holidays need the extra of that name")
    code, _, err = run(command, *DRIVEN, "--holidays", "DE", "--holidays", "Frnce")
    assert code == 2
    assert "similar are 'FR'" in err
    code, _, err = run(command, *DRIVEN, "--holidays", "Grmany", "--holidays", "FR")
    assert code == 2
    assert "similar are 'DE'" in err


@pytest.mark.parametrize("command", ["forecast", "explain"])
def test_holidays_without_their_package_are_refused_with_the_command_that_installs_it(
    run, here, command, monkeypatch
):
    monkeypatch.setitem(sys.modules, "holidays", None)
    code, _, err = run(command, *DRIVEN, "--holidays", "DE")
    assert code == 2
    assert 'pip install "ttm-estimators[holidays]"' in err


def test_nothing_to_explain_is_told(run, here):
    code, _, err = run("explain", SALES, "--horizon", 3, "--value", "sales")
    assert code == 2
    assert "name some with --known, or give --calendar" in err
