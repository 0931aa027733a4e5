# Everything a developer types. Needs make and Python 3.11 or newer, nothing else.

SPEED ?= 60
SEED ?= 1
ROUNDS ?= 7
MINUTES ?= 30
RATE ?= 150
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
# uv heads each lock file with this command. The files name no index: whoever installs brings one.
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# An environment of its own: what looks at the dependencies is none of them.
AUDIT := $(VENV)/audit

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench audit chaos soak lock generate render clean

help: ## Say what there is to do.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.embedded ## Play a municipal week on this machine (SPEED=60, SEED=1); Ctrl-C stops it.
	@$(BIN)/kontaktpuls demo --speed $(SPEED) --seed $(SEED)

test: lint ## Install what is needed and run the whole suite.
	$(BIN)/python -m pytest

lint: $(VENV)/.dev ## Style, types and the import contracts; the quick part of `make test`.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev ## Let ruff lay out the code and mend what it can.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.dev ## Measure the numbers the project promises, and print them.
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

chaos: $(VENV)/.dev ## Kill, freeze and empty everything, ROUNDS times for a SEED; appends to chaos.jsonl.
	$(BIN)/python -m tests.chaos --seed $(SEED) --rounds $(ROUNDS)

soak: $(VENV)/.dev ## One worker at RATE events a second for MINUTES: what grows?
	$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES) --rate $(RATE)

audit: $(BIN)/python ## Ask whether a dependency of production has a known hole; needs the Internet.
	@test -x $(AUDIT)/bin/pip-audit || { $(BIN)/python -m venv $(AUDIT) && \
	$(AUDIT)/bin/python -m pip --disable-pip-version-check install --quiet pip-audit; }
	@$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	--requirement requirements/runtime.lock || { \
	echo 'make audit: either a hole is listed above, or whoever knows of them cannot be reached from' >&2; \
	echo 'here: the index itself has to answer, not a mirror. docs/security.md says what to do.' >&2; \
	exit 1; }

generate: $(VENV)/.dev ## Write every generated file anew from the types and the KPI registry.
	$(BIN)/kontaktpuls generate

render: $(VENV)/.dev ## Write rules, alert routes and boards anew from the registry and config/.
	$(BIN)/kontaktpuls render

lock: $(VENV)/.dev ## Pin every dependency anew, with hashes and for every platform.
	$(COMPILE) --extra dev --group build --upgrade --output-file requirements/dev.lock
	$(COMPILE) --extra embedded --group build --constraints requirements/dev.lock --output-file requirements/embedded.lock
	$(COMPILE) --group build --constraints requirements/dev.lock --output-file requirements/runtime.lock

clean: ## Remove what was made here, the virtual environment included.
	rm -rf $(VENV) .bench .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find agents benchmarks streams tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; write make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.%: requirements/%.lock pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes --requirement $<
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
