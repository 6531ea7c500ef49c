//! What an agent reports about a task, and how it is folded in: forwards only, and nothing known is forgotten.

use super::super::error::EcsError;
use super::super::time::Time;
use super::{AttachmentStatus, Container, ContainerStatus, LastStatus, Stop, StopCode, Task};
use wharf_protocol::api;

/// A task status an agent may report (spec 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// On its way.
    Pending,
    /// All containers run.
    Running,
    /// All containers stopped.
    Stopped,
}

/// A `SubmitTaskStateChange`, read.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The task's status; absent when only attachments are reported.
    pub status: Option<Reported>,
    /// Why, when the agent says so.
    pub reason: Option<String>,
    /// Containers.
    pub containers: Vec<ContainerReport>,
    /// Attachments that are attached, by the last part of their ARN.
    pub attached: Vec<String>,
    /// Agents inside containers.
    pub managed_agents: Vec<api::ManagedAgentStateChange>,
    /// When pulling began.
    pub pull_started: Option<Time>,
    /// When pulling ended.
    pub pull_stopped: Option<Time>,
    /// When the first essential container stopped.
    pub execution_stopped: Option<Time>,
}

/// A container's part of a report.
#[derive(Debug, Clone, Default)]
pub struct ContainerReport {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Option<Reported>,
    /// Everything else.
    pub change: api::ContainerStateChange,
}

impl Reported {
    /// Reads a status; `None` for an empty text.
    pub fn parse(text: Option<&str>) -> Result<Option<Self>, EcsError> {
        match text {
            None | Some("") => Ok(None),
            Some("PENDING") => Ok(Some(Self::Pending)),
            Some("RUNNING") => Ok(Some(Self::Running)),
            Some("STOPPED") => Ok(Some(Self::Stopped)),
            Some(other) => {
                Err(EcsError::invalid(format!("'{other}' is not a status a task can be reported in.")))
            }
        }
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

impl TryFrom<api::SubmitTaskStateChangeRequest> for Report {
    type Error = EcsError;

    fn try_from(request: api::SubmitTaskStateChangeRequest) -> Result<Self, EcsError> {
        let containers = request.containers.into_iter().map(ContainerReport::try_from);
        Ok(Self {
            status: Reported::parse(request.status.as_deref())?,
            reason: request.reason.filter(|reason| !reason.is_empty()),
            containers: containers.collect::<Result<_, _>>()?,
            attached: attached_ids(&request.attachments),
            managed_agents: request.managed_agents,
            pull_started: request.pull_started_at.map(Time::from),
            pull_stopped: request.pull_stopped_at.map(Time::from),
            execution_stopped: request.execution_stopped_at.map(Time::from),
        })
    }
}

impl TryFrom<api::ContainerStateChange> for ContainerReport {
    type Error = EcsError;

    fn try_from(change: api::ContainerStateChange) -> Result<Self, EcsError> {
        let name = change.container_name.clone().unwrap_or_default();
        Ok(Self { name, status: Reported::parse(change.status.as_deref())?, change })
    }
}

/// Ids of the attachments that are reported attached.
pub fn attached_ids(changes: &[api::AttachmentStateChange]) -> Vec<String> {
    let done = changes.iter().filter(|change| change.status.as_deref() == Some("ATTACHED"));
    let id = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
    done.filter_map(|change| change.attachment_arn.as_deref().map(id)).collect()
}

impl Task {
    /// Folds a report in. After STOPPED nothing changes any more.
    pub fn apply(&mut self, report: Report, essential: impl Fn(&str) -> bool, now: Time) {
        if self.is_stopped() {
            return;
        }
        for id in &report.attached {
            self.attached(id, now);
        }
        for container in report.containers {
            if let Some(known) = self.containers.iter_mut().find(|known| known.name == container.name) {
                known.apply(container);
            }
        }
        for agent in report.managed_agents {
            self.managed_agent(agent);
        }
        let moments = &mut self.moments;
        moments.pull_started = moments.pull_started.or(report.pull_started);
        moments.pull_stopped = report.pull_stopped.or(moments.pull_stopped);
        moments.execution_stopped = moments.execution_stopped.or(report.execution_stopped);
        match report.status {
            None | Some(Reported::Pending) => {}
            Some(Reported::Running) => {
                self.moments.started.get_or_insert(now);
                self.advance(LastStatus::Running, now);
            }
            Some(Reported::Stopped) => self.stopped(report.reason, essential, now),
        }
    }

    /// The interface is there: the task can be handed over.
    pub fn attached(&mut self, attachment: &str, now: Time) {
        let Some(interface) = self.interface.as_mut().filter(|interface| interface.attachment == attachment)
        else {
            return;
        };
        if interface.status < AttachmentStatus::Attached {
            interface.status = AttachmentStatus::Attached;
            self.version += 1;
            self.advance(LastStatus::Pending, now);
        }
    }

    fn stopped(&mut self, reason: Option<String>, essential: impl Fn(&str) -> bool, now: Time) {
        if self.stop.is_none() {
            let exited = self.containers.iter().any(|one| one.exit_code.is_some() && essential(&one.name));
            let (code, words) = if exited || self.moments.started.is_some() {
                (StopCode::EssentialContainerExited, "Essential container in task exited")
            } else {
                (StopCode::TaskFailedToStart, "Task failed to start")
            };
            let told = reason.or_else(|| match code {
                StopCode::TaskFailedToStart => self.containers.iter().find_map(|one| one.reason.clone()),
                StopCode::EssentialContainerExited | StopCode::UserInitiated => None,
            });
            self.stop = Some(Stop { code, reason: told.unwrap_or_else(|| words.to_owned()), at: now });
        }
        self.end(now);
    }

    fn managed_agent(&mut self, change: api::ManagedAgentStateChange) {
        let name = change.container_name.unwrap_or_default();
        let Some(container) = self.containers.iter_mut().find(|known| known.name == name) else { return };
        let agents = &mut container.managed_agents;
        agents.retain(|known| known.name != change.managed_agent_name);
        agents.push(api::ManagedAgent {
            name: change.managed_agent_name,
            last_status: change.status,
            reason: change.reason,
            ..api::ManagedAgent::default()
        });
    }
}

impl Container {
    fn apply(&mut self, report: ContainerReport) {
        let status = report.status.map(|status| match status {
            Reported::Pending => ContainerStatus::Pending,
            Reported::Running => ContainerStatus::Running,
            Reported::Stopped => ContainerStatus::Stopped,
        });
        self.status = self.status.max(status.unwrap_or(ContainerStatus::Pending));
        let change = report.change;
        keep(&mut self.runtime_id, change.runtime_id);
        keep(&mut self.image_digest, change.image_digest);
        self.exit_code = change.exit_code.or(self.exit_code);
        keep(&mut self.reason, change.reason);
        if !change.network_bindings.is_empty() {
            self.bindings = change.network_bindings;
        }
    }
}

/// Takes the new text unless it is empty.
fn keep(known: &mut Option<String>, new: Option<String>) {
    if let Some(new) = new.filter(|text| !text.is_empty()) {
        *known = Some(new);
    }
}
