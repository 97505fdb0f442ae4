# augcam: `make help` lists the targets.
# With Python 3.11 to 3.13 and make on the machine, every target sets up what it needs by itself.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo plan estimate status test test-fast test-slurm slurm faults lint lint-js dag bench bench-full bench-gpu lock docs clean

ifneq (,$(findstring :,$(CURDIR)))
$(error augcam cannot run in '$(CURDIR)': ':' separates folders in PATH; rename the folder)
endif

CORES ?= all
CONFIG ?= config/config.yaml
VENV := .venv
READY := $(VENV)/.ready
RUN := source $(VENV)/bin/activate &&
# As it was given, whatever signs it holds: the shell takes it from the environment, between quotes.
export AUGCAM_CONFIG := $(value CONFIG)
WITH_CONFIG := --configfile="$$AUGCAM_CONFIG"
EXPERIMENT := $$(python -c "import os; from augcam.run.status import read_config; print(read_config(os.environ['AUGCAM_CONFIG']).experiment)")

TSC := npx --yes --package typescript@5.9.3 tsc

# The user's uv, or one installed into a folder of its own.
UV := $(if $(shell command -v uv 2>/dev/null),uv,.bootstrap/bin/uv)

help:  ## list the targets
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / {printf "%-12s%s\n", $$1, $$2}' Makefile

setup: $(READY)  ## install everything into .venv

.bootstrap/bin/uv:
	python3 -m venv .bootstrap
	.bootstrap/bin/python -m pip install --quiet uv

# .ready names the place of .venv: where the project was moved or copied it is set up again, as the
# library is installed by its place. A relocatable environment works in folders of any name.
PLACE := cd $(VENV) 2>/dev/null && pwd -P
ifneq (here,$(shell test ! -e $(READY) || test "`$(PLACE)`" = "`cat $(READY)`" && echo here))
$(READY): elsewhere
endif
.PHONY: elsewhere
elsewhere:

# Compiled at once: otherwise the first run compiles some thousand modules, and where
# PYTHONDONTWRITEBYTECODE is set, every job does, which doubles the time that it takes to start.
$(READY): requirements.lock pyproject.toml | $(filter .bootstrap%,$(UV))
	{ grep -q '^relocatable = true' $(VENV)/pyvenv.cfg && $(VENV)/bin/python -c ''; } 2>/dev/null || \
	    { rm -rf $(VENV) && $(UV) venv --quiet --relocatable --python '>=3.11,<3.14' $(VENV); }
	$(UV) pip install --quiet --compile-bytecode --python $(VENV)/bin/python --require-hashes \
	    -r requirements.lock
	$(UV) pip install --quiet --python $(VENV)/bin/python --no-deps -e .
	$(VENV)/bin/python -m compileall -q src
	echo "`$(PLACE)`" > $@

demo: $(READY)  ## run an experiment and its report (CONFIG=config/config.yaml, CORES=all)
	$(RUN) snakemake --cores $(CORES) $(WITH_CONFIG) --report "results/$(EXPERIMENT)/report.html" --report-after-run -- all architectures
	@$(RUN) echo "The report: results/$(EXPERIMENT)/index.html"

estimate: $(READY)  ## say what a run will do and how long it takes (CONFIG=config/config.yaml)
	$(RUN) snakemake --cores $(CORES) $(WITH_CONFIG) --quiet -- estimate

status: $(READY)  ## say what is done, running or failed (CONFIG=config/config.yaml)
	@$(RUN) python -m augcam.run.status $(WITH_CONFIG)

test: $(READY)  ## run all tests, and show which lines of the library they leave out
	$(RUN) python -m pytest -n 2 --dist loadfile --cov

test-fast: $(READY)  ## run all tests but the slow ones and those of Snakemake, in two minutes
	$(RUN) python -m pytest -n 2 --dist worksteal -m "not workflow and not slow"

test-slurm: $(READY)  ## run an experiment and its faults on a real one-node SLURM (root, Debian)
	tools/one_node_slurm.sh install
	$(MAKE) slurm
	$(RUN) SLURM_REQUIRED=1 python -m pytest -m slurm

slurm: $(READY)  ## add Snakemake's SLURM executor to .venv
	$(UV) pip install --quiet --compile-bytecode --python $(VENV)/bin/python -e '.[slurm]'

faults: $(READY)  ## do every fault on purpose and renew docs/faults.md (an hour; root for full disks)
	$(RUN) python tools/faults.py

lint: $(READY)  ## check style, types, spelling, the order of the packages and the workflow
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports --no-logo
	$(RUN) codespell
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint

lint-js:  ## check the types of the page's scripts (npm)
	$(TSC) --project tools/tsconfig.json

plan: $(READY)  ## how many starting states the next run needs, from this one
	$(RUN) snakemake --cores $(CORES) $(WITH_CONFIG) -- "results/$(EXPERIMENT)/tables/planning.csv"
	@$(RUN) python -c "import pandas; print(pandas.read_csv('results/$(EXPERIMENT)/tables/planning.csv').to_string(index=False))"

dag: $(READY)  ## draw the rule graph into results/dag.png
	$(RUN) snakemake $(WITH_CONFIG) --quiet --rulegraph dot | python tools/draw_rulegraph.py results/dag.png

bench: $(READY)  ## measure the speed against other tools, some minutes (BENCH=<names>)
	$(RUN) python -m benchmarks $(BENCH)

bench-full: $(READY)  ## the same at full size
	$(RUN) python -m benchmarks --full $(BENCH)

bench-gpu: $(READY)  ## measure all there is to measure on a GPU, in half an hour
	$(RUN) benchmarks/gpu.sh

lock: | $(filter .bootstrap%,$(UV))  ## renew requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev --extra bench \
	    --no-emit-index-url --no-annotate --custom-compile-command "make lock" \
	    -o requirements.lock pyproject.toml

docs: $(READY)  ## renew what is generated in config/ and docs/
	$(RUN) python -m augcam.config.document
	$(RUN) python -m augcam.report.catalogue

clean:  ## remove the environment (results stay)
	rm -rf $(VENV) .bootstrap
