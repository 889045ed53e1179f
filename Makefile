# Agent Skill Registry. `make help` lists the targets; each redoes only what changed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   ?= .venv
PY     := $(VENV)/bin/python
UV     := $(VENV)/bin/uv
RUN     = SKILLREGISTRY_STATE_DIRECTORY=$(STATE) $(VENV)/bin/skillregistry
CORPUS ?=
# What up, down, crawl, build and serve work on: this registry where there is one, else the demo's.
STATE  ?= $(if $(wildcard var/services.json),var,$(if $(wildcard var/demo/services.json),var/demo,var))
# Two processes, each with services of its own: much of the suite waits for them.
PYTEST ?= -n 2 --dist loadfile

LOCK   := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
          --no-emit-index-url --no-header --no-annotate --quiet

##@ Start here

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.dev ## Make the development environment in .venv from the hashed locks

demo: $(VENV)/.run ## Crawl sample repositories through real services to a checked site (CORPUS=DIR: real ones)
	$(PY) -m tests.demo $(if $(CORPUS),--corpus $(CORPUS))

test: $(VENV)/.dev tests/node_modules/.lock check ## Every check and test; what the machine cannot run is skipped by name
	$(PY) -m pytest $(PYTEST)

##@ Work on the code

check: $(VENV)/.dev tests/node_modules/.lock ## Format, lint, types, import rules, docs
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy
	$(PY) -m tests.node pyright
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

fix: $(VENV)/.dev ## Format, and mend what lint can mend
	$(VENV)/bin/ruff check --fix-only --quiet .
	$(VENV)/bin/ruff format .

docs: $(VENV)/.dev ## Build the documentation into build/docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

clients: $(VENV)/.dev tests/node_modules/.lock ## Install every client that people have, the large ones too (720 MB), and run them against a registry
	$(PY) -m tests.node install-large
	$(PY) -m pytest tests/clients

second-opinion: $(VENV)/.dev .second-opinion/.done ## Install the other scanner in .second-opinion (560 MB), and ask it something
	$(PY) -m pytest tests/secondopinion

fuzz: $(VENV)/.fuzz ## Feed readers, path rules, zip writer and scanner hostile bytes (SECONDS=600 a target; TARGET=NAME: one)
	$(PY) -m tests.fuzz $(TARGET) --seconds $(or $(SECONDS),600)

contract: $(VENV)/.dev ## Ask the API for all that its description allows, and more (SECONDS=600)
	$(PY) -m tests.contract --seconds $(or $(SECONDS),600)

drills: $(VENV)/.dev ## Hurt a registry on purpose and see what holds (DRILL="part of a name": those only)
	$(PY) -m tests.drills $(if $(DRILL),"$(DRILL)")

bench: $(VENV)/.dev ## Run every benchmark in its quick size
	@set -e; for file in bench/[a-z]*.py; do echo "== $$file"; $(PY) "$$file" --quick; done

screenshots: $(VENV)/.dev ## Pictures of every kind of page under build/screenshots, for people to look at
	$(PY) -m tests.screenshots

lock: $(VENV)/bin/uv ## Write requirements/*.txt anew from pyproject.toml
	$(LOCK) --extra embedded --group standin --output-file requirements/run.txt
	$(LOCK) --extra embedded --group standin --group test --group check --group docs --output-file requirements/dev.txt
	$(LOCK) --output-file requirements/prod.txt
	$(subst compile pyproject.toml,compile --group build,$(LOCK)) --output-file requirements/build.txt
	$(LOCK) --group fuzz --output-file requirements/fuzz.txt
	$(subst compile pyproject.toml,compile,$(LOCK)) --group second-opinion --output-file requirements/second-opinion.txt

##@ Run a registry here

up: $(VENV)/.run ## Start PostgreSQL, S3 and Temporal under var/ (STATE=DIR: elsewhere)
	$(RUN) up

down: $(VENV)/.run ## Stop them; nothing is deleted
	$(RUN) down

crawl: $(VENV)/.run ## Crawl the sources of registry.yaml and publish
	$(RUN) crawl --wait

build: $(VENV)/.run ## Export a snapshot and build the site from it
	$(RUN) publish

serve: $(VENV)/.run ## Serve the newest site and the API on http://127.0.0.1:8080
	$(RUN) up
	$(RUN) serve

clean: ## Delete what was built (never the data under var/)
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache

# -- environments: uv comes from its own hashed lock, everything else through it

$(VENV)/bin/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "error: Python 3.11 to 3.13 is needed, this is %d.%d. Set PYTHON=python3.12, for example." % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) has no venv module. On Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.run: $(VENV)/bin/uv requirements/run.txt pyproject.toml
	$(UV) pip install --quiet --python $(PY) --require-hashes -r requirements/run.txt
	$(UV) pip install --quiet --python $(PY) --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/uv requirements/dev.txt pyproject.toml
	$(UV) pip install --quiet --python $(PY) --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python $(PY) --no-deps --editable .
	@touch $(VENV)/.run $@

$(VENV)/.fuzz: $(VENV)/.dev requirements/fuzz.txt
	$(UV) pip install --quiet --python $(PY) --require-hashes -r requirements/fuzz.txt
	@touch $@

.second-opinion/.done: $(VENV)/bin/uv requirements/second-opinion.txt
	$(PYTHON) -m venv .second-opinion
	$(UV) pip install --quiet --python .second-opinion/bin/python --require-hashes -r requirements/second-opinion.txt
	@touch $@

tests/node_modules/.lock: $(VENV)/.dev tests/package.json tests/package-lock.json
	$(PY) -m tests.node install
	@test ! -d tests/node_modules/.bin || touch $@

.PHONY: help setup demo test check fix docs clients second-opinion fuzz contract drills bench screenshots lock up down crawl build serve clean
