//! What a step has done so far: what tasks looked like before, what is to be saved, answered, logged and remembered.

use crate::chronicle;
use crate::container::Container;
use crate::effect::Reply;
use crate::event::Desired;
use crate::journal::{Happening, Moment};
use crate::note::Note;
use crate::phase::Phase;
use crate::record::{Change, RecordKey, encode_task};
use crate::task::Task;
use crate::time::Timestamp;
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
    /// What happened that no state shows.
    happened: Vec<(TaskArn, Happening)>,
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

    /// Something happened to a task that its state does not show.
    pub(crate) fn happened(&mut self, task: &TaskArn, what: Happening) {
        self.happened.push((task.clone(), what));
    }

    /// Ends the step: which tasks are to be saved and what is worth a line. A record that reads as before is not written again.
    pub(crate) fn close(&mut self, tasks: &BTreeMap<TaskArn, Arc<Task>>, now: Timestamp) -> Closed {
        let mut notes = std::mem::take(&mut self.notes);
        let (mut changes, mut moments) = (Vec::new(), Vec::new());
        for (arn, before) in std::mem::take(&mut self.before) {
            let (before, after) = (before.as_deref(), tasks.get(&arn).map(|task| &**task));
            if before == after {
                continue;
            }
            compare(before, after, &arn, &mut notes);
            let found = after.map(|after| chronicle::changes(before, after, now));
            moments.extend(found.into_iter().flatten().map(|moment| (arn.clone(), moment)));
            if !before.zip(after).is_some_and(|(before, after)| before.reads_like(after)) {
                changes.push(Change { key: RecordKey::task(&arn), value: after.map(encode_task) });
            }
        }
        let happened = std::mem::take(&mut self.happened).into_iter();
        moments.extend(happened.map(|(task, what)| (task, Moment { at: now, what })));
        Closed { changes, notes, moments }
    }
}

/// What a step came to.
pub(crate) struct Closed {
    pub(crate) changes: Vec<Change>,
    pub(crate) notes: Vec<Note>,
    pub(crate) moments: Vec<(TaskArn, Moment)>,
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
            let ended = container.restarting().map(|restarting| restarting.exit.code);
            notes.push(Note::ContainerChanged {
                container: after.reference(index),
                phase,
                exit_code: ended.or(stopped.and_then(|stopped| stopped.exit_code)),
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
        Phase::Restarting(_) => Some("restarting"),
        Phase::Stopped(stopped) if stopped.removed => Some("removed"),
        Phase::Stopped(_) => Some("stopped"),
    }
}
