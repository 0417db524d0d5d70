# mmfarm: everything a person types. Each target does its own set-up on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# -qq: errors only. Warnings of indexes and of editable installations are nobody's business here.
PIP = $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
STEP := @.ci/step
APT = DEBIAN_FRONTEND=noninteractive apt-get -qqy -o Dpkg::Use-Pty=0

.PHONY: run test soak mutants bench lint docs setup
run: setup
	@$(BIN)/mmfarm run --seconds 60 || test $$? = 1  # a finding is no error of make's

test: setup
	$(BIN)/python -m pytest -n 2 $(ARGS)

# What takes long or needs more of the machine: without WHAT the tests that `make test` leaves out,
# else the measurement tests/soak/WHAT.py, for MINUTES, with SEED. Called again it goes on.
WHAT ?= tests
soak: setup
ifeq ($(WHAT),tests)
	$(BIN)/python -m pytest -m soak $(ARGS)
else
	@$(BIN)/python -m tests.soak.$(WHAT) $(if $(SEED),--seed $(SEED)) \
	    $(if $(MINUTES),--minutes $(MINUTES)) $(if $(KEEP),--keep) $(ARGS) \
	    || test $$? = 4  # some cases are missing: what MINUTES asked for
endif

# What the oracles see of N small mistakes in the model, each fuzzed for SECONDS.
mutants: setup
	@$(BIN)/python -m tests.soak.mutants $(if $(SEED),--seed $(SEED)) $(if $(N),--count $(N)) \
	    $(if $(SECONDS),--seconds $(SECONDS)) $(if $(MINUTES),--minutes $(MINUTES)) \
	    $(if $(KEEP),--keep) $(ARGS) || test $$? = 4

bench: setup
	$(BIN)/mmfarm bench speed

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	$(BIN)/mypy

# The site, from docs/ into build/site.
docs: $(STAMP)
	$(STEP) 'installing mkdocs-material' $(PIP) --group docs
	$(BIN)/mkdocs build -q --strict
	@echo build/site/index.html

# The model is compiled where a C compiler is found, and interpreted otherwise.
setup: $(STAMP)
	@$(BIN)/python -m simulator.build

# Debian's python3 lacks ensurepip, without which there is no venv; only apt has it. A C compiler
# compiles the model, QEMU boots kernels to compare it with: without them it is interpreted, and
# tests say that they are skipped.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo 'mmfarm needs Python 3.11 or newer: make PYTHON=python3.11'; exit 1; }
	@lacks=; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || lacks='python3-venv python3-dev gcc'; \
	command -v qemu-system-x86_64 >/dev/null || lacks="$$lacks qemu-system-x86"; \
	test -z "$$lacks" || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null \
	    || .ci/step "apt-get install $$lacks" sh -c "$(APT) update && \
	        $(APT) install --no-install-recommends $$lacks >/dev/null" \
	    || echo 'mmfarm: apt-get failed, going on without'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	    || { echo 'no venv module; as root: apt-get install python3-venv python3-dev gcc'; exit 1; }
	$(STEP) 'making $(VENV)' $(PYTHON) -m venv $(VENV)
	$(STEP) 'installing pip' $(PIP) 'pip>=25.1'
	$(STEP) 'installing the packages that tests and builds need' $(PIP) --group dev
	$(STEP) 'installing mmfarm and the packages that it needs' $(PIP) --no-build-isolation -e .
	@touch $@
