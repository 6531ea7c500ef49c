//! What is true only while this process lives: which agents are connected, what they were sent, what they measured.

use super::agenda::Agenda;
use super::delivery::Delivery;
use super::task::LastStatus;
use super::time::Time;
use std::collections::BTreeMap;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};
use wharf_protocol::tcs;

/// Names one connection of one agent; a reconnect is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// What a task's agent is told next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Make the interface.
    Attach,
    /// Run it.
    Start,
    /// Stop it.
    Stop,
}

/// The last thing an agent was told about a task in this session.
#[derive(Debug, Clone)]
pub struct Sent {
    /// What.
    pub goal: Goal,
    /// In which message.
    pub message: String,
    /// When.
    pub at: Time,
    /// How often, counting from 1.
    pub times: u32,
    /// Whether the agent acknowledged it.
    pub acknowledged: bool,
}

/// A connected agent.
#[derive(Debug)]
pub struct Session {
    /// Which connection.
    pub id: SessionId,
    /// Id of the manifest of this session; stop candidates refer to it.
    pub manifest: String,
    /// What was sent, by task.
    pub sent: BTreeMap<TaskArn, Sent>,
}

/// When an instance's agent came or went.
#[derive(Debug, Clone, Copy)]
pub struct Connectivity {
    /// Whether it is connected.
    pub connected: bool,
    /// Since when.
    pub since: Time,
}

/// Everything that is not saved.
#[derive(Debug, Default)]
pub struct Live {
    /// Connected agents.
    pub sessions: BTreeMap<ContainerInstanceArn, Session>,
    /// When agents came and went.
    pub connectivity: BTreeMap<ContainerInstanceArn, Connectivity>,
    /// Connections that were replaced or ended from this side in this turn; their wires are to be closed.
    pub closed: Vec<SessionId>,
    /// Appointments.
    pub agenda: Agenda,
    /// Statuses that tasks came to in this turn, for whoever watches.
    pub progress: Vec<(TaskArn, LastStatus)>,
    /// The status each task was last seen in.
    pub seen: BTreeMap<TaskArn, LastStatus>,
    /// Messages that leave once this turn is saved.
    pub outbox: Vec<Delivery>,
    /// While set, tasks are not handed over: whoever set it wants several in one payload.
    pub payloads_held: bool,
    /// The last health report of each task, by container.
    pub health: BTreeMap<TaskArn, BTreeMap<String, tcs::ContainerHealth>>,
    /// The last metrics of each task.
    pub metrics: BTreeMap<TaskArn, tcs::TaskMetric>,
    /// The last status report of each instance.
    pub instance_status: BTreeMap<ContainerInstanceArn, Vec<tcs::InstanceStatus>>,
}

impl Live {
    /// Whether the instance's agent is connected.
    pub fn is_connected(&self, instance: &ContainerInstanceArn) -> bool {
        self.sessions.contains_key(instance)
    }

    /// Puts a connection in the place of an earlier one of the same instance.
    pub fn begin_session(&mut self, instance: &ContainerInstanceArn, session: Session, now: Time) {
        self.end_session(instance, now);
        self.sessions.insert(instance.clone(), session);
        self.connectivity.insert(instance.clone(), Connectivity { connected: true, since: now });
    }

    /// Ends the instance's connection, if there is one.
    pub fn end_session(&mut self, instance: &ContainerInstanceArn, now: Time) {
        if let Some(session) = self.sessions.remove(instance) {
            self.closed.push(session.id);
            self.connectivity.insert(instance.clone(), Connectivity { connected: false, since: now });
        }
    }

    /// Notes the status a task is in; one that is news goes to whoever watches.
    pub fn see(&mut self, task: &TaskArn, status: LastStatus) {
        if self.seen.insert(task.clone(), status) != Some(status) {
            self.progress.push((task.clone(), status));
        }
    }

    /// Drops what is known of a task that is over or forgotten.
    pub fn forget(&mut self, task: &TaskArn) {
        self.health.remove(task);
        self.metrics.remove(task);
        for session in self.sessions.values_mut() {
            session.sent.remove(task);
        }
    }
}
