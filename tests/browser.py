"""A real browser for the reports, which is not asked for anything else."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser that is installed; without one a test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed: tried {', '.join(BROWSERS)}")
    with (
        playwright.sync_playwright() as driver,
        driver.chromium.launch(executable_path=path, args=list(FLAGS)) as launched,
    ):
        yield launched


@pytest.fixture
def visit(browser: Any, page: Path) -> Iterator[Callable[..., Any]]:
    """Open the report, and return its tab, what it complained of and what it asked for."""
    contexts = []

    def go(size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Any:
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        context.set_default_timeout(120_000)  # of a busy machine
        contexts.append(context)
        tab = context.new_page()
        complaints, requests = [], []
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(page.as_uri())
        tab.wait_for_selector("body[data-ready]")
        return tab, complaints, requests

    yield go
    for context in contexts:
        context.close()


@pytest.fixture
def tab(visit: Callable[..., Any]) -> Any:
    """The report on a desk."""
    return visit()[0]


__all__ = ["DESKTOP", "PHONE", "browser", "tab", "visit"]
