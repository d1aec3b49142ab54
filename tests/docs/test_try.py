"""The page that forecasts in a browser: in a real one, beside the package."""

import csv
import io
import os
import re
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

import ttm_estimators
from tests.browser import DESKTOP, PHONE, browser
from ttm_estimators.inputs import batch, forward_fill
from ttm_estimators.inputs import gaps as inputs_gaps

sync_api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("furo")

__all__ = ["browser"]

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / os.environ.get("ONNXRUNTIME_WEB", "build/onnxruntime-web")
BROWSER_TIMEOUT_MS = 120_000  # of a busy machine


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page, built alone and served."""
    folder = tmp_path_factory.mktemp("site")
    alone = ["-D", "include_patterns=try.md", "-D", "root_doc=try"]
    command = [sys.executable, "-m", "sphinx", "-Q", "-E", *alone, str(ROOT / "docs"), str(folder)]
    subprocess.run(command, check=True)
    (folder / "favicon.ico").touch()  # a browser asks for one by itself
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def opened(browser, site):
    """A tab with the page, what it complained of, and what it asked for."""
    context = browser.new_context(viewport=dict(zip(("width", "height"), DESKTOP, strict=True)))
    context.set_default_timeout(BROWSER_TIMEOUT_MS)
    tab = context.new_page()
    complaints, requests = [], []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: requests.append((request.method, request.url)))
    tab.goto(f"{site}try.html")
    tab.wait_for_selector("#try-form:not([hidden])")
    yield tab, complaints, requests
    context.close()


@pytest.fixture
def tab(opened):
    return opened[0]


@pytest.fixture
def model_tab(tab):
    """The page, where it can forecast."""
    if not (RUNTIME / "ort.wasm.bundle.min.mjs").exists():
        pytest.skip("no onnxruntime-web is there: `make docs` brings it, or set ONNXRUNTIME_WEB")
    return tab


def run(tab, horizon, text=None):
    """Press the button, and return what the page says then."""
    if text is not None:
        paste(tab, text)
    tab.fill("#try-horizon", str(horizon))
    tab.click("#try-run")
    tab.wait_for_selector("#try-run:not([disabled])")
    return tab.inner_text("#try-status")


def paste(tab, text):
    """Put a text in the place of what is there, as a person does."""
    tab.evaluate(
        """text => {
          const area = document.getElementById("try-csv");
          area.select();
          const clipboardData = new DataTransfer();
          clipboardData.setData("text", text);
          area.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
        }""",
        text,
    )


def downloaded(tab):
    with tab.expect_download() as download:
        tab.click("#try-download")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    return list(csv.reader(io.StringIO(text)))


def read(tab, text, ahead=2):
    """What the page reads of a text: values, notes, and times after them."""
    return tab.evaluate(
        """async ([text, ahead]) => {
          const { readSeries } = await import("./_static/try/series.js");
          try {
            const { values, notes, name, write } = readSeries(text);
            const next = Array.from({ length: ahead }, (_, i) => write(values.length + i));
            return { name, values: Array.from(values, (v) => (v === v ? v : null)), notes, next };
          } catch (error) {
            return { error: error.message };
          }
        }""",
        [text, ahead],
    )


def test_the_example_is_forecast_and_only_its_own_site_is_asked(model_tab, opened, site):
    _, complaints, requests = opened
    assert run(model_tab, 24) == ""
    assert model_tab.inner_text("#try-notes") == (
        "Read 144 lines of “passengers”, from 1949-01 to 1960-12; 0 without a value."
    )
    assert model_tab.locator("#try-chart path").count() == 3
    times = model_tab.locator("#try-rows td:first-child").all_inner_texts()
    assert (times[0], times[-1], len(times)) == ("1961-01", "1962-12", 24)
    rows = downloaded(model_tab)
    assert rows[0] == ["month", "passengers", *(f"0.{i}" for i in range(1, 10))]
    assert float(rows[1][1]) == float(rows[1][6])
    assert complaints == []
    assert {method for method, _ in requests} == {"GET"}
    assert all(url.startswith((site, "data:", "blob:")) for _, url in requests)


@pytest.mark.parametrize(
    ("points", "horizon", "gaps"),
    [
        (1, 3, []),
        (40, 24, []),
        (700, 100, [(0, 5), (300, 310), (400, 500), (695, 700)]),
        (2048, 720, []),
        (
            900,
            48,
            [(420, 430), (560, 566), (600, 640), (700, 720), (760, 765), (800, 840), (897, 900)],
        ),
        (4096, 48, [(2000, 2100), (4000, 4090)]),
    ],
)
def test_its_numbers_are_those_of_the_package(model_tab, points, horizon, gaps):
    steps = np.arange(points)
    noise = np.random.default_rng(points).normal(size=points)
    values = 1e6 + 300 * np.sin(steps * 2 * np.pi / 24) + 0.1 * steps + 40 * noise
    for start, stop in gaps:
        values[start:stop] = np.nan
    lines = [f"{i},{'' if np.isnan(one) else repr(float(one))}" for i, one in enumerate(values)]
    assert run(model_tab, horizon, "\n".join(["t,y", *lines])) == ""
    found = np.array([row[2:] for row in downloaded(model_tab)[1:]], dtype=float)
    wanted = ttm_estimators.load().forecast([values], horizon).quantiles[0]
    scale = np.nanstd(values) or 1.0
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 1e-4 * scale


def test_of_a_long_series_it_says_what_was_left_out(model_tab):
    assert run(model_tab, 2, "\n".join(map(str, range(5000)))) == ""
    assert "Left out: all but the latest 4096 points." in model_tab.inner_text("#try-notes")


@pytest.mark.parametrize(
    ("horizon", "text", "message"),
    [
        (24, "", "there is nothing to read: paste a CSV"),
        (24, "y\n", "there is no line below the names of columns"),
        (24, "a,b\nx,1\ny", "line 3 has 1 cells, line 1 has 2"),
        (24, "a\n1\nx", "no column has only numbers"),
        (24, "t,y\n2024-01-02,1\n2024-01-01,2", "in line 3 “t” is 2024-01-01, which is not after"),
        (24, "t,y\n" + "".join(f"{i},1\n" for i in range(99)) + "1e9,1", "“t” spans 1000000001"),
        (24, "t,y\n0,1\n" + "".join(f"{i},\n" for i in range(1, 2100)), "the last 2099 values"),
    ],
)
def test_it_refuses_in_words(tab, horizon, text, message):
    assert run(tab, horizon, text).startswith(f"Can't forecast: {message}")
    assert tab.locator("#try-result").is_hidden()


def test_a_horizon_that_is_too_long_is_refused(tab):
    tab.fill("#try-horizon", "721")
    assert not tab.evaluate("document.getElementById('try-form').checkValidity()")


@pytest.mark.parametrize(
    ("times", "following"),
    [
        ("2024-02-27 2024-02-28 2024-02-29", "2024-03-01 2024-03-02"),
        ("2023-11 2023-12 2024-01", "2024-02 2024-03"),
        ("2023-11-30 2023-12-31 2024-01-31", "2024-02-29 2024-03-31"),
        ("2023-01-31 2024-01-31", "2025-01-31 2026-01-31"),
        ("2024-01-01T22:00 2024-01-01T23:00", "2024-01-02T00:00 2024-01-02T01:00"),
        ("2024-01-01T00:00:00Z 2024-01-01T00:00:15Z", "2024-01-01T00:00:30Z 2024-01-01T00:00:45Z"),
        ("0.1 0.2 0.3", "0.4 0.5"),
        ("2000 2004 2008", "2012 2016"),
    ],
)
def test_times_go_on_by_their_step(tab, times, following):
    found = read(tab, "\n".join(["when,y", *(f"{time},1" for time in times.split())]))
    assert found["next"] == following.split()


def test_times_are_written_as_they_were(tab):
    found = read(tab, "when,y\n2024-01-01 09:00+02:00,1\n2024-01-01 10:00+02:00,2\n")
    assert found["next"] == ["2024-01-01 11:00+02:00", "2024-01-01 12:00+02:00"]


def test_a_file_is_opened_into_the_page(tab):
    file = {"name": "y.csv", "mimeType": "text/csv", "buffer": b"y\n1\n2\n"}
    tab.set_input_files("#try-file", files=[file])
    sync_api.expect(tab.locator("#try-csv")).to_have_value("y\n1\n2\n", timeout=BROWSER_TIMEOUT_MS)


def test_it_may_ask_no_other_site(tab):
    refused = """() => new Promise((resolve) => {
      addEventListener("securitypolicyviolation", (event) => resolve(event.blockedURI));
      fetch("http://localhost:1/").catch(() => {});
    })"""
    assert tab.evaluate(refused) == "http://localhost:1/"


def test_a_time_without_a_line_is_a_missing_value(tab):
    days = [f"2024-01-{day:02d},{day}" for day in range(1, 31) if day != 17]
    found = read(tab, "\n".join(["day,y", *days]))
    assert found["values"][15:18] == [16, None, 18]
    assert "Times without a line, taken as missing values: 1." in found["notes"]
    assert found["next"] == ["2024-01-31", "2024-02-01"]


def test_uneven_steps_are_numbered_with_a_word(tab):
    weekdays = [f"2024-01-{day:02d},{day}" for day in range(1, 20) if day % 7 not in (6, 0)]
    found = read(tab, "\n".join(["day,y", *weekdays]))
    assert found["next"] == ["16", "17"]
    assert any("uneven" in note for note in found["notes"])


def test_a_first_column_that_does_not_rise_is_no_time(tab):
    found = read(tab, "price,sales\n9,1\n8,2\n9,3\n")
    assert (found["name"], found["next"]) == ("sales", ["4", "5"])
    assert "Left out: column “price”." in found["notes"]


def test_a_date_that_does_not_exist_is_none(tab):
    found = read(tab, "day,y\n2023-02-28,1\n2023-02-29,2\n")
    assert found["next"] == ["3", "4"]
    assert any(note.startswith("Left out: column “day”") for note in found["notes"])


def test_the_last_column_of_numbers_is_the_value_and_others_are_named(tab):
    text = 'id;"day; local";price;sales;note\na;2024-01-01;9;1.5;x\na;2024-01-02;9;NaN;y\n'
    found = read(tab, text)
    assert (found["name"], found["values"]) == ("sales", [1.5, None])
    assert found["notes"] == [
        "Read 2 lines of “sales”, from 2024-01-01 to 2024-01-02; 1 without a value.",
        "Left out: column “id”, which has “a” in line 2.",
        "Left out: column “price”.",
        "Left out: column “note”, which has “x” in line 2.",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_takes_the_colours_of_the_page(model_tab, scheme):
    width, height = PHONE
    model_tab.emulate_media(color_scheme=scheme)
    model_tab.set_viewport_size({"width": width, "height": height})
    assert run(model_tab, 5, "\n".join("12341234")) == ""
    assert model_tab.evaluate("document.documentElement.scrollWidth") <= width
    ink = "getComputedStyle(document.querySelector('#try-chart .history')).stroke"
    paper = "getComputedStyle(document.body).backgroundColor"
    brightness = [
        sum(map(float, re.findall(r"[\d.]+", model_tab.evaluate(of))[:3])) for of in (ink, paper)
    ]
    assert (brightness[0] > brightness[1]) == (scheme == "dark")


def test_without_a_runtime_it_says_how_to_get_one(browser, site):
    tab = browser.new_page()
    tab.route("**/ort.wasm*", lambda route: route.fulfill(status=404))
    tab.goto(f"{site}try.html")
    tab.wait_for_selector("#try-form:not([hidden])")
    assert "without onnxruntime-web: install npm, run “make docs”" in run(tab, 3)
    tab.close()


def test_its_constants_are_those_of_the_package():
    script = (ROOT / "docs" / "static" / "try" / "model.js").read_text(encoding="utf-8")
    found = dict(re.findall(r"const (\w+) = ([^;\[\]]+);", script))
    config = ttm_estimators.load().config
    assert int(found["CONTEXT_LENGTH"]) == config.context_length
    assert int(found["INPUT_LENGTH"]) == config.input_length
    assert int(found["MAX_HORIZON"]) == config.horizon
    for name in ("MIN_GAP_STEPS", "MAX_GAPS", "REACH_POINTS"):
        assert int(found[name]) == getattr(inputs_gaps, name)
    assert int(found["FORWARD_FILL_LIMIT_STEPS"]) == forward_fill.FORWARD_FILL_LIMIT_STEPS
    assert float(found["MAX_DEVIATION_OF_A_CONSTANT"]) == batch.MAX_DEVIATION_OF_A_CONSTANT
    assert f"LEVELS = {list(config.quantile_levels)};" in script
