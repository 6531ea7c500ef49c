//! One task: what was asked, what is known, how far it has come.
//!
//! Owns the task's state and what follows from it (its status is a function of its containers). Refuses to decide what
//! happens next: that is `settle` (derived transitions) and `plan_*` (effects).

use crate::admission::Shortage;
use crate::container::Container;
use crate::event::{ContainerRef, Desired};
use crate::phase::Phase;
use crate::reason::Reason;
use crate::report::Status;
use crate::spec::{ContainerSpec, Interface, Network, TaskSpec};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wharf_protocol::arn::TaskArn;

/// Longest id that containerd takes.
const RUNTIME_ID_MAX: usize = 76;

const SEPARATORS: [char; 3] = ['.', '_', '-'];

/// State of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub(crate) spec: Arc<TaskSpec>,
    pub(crate) desired: Desired,
    pub(crate) reason: Option<Reason>,
    pub(crate) received_at: Timestamp,
    /// Place in the order of arrival; admission is first come, first served.
    pub(crate) place: u64,
    pub(crate) stage: Stage,
    pub(crate) network: Option<TaskNetwork>,
    /// In the order of the definition.
    pub(crate) containers: Vec<Container>,
    pub(crate) told: Option<Status>,
}

/// How far a task has come on this host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// Waits for host resources.
    Queued {
        /// What is missing; `None` before the first look.
        short_of: Option<Shortage>,
    },
    /// Holds its host resources.
    Admitted {
        /// Since when.
        at: Timestamp,
        /// When every image has to be there.
        pull_by: Timestamp,
    },
    /// No process of it is left; the host resources are free again.
    Ended {
        /// Since when.
        at: Timestamp,
    },
    /// Its namespace, cgroup and directories are gone too.
    Released {
        /// When it ended.
        ended_at: Timestamp,
    },
}

/// A network namespace of the task's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskNetwork {
    /// What is in it besides loopback.
    pub interface: Option<Interface>,
    /// Whether the control plane took ATTACHED.
    pub attached: bool,
    /// Whether it stands. Not saved: after a restart it is prepared again, which also opens the endpoint's socket again.
    #[serde(skip)]
    pub ready: bool,
}

impl TaskNetwork {
    pub(crate) fn new(interface: Option<Interface>) -> Self {
        Self { interface, attached: false, ready: false }
    }

    /// The attachment to say ATTACHED for, when that is due.
    pub(crate) fn attachment_due(&self) -> Option<&str> {
        let arn = self.interface.as_ref()?.attachment_arn.as_deref()?;
        (self.ready && !self.attached).then_some(arn)
    }
}

impl Task {
    pub(crate) fn new(
        spec: Arc<TaskSpec>,
        network: Option<TaskNetwork>,
        place: u64,
        received_at: Timestamp,
    ) -> Self {
        let containers = spec.containers.iter().map(Container::new).collect();
        let stage = Stage::Queued { short_of: None };
        let desired = Desired::Running;
        Self { spec, desired, reason: None, received_at, place, stage, network, containers, told: None }
    }

    /// What was asked for.
    pub fn spec(&self) -> &Arc<TaskSpec> {
        &self.spec
    }

    /// Its identity.
    pub fn arn(&self) -> &TaskArn {
        &self.spec.arn
    }

    /// What is wanted of it.
    pub fn desired(&self) -> Desired {
        self.desired
    }

    /// Why it stops or stopped; `None` for one that is to run, and for one that an older agent stopped without a note of it.
    pub fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    /// When its payload came.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// How far it has come.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Its network; `None` for host networking.
    pub fn network(&self) -> Option<&TaskNetwork> {
        self.network.as_ref()
    }

    /// Its containers in the order of the definition.
    pub fn containers(&self) -> &[Container] {
        &self.containers
    }

    /// The container of this name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.name() == name)
    }

    /// Highest status that the control plane has taken.
    pub fn told(&self) -> Option<Status> {
        self.told
    }

    /// Its status on the wire, a function of its containers; `None` until an image digest is known.
    pub fn status(&self) -> Option<Status> {
        match self.stage {
            Stage::Ended { .. } | Stage::Released { .. } => Some(Status::Stopped),
            Stage::Queued { .. } | Stage::Admitted { .. } if self.has_run() => Some(Status::Running),
            Stage::Queued { .. } | Stage::Admitted { .. } => {
                let resolved = |c: &Container| {
                    c.image().is_some_and(|image| image.digest.is_some()) || c.started_at().is_some()
                };
                self.containers.iter().any(resolved).then_some(Status::Pending)
            }
        }
    }

    /// Whether it was RUNNING once: every container has started, but for others than essential ones that never will. One that may have
    /// ended without a start has not.
    pub(crate) fn has_run(&self) -> bool {
        let told = self.told >= Some(Status::Running);
        let sure = |container: &Container| told || container.restarts().is_some() || !container.is_doubted();
        let started = |container: &Container| container.started_at().is_some() && sure(container);
        let on_its_way = |(spec, container): (&ContainerSpec, &Container)| match container.phase() {
            Phase::Running(_) | Phase::Restarting(_) => true,
            Phase::Stopped(_) => started(container) || !spec.essential,
            Phase::Pending | Phase::Resolved { .. } | Phase::Created(_) => false,
        };
        self.pairs().all(on_its_way) && self.containers.iter().any(started)
    }

    /// When the first essential container stopped.
    pub fn execution_stopped_at(&self) -> Option<Timestamp> {
        self.pairs()
            .filter(|(spec, _)| spec.essential)
            .filter_map(|(_, container)| container.finished_at())
            .min()
    }

    /// Since when it has its status.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Ended { at } | Stage::Released { ended_at: at } => Some(at),
            Stage::Queued { .. } | Stage::Admitted { .. } => {
                self.containers.iter().filter_map(Container::since).max()
            }
        }
    }

    /// Whether every container has stopped.
    pub(crate) fn has_stopped(&self) -> bool {
        self.containers.iter().all(|container| container.stopped().is_some())
    }

    /// Whether no container has a process or anything else in the runtime.
    pub(crate) fn is_gone(&self) -> bool {
        self.containers.iter().all(Container::is_gone)
    }

    /// Whether it wants to run and may.
    pub(crate) fn is_wanted(&self) -> bool {
        self.desired == Desired::Running && matches!(self.stage, Stage::Admitted { .. })
    }

    /// Each container beside its definition.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&ContainerSpec, &Container)> {
        self.spec.containers.iter().zip(&self.containers)
    }

    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.containers.iter().position(|container| container.name() == name)
    }

    pub(crate) fn reference(&self, index: usize) -> ContainerRef {
        ContainerRef { task: self.spec.arn.clone(), container: self.containers[index].name().to_owned() }
    }

    /// Whether the records of both are the same: all but what is not saved.
    pub(crate) fn reads_like(&self, other: &Self) -> bool {
        let mut this = self.clone();
        if let (Some(network), Some(others)) = (&mut this.network, &other.network) {
            network.ready = others.ready;
        }
        this == *other
    }

    /// It is to stop; never taken back. The first reason stays.
    pub(crate) fn want_stopped(&mut self, reason: Reason) {
        if self.desired == Desired::Running {
            self.desired = Desired::Stopped;
            self.reason = Some(reason);
        }
    }
}

/// The network that a definition asks for; `None` for host networking.
pub(crate) fn network_of(network: &Network) -> Option<TaskNetwork> {
    match network {
        Network::Awsvpc(interface) => Some(TaskNetwork::new(Some(interface.clone()))),
        Network::None => Some(TaskNetwork::new(None)),
        Network::Host => None,
    }
}

/// Name of a container in the runtime: `<task id>-<container name>`, at most 76 characters, letters and digits with single
/// separators (`.`, `_`, `-`) between them, as containerd demands. Always the same for the same container.
/// A name that had to be changed for that ends in a hash, so that two never meet.
pub fn runtime_id(task: &TaskArn, container: &str) -> String {
    let plain = format!("{}-{container}", task.id());
    let mut id = String::new();
    for c in plain.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => id.push(c),
            _ if id.ends_with(|last: char| last.is_ascii_alphanumeric()) => {
                id.push(if matches!(c, '.' | '-') { c } else { '_' });
            }
            _ => {}
        }
    }
    id.truncate(id.trim_end_matches(SEPARATORS).len());
    if id == plain && id.len() <= RUNTIME_ID_MAX {
        return id;
    }
    id.truncate(RUNTIME_ID_MAX - 17);
    format!("{}-{:016x}", id.trim_end_matches(SEPARATORS), fnv64(&plain))
}

/// FNV-1a with 64 bits.
fn fnv64(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
