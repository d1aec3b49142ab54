# Needs only make and Python 3.10 or later. Everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
PARITY := .venv-parity
TABPFN := .venv-tabpfn
DARTS := .venv-darts
LOWEST := .venv-lowest
NEWEST := .venv-newest
BIN := $(VENV)/bin
TORCH := $(shell grep '^torch==' constraints.txt)
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
# The CPU build: the default one for Linux brings gigabytes of GPU libraries. Where its index is not
# reachable, pip takes the same version from the index that it is set up with.
CPU_INDEX := --index-url https://download.pytorch.org/whl/cpu --retries 0 --timeout 15
INSTALL_TORCH = -m pip install --quiet $(CPU_INDEX) '$(TORCH)' 2>/dev/null

.PHONY: demo test fuzz chaos lint docs package release-notes parity sktime-speed forecast-speed tabpfn \
  darts test-lowest test-newest clean

demo: $(VENV)/.installed
	$(BIN)/ttm-bench demo --output demo

# fev is tested in processes of its own: in one with distributed it crashes Python 3.12.1.
FEV_TESTS := tests/fev tests/benchmarks/fev_tasks adapters/ttm_fev
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(FEV_TESTS:%=--ignore=%)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(FEV_TESTS)

# The promises of tests/properties on drawn inputs: so many for each of them, others for every seed.
# What fails first is made as small as it can be, and printed.
INPUTS ?= 2000
SEED ?= 0
fuzz: $(VENV)/.installed
	OMP_NUM_THREADS=1 INPUTS=$(INPUTS) $(BIN)/python -m pytest -n 2 tests/properties \
	  --hypothesis-profile=fuzz --hypothesis-seed=$(SEED)

# Kills, damaged inputs and full disks, for so many minutes. What fails is kept in the folder chaos.
MINUTES ?= 10
chaos: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/ttm-bench chaos --minutes $(MINUTES) --seed $(SEED) --output chaos

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then $(BIN)/mypy; \
	  else echo 'Types are not checked: the stubs of numpy and pandas for Python 3.10 are too old.'; fi
	$(BIN)/lint-imports

# Warnings are errors. Open site/index.html. Folders of other versions beside this one stay, such as
# those that were built from their tags: the pages have a list of all.
docs: $(VENV)/.installed
	@$(MAKE) $(ONNXRUNTIME_WEB)/ort-wasm-simd-threaded.wasm || \
	  echo 'The page try.html can not forecast: npm did not bring onnxruntime-web.'
	$(BIN)/sphinx-build -q -W --keep-going -E -t versions docs site/$(VERSION)
	$(BIN)/python docs/versions.py site

# What runs the model of docs/try.md in a browser. A folder that has it may be given.
export ONNXRUNTIME_WEB ?= build/onnxruntime-web
ONNXRUNTIME_WEB_VERSION := 1.30.0
$(ONNXRUNTIME_WEB)/ort-wasm-simd-threaded.wasm:
	mkdir -p build $(@D)
	npm pack --silent --pack-destination build onnxruntime-web@$(ONNXRUNTIME_WEB_VERSION)
	tar -xzmf build/onnxruntime-web-$(ONNXRUNTIME_WEB_VERSION).tgz -C $(@D) --strip-components 2 \
	  package/dist/ort.wasm.bundle.min.mjs package/dist/$(@F)

$(VENV)/.installed: pyproject.toml benchmarks/pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: make PYTHON=/path/to/python3")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL_TORCH) || $(BIN)/python -m pip install --quiet '$(TORCH)'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]' -e ./benchmarks
	touch $@

# The same commit gives the same wheels, byte by byte: files have its time and fixed permissions. The
# wheels are built from the source distributions.
package: $(VENV)/.installed
	rm -rf build/package dist
	mkdir -p build/package
	umask 022; git archive HEAD | tar -x --no-same-permissions -C build/package
	umask 022; export SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct); for folder in . benchmarks; do \
	  $(BIN)/python -m build --no-isolation --outdir dist build/package/$$folder || exit 1; done
	$(BIN)/twine check --strict dist/*

# What the changelog says of the version that pyproject.toml has, or of what is not released yet.
release-notes:
	@awk '/^## / {found = index($$0, "$(VERSION)")} found' CHANGELOG.md

# The core with the oldest versions that pyproject.toml allows, and with the newest: pandas 3 and
# what else came after constraints.txt. GluonTS and sktime, which need an older pandas, are left out,
# and of the oldest versions the export, which needs a newer torch.
CORE_TESTS := tests/backtest tests/command_line tests/data tests/dataset tests/forecasting tests/inputs \
  tests/network tests/regression tests/tables tests/training tests/weights
EXTRAS := distributed,holidays,hub,onnx,plot,report,torch,train
TEST_TOOLS := bokeh-sampledata hypothesis psutil pytest pytest-xdist scipy scikit-learn statsmodels
test-lowest: $(LOWEST)/.installed
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest -n 2 $(CORE_TESTS)

test-newest: $(NEWEST)/.installed
	OMP_NUM_THREADS=1 $(NEWEST)/bin/python -m pytest -n 2 $(CORE_TESTS)

$(LOWEST)/.installed: TORCH := $(shell sed -n 's/^torch = ."torch>=\([0-9.]*\).*/torch==\1/p' pyproject.toml)
$(LOWEST)/.installed: pyproject.toml
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python $(INSTALL_TORCH) || true
	$(LOWEST)/bin/python -m pip install --quiet uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct \
	  -e '.[$(EXTRAS)]' '$(TORCH)'
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python $(TEST_TOOLS)
	touch $@

$(NEWEST)/.installed: pyproject.toml
	$(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet $(CPU_INDEX) torch 2>/dev/null || \
	  $(NEWEST)/bin/python -m pip install --quiet torch
	$(NEWEST)/bin/python -m pip install --quiet --upgrade -e '.[$(EXTRAS),export]' $(TEST_TOOLS)
	touch $@

# The published code pins an older torch, and so the forecasters of others that ours is compared with
# get an environment of their own.
parity: $(PARITY)/.installed
	PYTHONPATH=. $(PARITY)/bin/python tests/parity/compare.py

# Beside the forecasters of others. ROWS="ours granite" times these only, and draws nothing.
forecast-speed: $(PARITY)/.installed
	OMP_NUM_THREADS=1 PYTHONPATH=.:adapters:benchmarks \
	  $(PARITY)/bin/python -m ttm_benchmarks.speed.forecast_speed \
	  $(if $(ROWS),--rows $(ROWS),--picture docs/forecast_speed.png)

# Beside sktime's own TinyTimeMixer.
sktime-speed: $(PARITY)/.installed
	PYTHONPATH=.:adapters:benchmarks $(PARITY)/bin/python -m ttm_benchmarks.speed.sktime_speed

$(PARITY)/.installed: constraints.txt
	$(PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/python $(INSTALL_TORCH) || $(PARITY)/bin/python -m pip install --quiet '$(TORCH)'
	$(PARITY)/bin/python -m pip install --quiet --no-deps granite-tsfm==0.3.11
	$(PARITY)/bin/python -m pip install --quiet -c constraints.txt 'transformers>=4.57.6,<6' \
	  accelerate chronos-forecasting datasets deprecated einops matplotlib onnxruntime pandas \
	  rich safetensors scikit-learn sktime statsforecast urllib3
	touch $@

# TabPFN needs an older pyarrow and scikit-learn.
tabpfn: $(TABPFN)/.installed
	OMP_NUM_THREADS=1 $(TABPFN)/bin/python -m pytest tests/tabpfn tests/benchmarks/tabpfn_comparison

$(TABPFN)/.installed: pyproject.toml benchmarks/pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TABPFN)
	$(TABPFN)/bin/python $(INSTALL_TORCH) || $(TABPFN)/bin/python -m pip install --quiet '$(TORCH)'
	grep -v -e '^pyarrow==' -e '^scikit-learn==' constraints.txt > $(TABPFN)/constraints.txt
	$(TABPFN)/bin/python -m pip install --quiet -c $(TABPFN)/constraints.txt \
	  -e '.[sktime,tabpfn]' -e ./benchmarks hypothesis pytest
	touch $@

# darts needs Python 3.11 and brings numba and more, which nothing else here does.
darts: $(DARTS)/.installed
	OMP_NUM_THREADS=1 $(DARTS)/bin/python -m pytest tests/darts adapters/ttm_darts

$(DARTS)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DARTS)
	$(DARTS)/bin/python $(INSTALL_TORCH) || $(DARTS)/bin/python -m pip install --quiet '$(TORCH)'
	$(DARTS)/bin/python -m pip install --quiet -c constraints.txt -e '.[darts]' hypothesis pytest \
	  pytorch-lightning
	touch $@

clean:
	rm -rf $(VENV) $(PARITY) $(TABPFN) $(DARTS) $(LOWEST) $(NEWEST) build chaos dist demo jupyter_execute site *.egg-info \
	  benchmarks/build benchmarks/dist benchmarks/*.egg-info
