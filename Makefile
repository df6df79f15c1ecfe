# Every target sets up what it needs in .venv; `make help` lists them. Needed beforehand: Python 3.11 or later, nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_FLAGS ?= -n auto

.DEFAULT_GOAL := help
.PHONY: help verify demo gameday mutants test lint bench lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

verify: $(READY) ## Check every link of the chain; VERIFY_FLAGS=--quick or --deep for less or more
	$(BIN)/physalia verify $(VERIFY_FLAGS)

demo: $(READY) ## Three servers, broken and healed for a minute while clients work; what they saw and disks have is judged
	$(BIN)/physalia colony demo $(DEMO_FLAGS)

gameday: $(READY) ## A minute of faults on real servers under load; histories, traces, disks and leaks are judged
	$(BIN)/physalia conformance gameday --minutes 1 $(GAMEDAY_FLAGS)

mutants: $(READY) ## Forty faults that a tool makes, drawn by a seed, put to the links; MUTANTS_FLAGS for more
	$(BIN)/physalia conformance mutants --mechanical --number 40 --asks 6 --no-new $(MUTANTS_FLAGS)

test: $(READY) ## Run the tests; PYTEST_FLAGS="-n auto -m slow" for the long ones
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: $(READY) ## Style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## Measure the explorer beside TLC, the lockstep, the exhaustive link, the core, the journal beside SQLite, servers beside etcd, histories beside detangle, placement beside CP-SAT, and a fleet beside chance
	$(BIN)/python -m benchmarks.explorer
	$(BIN)/python -m benchmarks.lockstep
	$(BIN)/python -m benchmarks.exhaustive
	$(BIN)/python -m benchmarks.cell
	$(BIN)/python -m benchmarks.journal
	$(BIN)/python -m benchmarks.colony
	$(BIN)/python -m benchmarks.histories
	$(BIN)/python -m benchmarks.availability
	$(BIN)/python -m benchmarks.objective
	$(BIN)/python -m benchmarks.placement
	$(BIN)/python -m benchmarks.explanations
	$(BIN)/python -m benchmarks.fleet
	$(BIN)/python -m benchmarks.blast_radius

lock: $(READY) ## Write requirements-dev.txt anew from pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	  --all-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --output-file requirements-dev.txt pyproject.toml

clean: ## Remove the environment and everything that tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The editable install is a step of its own because pip cannot check the hash of a folder.
$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Physalia needs Python 3.11 or later, and $(PYTHON) is not: install it, or run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: install the package python3-venv (Debian, Ubuntu)" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON): about 200 MB are downloaded the first time, and take 700 MB there."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
