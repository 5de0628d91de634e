# make demo: assess the three example systems, sign, verify.   make test: the whole suite.
# make reports: the examples against the whole profiles of their sectors, at standard budget, reports into docs/pilots.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo reports test slow lint types imports docs clean

demo: $(VENV)/.demo-ready
	$(BIN)/python examples/demo.py demo-output

reports: $(VENV)/.demo-ready
	$(BIN)/python examples/pilots.py pilots-output docs/pilots

test: $(VENV)/.test-ready
	$(BIN)/python -m pytest -n 2

slow: $(VENV)/.test-ready
	$(BIN)/python -m pytest -m slow -o timeout=1800

lint: $(VENV)/.test-ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test-ready
	$(BIN)/mypy

imports: $(VENV)/.test-ready
	$(BIN)/lint-imports

docs: $(VENV)/.test-ready
	TOUCHSTONE_LANG=en $(BIN)/python docs/generate_reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-ready: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[assess]'
	touch $@

$(VENV)/.test-ready: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.demo-ready

clean:
	rm -rf demo-output pilots-output site .mypy_cache .ruff_cache .pytest_cache
