//! Rules of the control plane: the pure ones first, then those of the store, then those that need a socket.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; helpers of tests are no exception"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test bounds its waits in its own words; the names are for operators"
)]

#[path = "control_plane/addresses.rs"]
mod addresses;
#[path = "control_plane/api.rs"]
mod api;
#[path = "control_plane/api_errors.rs"]
mod api_errors;
#[path = "control_plane/definitions.rs"]
mod definitions;
#[path = "control_plane/delivery.rs"]
mod delivery;
#[path = "control_plane/fake_agent.rs"]
mod fake_agent;
#[path = "control_plane/life_cycle.rs"]
mod life_cycle;
#[path = "control_plane/payload.rs"]
mod payload;
#[path = "control_plane/peer.rs"]
mod peer;
#[path = "control_plane/pure.rs"]
mod pure;
#[path = "control_plane/random_walk.rs"]
mod random_walk;
#[path = "control_plane/restart.rs"]
mod restart;
#[path = "control_plane/scheduling.rs"]
mod scheduling;
#[path = "control_plane/sessions.rs"]
mod sessions;
#[path = "control_plane/telemetry.rs"]
mod telemetry;
