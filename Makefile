# What people type. Needs Python 3.11, Java 17 and make; everything else is put into .venv and ~/.cache/pinlake.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test check airflow test-airflow cluster-test release-check wheel bench lock clean

STAMP := .venv/.setup-done
AIRFLOW := .venv-airflow/.setup-done
PYTEST_ARGS ?=
RELEASE_ARGS ?=

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(STAMP) ## make the environment in .venv, fetch the Delta jars and the default models once

$(STAMP): requirements.lock pyproject.toml
	@echo "setting up .venv (once)"
	@python="$$(.ci/python)" && .ci/uv venv --quiet --allow-existing --no-project --python "$$python" .venv
	@.ci/uv pip sync --quiet --compile-bytecode --require-hashes --python .venv/bin/python requirements.lock
	@.ci/uv pip install --quiet --no-deps --python .venv/bin/python --editable .
	@.venv/bin/pinlake doctor --fetch
	@touch $@

demo: setup ## write a sample lake, run the nightly texts and embeddings, a teacher, labels and a student on it, and show what came out
	@.venv/bin/pinlake demo

test: setup ## run all tests, and print the slowest (PYTEST_ARGS="-k words" for some)
	@.venv/bin/python -m pytest --durations=15 --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: setup ## lint, format, types, import directions and the Containerfile
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/hadolint Containerfile

airflow: $(AIRFLOW) ## make Airflow's own environment and its home in .airflow; .ci/airflow standalone starts it
	@.ci/airflow db migrate >/dev/null
	@.venv-airflow/bin/python -m airflow_dags.pools > .airflow/pools.json
	@.ci/airflow pools import .airflow/pools.json
	@.ci/airflow dags reserialize >/dev/null
	@echo "DAGs nightly, labels and weekly; start Airflow: .ci/airflow standalone (docs/airflow.md)"

$(AIRFLOW): requirements-airflow.lock pyproject.toml
	@echo "setting up .venv-airflow (once)"
	@python="$$(.ci/python)" && .ci/uv venv --quiet --allow-existing --no-project --python "$$python" .venv-airflow
	@.ci/uv pip sync --quiet --compile-bytecode --require-hashes --python .venv-airflow/bin/python requirements-airflow.lock
	@touch $@

test-airflow: setup $(AIRFLOW) ## run the DAGs by a real Airflow on a small sample lake (PYTEST_ARGS as above)
	@.venv-airflow/bin/python -m pytest --durations=10 --confcutdir=tests/airflow_dags tests/airflow_dags $(PYTEST_ARGS)

S3_SERVER := .cluster/versitygw

cluster-test: setup ## run a night on a standalone cluster, and one in a bucket of a local S3 server that is killed in the middle (needs Go)
	@[ -x $(S3_SERVER) ] || { echo "building an S3 server (once)"; GOBIN="$(CURDIR)/.cluster" go install github.com/versity/versitygw/cmd/versitygw@v1.8.0; }
	@PINLAKE_WAREHOUSE=s3a://lake .venv/bin/pinlake doctor --fetch >/dev/null
	@PINLAKE_CLUSTER_TEST=1 PINLAKE_S3_SERVER="$(CURDIR)/$(S3_SERVER)" .venv/bin/python -m pytest --durations=10 tests/cluster $(PYTEST_ARGS)

release-check: setup ## check all that is promised at its full size, resumable (RELEASE_ARGS="--seed 8 3 16" for a seed and some)
	@.venv/bin/python -m tests.promises $(RELEASE_ARGS)

wheel: setup ## build the wheel in dist/, for spark-submit's workers and for the Containerfile
	@rm -rf dist && .ci/uv build --quiet --wheel --python .venv/bin/python --out-dir dist . && ls dist

bench: setup ## measure what is promised about cost, some 90 minutes (PINLAKE_BENCH_SCALE=.1: only see that it works)
	@.venv/bin/python -m benchmarks

lock: ## write the two lock files anew from pyproject.toml
	@.ci/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
		--extra dev --custom-compile-command "make lock" pyproject.toml --output-file requirements.lock
	@.ci/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
		--group airflow --custom-compile-command "make lock" --output-file requirements-airflow.lock

clean: ## remove the environment and caches; tables and fetched jars stay
	@rm -rf .venv .venv-airflow .airflow .cluster .release .uv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find schemas features models udfs jobs airflow_dags benchmarks tests -type d -name __pycache__ -prune -exec rm -rf {} +
