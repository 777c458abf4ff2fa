# Two commands to know: `make demo` and `make test`. The environment is made on first use,
# and made again only when pyproject.toml changed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
NODE := tests/browser/node_modules

.DEFAULT_GOAL := help
.PHONY: help demo test notebooks lab lite mutations bench bench-quick lint docs release test-versions test-lowest test-company clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.lab ## Run the checkout app on a real server and show its timeline
	@$(BIN)/python -m visualize demo

test: $(VENV)/.dev $(NODE)/.done ## Run all tests
	@$(BIN)/python -m pytest

notebooks: $(VENV)/.queue ## Run all notebooks and write their outputs
	@$(BIN)/python notebooks/execute.py

lab: $(VENV)/.queue ## Open copies of the notebooks in JupyterLab, in notebooks/mine
	@$(BIN)/python notebooks/copies.py
	@$(BIN)/python -m jupyter lab notebooks/mine

lite: $(VENV)/.lite ## Build build/lite/site, a folder in which notebooks run in a browser, without a server
	@$(BIN)/python notebooks/lite.py

mutations: $(VENV)/.dev ## Make each claim of the notebooks false, and see them fail
	@MUTATIONS=all $(BIN)/python -m pytest tests/test_mutations.py

bench: $(VENV)/.dev ## Measure everything, beside the committed figures
	@$(BIN)/python -m tests.benchmarks

bench-quick: $(VENV)/.dev ## Measure in a minute; fails on a gross regression
	@$(BIN)/python -m tests.benchmarks --quick

lint: $(VENV)/.dev $(NODE)/.done ## Linter, formatter check, mypy strict, types of the viewer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if test -x $(NODE)/.bin/tsc; then $(NODE)/.bin/tsc --project tests/viewer; \
	else echo "The types of the viewer are not checked: there is no npm"; fi

test-versions: $(VENV)/.dev ## Run the library's tests on each Python that can be had, and with the lowest versions
	@$(BIN)/python -m tests.versions $(VERSIONS)

test-lowest: $(VENV)/.dev ## Run the library's tests with the lowest versions that pyproject.toml admits
	@$(BIN)/python -m tests.versions lowest

docs: $(VENV)/.dev ## Build the site, offline, into site/
	@$(BIN)/python -m docs.house
	@rm -rf site build/site
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/site
	@mv build/site site
	@echo "Open site/index.html, or serve the folder: $(BIN)/python -m http.server -b 127.0.0.1 -d site"

release: $(VENV)/.dev ## Refuse an unready tree; of a ready one build dist/ and make the tag
	@$(BIN)/python -m tests.release --tag

test-company: ## Run beside OpenTelemetry, Sentry and others, and the suites of FastAPI and Starlette
	@$(MAKE) --no-print-directory .venv-company/.done
	@.venv-company/bin/python -m pytest -c tests/company/pytest.ini tests/company

.venv-company/.done: pyproject.toml
	@test -x .venv-company/bin/python || $(PYTHON) -m venv .venv-company
	@echo "Installing into .venv-company …"
	@.venv-company/bin/python -m pip --disable-pip-version-check install --quiet uv
	@.venv-company/bin/uv pip install --quiet --python .venv-company/bin/python \
		--editable '.[company]'
	@.venv-company/bin/python -m tests.company.upstream.prepare
	@touch $@

# What the tests of the viewer take from npm; without npm they are skipped with a reason.
$(NODE)/.done: tests/browser/package.json
	@if command -v npm >/dev/null; then \
		echo "Installing into $(NODE) …"; \
		npm install --prefix tests/browser --no-package-lock --no-audit --no-fund --loglevel=error >/dev/null \
			&& touch $@; \
	fi

clean: ## Remove the environment and caches
	rm -rf $(VENV) .venv-* $(NODE) site docs/made docs/notebooks docs/_static/frames .pytest_cache .mypy_cache .ruff_cache

# uv installs in seconds what pip installs in a minute; where it cannot be had, pip does.
$(VENV)/.%: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet uv 2>/dev/null || true
	@if test -x $(BIN)/uv; then $(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[$*]'; \
	else $(BIN)/python -m pip --disable-pip-version-check install --quiet --editable '.[$*]'; fi
	@touch $@
