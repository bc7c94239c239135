# Every target does its own set-up; a machine needs Python >= 3.11, make and bash.
# `make help` lists them. Chosen by variable: PYTHON, PORT, PRESALE_DATA_DIR, DATABASE_URL,
# REDIS_URL, PYTEST_ARGS, PYTEST_WORKERS, BENCH_ARGS, SEED, MINUTES, CHAOS_ARGS, CASES.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two installs into one environment would disturb each other.
.NOTPARALLEL:

VENV := .venv
PY := $(VENV)/bin/python
CODE := headless_presale resolvers schema tests tools bench
NODE_PROJECT := tests/e2e/node
PYTEST_WORKERS ?= logical
SEED ?= 1
MINUTES ?= 1
CASES ?= 10000
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# Set by some images, it has each of the many processes of a run compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

# A stamp is named after the checksum of what was installed and written last. Touching a lock
# changes nothing, changing it refreshes the environment, and an interrupted install has no stamp.
checksum = $(shell cat $(1) | cksum | cut -d' ' -f1)
RUN_STAMP := $(VENV)/.run-$(call checksum,requirements.lock requirements-build.lock)
DEV_STAMP := $(VENV)/.dev-$(call checksum,requirements-dev.lock)
PROJECT_STAMP := $(VENV)/.project-$(shell { pwd; cat pyproject.toml; } | cksum | cut -d' ' -f1)
# Twice quiet: errors are shown, the warnings of a machine's own pip configuration are not.
INSTALL := $(PY) -m pip install -qq --require-hashes

.PHONY: help run test bench chaos hostile lock audit clean admin
.PHONY: lint lint-style lint-types lint-imports lint-schema lint-migrations

help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' \
		| while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

run: $(PROJECT_STAMP) admin ## Engines, migrations, demo shop, API and worker on http://127.0.0.1:8000
	@exec $(VENV)/bin/headless-presale run

test: $(DEV_STAMP) $(PROJECT_STAMP) admin ## The whole suite on its own throw-away engines (PYTEST_ARGS="-k slots")
	@export PATH="$(CURDIR)/$(VENV)/bin:$$PATH"; \
	tools/node_setup.sh "$(CURDIR)/$(PY)" $(NODE_PROJECT); \
	$(PY) -m pytest -n $(PYTEST_WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: lint-style lint-types lint-imports lint-schema lint-migrations ## Style, types, import rings and layers, schema and migration drift

# One target a check: `make --keep-going lint` tells everything at once.
lint-style: $(DEV_STAMP) $(PROJECT_STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

lint-types: $(DEV_STAMP) $(PROJECT_STAMP)
	$(PY) -m mypy $(CODE)

lint-imports: $(DEV_STAMP) $(PROJECT_STAMP)
	PYTHONPATH=. $(VENV)/bin/lint-imports

lint-schema: $(DEV_STAMP) $(PROJECT_STAMP)
	$(PY) -m schema.export --check

lint-migrations: $(DEV_STAMP) $(PROJECT_STAMP)
	$(PY) -m tools.migration_drift

bench: $(DEV_STAMP) $(PROJECT_STAMP) ## Each case beside its floor, in one run (BENCH_ARGS="place --quick", --help)
	$(PY) -m bench $(BENCH_ARGS)

chaos: $(DEV_STAMP) $(PROJECT_STAMP) ## Real processes in a storm of faults: make chaos SEED=7 MINUTES=2
	$(PY) -m tests.chaos --seed $(SEED) --minutes $(MINUTES) $(CHAOS_ARGS)

hostile: $(DEV_STAMP) $(PROJECT_STAMP) ## Hostile requests by the thousand: make hostile CASES=100000 SEED=7
	$(PY) -m tests.hostile --seed $(SEED) --cases $(CASES)

lock: ## Rewrite the lock files from pyproject.toml (needs uv; UPGRADE=1 moves the pins)
	tools/lock.sh

audit: ## Ask for the advisories of every locked version (needs uv, npm and their registries)
	@tools/audit.sh

clean: ## Remove what was built or installed here; data directories stay
	rm -rf $(VENV) build dist admin_static/dist $(NODE_PROJECT)/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -not -path './.data/*' -prune -exec rm -rf {} +

admin: $(PROJECT_STAMP)
	@$(PY) -m tools.build_admin

$(RUN_STAMP):
	@tools/venv.sh $(VENV)
	@rm -f $(VENV)/.run-*
	@echo "Installing what Headless Presale runs on..."
	@$(INSTALL) -r requirements.lock -r requirements-build.lock
	@touch $@

$(DEV_STAMP): $(RUN_STAMP)
	@rm -f $(VENV)/.dev-*
	@echo "Installing the test and lint tools..."
	@$(INSTALL) -r requirements-dev.lock
	@touch $@

# The backend comes from its lock, so nothing is fetched that has no hash.
$(PROJECT_STAMP): $(RUN_STAMP)
	@rm -f $(VENV)/.project-*
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@
