# make run    from a fresh clone to a trained, evaluated and packaged detector
# make test   lint, types and tests
# Needs Python 3.11 or 3.12, git and a network for packages.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

UV := uv==0.13.8
PYTHON ?= $(shell for name in python3.11 python3.12 python3; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$name && break; done)
# Named by what is to be installed, so that an unchanged set-up costs nothing and a changed lock is noticed.
READY := .venv/.ready-$(shell cat requirements.lock pyproject.toml | cksum | cut -d' ' -f1)

include .env.example
export $(shell sed -n 's/^\([A-Z_]*\)=.*/\1/p' .env.example)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
export UV_HTTP_TIMEOUT ?= 300

.PHONY: help setup run test lock serve-flows prefect-server drill clean

help:  ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-16s%s\n", $$1, $$2}' Makefile

setup: $(READY)  ## .venv with exactly the locked packages

run: $(READY) data  ## the sample, then the whole pipeline, then the headline metrics
	@python -m unmask.config
	dvc --wait-for-lock repro
	@python -m unmask.evaluation.headline

test: $(READY)  ## ruff, mypy strict, pytest
	ruff check
	ruff format --check
	mypy
	pytest -n 2 --dist loadgroup --durations 15

$(READY):
	@test -n "$(PYTHON)" || { echo "unmask needs Python 3.11 or 3.12 on PATH (or: make PYTHON=/path/to/python3.11)"; exit 1; }
	@test -x .venv/bin/uv || { $(PYTHON) -m venv .venv && .venv/bin/python -m pip install --quiet "$(UV)"; }
	uv pip sync requirements.lock
	uv pip install --quiet --no-deps --editable .
	@rm -f .venv/.ready-*
	@touch $@

# Only where there is none: a folder that `unmask ingest` has grown is the user's.
data: | $(READY)
	dvc pull -r sample data.dvc

lock: | $(READY)  ## resolve requirements.lock again from pyproject.toml
	uv pip compile pyproject.toml --extra faces --extra clips --extra ray --extra dev --generate-hashes --no-emit-index-url \
		--python-version 3.11 --output-file requirements.lock

serve-flows: $(READY)  ## retrain, monitor and ingest on schedules and events (beside `make prefect-server`)
	PREFECT_API_URL=$${PREFECT_API_URL:-http://127.0.0.1:4200/api} python -m flows.deployments

prefect-server: $(READY)  ## the Prefect server and its pages, on this machine only
	prefect server start --host 127.0.0.1

drill: $(READY) data  ## a new generator appears in the traffic of a scratch clone, and the loop learns it by itself
	python -m benchmarks.drill

clean:  ## remove what the pipeline and the tools wrote; data/ and var/ stay
	rm -rf build bentos .pytest_cache .mypy_cache .ruff_cache .hypothesis
