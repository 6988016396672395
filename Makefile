# Two commands on a fresh machine: `make demo` and `make test`. Both make the environment that they need first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
# CPU build of torch: where the plain package would bring CUDA, set TORCH_INDEX to the CPU index (see README).
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check

export PYTHONDONTWRITEBYTECODE :=
export TOKENIZERS_PARALLELISM := false

.PHONY: help demo serve test lint evals bench soak clean env frontend check-services
.DEFAULT_GOAL := help

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMPS)/env: pyproject.toml constraints.txt
	@mkdir -p $(STAMPS)
	@echo "Making the environment (a few minutes the first time) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -q $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -c constraints.txt $(TORCH)
	@$(PIP) install -q -c constraints.txt -e '.[dev]'
	@touch $@

$(STAMPS)/frontend: $(STAMPS)/env package.json package-lock.json tools/vendor.py
	@$(BIN)/python tools/vendor.py
	@touch $@

env: $(STAMPS)/env
frontend: $(STAMPS)/frontend ## Bring scripts and styles from npm

demo: $(STAMPS)/env $(STAMPS)/frontend ## Run the main job on the sample and write a report
	@$(BIN)/commsapp demo

serve: $(STAMPS)/env $(STAMPS)/frontend ## Open the pages on this machine
	@$(BIN)/commsapp serve

test: $(STAMPS)/env $(STAMPS)/frontend ## Run lint and all tests
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: $(STAMPS)/env ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

evals: $(STAMPS)/env ## Measure the models on data they never saw
	@$(BIN)/python -m evals.run

bench: $(STAMPS)/env ## Time the whole job beside the plain recipe
	@$(BIN)/python -m benchmarks.run

soak: $(STAMPS)/env $(STAMPS)/frontend ## The long tests
	@COMMSAPP_SOAK=1 $(BIN)/python -m pytest -m soak $(PYTEST_FLAGS)

clean: ## Remove what was made, but not data
	@rm -rf $(VENV) $(STAMPS) node_modules commsapp/web/static/vendor build dist
