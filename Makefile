# The commands of this project. The first of them makes .venv, with nothing but Python 3.11 or later and the registries.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt

.PHONY: demo serve test faults check format bench schema licences screenshots clean

demo: .venv/run  ## Serve with a realistic example, and show how to look at it
	@$(BIN)/ordertrail demo --data-dir data/demo $(ARGS)

serve: .venv/run  ## Serve without an example
	@$(BIN)/ordertrail serve --data-dir data/serve $(ARGS)

test: .venv/dev .venv/node/ready  ## Run every test
	$(BIN)/python -m pytest --quiet --numprocesses 2 $(ARGS)

faults: .venv/dev  ## Every kind of fault, one after the other: the table of docs/reliability.md
	$(BIN)/python -m tests.faults $(ARGS)

check: .venv/dev  ## Format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev  ## Format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/dev  ## The benchmarks, as a table of ratios
	$(BIN)/python -m benchmarks $(ARGS)

schema: .venv/dev  ## Write down the schema that the migrations make
	$(BIN)/python -m tests.schema

licences: .venv/dev  ## Write down the licences of what is installed with us
	$(BIN)/python -m tests.licences

screenshots: .venv/dev  ## Look at every page: pictures in build/screenshots, and the one in the README
	$(BIN)/python -m tests.screenshots $(ARGS)

clean:  ## Remove what these commands made, but no data
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit("Ordertrail needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv (once, about a minute)" >&2
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/run: .venv/python pyproject.toml constraints.txt
	@$(PIP) --editable .
	@touch $@

.venv/dev: .venv/python pyproject.toml constraints.txt
	@$(PIP) --editable '.[dev]'
	@touch $@ .venv/run

# The official validator of AsyncAPI documents is a package of Node's. Its tests say how to install it if it is missing.
.venv/node/ready: .venv/python
	@npm install --no-save --no-audit --no-fund --loglevel=error --prefix .venv/node @asyncapi/parser@3.6.6
	@touch $@
