# Two commands matter: `make run` and `make test`. `make help` lists the others.
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help setup setup-dev run migrate doctor test check lint fmt types imports unit db bench demo drills clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## Prepare this machine: .venv, pinned packages, a database server program
	@sh backend/setup.sh run

setup-dev:
	@sh backend/setup.sh dev

run: setup ## Start everything; prints the address and the first login
	@LOG_FORMAT=$${LOG_FORMAT:-plain} exec $(PY) -m backend serve

migrate: setup ## Bring the database's schema up to date
	@$(PY) -m backend migrate up

doctor: setup ## Say what is wrong with this installation, and how to mend it
	@$(PY) -m backend doctor

test: lint types imports ## Lint, types, architecture and every test; what CI runs
	@$(PYTEST) -q -n 2 --dist loadfile -m "not e2e"
	@$(PYTEST) -q -n 0 -m e2e

check: lint types imports unit ## What needs no database: run it before every commit

lint: setup-dev ## Style and common mistakes (ruff)
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check --quiet . || { echo "Run: make fmt" >&2; exit 1; }

fmt: setup-dev ## Format the code and mend what can be mended mechanically
	@$(PY) -m ruff format --quiet .
	@$(PY) -m ruff check --fix --quiet .

types: setup-dev ## Types (mypy, strict)
	@$(PY) -m mypy

imports: setup-dev ## Architecture: who may import whom
	@$(PY) -c "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"

unit: setup-dev ## Tests of pure code and the house rules
	@$(PYTEST) -q -n 0 -m "not db" tests/unit tests/meta

db: setup-dev ## Tests that need the database
	@$(PYTEST) -q -n 0 tests/integration

bench: setup-dev ## Measure the hot calls; ARGS="--quick" for a short run
	@$(PY) benchmarks/run.py --json bench.json $(ARGS)

# Real agents, then light ones (one thread, exact protocol); "storm" is the thousand in one second.
SWITCH_DRILLS := switch switch-capacity switch-crash clone
EMERGENCY_DRILLS := rebalance termination termination-syncing termination-alone double-notice \
	loss silence manual-mode backend-crash db-outage cut-off duplicates split
STORM_DRILLS := storm storm-alone

drills: setup-dev ## Every drill with 20 real agents and three seeds; figures in .local/drills
	@mkdir -p .local/drills
	@for seed in 1 2 3; do \
		for drill in $(SWITCH_DRILLS); do \
			$(PY) -m simulator drill $$drill --agents $${AGENTS:-20} --seed $$seed \
				--json .local/drills/$$drill-$$seed.json || exit 1; done; \
		for drill in $(EMERGENCY_DRILLS); do \
			$(PY) -m simulator drill $$drill --agents $${REAL:-6} --light $${LIGHT:-34} \
				--seed $$seed --json .local/drills/$$drill-$$seed.json || exit 1; done; \
		for drill in $(STORM_DRILLS); do \
			$(PY) -m simulator drill $$drill --agents $${REAL:-6} --light $${STORM:-994} \
				--seed $$seed --json .local/drills/$$drill-$$seed.json || exit 1; done; done

demo: setup-dev ## Backend, a pretend region and six agents; something happens all the time
	@exec $(PY) -m simulator demo $(ARGS)

clean: ## Remove caches; the data in .local and the environment in .venv stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bench*.json
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
