//! Sweeping: what bears our names in the kernel and belongs to no task is removed, at the start and every few minutes.
//!
//! Owns the set of tasks that may have a network. A task enters it before anything of it is made and leaves it after everything is
//! gone; while a sweep runs the set cannot change, so a network that is just being made is never taken for a leftover.

use super::World;
use crate::seam::{Network, Outside};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio_util::sync::CancellationToken;
use wharf_protocol::arn::TaskArn;
use wharf_wait::{Wait, reading, writing};

/// Time between two sweeps.
const EVERY: Duration = Duration::from_secs(300);
/// Why the wait for the set needs no end.
const SWEPT: &str =
    "a sweep is as long as there are leftovers; a network that is made meanwhile would be one";

/// Ids of the tasks that may have a network.
#[derive(Debug, Default)]
pub struct Networks(RwLock<BTreeSet<String>>);

impl Networks {
    /// These tasks may have a network already.
    pub fn known<'a>(tasks: impl IntoIterator<Item = &'a TaskArn>) -> Self {
        Self(RwLock::new(tasks.into_iter().map(|task| task.id().to_owned()).collect()))
    }

    /// To be called before anything of the task's network is made; waits for a sweep under way.
    pub(super) async fn enter(&self, task: &TaskArn) {
        self.change().await.insert(task.id().to_owned());
    }

    /// To be called when nothing of the task's network is left.
    pub(super) async fn leave(&self, task: &TaskArn) {
        self.change().await.remove(task.id());
    }

    async fn change(&self) -> RwLockWriteGuard<'_, BTreeSet<String>> {
        Wait::endless("the end of a sweep", SWEPT).of(writing(&self.0)).await
    }

    /// The tasks; they stay as they are until this is dropped.
    async fn kept(&self) -> RwLockReadGuard<'_, BTreeSet<String>> {
        Wait::endless("the tasks that have a network", SWEPT).of(reading(&self.0)).await
    }
}

impl<O: Outside> World<O> {
    /// Removes leftovers of networks once.
    pub(super) async fn sweep(&self) {
        let known = self.networks.kept().await;
        self.network.sweep(&known).await;
    }

    /// Removes everything else of tasks that nobody knows. Only at the start, when nothing else runs.
    pub(super) async fn sweep_remains(&self) {
        let known = self.networks.kept().await;
        self.network.sweep_remains(&known).await;
    }

    /// Sweeps every few minutes until `cancel`.
    pub(super) async fn keep_swept(&self, cancel: CancellationToken) {
        let mut sweeps = Wait::named("the next sweep").owner("effects").after_every(EVERY);
        loop {
            // Both arms are cancel-safe: a token and a ticker. A sweep itself is never cut short.
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                () = sweeps.tick() => self.sweep().await,
            }
        }
    }
}
