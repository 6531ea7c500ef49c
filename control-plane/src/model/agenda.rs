//! Which tasks have to be looked at, and when. A task has at most one appointment.

use super::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use wharf_protocol::arn::TaskArn;

/// Appointments with tasks.
#[derive(Debug, Default)]
pub struct Agenda {
    by_task: BTreeMap<TaskArn, Time>,
    by_time: BTreeSet<(Time, TaskArn)>,
}

impl Agenda {
    /// The task is to be looked at in this very turn.
    pub fn now(&mut self, task: TaskArn) {
        self.set(task, Some(Time::from_millis(i64::MIN)));
    }

    /// Replaces the task's appointment.
    pub fn set(&mut self, task: TaskArn, at: Option<Time>) {
        if let Some(old) = self.by_task.remove(&task) {
            self.by_time.remove(&(old, task.clone()));
        }
        if let Some(at) = at {
            self.by_time.insert((at, task.clone()));
            self.by_task.insert(task, at);
        }
    }

    /// When the next task is to be looked at.
    pub fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out the tasks whose time has come.
    pub fn take_due(&mut self, now: Time) -> Vec<TaskArn> {
        let mut due = Vec::new();
        while let Some((at, task)) = self.by_time.first().cloned().filter(|(at, _)| *at <= now) {
            self.by_time.remove(&(at, task.clone()));
            self.by_task.remove(&task);
            due.push(task);
        }
        due
    }
}
