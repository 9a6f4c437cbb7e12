# Everything runs inside .venv, made from nothing by the first target that needs it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: install demo lint format test test-all benchmarks clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install
	$(BIN)/soundbench verifiers install marabou
	$(BIN)/soundbench evaluate reference marabou --level smoke --timeout 5 --jobs $(JOBS) --out runs/demo; \
	  status=$$?; [ $$status -le 1 ] || [ $$status -eq 4 ]

# mypy does not follow editable installs, so it is shown the packages where they will be installed.
build/typed/soundbench: install
	mkdir -p $@
	ln -sfn $(CURDIR)/soundbench/* $@/
	ln -sfn $(CURDIR)/verifiers $(CURDIR)/cli $(CURDIR)/instances $@/

.PHONY: build/typed/soundbench
lint: build/typed/soundbench
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	MYPYPATH=build/typed $(BIN)/mypy -p soundbench

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: install
	$(BIN)/pytest -n $(JOBS) -m "not slow"

test-all: install
	$(BIN)/pytest -n $(JOBS)

# Writes docs/benchmarks.md; on one core where one core is what is asked for.
benchmarks: install
	$(BIN)/python benchmarks/harness_overhead.py
	taskset -c 0 $(BIN)/python benchmarks/rigorous_evaluation.py
	$(BIN)/python benchmarks/planting.py
	$(BIN)/python benchmarks/parallel.py
	$(BIN)/python benchmarks/large_suite.py

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis runs
