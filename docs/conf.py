"""The documentation site: ``make docs``. A new page takes one line in a toctree of index.md."""

import os
from pathlib import Path

from ttm_estimators import __version__

project = "ttm-estimators"
release = __version__
copyright = "the ttm-estimators developers"

extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
if tags.has("versions"):  # noqa: F821  # beside other versions, as ``make docs`` builds it
    html_js_files = [("versions.js", {"defer": "defer"})]
html_show_search_summary = False  # it is fetched, which a page on disk may not
html_copy_source = False
html_show_sphinx = False

myst_heading_anchors = 3

nb_execution_mode = "force"  # notebooks are text, without what they printed
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings have types, with shapes and units
autodoc_preserve_defaults = True
autodoc_mock_imports = ["darts", "tabpfn", "tabpfn_time_series"]  # not installed beside the others
numpydoc_show_class_members = False  # autodoc lists them

# What the page try.md loads: the model and, where ``make docs`` brought it, what runs it.
root = Path(__file__).parents[1]
weights = root / "ttm_estimators" / "weights" / "ttm-2048-720"
runtime = root / os.environ.get("ONNXRUNTIME_WEB", "build/onnxruntime-web")
loaded = [weights / "model.onnx", weights / "model.safetensors"]
loaded += [runtime / name for name in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")]
html_static_path += [str(path) for path in loaded if path.exists()]
