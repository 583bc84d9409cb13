# make demo and make test set up everything they need: Python 3.11+, make and a package index.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.made
JOBS   ?= 2

.PHONY: help demo anvil test check lint types layers coverage optimized docs notebooks examples build bench fuzz interop torture clean
.DEFAULT_GOAL := help

help:  ## show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'cityid needs Python 3.11 or newer: make PYTHON=python3.12 ...'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(STAMP)-demo: $(VENV)/.venv pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(STAMP)-%: $(VENV)/.venv pyproject.toml
	$(BIN)/python -m pip install --quiet --editable . --group $*
	@touch $@

demo: $(STAMP)-demo  ## a city issues, citizens hold and present, services verify
	@$(BIN)/cityid demo

anvil:  ## install a real Ethereum node and the contract of ERC-1056 for the tests; without them they do less
	@sh tests/install_anvil.sh $(PYTHON) build/anvil \
		|| { echo 'anvil and ERC-1056 cannot be installed: the tests will do less'; [ -z "$$CITYID_REQUIRE_CHAIN" ]; }

test: $(STAMP)-test anvil  ## run the tests
	$(BIN)/python -m pytest -q -n $(JOBS) $(PYTEST_ARGS)

check: lint types layers coverage docs notebooks examples  ## everything that must hold before a change lands

lint: $(STAMP)-dev  ## style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP)-dev  ## mypy, strict
	$(BIN)/mypy
	$(BIN)/mypy examples/scripts examples/service

layers: $(STAMP)-dev  ## imports only go down
	$(BIN)/lint-imports

coverage: $(STAMP)-dev  ## the tests, with every published vector and branch coverage
	CITYID_REQUIRE_VECTORS=1 $(MAKE) test PYTEST_ARGS='--cov --cov-report='
	$(BIN)/coverage report --fail-under=97
	$(BIN)/coverage report --fail-under=100 --include='src/cityid/verifier.py,src/cityid/result.py,src/cityid/verification.py,src/cityid/securing/*,src/cityid/cryptosuites/*'

optimized: $(STAMP)-test anvil  ## the tests under python -O: no check may be an assert
	$(BIN)/python -O -m pytest -q -n $(JOBS) -p no:cacheprovider

docs: $(STAMP)-dev  ## build the documentation; a warning is an error
	$(BIN)/python -m sphinx -n -W --keep-going -q -b html docs docs/_build/html

notebooks: $(STAMP)-dev  ## run the notebooks from top to bottom
	$(BIN)/python tests/run_notebooks.py

examples: $(STAMP)-dev  ## run the example scripts and the demo
	$(BIN)/python -m pytest -q tests/scenarios/test_examples.py
	$(BIN)/cityid demo > /dev/null

build: $(STAMP)-dev  ## wheel and sdist, and the demo from the installed wheel outside the checkout
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	sh tests/install_wheel.sh $(PYTHON) dist

bench: $(STAMP)-dev anvil  ## speed, as ratios within one run
	$(BIN)/python -m benchmarks

fuzz: $(STAMP)-dev  ## the differential fuzz of the canonicalization, longer than in the tests
	PYTHONPATH=tests $(BIN)/python -m jsonld_fuzz 200000

interop: $(STAMP)-test anvil  ## did:ethr beside the JavaScript resolver, on one chain; needs Node.js
	@sh tests/install_interop.sh build/interop
	PYTHONPATH=tests $(BIN)/python -m ethr_interop build/interop

torture: $(STAMP)-dev anvil  ## the registries under faults: killed, damaged, crowded, lied to: the long form
	PYTHONPATH=tests $(BIN)/python -m torture $(TORTURE_ARGS)

clean:  ## remove what was built
	rm -rf $(VENV) build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
