"""A page: its content, styles, scripts and the chart library in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

PAGE = "page.html"


def render(content: Mapping[str, Any], package: str, scripts: Sequence[str]) -> str:
    """Write a page, which asks for nothing outside itself.

    Parameters
    ----------
    content : mapping
        What the page shows. JSON can write it.
    package : str
        Package with the template ``page.html`` and the scripts.
    scripts : sequence of str
        Scripts that run after the shared ``charts.js``.

    Returns
    -------
    str
        HTML.
    """
    environment = Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = [_asset("ttm_estimators.page", "charts.js"), *(_asset(package, one) for one in scripts)]
    return environment.get_template(PAGE).render(
        content=content,
        style=_asset("ttm_estimators.page", "style.css"),
        script=Markup("\n").join(parts),
        library=chart_library(),
    )


@cache
def chart_library() -> Markup:
    """Vega, Vega-Lite and Vega-Embed as one script, which sets ``vegaEmbed``."""
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return Markup(script.replace("</script", "<\\/script"))


def _asset(package: str, name: str) -> Markup:
    file = resources.files(package) / name
    return Markup(file.read_text(encoding="utf-8"))
