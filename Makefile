# Everything a person or a machine does here, by name. `make help` lists it.

CARGO ?= cargo
PYTHON ?= python3
VENV ?= /tmp/docmill-samples-venv

.DEFAULT_GOAL := help
.PHONY: help setup demo test python ocr wheel lint fmt licenses bench bench-parts bench-reading see samples clients dashboard browser screenshots api-fuzz serve bench-dashboard bench-streams hostile sbom release-archive

# What the dashboard is built from.
WEB := $(shell find web/src web/public web/scripts -type f) web/index.html web/package.json web/tsconfig.json web/vite.config.ts

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## Check the tools, install tesseract where permitted
	@scripts/setup.sh

dashboard: web/dist/index.html ## Build the dashboard, when its sources changed

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB)
	cd web && npm run --silent build

serve: dashboard ## The dashboard and the API at http://127.0.0.1:7878
	$(CARGO) run --release --locked -p docmill -- serve

demo: setup dashboard ## Read the samples, print the table, rehearse 10,000 documents under a budget
	$(CARGO) build --profile quick --locked -p docmill
	scripts/demo.sh

# The suites come last: their summaries are the closing lines.
test: ## Everything that is checked
	@scripts/setup.sh tests
	$(MAKE) dashboard
	$(MAKE) lint licenses
	$(CARGO) test --workspace --locked --doc --quiet
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		echo "$(CARGO) nextest run --workspace --locked"; \
		$(CARGO) nextest run --workspace --locked --status-level fail; \
	else \
		echo "$(CARGO) test --workspace --locked --lib --bins --tests"; \
		$(CARGO) test --workspace --locked --lib --bins --tests; \
	fi
	cd web && npm test --silent
	$(MAKE) ocr clients python browser api-fuzz

ocr: ## Fetch the networks for text recognition into target/ocr, and read pictures with them
	$(CARGO) build --workspace --locked
	@models="$$(realpath "$${CARGO_TARGET_DIR:-target}")/ocr"; export DOCMILL_OCR_MODELS="$$models"; \
	if [ -s "$$models/recognition.onnx" ] || "$${CARGO_TARGET_DIR:-target}/debug/docmill" ocr install; then \
		$(CARGO) test --workspace --locked --test it --quiet the_networks_read; \
	else \
		echo "text recognition by networks was not tested: they cannot be fetched here"; \
	fi

python: ## Build the Python package, install it where nothing is, and use it
	$(CARGO) build --workspace --locked
	$(PYTHON) scripts/python-package.py

wheel: dashboard ## The Python package with the program inside, into target/wheels
	$(CARGO) build --release --locked -p docmill
	DOCMILL_WHEEL_BINARY="$$(realpath "$${CARGO_TARGET_DIR:-target}/release/docmill")" $(PYTHON) -m pip wheel --no-deps --wheel-dir "$${CARGO_TARGET_DIR:-target}/wheels" ./python

browser: dashboard ## Browser tests, in the machine's Chromium
	$(CARGO) build --workspace --locked
	cd web && npm run --silent browser

screenshots: dashboard ## Every page, light, dark, wide and narrow, into target/screenshots
	$(CARGO) build --workspace --locked
	scripts/screenshots.sh

api-fuzz: dashboard ## Lint the API's description and fuzz the API with it
	$(CARGO) build --workspace --locked
	scripts/api-fuzz.sh

lint: web/node_modules/.package-lock.json ## Formatting and lints, warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	cd web && npm run --silent lint

fmt: ## Format the code
	$(CARGO) fmt --all
	cd web && npm run --silent fmt

licenses: ## Every crate's licence and origin against the lists
	$(PYTHON) scripts/check-supply.py
	$(PYTHON) scripts/check-licenses.py --self-test
	$(PYTHON) scripts/check-licenses.py

hostile: dashboard ## Have docmill read hostile files of 40 kinds; prints a table of time and memory
	$(CARGO) build --release --locked -p docmill
	$(PYTHON) scripts/hostile.py

sbom: ## What docmill is made of, as CycloneDX, into target/docmill.cdx.json
	$(PYTHON) scripts/sbom.py > target/docmill.cdx.json

release-archive: dashboard ## The program as an archive that is the same for the same commit, with checksums
	scripts/release-archive.sh

clients: ## The providers' own Python clients against the stand-in
	$(CARGO) build --workspace --locked
	$(PYTHON) scripts/python-clients.py

bench: ## Money and pace, measured: one table beside a bare client, in about ten minutes
	$(CARGO) build --release --locked -p docmill -p docmill-testkit --bins
	$(CARGO) bench --locked -p docmill --bench pace

bench-parts: ## The parts measured alone: client, store, the whole way; ratios against a stated peer or limit
	$(CARGO) build --release --locked -p docmill -p docmill-testkit --bins
	$(CARGO) bench --workspace --locked --bench client_cost --bench store --bench pipeline

bench-reading: ## Measure reading of PDFs beside poppler: rows of tables, pages a second (FOLDER=…; else the samples)
	$(CARGO) build --release --locked --workspace --bins --examples
	"$${CARGO_TARGET_DIR:-target}/release/examples/bench_reading" $(FOLDER)

see: ## Pictures of pages beside what was read of them, boxes and reading order, into target/see (PAGES=…; else the samples)
	$(CARGO) build --release --locked --workspace --bins --examples
	"$${CARGO_TARGET_DIR:-target}/release/examples/see" "$${CARGO_TARGET_DIR:-target}/see" $(or $(PAGES),samples/invoices/*.pdf samples/invoices/*.tif samples/contracts/*.pdf samples/receipts/*)

bench-dashboard: dashboard ## Measure the dashboard: size, first load, pages of 1,000,000 documents, heap (MINUTES=30)
	$(CARGO) build --release --locked -p docmill
	cd web && node scripts/bench.mjs

bench-streams: dashboard ## Measure 1,000 live streams and 200 requests a second on a running batch (SECONDS_LONG=30)
	$(CARGO) build --release --locked -p docmill
	$(PYTHON) scripts/bench-streams.py

samples: ## Make the sample documents again
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement scripts/requirements-samples.txt
	$(VENV)/bin/python scripts/make-samples.py
