# Wharf: the commands. Each one works on a fresh Debian 12 or 13 machine with make and a Rust toolchain, as root.

.PHONY: help run test soak vm sim fuzz check bench install fmt clean setup setup-test
.DEFAULT_GOAL := help

# The commit is announced to the control plane with every session. For the build alone: to the agent it is no setting.
BUILD := WHARF_COMMIT=$(shell git rev-parse --short HEAD 2>/dev/null) cargo build --release --locked
PRODUCT := -p wharf-agent -p wharf-runtime -p wharf-cni -p wharf-control-plane

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: setup ## Run the demo: control plane, agent, a task you can reach over HTTP (ONCE=1: stop it and end)
	$(BUILD) $(PRODUCT) --bins
	@scripts/run $(if $(ONCE),--once)

test: setup-test ## Run every test: pure rules, protocol, kernel, containerd, end to end
	@scripts/test

soak: setup-test ## Run the long forms of the fault tests; hours (ONLY="cycles ...": these)
	@scripts/soak $(ONLY)

vm: setup ## Boot a virtual machine with cgroup v2 and systemd, and reset it under running tasks
	$(BUILD) $(PRODUCT) --bins
	@scripts/vm

sim: ## Run new seeds of the simulator for MINUTES (10)
	cargo run --release --locked -p wharf-sim -- --minutes $(or $(MINUTES),10)

fuzz: ## Run every fuzz target with cargo-fuzz for SECONDS_EACH (30) seconds; needs nightly and cargo-fuzz
	@scripts/fuzz $(SECONDS_EACH)

check: ## What CI asks before the tests: formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

bench: setup-test ## Measure launch latency, a burst of 50 and memory; writes target/bench.json
	$(BUILD) $(PRODUCT) -p wharf-tests --no-default-features --bins
	@scripts/bench

fmt: ## Format everything
	cargo fmt --all

install: setup ## Install programs and units below DESTDIR; starts nothing
	$(BUILD) $(PRODUCT) --bins
	install -D -t $(DESTDIR)/usr/bin target/release/wharf-agent target/release/wharf-control-plane
	install -D -t $(DESTDIR)/usr/libexec/wharf target/release/wharf-logger
	install -D -t $(DESTDIR)/opt/cni/bin target/release/wharf-cni
	install -D -m 644 -t $(DESTDIR)/usr/lib/systemd/system systemd/*.service
	install -D -m 644 -t $(DESTDIR)/usr/lib/sysusers.d systemd/sysusers.d/*.conf

setup: ## Install what building and running needs and this machine lacks
	@scripts/setup

setup-test: ## The same for the tests
	@scripts/setup test

clean: ## Remove what was built
	cargo clean
