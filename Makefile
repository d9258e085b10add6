# Everything runs in .venv, made here on first use. PYTHON names another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := ingest rules alerts pipeline
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# One more than processors: some tests wait for clocks and other processes.
WORKERS ?= $(shell [ $(CORES) -gt 4 ] && echo 4 || expr $(CORES) + 1)

# Data sets of real cases that do not come with the program.
DATA ?= ../shared/data

.DEFAULT_GOAL := help
.PHONY: help run test lint types bench soak reports all clean

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

run: $(VENV)/.run ## the bundled August 2022 event through the real daemon
	$(BIN)/fengsui demo $(ARGS)

# Where memory has a gigabyte for what tests write, ten thousand small databases wait for no disk.
MEMORY := $(shell [ -w /dev/shm ] && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 1048576 { print "/dev/shm" }')
# A worker reads what another has compiled. Files begin in the order that tests/conftest.py gives.
test: export PYTHONDONTWRITEBYTECODE =
test: export TMPDIR := $(or $(MEMORY),$(TMPDIR),/tmp)
test: $(VENV)/.dev ## every test but the soak
	$(BIN)/python -m pytest -m "not soak" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev ## ruff
	$(BIN)/ruff check .

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

bench: $(VENV)/.dev ## the figures of DESIGN.md, measured here
	$(BIN)/python tests/bench/run.py $(ARGS)

soak: $(VENV)/.dev ## the tests that run for minutes
	$(BIN)/python -m pytest -m soak $(ARGS)

reports: $(VENV)/.dev ## reports of real cases, from DATA
	$(BIN)/python tests/cases/run.py --data $(DATA) --out reports $(ARGS)

all: lint types test ## what a change must pass

clean: ## remove the virtual environment and every cache
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
		echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Fengsui needs Python 3.11 or newer, and $(PYTHON) is older. Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# Where packages come from is the user's own pip configuration. The stamps make the second run start at once.
$(VENV)/.run: pyproject.toml | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -m compileall -q $(PACKAGES)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	$(BIN)/python -m compileall -q $(PACKAGES)
	@touch $(VENV)/.run $@
