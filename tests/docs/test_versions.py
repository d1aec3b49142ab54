"""The list of versions on the pages of the site, which works from disk."""

import runpy
from pathlib import Path

import pytest

from tests.browser import browser

DOCS = Path(__file__).parents[2] / "docs"

__all__ = ["browser"]


def site(folder: Path, monkeypatch, *versions: str) -> Path:
    """Pages of some versions, with nothing but the list."""
    script = DOCS / "static" / "versions.js"
    for version in versions:
        page = folder / version / "deep" / "page.html"
        page.parent.mkdir(parents=True)
        page.write_text(
            '<html data-content_root="../"><div class="sidebar-search-container"></div>'
            f'<script src="{script.as_uri()}" defer></script></html>'
        )
        (folder / version / "index.html").write_text(version)
    monkeypatch.setattr("sys.argv", ["versions.py", str(folder)])
    for other in ("api", "1.0.bak"):
        (folder / other).mkdir()
        (folder / other / "index.html").write_text("a page of no version")
    runpy.run_path(str(DOCS / "versions.py"), run_name="__main__")
    return folder


def test_the_newest_version_comes_first_and_is_the_first_page(tmp_path, monkeypatch):
    folder = site(tmp_path, monkeypatch, "0.9.0", "0.10.0", "0.10.0rc1")
    listed = (folder / "versions.js").read_text()
    assert listed == 'window.docsVersions = ["0.10.0", "0.10.0rc1", "0.9.0"];\n'
    assert "url=0.10.0/index.html" in (folder / "index.html").read_text()


def test_without_a_version_it_says_so(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="no folder of a version"):
        site(tmp_path, monkeypatch)
    assert not (tmp_path / "versions.js").exists()


def test_a_page_on_disk_lists_the_versions_and_goes_to_another(browser, tmp_path, monkeypatch):
    folder = site(tmp_path, monkeypatch, "0.1.0", "0.2.0")
    tab = browser.new_page()
    tab.goto((folder / "0.1.0" / "deep" / "page.html").as_uri())
    choice = tab.wait_for_selector("select.versions")
    assert choice.inner_text().split("\n") == ["version 0.2.0", "version 0.1.0"]
    assert choice.input_value() == "0.1.0"
    with tab.expect_navigation():
        choice.select_option("0.2.0")
    assert tab.url == (folder / "0.2.0" / "index.html").as_uri()
    tab.close()


def test_a_page_without_a_list_beside_it_has_no_choice(browser, tmp_path, monkeypatch):
    folder = site(tmp_path, monkeypatch, "0.1.0")
    (folder / "versions.js").unlink()
    tab = browser.new_page()
    tab.goto((folder / "0.1.0" / "deep" / "page.html").as_uri(), wait_until="networkidle")
    assert tab.query_selector("select.versions") is None
    tab.close()
