# Moderato. `make help` says what there is.
SHELL := /bin/sh
PY := .venv/bin/python
LOCK = uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
       --no-strip-extras --upgrade --quiet --custom-compile-command "make lock"

# Where it is set, each of the many processes would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test proof lint bench reset lock dev

help: ## Show this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1	\2/p' Makefile

setup: ## Install what running needs into .venv and build the browser's files
	@sh scripts/setup.sh run

run: setup ## Run Moderato with demo data on http://localhost:8000 (PORT, MODERATO_DATA)
	@exec $(PY) manage.py up

dev:
	@sh scripts/setup.sh dev

test: dev ## Run every check and the whole suite, on PostgreSQL and on SQLite
	@exec $(PY) scripts/check.py all </dev/null

proof: dev ## Run the long proofs at full size (concurrency, crashes, sampling)
	@exec $(PY) scripts/check.py proof </dev/null

lint: dev ## Run format, lint, types, layers, templates and migration checks alone
	@exec $(PY) scripts/check.py lint </dev/null

bench: dev ## Run the benchmarks and print their figures
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; $(PY) "$$script" </dev/null; done

reset: ## Delete the local data folder, after asking
	@sh scripts/reset.sh

lock: ## Resolve pyproject.toml into requirements/ again (needs uv)
	$(LOCK) -o requirements/base.txt
	$(LOCK) --extra local --extra media -c requirements/base.txt -o requirements/run.txt
	$(LOCK) --extra local --extra media --group dev -c requirements/base.txt -o requirements/dev.txt
	echo uv | $(subst pyproject.toml,-,$(LOCK)) -o requirements/uv.txt
