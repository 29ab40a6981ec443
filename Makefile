# Headwater. `make help` lists the targets; each one sets up what it needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest
export PATH := $(CURDIR)/.tools:$(PATH)
export CHECKPOINT_DISABLE := 1

.PHONY: help setup terraform demo test test-all test-fast lint format types bench fuzz scale soak scan docs lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make the virtual environment with the locked dependencies

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Headwater needs Python 3.11 or newer; this is %s. Try: make PYTHON=python3.12 setup" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (about a minute the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

terraform: $(STAMP) ## Find Terraform, or fetch a pinned one into .tools (checksum verified)
	@$(BIN)/python scripts/get_terraform.py .tools || true

demo: $(STAMP) terraform ## Run the main job end to end against a local AWS (under 3 minutes)
	@$(BIN)/headwater demo

test: $(STAMP) terraform ## Run the tests (unit, integration, Terraform against a local AWS)
	@$(PYTEST) -m "not slow and not terraform" -n 3
	@$(PYTEST) -m "not slow and terraform" -n 2 --dist loadscope

test-fast: $(STAMP) ## Run the tests that need no Terraform
	@$(PYTEST) -m "not slow and not terraform" -n 2

test-all: $(STAMP) terraform ## Run every test, the slow ones too
	@$(PYTEST)

lint: $(STAMP) ## Check style, import order and YAML
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

format: $(STAMP) ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(STAMP) ## Check the types (mypy --strict)
	@$(BIN)/mypy

bench: $(STAMP) ## Measure throughput as ratios to orjson.loads and gunzip of the same bytes
	@$(BIN)/python benchmarks/throughput.py

fuzz: $(STAMP) ## Fuzz decoding and parsing, guided by coverage, for ten minutes
	@cd tests && ../$(BIN)/python -m support.fuzz -max_total_time=600 -max_len=4096 -timeout=20

scale: $(STAMP) terraform ## Onboard 30 accounts of a local AWS, killed and resumed on the way (about six minutes)
	@$(BIN)/python scripts/onboarding_scale.py

soak: $(STAMP) ## Push 200,000 objects (or OBJECTS=…) through failing calls while workers are killed
	@$(BIN)/python scripts/soak $(or $(OBJECTS),200000)

scan: $(STAMP) ## Scan the Terraform modules and CloudFormation templates with checkov, in an environment of its own
	@test -x .tools/checkov/bin/checkov || ($(PYTHON) -m venv .tools/checkov && .tools/checkov/bin/pip install --quiet --disable-pip-version-check "checkov>=3.2,<4")
	@.tools/checkov/bin/checkov --directory terraform --framework terraform --skip-download --quiet --compact
	@.tools/checkov/bin/checkov --directory cfn_templates --framework cloudformation --skip-download --quiet --compact

docs: $(STAMP) ## Write the generated pages of docs/ again
	@$(BIN)/python scripts/settings_docs.py
	@$(BIN)/python scripts/schema_docs.py
	@$(BIN)/python scripts/log_type_docs.py
	@$(BIN)/python scripts/rule_docs.py
	@$(BIN)/python scripts/data_model_docs.py
	@$(BIN)/python scripts/terraform_docs.py
	@$(BIN)/python scripts/cost_tables.py
	@$(BIN)/python scripts/architecture_picture.py
	@$(BIN)/python scripts/destination_docs.py
	@$(BIN)/python scripts/message_pictures.py

lock: ## Resolve the dependencies again into requirements.lock
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --extra demo --group dev --universal --python-version 3.11 --generate-hashes --quiet --output-file requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet --output-file requirements-service.lock
	@$(BIN)/uv pip compile --group image --universal --python-version 3.11 --generate-hashes --quiet --output-file requirements-image.lock

clean: ## Remove the environment, caches and local data
	@rm -rf $(VENV) .tools .headwater .headwater-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
