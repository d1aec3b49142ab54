"""Doctests of an adapter are not looked for where its ecosystem is not installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("darts") else ["ttm_darts/*.py"]
