# make demo: install, build the graph of examples/, ask it a question.   make test: install what tests need, run everything.
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= out/demo
WORKERS ?= 2
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint types unit soak docs exports clean

help:
	@echo "make demo   build the example graph and ask it a question (installs itself)"
	@echo "make test   run all checks and tests (installs itself)"

$(VENV)/.runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "paper-kg needs Python 3.11 or later; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

demo: $(VENV)/.runtime
	$(BIN)/kg build examples --out $(OUT)
	$(BIN)/kg query $(OUT) speed-ups
	@echo "Open $(OUT)/graph.html in a browser, load $(OUT)/graph.graphml into Gephi, or ask: $(BIN)/kg query $(OUT) QUESTION"

test: lint types unit

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

unit: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term --cov-fail-under=90

# The faults of the tests in full: builds killed at 50 moments, every reader fuzzed for ten minutes.
soak: $(VENV)/.test
	KG_KILLS=50 $(BIN)/python -m pytest tests/test_faults.py tests/test_commit.py tests/test_store.py tests/test_cluster.py
	$(BIN)/python fuzz/run.py --seconds 600

docs: $(VENV)/.test
	$(BIN)/sphinx-build -W -q -b html docs out/docs
	@echo "Open out/docs/index.html in a browser."

# The committed exports are made from examples/; a test keeps them in step.
exports: $(VENV)/.runtime
	$(BIN)/kg build examples --out exports --fresh --format ttl,jsonld,void,graphml,csv

clean:
	rm -rf $(VENV) out dist build .coverage* .pytest_cache .mypy_cache .ruff_cache
