# Every target sets up what it needs in VENV, a virtual environment of its own.
#   make demo PYTHON=python3.12 VENV=/somewhere/else
VENV ?= .venv
PYTHON ?= python3
PYTEST_ARGS ?= -n 2 --dist worksteal
BENCH_ARGS ?=

export TF_CPP_MIN_LOG_LEVEL ?= 2

BIN := $(VENV)/bin
DISTRAX := $(VENV)/distrax
INSTALLED := $(VENV)/.installed
INSTALLED_BENCH := $(VENV)/.installed-bench
DECLARATIONS := setup.cfg setup.py pyproject.toml
CHECK_PYTHON := import sys; \
  v = sys.version_info[:2]; \
  v in [(3, 10), (3, 11), (3, 12), (3, 13)] or sys.exit("Python %d.%d" % v)

.PHONY: demo test test-long bench lint clean
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	"$(BIN)/python" -m zoo.demo

test: $(INSTALLED)
	"$(BIN)/python" -m pytest -m "not long" $(PYTEST_ARGS)

test-long: $(INSTALLED)
	"$(BIN)/python" -m pytest $(PYTEST_ARGS)

bench: $(INSTALLED_BENCH)
	"$(BIN)/python" -m benchmarks.speed --python distrax="$(DISTRAX)/bin/python" $(BENCH_ARGS)

lint: $(INSTALLED)
	"$(BIN)/python" -m ruff check .
	"$(BIN)/python" -m ruff format --check .

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(INSTALLED): $(DECLARATIONS)
	@"$(PYTHON)" -c '$(CHECK_PYTHON)' || { \
	  echo "error: tfflows needs Python 3.10 to 3.13, and PYTHON=$(PYTHON) is none;" \
	    "name one: make $(or $(MAKECMDGOALS),demo) PYTHON=python3.12" >&2; \
	  exit 1; }
	"$(PYTHON)" -m venv "$(VENV)"
	"$(BIN)/python" -m pip install --quiet -e '.[test]'
	@touch "$@"

# distrax depends on tfp-nightly, whose files overwrite those of tensorflow-probability.
$(INSTALLED_BENCH): $(INSTALLED)
	"$(BIN)/python" -m pip install --quiet -e '.[test,bench]'
	"$(BIN)/python" -m venv "$(DISTRAX)"
	"$(DISTRAX)/bin/python" -m pip install --quiet distrax optax
	@touch "$@"
