//! Sweeping: what bears our names in the kernel and belongs to no task is removed, at the start and every few minutes.
//!
//! Owns the set of tasks that may have a network. A task enters it before anything of it is made and leaves it after everything is
//! gone; while a sweep runs the set cannot change, so a network that is just being made is never taken for a leftover.

use super::World;
use super::network::{blocking, remove_dir};
use crate::causes::chain;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;
use wharf_cni::netns;
use wharf_protocol::arn::TaskArn;

/// Time between two sweeps.
const EVERY: Duration = Duration::from_secs(300);

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
        self.0.write().await.insert(task.id().to_owned());
    }

    /// To be called when nothing of the task's network is left.
    pub(super) async fn leave(&self, task: &TaskArn) {
        self.0.write().await.remove(task.id());
    }
}

impl World {
    /// Removes leftovers once.
    pub(super) async fn sweep(&self) {
        let known = self.networks.0.read().await;
        match wharf_cni::sweep(&self.fabric, &known).await {
            Ok(swept) if swept.count() > 0 => tracing::warn!(?swept, "removed leftovers of networks"),
            Ok(_) => tracing::debug!(tasks = known.len(), "no leftovers of networks"),
            Err(error) => tracing::warn!(error = chain(&error), "cannot remove leftovers of networks"),
        }
        for path in unknown(&self.places.namespaces(), &known) {
            match blocking(netns::delete, &path).await {
                Ok(()) => tracing::warn!(path = %path.display(), "removed a namespace of no task"),
                Err(error) => tracing::warn!(error, "cannot remove a namespace of no task"),
            }
        }
    }

    /// Removes cgroups, files, volumes and logs of tasks that nobody knows. Only at the start, when nothing else runs.
    pub(super) async fn sweep_remains(&self) {
        let known = self.networks.0.read().await;
        for dir in [self.places.run.join("tasks"), self.places.data.join("tasks")] {
            for path in unknown(&dir, &known) {
                let id = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let cgroup = self.places.cgroup_root.join(&id).display().to_string();
                let left = self.cgroups.remove(&cgroup, Duration::ZERO).await.err();
                let left = left.map(|error| chain(&error)).or(blocking(remove_dir, &path).await.err());
                tracing::warn!(task = id, left, "removed remains of an unknown task");
            }
        }
    }

    /// Sweeps every few minutes until `cancel`.
    pub(super) async fn keep_swept(&self, cancel: CancellationToken) {
        let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + EVERY, EVERY);
        loop {
            // Both arms are cancel-safe: a token and a ticker. A sweep itself is never cut short.
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = tick.tick() => self.sweep().await,
            }
        }
    }
}

/// Entries of a directory whose names are not known.
fn unknown(dir: &Path, known: &BTreeSet<String>) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| !known.contains(&*entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect()
}
