# Everything runs in .venv, which the first target that needs it makes. `make` alone lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
SPEC   ?= specs/wav2letter.s2s

# processes that run tests, one thread each
WORKERS ?= 2
# more options for pytest, and for the benchmarks: make test PYTEST='-k dim', make bench BENCH=--short
PYTEST  ?=
BENCH   ?=

# how long `make fuzz` tries each of its two kinds of inputs
FUZZ_SECONDS ?= 60

# how often `make soak` kills training, for how long it watches it, and what it tries more of
KILLS   ?= 10000
MINUTES ?= 60
SOAKED   = tests/reliability tests/runtime/training/test_checkpoint.py tests/runtime/training/test_guard.py \
           tests/runtime/distributed/test_order.py

.DEFAULT_GOAL := help
.PHONY: help setup demo check format test smoke gpu fuzz soak docs bench recipes wheel clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY)  ## make .venv and install the package with everything into it

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
	  { echo "s2sc needs Python 3.11 or 3.12 and \"$(PYTHON)\" is another, or none:" \
	         "name one with make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup  ## train the small speech model on spoken numbers and show what it hears, within 5 minutes
	$(BIN)/s2sc compile $(SPEC) --train
	$(BIN)/s2sc eval runs/$(basename $(notdir $(SPEC)))/latest --split test --show 8

check: setup .mypyroot/s2sc  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p s2sc
	PYTHONPATH=.mypyroot $(BIN)/lint-imports --no-cache

# The checkout is the package s2sc, whatever its folder is called.
.mypyroot/s2sc:
	@mkdir -p .mypyroot && ln -sfn .. $@

format: setup  ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup  ## run the test suite
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist worksteal $(PYTEST)

smoke: setup  ## run the tests that take seconds
	$(BIN)/pytest tests/test_smoke.py $(PYTEST)

gpu: setup  ## run the tests that need a GPU
	$(BIN)/pytest tests/gpu $(PYTEST)

fuzz: setup  ## try anything on lint, fmt and plan for FUZZ_SECONDS; findings go to fuzz/findings, counts to its ledger
	$(BIN)/python -m s2sc.fuzz --processes $(WORKERS) --seconds $(FUZZ_SECONDS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt 'atheris' || \
	  echo 'atheris does not install here, so bytes are not tried'
	$(BIN)/python -m s2sc.fuzz --kind bytes --processes $(WORKERS) --seconds $(FUZZ_SECONDS)

soak: setup  ## kill training KILLS times, watch it for MINUTES, and try all that `make test` tries a little of
	OMP_NUM_THREADS=1 $(BIN)/python -m s2sc.soak --kills $(KILLS)
	OMP_NUM_THREADS=1 $(BIN)/python -m s2sc.soak.hours --minutes $(MINUTES)
	OMP_NUM_THREADS=1 S2SC_NIGHTLY=1 $(BIN)/pytest -n $(WORKERS) $(SOAKED) $(PYTEST)

docs: setup  ## write again what is generated: plans in the pages, docs/graph.schema.json
	$(BIN)/python docs/generate.py

bench: setup  ## measure lint, trainer, memory, inference and translation; results go to benchmarks/results
	$(BIN)/python benchmarks/lint.py $(BENCH)
	$(BIN)/python benchmarks/peers.py $(BENCH)
	$(BIN)/python benchmarks/memory.py $(BENCH)
	$(BIN)/python benchmarks/inference.py $(BENCH)
	$(BIN)/python benchmarks/translation.py $(BENCH)

recipes: setup  ## train what is too long for the test suite; S2SC_DATA names the folder of fsdd/ and multi30k/; BENCH=--full: full sizes
	$(BIN)/python benchmarks/recipes.py $(BENCH)

wheel: setup  ## build the wheel into dist/
	$(BIN)/python -m build --wheel

clean:  ## remove .venv, caches and what was built; runs stay
	rm -rf $(VENV) .mypyroot build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
