# Everything a newcomer needs on a machine with Python 3.11 or newer.
#   make demo     try the whole thing, no AWS account needed
#   make demo-app the same, with the example application on it: ends with an address for your browser
#   make test     environment + linters + the suite (what CI runs)
#   make quick    the suite without its slow half
#   make rehearsal  on your AWS account: shows what it costs, asks, records what AWS answers, destroys (docs/rehearsal.md)
#   make pictures  the pictures of the READMEs and docs, from runs in the sandbox; needs Chromium, npm and MariaDB
#   make audit    known vulnerabilities of the locked packages; says so where it cannot look them up
#   make scan     Prowler looks at the documented stack in the sandbox; each finding needs a decision in docs/security.md
#   make torture  an hour of crash points and other exhaustive runs, which `make test` samples more thinly: drawn by
#                 the day, or by SEED=number; SEED=all takes hours. Its table goes into docs/reliability.md
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Each worker works through files as a whole, so that what a file sets up stands once; who is done takes from the others.
# Two for each core: many tests wait for processes that they have started.
WORKERS = $(shell $(BIN)/python -c 'import os; print(2 * (os.cpu_count() or 1))')
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# Without compiled files each of the processes that the suite starts compiles everything it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-app rehearsal test quick torture lint pictures audit scan bench clean

demo: $(VENV)/.demo
	@$(BIN)/awsdeploy up --sandbox --config config.example.toml --yes
	@echo "With the example application on it, in your browser: make demo-app"

SHOP := --sandbox --config examples/shop/config.toml

demo-app: $(VENV)/.dev
	@$(BIN)/awsdeploy up $(SHOP) --yes
	@$(BIN)/awsdeploy deploy $(SHOP)
	@$(BIN)/awsdeploy exec backend $(SHOP) -- npm run migrate || echo "Without MariaDB here there is no database: the page says so."
	@$(BIN)/awsdeploy open $(SHOP)

# What `rehearsal run` takes besides: make rehearsal FLAGS="--domain example.com"
rehearsal: $(VENV)/.demo
	@$(BIN)/awsdeploy rehearsal run $(FLAGS)

# The same examples each time; `pytest` by itself draws new ones.
SEEDED := --hypothesis-profile=ci

test: lint
	$(PYTEST) $(SEEDED) -m "not torture"

quick: lint
	$(PYTEST) $(SEEDED) -m "not torture and not slow"

SEED ?= $(shell date +%Y%m%d)

torture: $(VENV)/.dev
	$(PYTEST) -m torture --reliability=docs/reliability.md $(if $(filter-out all,$(SEED)),--seed=$(SEED))

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/shellcheck .ci/run $(shell find src -name '*.sh')
	@$(BIN)/python -m tests.machine.agent_lint

# Each tool has an environment of its own: none of its packages gets near what is developed and tested with.
PIP_AUDIT := 2.10.1
PROWLER := 5.46.0

audit: $(BIN)/python
	@$(BIN)/python -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check --only-binary :all: pip-audit==$(PIP_AUDIT) || true
	@$(BIN)/python -m security.audit $(VENV)/audit/bin/pip-audit

# Prowler is 1 GB with its packages, some of which run their own code to install: once, in minutes.
scan: $(VENV)/.dev
	@$(BIN)/python -m venv $(VENV)/scan
	@$(VENV)/scan/bin/pip install --quiet --disable-pip-version-check prowler==$(PROWLER)
	@$(BIN)/python -m security.scan $(abspath $(VENV)/scan/bin/prowler)

pictures: $(VENV)/.dev
	$(BIN)/python -m tests.pictures

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("awsdeploy needs Python 3.11 or newer (make PYTHON=python3.11 …)" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python requirements.lock pyproject.toml
	@echo "Installing into $(VENV) (once, about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.demo requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Exact versions with hashes and without index addresses, for any mirror.
.PHONY: lock
lock: $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	printf 'hatchling\neditables\n' | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --extra sandbox -o requirements.lock pyproject.toml -
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --extra sandbox --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
