//! End-to-end tests on real containerd, and the benchmark.
