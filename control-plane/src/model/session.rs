//! Agents come and go, acknowledge what they were sent, and ask which tasks to stop (spec 3.1, 3.2, 3.5).
//!
//! Owns who may connect and what a new connection is told first. What it is owed after that is [`super::delivery`]'s.

use super::delivery::Delivery;
use super::instance::{AgentVersion, InstanceStatus};
use super::live::{Goal, Session, SessionId};
use super::task::{LastStatus, Task};
use super::time::Time;
use super::turn::Turn;
use super::{Model, cluster_name};
use crate::acs::message;
use std::collections::BTreeMap;
use wharf_protocol::Refusal;
use wharf_protocol::acs;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

/// What an agent says when it connects (spec 3.1).
#[derive(Debug, Clone, Default)]
pub struct Hello {
    /// `containerInstanceArn`.
    pub instance: String,
    /// `clusterArn`, which may be a short name.
    pub cluster: String,
    /// `sendCredentials`.
    pub send_credentials: bool,
    /// What the agent is.
    pub agent: AgentVersion,
}

impl Model {
    /// The instance that an agent claims to be, if it may connect (spec 3.2, 8).
    pub fn admit(&self, cluster: &str, instance: &str) -> Result<ContainerInstanceArn, Refusal> {
        let refuse =
            |exception: &str, text: &str| Refusal { exception: exception.to_owned(), text: text.to_owned() };
        let arn = ContainerInstanceArn::parse(instance)
            .map_err(|error| refuse("InvalidInstanceException", &error.to_string()))?;
        let Some(instance) = self.instances.get(&arn) else {
            return Err(refuse("InvalidInstanceException", "Container instance not found."));
        };
        if instance.cluster != cluster_name(Some(cluster)) {
            return Err(refuse(
                "InvalidClusterException",
                "The container instance belongs to another cluster.",
            ));
        }
        match instance.status {
            InstanceStatus::Active | InstanceStatus::Draining => Ok(arn),
            InstanceStatus::Inactive => {
                Err(refuse("InactiveInstanceException", "The container instance is deregistered."))
            }
        }
    }

    /// An agent is connected: it gets credentials if it asks, the manifest, and everything it is owed.
    pub fn connect(
        &mut self,
        id: SessionId,
        hello: &Hello,
        turn: &mut Turn,
    ) -> Result<ContainerInstanceArn, Refusal> {
        let arn = self.admit(&hello.cluster, &hello.instance)?;
        let session = Session { id, manifest: turn.uuid(), sent: BTreeMap::new() };
        self.live.begin_session(&arn, session, turn.now);
        if hello.send_credentials {
            self.send_all_credentials(&arn, turn);
        }
        if let Some(instance) = self.instances.edit(&arn) {
            instance.agent.clone_from(&hello.agent);
            instance.timeline += 1;
            instance.version += 1;
        }
        self.send_manifest(&arn, turn);
        for task in self.tasks_on(&arn).map(|task| task.arn.clone()).collect::<Vec<_>>() {
            self.live.agenda.now(task);
        }
        Ok(arn)
    }

    /// A connection ended. Nothing happens when the agent is connected anew already.
    pub fn disconnect(&mut self, instance: &ContainerInstanceArn, id: SessionId, now: Time) {
        if self.live.sessions.get(instance).is_some_and(|session| session.id == id) {
            self.live.end_session(instance, now);
        }
    }

    /// The agent has a message: whatever it said about tasks is not sent again in this session.
    pub fn acknowledge(&mut self, instance: &ContainerInstanceArn, message: &str, now: Time) {
        let Some(session) = self.live.sessions.get_mut(instance) else { return };
        for (arn, sent) in session.sent.iter_mut().filter(|(_, sent)| sent.message == message) {
            sent.acknowledged = true;
            if sent.goal == Goal::Stop
                && let Some(task) = self.tasks.edit(arn)
            {
                task.advance(LastStatus::Stopping, now);
            }
        }
    }

    /// Answers an agent that asks whether tasks missing from the manifest shall really stop (spec 3.5).
    pub fn verify_stops(
        &mut self,
        instance: &ContainerInstanceArn,
        asked: &acs::TaskStopVerificationMessage,
        now: Time,
    ) {
        let Some(session) = self.live.sessions.get(instance) else { return };
        if asked.message_id.as_deref() != Some(session.manifest.as_str()) {
            return; // about the manifest of an earlier session
        }
        let runs_here = |candidate: &acs::TaskIdentifier| {
            let arn = candidate.task_arn.as_deref().and_then(|text| TaskArn::parse(text).ok());
            let task = arn.and_then(|arn| self.tasks.get(&arn));
            task.is_some_and(|task| task.instance == *instance && !task.shall_stop())
        };
        let stop: Vec<_> =
            asked.stop_candidates.iter().filter(|candidate| !runs_here(candidate)).cloned().collect();
        let answer = message::stop_verification(&session.manifest, stop, now);
        self.live.outbox.push(Delivery { session: session.id, message: answer });
    }

    fn send_manifest(&mut self, arn: &ContainerInstanceArn, turn: &Turn) {
        let Some(instance) = self.instances.get(arn) else { return };
        let Some(session) = self.live.sessions.get(arn) else { return };
        let manifest = message::manifest(self, instance, &session.manifest, turn.now);
        self.push(arn, manifest);
    }

    fn send_all_credentials(&mut self, instance: &ContainerInstanceArn, turn: &mut Turn) {
        let with_roles =
            |task: &&Task| task.handed_over && (task.task_role.is_some() || task.execution_role.is_some());
        let tasks: Vec<_> = self.tasks_on(instance).filter(with_roles).map(|task| task.arn.clone()).collect();
        for arn in tasks {
            self.send_credentials(instance, &arn, turn);
        }
    }
}
