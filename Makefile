# Two commands to know:  make run   and   make test.   Both set themselves up, in .venv, the first time.

SCENARIO = mouse_subacute_graft
PY = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow lint types floors docs bench constraints clean distclean

help:                ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | \
	while IFS='|' read -r target meaning; do printf '%-18s %s\n' "$$target" "$$meaning"; done

setup:               ## make .venv with everything for runs, tests and checks
	@sh tools/set_up.sh dev

run:                 ## run the default scenario, or SCENARIO=name, and say where its pictures are
	@sh tools/set_up.sh run
	.venv/bin/cordgraft run $(SCENARIO)

test: setup          ## run the fast tests
	$(PY) -m pytest -m "not slow"

test-slow: setup     ## run the tests that take minutes
	$(PY) -m pytest -m slow

lint: setup          ## check style and docstrings (ruff)
	$(PY) -m ruff check .

types: setup         ## check the types (mypy, strict)
	$(PY) -m mypy

floors: setup        ## check that no floor imports from a higher one (import-linter)
	.venv/bin/lint-imports --no-cache

docs: setup          ## write the pages that follow from the code: parameters, mechanisms, ODD
	$(PY) tools/write_docs.py

bench: setup         ## print one table of speed and memory (BENCH="--quick", or names of sections)
	@$(PY) -c "import pde" 2>/dev/null || $(PY) -m pip install -qq --disable-pip-version-check --no-input \
		--editable ".[bench]" --constraint constraints.txt || echo "py-pde could not be installed: compared without it"
	@$(PY) -m benchmarks $(BENCH)

constraints: setup   ## resolve the newest versions into constraints.txt
	$(PY) tools/update_constraints.py

clean:               ## remove caches and builds; runs are kept
	rm -rf build dist .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean     ## remove .venv as well
	rm -rf .venv
