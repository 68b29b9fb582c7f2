# radiant: `make help` lists the targets.
PYTHON ?= python3
UV_VERSION := 0.13.9
PIP_AUDIT_VERSION := 2.10.1
CYCLONEDX_VERSION := 7.5.0
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK := requirements/dev.txt
SPARK := .venv-spark
SPARK_LOCK := requirements/spark.txt
BENCH_LOCK := requirements/bench.txt
POLARS_BIO := .venv-polars-bio
POLARS_BIO_LOCK := requirements/polars-bio.txt
WORKER_LOCK := requirements/worker.txt
AIRFLOW_LOCK := requirements/airflow.txt
SITE := .venv-site
SITE_LOCK := requirements/docs.txt
MWAA := .venv-mwaa
MWAA_LOCK := requirements/mwaa.txt
MWAA_STAMP := $(MWAA)/.installed
CONTAINER_TOOL ?= docker
BENCH_STAMP := $(VENV)/.installed-bench
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes \
           --custom-compile-command 'make lock' --quiet

.DEFAULT_GOAL := help
.PHONY: help setup run test test-kubernetes test-unit test-mwaa bench bench-scale build-docker-k8s-operator build-docker-airflow minikube up connect logs down audit sbom lint format docs lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-26s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv from the lock

$(STAMP): $(LOCK) pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; radiant needs Python 3.11 or later" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is too old; radiant needs 3.11 or later: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "error: python3-venv is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "installing into $(VENV) (a minute or two the first time)"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode $(LOCK)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## Import cases on this machine: make run [ARGS="--once | --sheet cases.csv"]
	@$(BIN)/radiant run $(ARGS)

test: setup lint ## Run the linters and every test that needs no cluster, three at once
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --ignore tests/cluster $(ARGS)

test-kubernetes: setup ## Run the tests on a real Kubernetes; RADIANT_TEST_KUBECONFIG and RADIANT_TEST_IMAGE name your own
	@$(BIN)/pytest --timeout 1800 tests/cluster $(ARGS)

test-unit: setup ## Run the quick tests only
	@$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/architecture $(ARGS)

test-mwaa: $(MWAA_STAMP) ## Run the backends' contract with the versions of Amazon MWAA
	@$(MWAA)/bin/pytest -n 2 --dist loadfile tests/contract/test_backend_contract.py tests/unit/operators $(ARGS)

.PHONY: test-faults
test-faults: setup ## Break the calls of commits, imports, maintenance and erasures, one after the other: an hour or more; make test runs a sample
	@$(BIN)/pytest -m every_call -n 2 --timeout 14400 tests/contract tests/integration/test_every_call.py $(ARGS)

$(MWAA_STAMP): $(STAMP) $(MWAA_LOCK)
	@echo "installing into $(MWAA)"
	@test -x $(MWAA)/bin/python || $(BIN)/python -m venv --without-pip $(MWAA)
	@$(BIN)/uv pip sync --quiet --python $(MWAA)/bin/python --require-hashes --compile-bytecode $(MWAA_LOCK)
	@$(BIN)/uv pip install --quiet --python $(MWAA)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

bench: $(BENCH_STAMP) ## Measure the importer beside other readers: make bench [ARGS="--records 100000"]
	@$(BIN)/python benchmarks/run.py $(ARGS)

bench-scale: setup ## Measure a thousand cases in one run: make bench-scale [ARGS="--cases 100 --platform kubernetes"]
	@$(BIN)/python benchmarks/scale.py $(ARGS)

.PHONY: bench-commits
bench-commits: $(BENCH_STAMP) ## Measure a commit of a thousand cases and the planning of many: make bench-commits [ARGS="--cases 100"]
	@$(BIN)/python benchmarks/commits.py $(ARGS)

.PHONY: spark
spark: $(SPARK)/.installed ## Make .venv-spark, a Spark that the tests of docs/reading.md use; it needs Java 17

$(SPARK)/.installed: $(STAMP) $(SPARK_LOCK)
	@echo "installing into $(SPARK)"
	@test -x $(SPARK)/bin/python || $(BIN)/python -m venv --without-pip $(SPARK)
	@$(BIN)/uv pip sync --quiet --python $(SPARK)/bin/python --require-hashes $(SPARK_LOCK)
	@touch $@

$(BENCH_STAMP): $(STAMP) $(BENCH_LOCK) $(POLARS_BIO_LOCK)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(BENCH_LOCK)
	@test -x $(POLARS_BIO)/bin/python || $(BIN)/python -m venv --without-pip $(POLARS_BIO)
	@$(BIN)/uv pip sync --quiet --python $(POLARS_BIO)/bin/python --require-hashes $(POLARS_BIO_LOCK)
	@touch $@

build-docker-k8s-operator: ## Build the image of the jobs: make build-docker-k8s-operator [CONTAINER_TOOL=docker|podman|buildah]
	@CONTAINER_TOOL=$(CONTAINER_TOOL) IMAGE=$(IMAGE) docker/build.sh

build-docker-airflow: ## Build the image of Airflow with radiant's operators and DAGs
	@CONTAINER_TOOL=$(CONTAINER_TOOL) IMAGE=$(IMAGE) docker/build.sh airflow

minikube: setup ## From nothing to a green POC-ecs-k8s-operators on minikube
	@CONTAINER_TOOL=$(CONTAINER_TOOL) deploy/kubernetes/minikube.sh

up: setup ## Start Airflow in Docker, with PostgreSQL and an S3 store
	@CONTAINER_TOOL=$(CONTAINER_TOOL) deploy/compose/stack.sh up

connect: setup ## Connect Airflow in Docker with minikube: make connect [KUBE_CONTEXT=minikube] [ARGS="--files dkr_fs"]
	@CONTAINER_TOOL=$(CONTAINER_TOOL) deploy/compose/stack.sh connect $(ARGS)

logs: ## Follow the logs of Airflow in Docker: make logs [ARGS=scheduler]
	@CONTAINER_TOOL=$(CONTAINER_TOOL) deploy/compose/stack.sh logs $(ARGS)

down: ## End Airflow in Docker; its data stay: make down [ARGS=--volumes]
	@CONTAINER_TOOL=$(CONTAINER_TOOL) deploy/compose/stack.sh down $(ARGS)

audit: setup ## Look the locked packages up in the database of known vulnerabilities; needs pypi.org
	@for lock in $(WORKER_LOCK) $(AIRFLOW_LOCK) $(LOCK); do \
	  $(BIN)/uv tool run --quiet pip-audit==$(PIP_AUDIT_VERSION) --strict --disable-pip --no-deps --progress-spinner off \
	    --requirement $$lock || exit 1; done

sbom: setup ## Write a bill of materials (CycloneDX) of each image's packages into build/sbom
	@mkdir -p build/sbom
	@for image in worker airflow; do \
	  $(BIN)/uv tool run --quiet --from cyclonedx-bom==$(CYCLONEDX_VERSION) cyclonedx-py requirements \
	    --pyproject pyproject.toml --output-reproducible --output-file build/sbom/$$image.cdx.json requirements/$$image.txt && \
	  echo "build/sbom/$$image.cdx.json"; done

lint: setup ## Check style, types and the direction of imports
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/shellcheck $$(git ls-files '*.sh' .ci/run)
	@$(BIN)/pyright >/dev/null || { $(BIN)/pyright; exit 1; }
	@$(BIN)/lint-imports --no-logo >/dev/null 2>&1 || { $(BIN)/lint-imports; exit 1; }

format: setup ## Format the code
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix-only .

docs: setup ## Write the pages that are made from the code
	@$(BIN)/python docs/render.py

.PHONY: docs-site
docs-site: $(SITE)/.installed ## Build the pages of docs/ as a site in build/site; a broken link ends it
	@NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --quiet --strict

$(SITE)/.installed: $(STAMP) $(SITE_LOCK)
	@test -x $(SITE)/bin/python || $(BIN)/python -m venv --without-pip $(SITE)
	@$(BIN)/uv pip sync --quiet --python $(SITE)/bin/python --require-hashes $(SITE_LOCK)
	@touch $@

lock: setup ## Resolve the dependencies and write all locks
	@$(BIN)/$(COMPILE) --upgrade --all-extras --group dev --output-file $(LOCK) pyproject.toml
	@$(BIN)/$(COMPILE) --upgrade --group bench --constraint $(LOCK) --output-file $(BENCH_LOCK)
	@$(BIN)/$(COMPILE) --upgrade --group spark --output-file $(SPARK_LOCK)
	@$(BIN)/$(COMPILE) --upgrade --group docs --output-file $(SITE_LOCK)
	@$(BIN)/$(COMPILE) --upgrade --group polars-bio --output-file $(POLARS_BIO_LOCK)
	@$(BIN)/$(COMPILE) --upgrade --extra worker --extra postgres --extra s3 --extra glue --extra otel --constraint $(LOCK) \
	  --output-file $(WORKER_LOCK) pyproject.toml
	@$(BIN)/$(COMPILE) --upgrade --extra ecs --extra kubernetes --extra s3 --group airflow-image --constraint $(LOCK) \
	  --output-file $(AIRFLOW_LOCK) pyproject.toml
	@$(BIN)/$(COMPILE) --upgrade --extra ecs --extra kubernetes --extra s3 --group mwaa --output-file $(MWAA_LOCK) pyproject.toml

clean: ## Remove what make and the tests made; .radiant (cases, tables, Airflow) stays
	@rm -rf $(VENV) $(SITE) build/site $(MWAA) $(POLARS_BIO) $(SPARK) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
