# Needs only make and Python 3.10 or later. Everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := $(shell grep '^torch==' constraints.txt)
# The CPU build: the default one for Linux brings gigabytes of GPU libraries. Where its index is not
# reachable, pip takes the same version from the index that it is set up with.
CPU_INDEX := --index-url https://download.pytorch.org/whl/cpu --retries 0 --timeout 15
INSTALL_TORCH = -m pip install --quiet $(CPU_INDEX) '$(TORCH)' 2>/dev/null

.PHONY: demo test lint parity clean

demo: $(VENV)/.installed
	$(BIN)/ttm-bench demo --output demo

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: make PYTHON=/path/to/python3")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL_TORCH) || $(BIN)/python -m pip install --quiet '$(TORCH)'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .venv-parity build dist demo *.egg-info
