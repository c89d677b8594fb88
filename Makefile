# Each target is one command on a fresh machine with Python 3.11 or later.
PY ?= python3
BIN := .venv/bin

.PHONY: test check lock

.venv/.dev-ok: requirements-dev.txt
	@if command -v uv >/dev/null; then \
	  uv venv -q --allow-existing --python $(PY) .venv && uv pip sync -q --python $(BIN)/python --require-hashes $<; \
	else \
	  $(PY) -m venv .venv && $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $<; \
	fi
	@touch $@

test: .venv/.dev-ok
	$(BIN)/python -m pytest

check: .venv/.dev-ok
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m tests.with_settings mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.with_settings django makemigrations --check --dry-run
	$(MAKE) test

lock:
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header requirements.in -o requirements.txt
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header requirements-dev.in -c requirements.txt -o requirements-dev.txt
