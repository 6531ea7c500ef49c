# Wharf: the commands. Each one works on a fresh Debian 12 or 13 machine with make and a Rust toolchain, as root.

.PHONY: help run test check bench fmt clean setup
.DEFAULT_GOAL := help

PRODUCT := -p wharf-agent -p wharf-runtime -p wharf-cni -p wharf-control-plane

help: ## List the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: setup ## Run the demo: control plane, agent, a task you can reach over HTTP (ONCE=1: stop it and end)
	cargo build --release --locked $(PRODUCT) --bins
	@scripts/run $(if $(ONCE),--once)

test: setup ## Run every test: pure rules, protocol, kernel, containerd, end to end
	@scripts/test

check: ## What CI asks before the tests: formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

bench: setup ## Measure launch latency, a burst of 50 and memory; writes target/bench.json
	cargo build --release --locked $(PRODUCT) -p wharf-tests --bins
	@scripts/bench

fmt: ## Format everything
	cargo fmt --all

setup: ## Install what is missing from the distribution
	@scripts/setup

clean: ## Remove what was built
	cargo clean
