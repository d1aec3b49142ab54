collect_ignore = ["compare.py", "make_golden.py"]
"""Scripts that import the published code, which only the environment of ``make parity`` has."""
