# Everything a person or a machine does here, by name. `make help` lists it.

CARGO ?= cargo
PYTHON ?= python3
VENV ?= /tmp/docmill-samples-venv

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fmt licenses bench samples

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## Check the tools, install tesseract where permitted
	@scripts/setup.sh

demo: setup ## Read the samples, print the table, rehearse 10,000 documents under a budget
	$(CARGO) build --release --locked -p docmill
	scripts/demo.sh

# The suite comes last: its summary is the closing line.
test: setup lint licenses ## Everything that is checked
	$(CARGO) test --workspace --locked --doc --quiet
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		echo "$(CARGO) nextest run --workspace --locked"; \
		$(CARGO) nextest run --workspace --locked --status-level fail; \
	else \
		echo "$(CARGO) test --workspace --locked --lib --bins --tests"; \
		$(CARGO) test --workspace --locked --lib --bins --tests; \
	fi

lint: ## Formatting and lints, warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Format the code
	$(CARGO) fmt --all

licenses: ## Every crate's licence against the list
	$(PYTHON) scripts/check-licenses.py --self-test
	$(PYTHON) scripts/check-licenses.py

bench: ## Measure; prints ratios against a stated peer or limit
	$(CARGO) bench --workspace --locked --bench client_cost --bench store --bench pipeline

samples: ## Make the sample documents again
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement scripts/requirements-samples.txt
	$(VENV)/bin/python scripts/make-samples.py
