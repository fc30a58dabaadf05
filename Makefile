# Nashira: everything a fresh clone needs. Only python3 (3.11 or later), python3-venv and make are assumed.

PYTHON ?= python3
PORT ?= 8000
UV := .tools/bin/uv
BIN := .venv/bin
APT_PACKAGES := stilts postgresql-15 postgresql-15-pgsphere postgresql-15-q3c redis-server

.PHONY: help demo test check conformance bench performance lock debian clean

help:            ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 24

demo: .venv/.run ## publish a made-up sky and serve it on http://127.0.0.1:8000 (or PORT=…)
	@$(BIN)/nashira demo .demo --port $(PORT)

test: .venv/.dev debian ## install what the tests need, then run them all
	@$(BIN)/pytest -q --durations=15

check: .venv/.dev ## lint, types, import directions, wheel content
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q tests/layout

conformance: .venv/.dev debian ## STILTS taplint and votlint, pyvo and astroquery against the demo
	@$(BIN)/python -m tests.conformance.run

bench: .venv/.dev debian ## this server beside bare DuckDB, bare PostgreSQL and others, as ratios, in one run
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.wire
	@$(BIN)/python -m bench.production

performance: .venv/.dev debian ## results and uploads measured, docs/performance.md and docs/wire.svg renewed
	@$(BIN)/python -m bench.wire --write

lock: $(UV)      ## renew the locked dependencies
	@$(UV) pip compile -q pyproject.toml --upgrade --generate-hashes --no-annotate --no-header -o requirements/run.lock
	@$(UV) pip compile -q pyproject.toml --upgrade --group dev --generate-hashes --no-annotate --no-header \
	  -c requirements/run.lock -o requirements/dev.lock

clean:           ## remove environments, demo and caches
	@rm -rf .venv .tools .demo .bench build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Debian packages: installed when root, else named.
debian:
	@dpkg-query -W -f='$${Status}\n' $(APT_PACKAGES) 2>/dev/null | grep -c '^install ok installed' | grep -qx $(words $(APT_PACKAGES)) || { \
	  if [ "$$(id -u)" = 0 ]; then \
	    echo "installing Debian packages: $(APT_PACKAGES)"; \
	    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	      $(APT_PACKAGES)) > /dev/null; \
	  else echo "missing Debian packages; run: sudo apt-get install -y $(APT_PACKAGES)"; exit 1; fi; }

$(UV):
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install -q --disable-pip-version-check uv

.venv/bin/python: | $(UV)
	@$(UV) venv -q --python $(PYTHON) .venv

.venv/.run: requirements/run.lock pyproject.toml | .venv/bin/python
	@echo "installing Nashira and what it needs into .venv"
	@$(UV) pip install -q --compile-bytecode --require-hashes -r requirements/run.lock -p .venv
	@$(UV) pip install -q --no-deps -e . -p .venv
	@touch $@

.venv/.dev: requirements/dev.lock .venv/.run
	@echo "installing what tests and checks need into .venv"
	@$(UV) pip install -q --compile-bytecode --require-hashes -r requirements/dev.lock -p .venv
	@touch $@
