# Two commands do everything on a fresh Debian or Ubuntu machine; each sets up what it needs first.
.PHONY: bench test lint clean
.DEFAULT_GOAL := help
PY := .venv/bin/python

help:
	@echo "make bench   bench the shipped pack on every target, emulating what is absent"
	@echo "make test    all tests, lint and types"
	@echo "make lint    ruff and mypy only"

bench:
	@ci/bootstrap bench
	@mkdir -p results
	$(PY) -m pytest hil --missing=emulate --results results/bench.jsonl

test: lint
	$(PY) -m pytest --emulate

lint:
	@ci/bootstrap test
	$(PY) -m ruff check -q . && $(PY) -m ruff format -q --check .
	$(PY) -m mypy

clean:
	rm -rf .venv results .mypy_cache .ruff_cache .pytest_cache
