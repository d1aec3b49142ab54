"""Lists the versions of the site: ``python docs/versions.py site``, as ``make docs`` does.

Each is a folder of its own there. The first page goes to the newest.
"""

import json
import sys
from contextlib import suppress
from pathlib import Path

from packaging.version import InvalidVersion, Version

site = Path(sys.argv[1])
found = {}
for page in site.glob("*/index.html"):
    with suppress(InvalidVersion):  # another folder
        found[Version(page.parent.name)] = page.parent.name
versions = [found[version] for version in sorted(found, reverse=True)]
if not versions:
    sys.exit(f"{site} has no folder of a version with an index.html: run make docs")
(site / "versions.js").write_text(f"window.docsVersions = {json.dumps(versions)};\n")
(site / "index.html").write_text(
    f'<!doctype html><title>ttm-estimators</title><meta charset="utf-8">'
    f'<meta http-equiv="refresh" content="0; url={versions[0]}/index.html">'
    f'<a href="{versions[0]}/index.html">ttm-estimators {versions[0]}</a>\n'
)
