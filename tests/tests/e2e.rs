//! End to end: the real agent on the real containerd and kernel. Each test asserts what the control plane received and what kernel and
//! containerd hold, and that nothing is left in the end.
#![expect(
    clippy::unwrap_used,
    reason = "in a test an unexpected error is a failure to be shown where it happens"
)]

#[path = "e2e/adoption.rs"]
mod adoption;
#[path = "e2e/containerd_away.rs"]
mod containerd_away;
#[path = "e2e/containerd_churn.rs"]
mod containerd_churn;
#[path = "e2e/containerd_outside.rs"]
mod containerd_outside;
#[path = "e2e/containerd_stale.rs"]
mod containerd_stale;
#[path = "e2e/continuity.rs"]
mod continuity;
#[path = "e2e/control_plane.rs"]
mod control_plane;
#[path = "e2e/crash.rs"]
mod crash;
#[path = "e2e/cycles.rs"]
mod cycles;
#[path = "e2e/endpoints.rs"]
mod endpoints;
#[path = "e2e/explain.rs"]
mod explain;
#[path = "e2e/failpoints/mod.rs"]
mod failpoints;
#[path = "e2e/full.rs"]
mod full;
#[path = "e2e/house.rs"]
mod house;
#[path = "e2e/input.rs"]
mod input;
#[path = "e2e/lifecycle.rs"]
mod lifecycle;
#[path = "e2e/limits.rs"]
mod limits;
#[path = "e2e/making.rs"]
mod making;
#[path = "e2e/pair.rs"]
mod pair;
#[path = "e2e/partition.rs"]
mod partition;
#[path = "e2e/quarantine.rs"]
mod quarantine;
#[path = "e2e/restarts.rs"]
mod restarts;
#[path = "e2e/short.rs"]
mod short;
#[path = "e2e/telemetry.rs"]
mod telemetry;
#[path = "e2e/waits.rs"]
mod waits;
