# Two commands are all a newcomer needs: `make demo` and `make test`. Everything is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast check format schemas install clean

help:
	@echo "make demo       install, then run the whole main job on the shipped example"
	@echo "make test       install, then run every test"
	@echo "make test-fast  the tests that take under three minutes"
	@echo "make check      format, lint, types and tests: what CI runs"
	@echo "make format     write the format"
	@echo "make schemas    write the published JSON Schemas anew"

# uv where it is there (seconds), pip otherwise; the stamp is renewed when the project file changes.
$(VENV)/installed: pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) $(VENV); \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --editable .; \
	else \
	  test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable .; \
	fi
	@touch $@

$(VENV)/developer: $(VENV)/installed
	@if command -v uv >/dev/null 2>&1; then \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --editable . --group dev; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"; \
	  $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable . --group dev; \
	fi
	@touch $@

install: $(VENV)/installed

demo: $(VENV)/installed
	@$(BIN)/markscheme demo

test: $(VENV)/developer
	@$(BIN)/python -m pytest --numprocesses auto

test-fast: $(VENV)/developer
	@$(BIN)/python -m pytest --numprocesses auto -m "not slow"

check: $(VENV)/developer
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest --numprocesses auto

format: $(VENV)/developer
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

schemas: $(VENV)/installed
	@for name in rubric example answer judgment; do \
	  $(BIN)/markscheme schema $$name > rubrics/schemas/$$name.schema.json; \
	done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis markscheme-demo
