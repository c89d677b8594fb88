# Each target is one command on a fresh machine with Python 3.11 or later. `PY=python3.12 make run` takes another Python.
PY ?= python3
BIN := .venv/bin
# Tests that start the whole product wait more than they work. Without reordering, those in a browser come last.
SIDE_BY_SIDE := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: audit licences run demo install test faults soak check bench bench-quick bench-record screenshots lock

run: .venv/.ok
	@$(BIN)/python manage.py up

install: .venv/.ok

demo: .venv/.ok
	@$(BIN)/python -m simulator.demo_up

# On SQLite, then once more on PostgreSQL with Redis where their programs are installed; then what an option adds.
test: .venv/.dev-ok
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)
	$(BIN)/python -m tests.with_services $(SIDE_BY_SIDE)
	SIGN_IN=allauth $(BIN)/python -m pytest tests/sign_in_option

# Every fault of AWS, of processes, databases and clocks, on both databases; part of `test` already.
faults: .venv/.dev-ok
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/faults
	$(BIN)/python -m tests.with_services $(SIDE_BY_SIDE) tests/faults

# 20 elements for 20 minutes with faults, kills and clicks at random; fails when anything grows. MINUTES=2 make soak
soak: .venv/.dev-ok
	$(BIN)/python -m tests.soak

check: .venv/.dev-ok
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m tests.with_settings mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.with_settings django makemigrations --check --dry-run
	$(MAKE) test

# Every bar of docs/performance.md, on SQLite (17 to 20 minutes) and PostgreSQL; writes the figures there.
bench: .venv/.dev-ok
	$(BIN)/python -m tests.bench --database sqlite,postgres --write

# The ratios that a busy machine does not change; fails when one is half as much again as recorded. The other records them.
bench-quick: .venv/.dev-ok
	$(BIN)/python -m tests.bench --quick

bench-record: .venv/.dev-ok
	$(BIN)/python -m tests.bench --quick --record

# The pictures of the README and the gallery; needs Chromium.
screenshots: .venv/.dev-ok
	$(BIN)/python -m tests.browser.screenshots

lock:
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header requirements.in -o requirements.txt
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header requirements-dev.in -c requirements.txt -o requirements-dev.txt
	echo pip-audit | uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header - -o requirements-audit.txt

# docs/licences.md, of what is locked and of the files that others made.
licences: .venv/.dev-ok
	$(BIN)/python -m tests.supply.licences

# Whether a locked package is known to be vulnerable. Needs the internet, and says so where there is none.
audit: .venv/.audit-ok
	@.venv/audit/bin/python -m tests.supply.audit .venv/audit/bin/pip-audit

# What runs. It takes nothing away, so that what tests and lints stays in a .venv that has it.
.venv/.ok: requirements.txt
	@if [ .venv/.dev-ok -nt $< ]; then :; else \
	  $(call install,$<); \
	fi
	@touch $@

# What runs, tests and lints.
.venv/.dev-ok: requirements-dev.txt
	@$(call install,$<)
	@touch $@

# Apart from what runs, which it is to judge.
.venv/.audit-ok: requirements-audit.txt .venv/.dev-ok
	@$(BIN)/python -m venv .venv/audit && .venv/audit/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

# uv when there is one; otherwise the pip of the machine, which spares a copy of it; otherwise the pip that venv brings.
define install
$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || { echo "ec2mon needs Python 3.11 or later; $(PY) is older or missing. Another one: PY=python3.12 make $(MAKECMDGOALS)"; exit 1; }; \
  echo "Installing $(1) into .venv (once) ..."; \
  if uv --version >/dev/null 2>&1; then \
    uv venv -q --allow-existing --python $(PY) .venv && uv pip install -q --python $(BIN)/python --require-hashes -r $(1); \
  elif $(PY) -m pip --version >/dev/null 2>&1; then \
    $(PY) -m venv --without-pip .venv && $(PY) -m pip --python $(BIN)/python install -q --disable-pip-version-check --require-hashes -r $(1); \
  else \
    $(PY) -m venv .venv && $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1); \
  fi
endef
