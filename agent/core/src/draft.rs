//! What a step has done so far: what tasks looked like before, what is to be saved, answered and logged.

use crate::container::Container;
use crate::effect::Reply;
use crate::event::Desired;
use crate::note::Note;
use crate::phase::Phase;
use crate::record::{Change, RecordKey, encode_task};
use crate::task::Task;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wharf_protocol::arn::TaskArn;

/// The running step.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// Tasks as they were before they were first touched; `None` for those that were not there.
    before: BTreeMap<TaskArn, Option<Arc<Task>>>,
    /// Other records to save.
    pub(crate) dirty: BTreeSet<RecordKey>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) notes: Vec<Note>,
}

impl Draft {
    /// Remembers what the task looked like, the first time it is asked to.
    pub(crate) fn before(&mut self, arn: &TaskArn, task: Option<&Arc<Task>>) {
        if !self.before.contains_key(arn) {
            self.before.insert(arn.clone(), task.cloned());
        }
    }

    /// The message or event was not acted on.
    pub(crate) fn ignore(&mut self, what: &'static str, about: impl ToString) {
        self.notes.push(Note::Ignored { what, about: about.to_string() });
    }

    /// Ends the step: which tasks are to be saved and what is worth a line. A record that reads as before is not written again.
    pub(crate) fn close(&mut self, tasks: &BTreeMap<TaskArn, Arc<Task>>) -> (Vec<Change>, Vec<Note>) {
        let mut notes = std::mem::take(&mut self.notes);
        let mut changes = Vec::new();
        for (arn, before) in std::mem::take(&mut self.before) {
            let (before, after) = (before.as_deref(), tasks.get(&arn).map(|task| &**task));
            if before == after {
                continue;
            }
            compare(before, after, &arn, &mut notes);
            if !before.zip(after).is_some_and(|(before, after)| before.reads_like(after)) {
                changes.push(Change { key: RecordKey::task(&arn), value: after.map(encode_task) });
            }
        }
        (changes, notes)
    }
}

fn compare(before: Option<&Task>, after: Option<&Task>, arn: &TaskArn, notes: &mut Vec<Note>) {
    let task = arn.clone();
    let Some(after) = after else {
        notes.push(Note::TaskForgotten { task });
        return;
    };
    if before.is_none() {
        notes.push(Note::TaskAccepted { task: task.clone() });
    }
    let stopping = |task: &Task| task.desired == Desired::Stopped;
    if stopping(after) && !before.is_some_and(stopping) {
        notes.push(Note::TaskStopping { task: task.clone(), reason: after.reason.clone() });
    }
    for (index, container) in after.containers.iter().enumerate() {
        let earlier = before.and_then(|before| before.containers.get(index));
        if let Some(phase) = phase_name(container)
            && earlier.and_then(phase_name) != Some(phase)
        {
            let stopped = container.stopped();
            notes.push(Note::ContainerChanged {
                container: after.reference(index),
                phase,
                exit_code: stopped.and_then(|stopped| stopped.exit_code),
                reason: stopped.and_then(|stopped| stopped.reason.clone()),
            });
        }
    }
    if let Some(status) = after.status()
        && before.and_then(Task::status) != Some(status)
    {
        notes.push(Note::TaskChanged { task, status });
    }
}

fn phase_name(container: &Container) -> Option<&'static str> {
    match container.phase() {
        Phase::Pending => None,
        Phase::Resolved { .. } => Some("resolved"),
        Phase::Created(_) => Some("created"),
        Phase::Running(_) => Some("running"),
        Phase::Stopped(stopped) if stopped.removed => Some("removed"),
        Phase::Stopped(_) => Some("stopped"),
    }
}
