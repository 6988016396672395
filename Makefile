# Two commands on a fresh machine: `make demo` and `make test`. Each makes the environment that it needs first; a second run
# skips what is there. Nothing is needed before them but Python 3.11 to 3.13, make and git.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The CPU build of torch: where the plain package would bring CUDA, set TORCH_INDEX to PyTorch's CPU index (see README.md).
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
PYTHON ?=
# Quick ones first, so that a mistake is heard early; browsers last.
TESTS ?= $(wildcard tests/unit tests/house tests/integration tests/browser)
PYTEST_FLAGS ?=
# Test files that run side by side.
PYTEST_WORKERS ?= 2
# What takes hours where its settings ask for it.
SOAK ?= $(wildcard tests/integration/test_crash.py tests/integration/test_api_schema.py tests/integration/test_bad_input_to_pages.py)

PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# pyenv and the like put commands on the path that are not there, hence each candidate is tried.
FITS := -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: help env frontend demo serve test lint soak evals bench docs clean

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(BIN)/python:
	@set -e; for python in $(PYTHON) $(if $(PYTHON),,python3 python3.13 python3.12 python3.11); do \
	    if $$python $(FITS) 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "No Python 3.11 to 3.13 with venv was found. Install one (Debian: python3 python3-venv), or name it: make PYTHON=…" >&2; \
	    exit 1; \
	fi; \
	$$found -m venv $(VENV)

# Inside the environment, so that the two go together.
$(READY): $(BIN)/python pyproject.toml constraints.txt
	@echo "Making the environment (several minutes the first time) …"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@$(PIP) install --quiet $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX)) -c constraints.txt $(TORCH)
	@$(PIP) install --quiet -c constraints.txt -e '.[dev,names]'
	@touch $@

env: $(READY) ## Make the environment only

frontend: $(READY) ## Bring the scripts and styles of the pages from npm, and the model of names
	@$(BIN)/python tools/vendor.py
	@$(BIN)/python tools/names_model.py

demo: frontend ## Run the main job on the made-up sample and write a report
	@$(BIN)/commsapp demo

serve: frontend ## Open the pages on this machine
	@$(BIN)/commsapp serve

test: frontend ## Run lint and all tests
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile $(TESTS) $(PYTEST_FLAGS)

lint: $(READY) ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

soak: frontend ## Run the long tests: 200 kills, 100,000 odd inputs, a 2 GB upload, 200 users at once
	@COMMSAPP_TEST_KILLS=200 COMMSAPP_TEST_INPUTS=50000 COMMSAPP_TEST_API_EXAMPLES=650 $(BIN)/python -m pytest -s $(SOAK)
	@$(BIN)/python -m benchmarks.load.upload --megabytes 2000
	@$(BIN)/python -m benchmarks.load.run
	@COMMSAPP_PROCESSES=2 $(BIN)/python -m benchmarks.load.run
	@if [ -n "$$COMMSAPP_TEST_POSTGRES_URL" ]; then \
	    COMMSAPP_PROCESSES=2 $(BIN)/python -m benchmarks.load.run --postgres "$$COMMSAPP_TEST_POSTGRES_URL"; \
	fi

evals: frontend ## Measure the models on data that they never saw
	@$(BIN)/python -m evals.run

bench: frontend ## Time the whole job beside the plain recipe
	@$(BIN)/python -m benchmarks.run

docs: $(READY) ## Write the pages of docs/ that are read off the code
	@$(BIN)/python docs/regenerate.py

clean: ## Remove what was made, but no data
	@rm -rf $(VENV) node_modules commsapp/web/static/vendor build dist
