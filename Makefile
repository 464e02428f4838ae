# The two that do all the set-up: `make run` and `make test`. `make` alone lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
ifndef SIDE_BY_SIDE
.NOTPARALLEL:
endif
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
VENV_READY := $(VENV)/installed
EMULATOR := .venv-emulator
EMULATOR_READY := $(EMULATOR)/installed
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := .tools/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
SCRIPTS := .ci/run $(wildcard scripts/*.sh scripts/lib/*.sh infra/*.sh tests/deployed/*.sh)
# valgrind counts on Linux alone.
WARM := $(if $(filter Linux,$(shell uname -s)),bench-warm)
# How long `make fuzz-api` and `make sim` go on, in seconds.
TIME ?= 600

# The checks of the template use no account and tell nobody.
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.PHONY: help
help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

# ---- Use

.PHONY: run demo
run: | has-cargo has-cc ## serve everything on 127.0.0.1:8000, with its data in .muster (PORT, DATA_DIR)
	cargo run --package muster-local

demo: ## enter this very machine through `make run`, with curl
	scripts/demo.sh

.PHONY: deploy invite adopt compare undeploy
deploy: | has-cargo has-cc $(VENV_READY) ## deploy into an AWS account; asks what it must know the first time
	scripts/deploy.sh

invite: $(VENV_READY) ## mail an invitation to the user pool to EMAIL
	@[[ -n '$(EMAIL)' ]] || { echo 'whom? make invite EMAIL=alice@example.com' >&2; exit 1; }
	@$(VENV)/bin/python infra/stack.py invite '$(EMAIL)'

adopt: $(VENV_READY) ## have the next `make deploy` go on with a table that is there: TABLE
	@[[ -n '$(TABLE)' ]] || { echo 'which table? make adopt TABLE=muster' >&2; exit 1; }
	@$(VENV)/bin/python infra/stack.py adopt '$(TABLE)'

compare: $(VENV_READY) ## what a restored table (NEW) has alive that the one before (OLD) had ended
	@[[ -n '$(OLD)' && -n '$(NEW)' ]] || { echo 'which tables? make compare OLD=muster NEW=muster-2' >&2; exit 1; }
	@$(VENV)/bin/python infra/compare_tables.py '$(OLD)' '$(NEW)'

undeploy: $(VENV_READY) ## delete the stack, after asking; keeps the table (YES, DELETE_TABLE, YES_TABLE)
	@scripts/undeploy.sh

.PHONY: dist
dist: ## fill dist/ with what machines install from, to be at BASE_URL (BINARIES: a directory of other targets')
	@scripts/dist.sh

# ---- Check

.PHONY: test lint
# What mostly waits runs beside what computes on one core.
test: lint template api tests end-to-end ## all that a change must pass
	$(MAKE) SIDE_BY_SIDE=1 --jobs=2 on-one-core deployed

.PHONY: on-one-core deployed
deployed:
	$(MAKE) test-engine
	$(MAKE) test-deploy

on-one-core:
	$(MAKE) worlds
	$(if $(WARM),$(MAKE) $(WARM))

lint: format python document roots clippy rustdoc ## all of it but the template and the tests
	$(MAKE) SIDE_BY_SIDE=1 --jobs=2 scripts dependencies

.PHONY: format
format: | has-rustfmt ## is the code formatted? (`cargo fmt` does it)
	@echo '==> format'
	cargo fmt --all --check

.PHONY: python
python: $(VENV_READY) ## lint the Python code, and is it formatted? (`.venv/bin/ruff format` does it)
	@echo '==> python'
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

.PHONY: scripts
scripts: $(VENV_READY) | has-curl has-jq has-busybox ## shellcheck, and the tests of the scripts and the examples
	@echo '==> scripts'
	$(VENV)/bin/shellcheck $(SCRIPTS)
	printf '%s\n' $(basename $(notdir $(wildcard tests/scripts/test_*.py))) | \
		PYTHONPATH=tests/scripts xargs -n 1 -P 4 $(VENV)/bin/python -B -m unittest --buffer

.PHONY: roots
roots: $(VENV_READY) ## are the embedded root certificates those of Amazon Trust Services?
	@echo '==> roots'
	$(VENV)/bin/python infra/check_roots.py

.PHONY: document
document: $(VENV_READY) ## is infra/openapi.yaml OpenAPI, and docs/API.md what it makes? (`make docs` makes it)
	@echo '==> document'
	$(VENV)/bin/openapi-spec-validator --validation-errors all infra/openapi.yaml
	$(VENV)/bin/python infra/api_docs.py --check

.PHONY: docs
docs: $(VENV_READY) ## make docs/API.md of infra/openapi.yaml
	$(VENV)/bin/python infra/api_docs.py

.PHONY: dependencies
dependencies: $(CARGO_DENY) ## are the crates ones that deny.toml lets in?
	@echo '==> dependencies'
	$(CARGO_DENY) --locked check bans licenses sources

.PHONY: clippy
clippy: | has-clippy has-cc ## lint the Rust code
	@echo '==> clippy'
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: rustdoc
rustdoc: | has-cargo has-cc ## build the code's documentation without a warning
	@echo '==> rustdoc'
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --locked

.PHONY: template
template: export AWS_DEFAULT_REGION ?= eu-central-1
template: $(VENV_READY) ## check what is deployed: template.yaml
	@echo '==> template'
	$(VENV)/bin/sam validate --lint --template template.yaml </dev/null
	$(VENV)/bin/cfn-lint template.yaml
	$(VENV)/bin/python infra/check_template.py
	$(VENV)/bin/python infra/check_parameters.py
	$(VENV)/bin/python infra/check_operations.py

.PHONY: tests
tests: | has-cargo has-cc ## run the tests
	@echo '==> tests'
	cargo test --workspace --no-fail-fast --locked

.PHONY: end-to-end
end-to-end: $(VENV_READY) | has-cargo has-cc has-curl has-chromium ## tell stories of machines and people with the built programs and a browser
	@echo '==> end-to-end'
	cargo test --workspace --no-run --locked
	$(VENV)/bin/python -B -m unittest discover --buffer --start-directory tests/end_to_end

.PHONY: api
api: $(VENV_READY) | has-cargo has-cc ## try the API out against its document, once through
	@echo '==> api'
	cargo test --workspace --no-run --locked
	SEED=1 scripts/fuzz-api.sh

.PHONY: fuzz-api
fuzz-api: $(VENV_READY) | has-cargo has-cc ## try the API out for TIME seconds (EXAMPLES, SEED, PORT, MUSTER_URL)
	cargo build --package muster-local --locked
	scripts/fuzz-api.sh '$(TIME)'

.PHONY: test-deploy test-engine
test-engine: $(EMULATOR_READY) | has-cargo has-cc ## run the scenarios on another DynamoDB than the embedded one
	@$(EMULATOR)/bin/python tests/deployed/engine.py

test-deploy: $(VENV_READY) $(EMULATOR_READY) | has-cargo has-cc ## deploy to an emulator on loopback, and try it there
	@$(VENV)/bin/python tests/deployed/run.py

# A debug build is slower, and built already.
WORLDS_TIME ?= 300
.PHONY: worlds
worlds: | has-cargo has-cc ## run kept and new worlds of the simulator for WORLDS_TIME seconds, as `make test` does
	@echo '==> worlds'
	cargo run --package muster-sim --locked -- search --seconds $(WORLDS_TIME) --jobs 1 --kept sim/kept-seeds.txt

SIM := cargo run --profile quick --locked --package muster-sim --
.PHONY: sim sim-mutants
sim: | has-cargo has-cc ## run worlds of the simulator for TIME seconds; with SEED print what happens in one
	$(SIM) $(if $(SEED),replay $(SEED),search --seconds $(TIME) --kept sim/kept-seeds.txt)

sim-mutants: | has-cargo has-cc ## take out each condition and each fence and see which world shows it (an hour or two)
	$(SIM) mutants

.PHONY: mutants
mutants: | has-cargo has-cc ## take out each condition of the store and see which promise's test fails (a quarter of an hour)
	cargo run --package muster-tests --bin mutants --locked

.PHONY: advisories
advisories: $(CARGO_DENY) ## does any crate have a known hole? (needs the network)
	$(CARGO_DENY) --locked check advisories

# ---- Measure

BENCH_TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
RUNS ?= 30

.PHONY: cost
cost: | has-cargo has-cc ## what calls and an idle month cost, by list prices; fails if it is too much
	@echo '==> cost'
	cargo run --profile quick --locked --package muster-bench --bin cost

.PHONY: bench-fleet
bench-fleet: | has-cargo has-cc ## boot simulated fleets at once, and print how long they take
	@echo '==> bench-fleet'
	$(SIM) fleets --write

.PHONY: bench-command
bench-command: | has-cargo has-cc ## how large the `muster` command is and how long it takes, against the service on loopback
	@echo '==> bench-command'
	cargo build --package muster-local --locked
	cargo build --release --package muster-cli --locked
	$(PYTHON) bench/command.py

.PHONY: bench-agents
bench-agents: | has-cargo has-cc ## have 2,000 simulated agents send heartbeats; fails if one is lost
	@echo '==> bench-agents'
	$(SIM) agents --write

.PHONY: bench-list
bench-list: | has-cargo has-cc ## list tokens and nodes of small and large teams; fails if it takes too much
	@echo '==> bench-list'
	$(SIM) lists

.PHONY: bench-cold bench-warm bench-warm-baseline
bench-cold: | has-cargo has-cc ## what a cold start takes, beside a hello world (RUNS; builds for minutes the first time)
	@echo '==> bench-cold'
	cargo build --release --locked --package bench-hello
	cargo build --release --locked --package register-node --package bench-register-node
	cargo build --release --locked --manifest-path bench/default-tls/Cargo.toml --target-dir $(BENCH_TARGET)
	cargo run --profile quick --locked --package muster-bench --bin cold -- $(BENCH_TARGET)/release $(RUNS)

bench-warm: $(BENCH_TARGET)/release/bench-warm | has-valgrind ## instructions of a warm request, part by part, held to a baseline
	@echo '==> bench-warm'
	$<

bench-warm-baseline: $(BENCH_TARGET)/release/bench-warm | has-valgrind ## make what is counted now the baseline
	$< --write-baseline

.PHONY: $(BENCH_TARGET)/release/bench-warm
$(BENCH_TARGET)/release/bench-warm: | has-cargo has-cc
	@echo '==> bench-warm: build'
	cargo build --release --locked --package bench-warm

# ---- Tools

.PHONY: tools clean
tools: $(VENV_READY) $(EMULATOR_READY) $(CARGO_DENY) ## install the tools of the checks, into .venv* and .tools

clean: ## remove what was built; data and tools stay
	rm -rf target dist dist.new .aws-sam

$(VENV_READY): infra/requirements.txt | has-python
	@echo '==> Python tools'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement infra/requirements.txt
	touch $@

# An environment of its own: the emulator pins another botocore than SAM does.
$(EMULATOR_READY): tests/deployed/requirements.txt | has-python
	@echo '==> emulator'
	rm -rf $(EMULATOR)
	$(PYTHON) -m venv $(EMULATOR)
	$(EMULATOR)/bin/pip install --quiet --requirement tests/deployed/requirements.txt
	touch $@

# Built for a quick build, not for speed: it runs for a second.
$(CARGO_DENY): | has-cargo has-cc
	@echo '==> cargo-deny (built once, in a minute or two)'
	CARGO_TARGET_DIR='$(CURDIR)/.tools/build' \
	CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
	cargo install --quiet --locked --root .tools/cargo-deny-$(CARGO_DENY_VERSION) cargo-deny@$(CARGO_DENY_VERSION)
	rm -rf .tools/build

# $(call need,a command that tells whether it is there,what is missing,how to get it)
need = @$(1) >/dev/null 2>&1 || { echo '$(2) is missing: $(3)' >&2; exit 1; }

.PHONY: has-chromium has-valgrind has-cargo has-clippy has-rustfmt has-cc has-curl has-jq has-busybox has-python
has-cargo:
	$(call need,cargo --version,Rust (cargo),install it from https://rustup.rs)
has-clippy: has-cargo
	$(call need,cargo clippy --version,clippy,run `rustup component add clippy`)
has-rustfmt: has-cargo
	$(call need,cargo fmt --version,rustfmt,run `rustup component add rustfmt`)
has-cc:
	$(call need,command -v cc,A C compiler (cc),install one (Debian: `apt-get install gcc libc6-dev`))
has-chromium:
	$(call need,command -v $(or $(CHROMIUM),chromium chromium-browser google-chrome),Chromium,install it (Debian: `apt-get install chromium`) or name one in CHROMIUM)
has-curl:
	$(call need,curl --version,curl,install it (Debian: `apt-get install curl`))
has-jq:
	$(call need,jq --version,jq,install it (Debian: `apt-get install jq`))
has-busybox:
	$(call need,command -v busybox,busybox,install it (Debian: `apt-get install busybox`))
has-valgrind:
	$(call need,command -v valgrind,valgrind,install it (Debian: `apt-get install valgrind`))
has-python:
	$(call need,$(PYTHON) -c 'import ensurepip; import sys; sys.exit(sys.hexversion < 0x30a0000)',Python 3.10 or later with venv,install it (Debian: `apt-get install python3-venv`))
