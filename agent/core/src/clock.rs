//! The wall clock was set: what is due in ten seconds is due in ten seconds still.
//!
//! Deadlines are instants of the wall clock, for they outlive the agent. When the clock is set they move along with it, and so does every
//! instant that one is reckoned from. How far the clock is ahead of the host's own count of time, which nobody sets, is remembered: so a
//! clock that was set while no agent ran is noticed as well, within one boot.
//!
//! What was told or seen stays as it was: the exit of a process is known again by its time. So does what counts in hours or days (records and
//! stories that are kept for a while), and what lies further ahead than it could by this clock: it was saved in an earlier boot, by one
//! that was right.

use crate::journal::Happening;
use crate::node::Node;
use crate::note::Note;
use crate::record::RecordKey;
use crate::task::{Stage, Task};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A clock that is off by less than this many milliseconds was not set; it drifts, or it was read a moment later.
const SET: u64 = 1000;
/// Longer than any control plane gives an interface to wait for its task, which is minutes.
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 3600);

/// How far the wall clock is ahead of the time since the host's boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ahead {
    /// The boot, as the kernel names it.
    pub boot: String,
    /// Milliseconds.
    pub by: i64,
}

/// Whether the clock was set between two readings of how far it is ahead.
pub fn was_set(before: i64, after: i64) -> bool {
    after.abs_diff(before) >= SET
}

impl Node {
    /// The clock was read. In another boot there is nothing to hold it against, and no process that waits for a deadline.
    pub(crate) fn clock_read(&mut self, ahead: Ahead) {
        let before = self.manifest.clock.as_ref().filter(|before| before.boot == ahead.boot);
        let before = before.map(|before| before.by);
        if before.is_some_and(|before| !was_set(before, ahead.by)) {
            return;
        }
        if let Some(before) = before {
            self.move_along(ahead.by.saturating_sub(before));
        }
        self.manifest.clock = Some(ahead);
        self.draft.dirty.insert(RecordKey::node());
    }

    fn move_along(&mut self, by: i64) {
        self.draft.notes.push(Note::ClockSet { by });
        let before = self.now.moved(by.saturating_neg());
        let latest_pull = before.plus(self.config.limits.pull);
        let begun = |task: &Task| matches!(task.stage, Stage::Queued { .. } | Stage::Admitted { .. });
        let tasks = self.tasks.iter().filter(|(_, task)| begun(task));
        for arn in tasks.map(|(arn, _)| arn.clone()).collect::<Vec<_>>() {
            self.draft.happened(&arn, Happening::ClockSet { by });
            self.task_mut(&arn).into_iter().for_each(|task| task.move_along(by, latest_pull));
        }
        let attachments = self.attachments.iter_mut();
        for (arn, attachment) in attachments.filter(|(_, one)| one.expires_at <= before.plus(LONGEST_LEASE)) {
            attachment.expires_at = attachment.expires_at.moved(by);
            self.draft.dirty.insert(RecordKey::attachment(arn));
        }
        self.orphans.values_mut().for_each(|since| *since = since.moved(by));
        self.manifest.quarantine.move_along(by, before);
        self.work.move_along(by);
    }
}

impl Task {
    fn move_along(&mut self, ms: i64, latest_pull: Timestamp) {
        if let Stage::Admitted { at, pull_by } = &mut self.stage
            && *pull_by <= latest_pull
        {
            (*at, *pull_by) = (at.moved(ms), pull_by.moved(ms));
        }
        self.containers.iter_mut().for_each(|container| container.move_along(ms));
    }
}
