"""The page: its content, its styles, its script and the chart library in one file."""

from __future__ import annotations

from functools import cache
from importlib import resources

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ttm_benchmarks.report.content import Content

PAGE = "page.html"


def render(content: Content) -> str:
    """Write the page, which asks for nothing outside itself.

    Parameters
    ----------
    content : dict
        As :func:`~ttm_benchmarks.report.content.report_content` makes it.

    Returns
    -------
    str
        HTML.
    """
    environment = Environment(
        loader=PackageLoader("ttm_benchmarks.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template(PAGE)
    return template.render(
        content=content,
        style=_asset("style.css"),
        charts=_asset("charts.js"),
        script=_asset("page.js"),
        library=chart_library(),
    )


@cache
def chart_library() -> Markup:
    """Vega, Vega-Lite and Vega-Embed as one script, which sets ``vegaEmbed``."""
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return Markup(script.replace("</script", "<\\/script"))


def _asset(name: str) -> Markup:
    file = resources.files("ttm_benchmarks.report") / name
    return Markup(file.read_text(encoding="utf-8"))
