//! What every implementation of a seam promises, real or simulated: rules over the trait, run on both.
//!
//! A simulated world is worth something only as far as it behaves like the real one. `tests/sim/tests/contract.rs` runs these on the
//! simulated seams and on SQLite, `tests/tests/contract.rs` on containerd and the kernel.

pub mod network;
pub mod runtime;
pub mod store;

use crate::history::History;
use crate::scenario::{ContainerPlan, NetworkPlan, Scenario, TaskPlan};
use crate::world::World;
use std::time::Duration;
use tokio::time::Instant;

/// How long a level may take to be reached: a bound, for real machines are slow.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for a level; panics when it is not reached.
async fn until(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !reached().await {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// A world in which nothing goes wrong and nobody asks for anything: whoever stands on a seam has it for itself.
fn quiet_world(containers: Vec<ContainerPlan>) -> World {
    let task =
        TaskPlan { at: u64::MAX / 4, containers, network: NetworkPlan::Host { port: 8000 }, stop: None };
    let tasks = vec![task.clone(), TaskPlan { network: NetworkPlan::Nothing, ..task }];
    let story = Scenario { tasks, faults: Vec::new(), calm_at: u64::MAX / 4, ..Scenario::of(0) };
    let world = World::new(story, None, History::default());
    world.lock().plane.goals.iter_mut().for_each(|goal| goal.wanted = true);
    world.begin_life();
    world
}

/// Lets happen what is due, for as long as the test's runtime lives.
fn drive(world: &World) {
    let world = world.clone();
    tokio::spawn(async move {
        loop {
            // Both arms are cancel-safe: a bell and a timer that is made anew.
            tokio::select! {
                biased;
                () = world.bell().notified() => {}
                () = tokio::time::sleep(world.wait()) => {}
            }
            world.happen();
        }
    });
}
