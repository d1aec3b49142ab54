"""Lists the versions of the site: ``python docs/versions.py site``, as ``make docs`` does.

Each is a folder of its own there. The first page goes to the newest.
"""

import json
import sys
from pathlib import Path

from packaging.version import Version

site = Path(sys.argv[1])
names = [page.parent.name for page in site.glob("[0-9]*/index.html")]
versions = sorted(names, key=Version, reverse=True)
(site / "versions.js").write_text(f"window.docsVersions = {json.dumps(versions)};\n")
(site / "index.html").write_text(
    f'<!doctype html><title>ttm-estimators</title><meta charset="utf-8">'
    f'<meta http-equiv="refresh" content="0; url={versions[0]}/index.html">'
    f'<a href="{versions[0]}/index.html">ttm-estimators {versions[0]}</a>\n'
)
