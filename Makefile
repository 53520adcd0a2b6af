.DEFAULT_GOAL := help
.PHONY: help sync format type test-fast test docs build constraints

PYTHON ?= python
PY = $(shell $(PYTHON) -c 'import sys; print("py%d%d" % sys.version_info[:2])')

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

sync:  ## install everything for development into the current environment, pinned
	$(PYTHON) -m pip install -c constraints/$(PY).txt -e '.[train,dev]'

format:  ## format, and repair what the linter can repair
	ruff format
	ruff check --fix

type:  ## check the types
	pyright

test-fast:  ## what a change needs: all but the slow tests
	$(PYTHON) -m pytest -q -m 'not slow and not gpu and not arm'

test:  ## every test this machine can run
	$(PYTHON) -m pytest

docs:  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

build:  ## build the wheel and try it in a fresh environment
	rm -rf dist build/wheel
	$(PYTHON) -m build --wheel
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/pip install -q -c constraints/$(PY).txt dist/*.whl
	cd build && MUJOCO_GL=$${MUJOCO_GL:-egl} wheel/bin/roarm doctor

# Keeps the pins that are there; UPGRADE=--upgrade takes the newest, UPGRADE='--upgrade-package mujoco' one of them.
# What the CUDA build of torch brings is left out: torch pins it exactly, and the CPU build has none of it.
constraints:  ## pin what the extras bring, for each Python (needs uv)
	for v in 11 12 13; do \
	  uv pip compile -q pyproject.toml --extra train --extra dev --python-version 3.$$v --python-platform linux \
	    --no-annotate --custom-compile-command 'make constraints' $(UPGRADE) -o constraints/py3$$v.txt > /dev/null && \
	  sed -i -E '/^(nvidia-|cuda-|triton)/d; s/^# This file .*/# What the extras train and dev bring on Python 3.'$$v' (Linux). Made by:/' \
	    constraints/py3$$v.txt || exit 1; \
	done
