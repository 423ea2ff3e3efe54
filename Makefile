# The two commands of the README are `make demo` and `make test`; each sets up all it needs on a bare Debian machine.
SHELL := /bin/bash
PY := .venv/bin/python
SERVE ?= 1
DEMO ?= demo-city
CASES ?= 10000
export PYTHONUTF8 := 1

.PHONY: setup setup-dev demo test check bench conformance fuzz clean

setup: .venv/.core
setup-dev: .venv/.dev

.venv/bin/python:
	@scripts/make_environment

.venv/.core: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing CommonGround ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.dev: .venv/.core scripts/install_dev
	@scripts/install_dev
	@touch $@

demo: .venv/.core
	@SERVE=$(SERVE) scripts/run_demo $(DEMO)

check: .venv/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

test: check
	scripts/run_tests

conformance: .venv/.dev
	$(PY) -m pytest tests/engines tests/property -q --conformance

fuzz: .venv/.dev
	$(PY) tests/fuzz/campaign.py --cases $(CASES)

bench: .venv/.dev
	@for b in benchmarks/[a-z]*.py; do echo "== $$b"; $(PY) $$b --quick || exit 1; done

clean:
	rm -rf .venv demo-city demo-city.keys
