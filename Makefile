# Two commands do everything: `make demo` shows the main job, `make test` passes all tests.
# Both make what they need (a virtual environment in .venv, from the pins in constraints.txt) and can be repeated.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint unit audit prove benchmarks clean

demo: $(VENV)/.installed
	$(BIN)/gong-bridge demo $(DEMO_OPTIONS)

test: lint unit

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(TEST_OPTIONS)

# The long proofs: hundreds of kills, every kill point with every ledger. PROOFS=tests/proofs/test_x.py runs one of them.
PROOFS ?= tests/proofs
prove: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m proof -s $(PROOFS) $(TEST_OPTIONS)

# Known weaknesses of the pinned versions; skipped, and said so, where there is no network.
audit: $(VENV)/.installed-test
	PYTHON=$(BIN)/python .ci/audit

benchmarks: $(VENV)/.installed-test
	$(BIN)/python benchmarks/upload.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/join.py
	$(BIN)/python benchmarks/allowance.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "gong-bridge needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is missing; on Debian: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[test]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
