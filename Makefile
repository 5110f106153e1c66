# On a machine with Python 3.11, make and git, `make demo` and `make test` do everything, set-up included.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
export TF_CPP_MIN_LOG_LEVEL ?= 3

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
AIRFLOW_BIN := .venv-airflow/bin
AIRFLOW_INSTALLED := .venv-airflow/installed
DOCS_BIN := .venv-docs/bin
DOCS_INSTALLED := .venv-docs/installed
CENSUS := examples/census
TRAINED := $(CENSUS)/models/trained
END_TO_END := tests/test_readme.py tests/end_to_end tests/parity tests/conformance tests/images tests/containers
FAULTS := tests/faults
KFP := tests/kfp
OTHERS := tests/airflow
INSTALLS := tests/installs
ENGINES := tests/engines

# `make faults WHICH=slow` makes those tests of a group that are left to `make test-all`.
WHICH := not slow

# Three tests at a time on two cores, as many wait for a process or a server; a file as a whole, in the order in which they
# are collected: xdist would leave for the end the files with the fewest tests, which have the longest.
BY_FILE := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: demo demo-airflow demo-kfp test test-all check unit end-to-end faults engines installs airflow kfp images pins bench docs docs-site proto clean help

help: ## the list of targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

demo: $(TRAINED) ## train two models on census data, evaluate, show the table and the verdict
	$(BIN)/assay run $(CENSUS)/analysis.yaml
	$(BIN)/assay show $(CENSUS)/out/results --slices sex --metrics auc,calibration,false_positive_rate

demo-airflow: $(TRAINED) $(AIRFLOW_INSTALLED) ## Airflow with the DAGs of dags/ on the census data; ONCE=1 ends with the first run
	dags/demo.sh $(if $(ONCE),once)

demo-kfp: $(TRAINED) images ## a Kubeflow pipeline on the census data, run here in containers
	$(BIN)/python $(CENSUS)/kubeflow.py

test: $(INSTALLED) ## lint, types and all tests; what CI runs
	@.ci/group "make test" 30 $(MAKE) test-groups

test-all: $(INSTALLED) ## the same and what is longer: more seeds, more fuzzing, larger data
	@.ci/group "make test-all" 180 $(MAKE) all-groups

check: $(INSTALLED) ## lint, format, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

unit: $(INSTALLED) ## the quick tests
	@.ci/installed chromium "tests of pages"
	@.ci/installed rsync "tests of copies that keep their times"
	$(BIN)/pytest -q $(BY_FILE) -m "$(WHICH)" $(foreach tests,$(END_TO_END) $(FAULTS) $(KFP) $(OTHERS) $(INSTALLS) $(ENGINES),--ignore=$(tests))

end-to-end: $(TRAINED) $(AIRFLOW_INSTALLED) images-or-skip ## whole runs: the demo, the README
	$(BIN)/pytest -q $(BY_FILE) -m "$(WHICH)" $(END_TO_END)

faults: $(INSTALLED) ## stages killed, checkpoints damaged, disks full, storage out of order
	$(BIN)/pytest -q -n 3 --dist worksteal -m "$(WHICH)" $(FAULTS)

engines: $(INSTALLED) jars-or-skip images-or-skip ## Beam's runners for engines of many machines, here as processes on loopback
	$(BIN)/pytest -q -n 2 --dist loadgroup -m "$(WHICH)" $(ENGINES)

installs: $(INSTALLED) ## fresh installs without our pins, and a notebook; prints what the resolver took
	$(BIN)/pytest -q $(BY_FILE) -m "$(WHICH)" $(INSTALLS)

airflow: $(TRAINED) $(AIRFLOW_INSTALLED) images-or-skip ## Airflow operators and DAGs, in an environment of their own
	@.ci/installed chromium "tests of pages"
	$(AIRFLOW_BIN)/pytest -q $(BY_FILE) -m "$(WHICH)" $(OTHERS)

kfp: $(INSTALLED) images-or-skip ## Kubeflow components and pipelines, run here in containers
	$(BIN)/pytest -q -n 3 --dist worksteal -m "$(WHICH)" $(KFP)

images: ## the container images assay-core and assay-tensorflow; installs Docker where root may
	components/build_images.sh

pins: $(INSTALLED) ## constraints-*.txt: all that the images and Airflow's environment hold
	components/pin.sh $(BIN)/uv

bench: $(INSTALLED) ## CPU seconds and memory, side by side with TFMA, polars and a plain numpy pass
	$(BIN)/python -m bench.run --out out/bench/figures.json
	$(BIN)/python -m bench.shapes
	$(BIN)/python -m bench.cores

docs: $(INSTALLED) ## pages that are made from code: docs/metrics.md, docs/eval-config.md; pictures
	$(BIN)/python -m assay.report.reference.metrics_page > docs/metrics.md
	$(BIN)/python -m assay.report.reference.eval_config_page > docs/eval-config.md
	$(BIN)/python docs/site/pictures.py

docs-site: $(DOCS_INSTALLED) ## the documentation as a site in out/site; fails on a warning, a broken link, anything from elsewhere
	NO_MKDOCS_2_WARNING=1 $(DOCS_BIN)/mkdocs build --quiet

proto: $(INSTALLED) ## assay/proto/*_pb2.py from the .proto files
	$(BIN)/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. assay/proto/*.proto

clean: ## everything made, the environment included
	rm -rf .venv .venv-airflow .venv-docs .engines out $(CENSUS)/models examples/*/out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: test-groups side-by-side engines-installs airflow-kfp all-groups slow-groups groups-of-slow-tests images-or-skip jars-or-skip airflow-installed
test-groups:
	@.ci/groups check-images-site 5 side-by-side unit 7 unit end-to-end 6 end-to-end faults 5 faults \
	  engines-installs 4 engines-installs airflow-kfp 6 airflow-kfp

# Each of these by itself leaves a core idle. What fails does not keep the others from being made.
TOGETHER := $(MAKE) -k --output-sync=target
side-by-side:
	@$(TOGETHER) -j 4 check images-or-skip docs-site $(TRAINED) jars-or-skip airflow-installed

engines-installs:
	@$(TOGETHER) -j 2 engines installs

airflow-kfp:
	@$(TOGETHER) -j 2 airflow kfp

# Behind the site, whose environment is made of the same source: two builds of it would be in each other's way.
airflow-installed: | docs-site
	@$(MAKE) $(AIRFLOW_INSTALLED)

all-groups:
	@.ci/groups "quick tests" 30 test-groups "slow tests" 150 slow-groups

slow-groups:
	@$(MAKE) WHICH=slow groups-of-slow-tests

groups-of-slow-tests:
	@.ci/groups unit 15 unit end-to-end 30 end-to-end faults 30 faults engines 45 engines installs 20 installs airflow 15 airflow kfp 5 kfp

# Without a Docker engine the tests of the images are skipped, and say so; not in CI.
images-or-skip:
	@components/build_images.sh || [[ $$? == 3 && $${CI:-} != true ]]

# Without Java or Maven the tests of engines are skipped, and say so, as are those of Prism and of workers as processes without
# Go, and those of workers as containers without Docker; not in CI. What Maven has fetched is kept where only one of it may write.
JARS := $(patsubst $(ENGINES)/jars/%.xml,.engines/%/installed,$(wildcard $(ENGINES)/jars/*.xml))
jars-or-skip:
	@.ci/installed java "tests of engines" default-jre-headless
	@.ci/installed mvn "tests of engines" maven
	@! command -v mvn >/dev/null || $(MAKE) -j 1 $(JARS) || [[ $${CI:-} != true ]]
	@! command -v go >/dev/null || $(MAKE) .engines/prism/prism .engines/boot/boot || [[ $${CI:-} != true ]]

.engines/prism/prism: constraints.txt
	GOBIN=$(abspath $(@D)) go install github.com/apache/beam/sdks/v2/go/cmd/prism@v$$(sed -n 's/^apache-beam==//p' $<)
	touch $@

.engines/boot/boot: constraints-core.txt components/boot.sh
	mkdir -p $(@D)
	components/boot.sh $(@D)

.engines/%/installed: $(ENGINES)/jars/%.xml
	rm -rf $(@D)
	mvn --quiet --batch-mode --file $< org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
	  -DincludeScope=runtime -DoutputDirectory=$(abspath $(@D))
	$(if $(filter flink,$*),$(BIN)/python -m tests.engines.one_jar $(@D))
	touch $@

# uv is quick; where only pip knows the way to the packages (its own index or certificates), pip does it. What setuptools
# leaves beside the code would describe the package a second time: Airflow loads no plugin after one that it finds twice.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("assay needs Python 3.11 or newer; set PYTHON=..." if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --constraint constraints.txt --editable '.[runtime,kfp,dev]' \
	  || $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[runtime,kfp,dev]'
	rm -rf assay.egg-info
	touch $@

# Airflow and Beam want other versions of the same packages.
$(AIRFLOW_INSTALLED): pyproject.toml constraints-airflow.txt | $(INSTALLED)
	test -x $(AIRFLOW_BIN)/python || $(PYTHON) -m venv .venv-airflow
	$(BIN)/uv pip install --quiet --python $(AIRFLOW_BIN)/python --compile-bytecode --constraint constraints-airflow.txt --editable '.[airflow-dev]' \
	  || $(AIRFLOW_BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints-airflow.txt --editable '.[airflow-dev]'
	rm -rf assay.egg-info
	touch $@

# assay itself with no other extra: commands and docstrings are read, nothing is run.
$(DOCS_INSTALLED): pyproject.toml constraints-docs.txt
	test -x $(DOCS_BIN)/python || $(PYTHON) -m venv .venv-docs
	$(DOCS_BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints-docs.txt --editable '.[docs]'
	rm -rf assay.egg-info
	touch $@

$(TRAINED): $(CENSUS)/train.py $(CENSUS)/data/train.parquet $(CENSUS)/data/test.parquet | $(INSTALLED)
	$(BIN)/python $(CENSUS)/train.py
	touch $@
