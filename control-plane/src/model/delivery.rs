//! What agents are told: derived anew from the tasks whenever one changed or its time came, never remembered as a to-do list.
//!
//! For each task the agent is owed at most one thing, its [`Goal`]. It is sent at once, sent again while unacknowledged, and sent
//! anew in the next session. So a resend, a reconnect and a restart of this process are the same code.

use super::Model;
use super::live::{Goal, Sent, SessionId};
use super::task::{AttachmentStatus, Grant, LastStatus, StopCode, Task};
use super::time::Time;
use super::turn::Turn;
use crate::acs::message;
use std::collections::BTreeMap;
use wharf_protocol::acs;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

/// Most tasks in one payload; the rest goes into the next one at once.
const MOST_TASKS_PER_PAYLOAD: usize = 100;

/// A message for one agent.
#[derive(Debug)]
pub struct Delivery {
    /// On which connection.
    pub session: SessionId,
    /// What.
    pub message: acs::Message,
}

impl Model {
    /// Looks at every task that changed or whose time came, and fills the outbox with what is due.
    pub fn plan(&mut self, turn: &mut Turn) {
        let mut due = self.live.agenda.take_due(turn.now);
        due.extend(self.tasks.changed().cloned());
        due.sort();
        due.dedup();
        let mut handovers: BTreeMap<ContainerInstanceArn, Vec<(TaskArn, Goal)>> = BTreeMap::new();
        for arn in due {
            if let Some((instance, goal)) = self.look(&arn, turn) {
                handovers.entry(instance).or_default().push((arn, goal));
            }
        }
        for (instance, tasks) in handovers {
            for tasks in tasks.chunks(MOST_TASKS_PER_PAYLOAD) {
                self.send_payload(&instance, tasks, turn);
            }
        }
    }

    /// Looks at one task; the answer says what of it belongs into a payload now.
    fn look(&mut self, arn: &TaskArn, turn: &mut Turn) -> Option<(ContainerInstanceArn, Goal)> {
        self.watch_attachment(arn, turn.now);
        let task = self.tasks.get(arn)?;
        self.live.see(arn, task.status);
        if task.is_stopped() {
            self.settle(arn, turn.now);
            return None;
        }
        let instance = task.instance.clone();
        let goal = self.goal(task);
        let due = goal.filter(|goal| self.is_due(&instance, arn, *goal, turn.now));
        let handover = match due {
            None => None,
            Some(Goal::Attach) => {
                self.send_attach(&instance, arn, turn);
                None
            }
            Some(goal @ (Goal::Start | Goal::Stop)) => Some((instance.clone(), goal)),
        };
        if handover.is_none() {
            self.renew_credentials(&instance, arn, turn);
            self.appoint(arn);
        }
        handover
    }

    /// What the agent is owed about a task.
    fn goal(&self, task: &Task) -> Option<Goal> {
        if task.shall_stop() {
            return task.handed_over.then_some(Goal::Stop);
        }
        if !task.is_attached() {
            return Some(Goal::Attach);
        }
        (task.status < LastStatus::Running && !self.live.payloads_held).then_some(Goal::Start)
    }

    fn is_due(&self, instance: &ContainerInstanceArn, task: &TaskArn, goal: Goal, now: Time) -> bool {
        let Some(session) = self.live.sessions.get(instance) else { return false };
        match session.sent.get(task).filter(|sent| sent.goal == goal) {
            None => true,
            Some(sent) => !sent.acknowledged && self.resend_at(sent) <= now,
        }
    }

    fn resend_at(&self, sent: &Sent) -> Time {
        let doubled = self.policy.resend_first.saturating_mul(1 << (sent.times - 1).min(16));
        sent.at + doubled.min(self.policy.resend_longest)
    }

    /// Notes that something about the task goes out now, in this message.
    fn note_sent(
        &mut self,
        instance: &ContainerInstanceArn,
        task: &TaskArn,
        goal: Goal,
        message: &str,
        now: Time,
    ) {
        let Some(session) = self.live.sessions.get_mut(instance) else { return };
        let before = session.sent.get(task).filter(|sent| sent.goal == goal).map_or(0, |sent| sent.times);
        let sent =
            Sent { goal, message: message.to_owned(), at: now, times: before + 1, acknowledged: false };
        session.sent.insert(task.clone(), sent);
    }

    /// Sets when the task is looked at again if nothing else happens to it.
    fn appoint(&mut self, arn: &TaskArn) {
        let Some(task) = self.tasks.get(arn) else { return };
        let session = self.live.sessions.get(&task.instance);
        let sent = session.and_then(|session| session.sent.get(arn)).filter(|sent| !sent.acknowledged);
        let resend = sent.filter(|sent| self.goal(task) == Some(sent.goal)).map(|sent| self.resend_at(sent));
        let attaching =
            task.interface.as_ref().filter(|interface| interface.status == AttachmentStatus::Attaching);
        let expiry = attaching.filter(|_| !task.shall_stop()).and_then(|interface| interface.deadline);
        let lifetime = self.policy.credentials_lifetime;
        let grants = [&task.task_role, &task.execution_role].into_iter().flatten();
        let renewal = grants.filter_map(|grant| grant.renew_at(lifetime)).min().filter(|_| session.is_some());
        let next = [resend, expiry, renewal].into_iter().flatten().min();
        self.live.agenda.set(arn.clone(), next);
    }

    /// Ends a task whose interface was not attached in time. Time in which this process did not run does not count: the agent could
    /// report nothing then.
    fn watch_attachment(&mut self, arn: &TaskArn, now: Time) {
        let attaching = |task: &Task| {
            let interface = task.interface.as_ref().filter(|_| !task.shall_stop());
            interface.filter(|one| one.status == AttachmentStatus::Attaching).map(|one| one.deadline)
        };
        let Some(deadline) = self.tasks.get(arn).and_then(attaching) else { return };
        if deadline.is_some_and(|deadline| deadline > now) {
            return;
        }
        let timeout = self.policy.attach_timeout;
        let Some(task) = self.tasks.edit(arn) else { return };
        if deadline.is_some() {
            let reason = "Timeout waiting for network interface provisioning to complete.";
            task.order_stop(StopCode::TaskFailedToStart, reason, now);
        } else if let Some(interface) = &mut task.interface {
            interface.deadline = Some(now + timeout);
        }
    }

    /// Gives back what a stopped task held, and forgets the task when it was visible long enough.
    fn settle(&mut self, arn: &TaskArn, now: Time) {
        self.live.forget(arn);
        let Some(task) = self.tasks.get(arn) else { return };
        if let Some(interface) = &task.interface {
            self.addresses.give_back(interface.address, task.id());
        }
        let until = task.moments.stopped.unwrap_or(now) + self.policy.stopped_retention;
        if until <= now {
            self.tasks.remove(arn);
            self.live.seen.remove(arn);
        } else {
            self.live.agenda.set(arn.clone(), Some(until));
        }
    }

    fn send_attach(&mut self, instance: &ContainerInstanceArn, arn: &TaskArn, turn: &mut Turn) {
        let told = self.live.sessions.get(instance).is_some_and(|session| session.sent.contains_key(arn));
        let deadline = turn.now + self.policy.attach_timeout;
        if !told && let Some(task) = self.tasks.edit(arn) {
            task.handed_over = true;
            if let Some(interface) = &mut task.interface {
                interface.status = AttachmentStatus::Attaching;
                interface.deadline = Some(deadline);
            }
        }
        let id = turn.uuid();
        let message = self.tasks.get(arn).and_then(|task| message::attach(self, task, &id, turn.now));
        if let Some(message) = message {
            self.push(instance, message);
            self.note_sent(instance, arn, Goal::Attach, &id, turn.now);
        }
    }

    fn send_payload(&mut self, instance: &ContainerInstanceArn, tasks: &[(TaskArn, Goal)], turn: &mut Turn) {
        let id = turn.uuid();
        let mut shapes = Vec::new();
        for (arn, goal) in tasks {
            let roles = if *goal == Goal::Start { self.issue(arn, turn) } else { message::Roles::default() };
            if let Some(task) = self.tasks.get(arn)
                && let Some(shape) = message::task(self, task, roles)
            {
                shapes.push(shape);
            }
            self.note_sent(instance, arn, *goal, &id, turn.now);
            self.appoint(arn);
        }
        let message =
            self.instances.get(instance).map(|at| message::payload(self, at, shapes, &id, turn.now));
        if let Some(message) = message {
            self.push(instance, message);
        }
    }

    /// Marks the task handed over and makes the credentials that travel with it.
    fn issue(&mut self, arn: &TaskArn, turn: &mut Turn) -> message::Roles {
        let lifetime = self.policy.credentials_lifetime;
        let Some(task) = self.tasks.edit(arn) else { return message::Roles::default() };
        task.handed_over = true;
        let mut fresh = |grant: &mut Option<Grant>| grant.as_mut().map(|grant| grant.issue(lifetime, turn));
        message::Roles { task: fresh(&mut task.task_role), execution: fresh(&mut task.execution_role) }
    }

    fn renew_credentials(&mut self, instance: &ContainerInstanceArn, arn: &TaskArn, turn: &mut Turn) {
        let lifetime = self.policy.credentials_lifetime;
        let aged = |grant: &Grant| grant.renew_at(lifetime).is_some_and(|at| at <= turn.now);
        let due = self.tasks.get(arn).is_some_and(|task| {
            task.task_role.as_ref().is_some_and(aged) || task.execution_role.as_ref().is_some_and(aged)
        });
        if due && self.live.is_connected(instance) {
            self.send_credentials(instance, arn, turn);
        }
    }

    pub(super) fn send_credentials(
        &mut self,
        instance: &ContainerInstanceArn,
        arn: &TaskArn,
        turn: &mut Turn,
    ) {
        let roles = self.issue(arn, turn);
        let kinds = [("TaskApplication", roles.task), ("TaskExecution", roles.execution)];
        for (kind, credentials) in kinds {
            let Some(credentials) = credentials else { continue };
            let id = turn.uuid();
            if let Some(task) = self.tasks.get(arn) {
                let message = message::credentials(self, task, kind, credentials, &id);
                self.push(instance, message);
            }
        }
    }

    pub(super) fn push(&mut self, instance: &ContainerInstanceArn, message: acs::Message) {
        if let Some(session) = self.live.sessions.get(instance) {
            self.live.outbox.push(Delivery { session: session.id, message });
        }
    }

    /// Lets tasks be handed over again, or holds them back.
    pub fn hold_payloads(&mut self, held: bool) {
        self.live.payloads_held = held;
        let waiting = self.tasks.iter().filter(|task| task.status < LastStatus::Running);
        for arn in waiting.map(|task| task.arn.clone()).collect::<Vec<_>>() {
            self.live.agenda.now(arn);
        }
    }
}
