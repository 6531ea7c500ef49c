//! What a task waits for: the answer to "why is it still PENDING?", and to "why does it not stop?".

use crate::admission::Shortage;
use crate::container::Container;
use crate::event::Desired;
use crate::order::{self, Readiness};
use crate::phase::Phase;
use crate::spec::Condition;
use crate::task::{Stage, Task};
use crate::time::Timestamp;

/// A wait with its beginning and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What is waited for.
    pub what: Awaited,
    /// Since when.
    pub since: Timestamp,
    /// When the node does something about it. `None` where the control plane decides (a host resource, a dependency without
    /// `startTimeout`) or where the act itself is bounded (`NodeConfig::limits`) or tried again.
    pub deadline: Option<Timestamp>,
}

/// What a task can wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaited {
    /// Host resources.
    Admission(Shortage),
    /// Namespace, interface and endpoint.
    Network,
    /// The image of a container.
    Image {
        /// The container.
        container: String,
    },
    /// A condition of another container.
    Dependency {
        /// The container that waits.
        container: String,
        /// The container that is waited for.
        on: String,
        /// The condition.
        condition: Condition,
    },
    /// The runtime creates a container.
    Creation {
        /// The container.
        container: String,
    },
    /// The runtime starts a container.
    Start {
        /// The container.
        container: String,
    },
    /// A container that was told to stop; the deadline is SIGKILL's.
    Exit {
        /// The container.
        container: String,
    },
    /// The runtime removes a container.
    Removal {
        /// The container.
        container: String,
    },
    /// Namespace, cgroup and directories of the task are removed.
    Release,
}

impl Task {
    /// The first thing that the task waits for; `None` when it runs as it should or is over.
    pub fn waiting_for(&self) -> Option<Wait> {
        match &self.stage {
            Stage::Queued { short_of } => {
                let what = Awaited::Admission(short_of.unwrap_or(Shortage::Turn));
                Some(Wait { what, since: self.received_at, deadline: None })
            }
            Stage::Admitted { at, pull_by } => self
                .containers
                .iter()
                .enumerate()
                .find_map(|(index, container)| self.container_wait(index, container, *at, *pull_by)),
            Stage::Ended { at } => Some(Wait { what: Awaited::Release, since: *at, deadline: None }),
            Stage::Released { .. } => None,
        }
    }

    fn container_wait(
        &self,
        index: usize,
        state: &Container,
        admitted: Timestamp,
        pull_by: Timestamp,
    ) -> Option<Wait> {
        let container = state.name().to_owned();
        let (what, since, deadline) = match state.phase() {
            Phase::Pending => (Awaited::Image { container }, admitted, Some(pull_by)),
            Phase::Resolved { at, .. } => match order::readiness(self, index, *at) {
                Readiness::Waits { on, deadline } => {
                    let what = Awaited::Dependency { container, on: on.container, condition: on.condition };
                    (what, *at, deadline)
                }
                Readiness::Ready | Readiness::Never { .. } => match &self.network {
                    Some(network) if !network.ready => (Awaited::Network, admitted, None),
                    Some(_) | None => (Awaited::Creation { container }, *at, None),
                },
            },
            Phase::Created(created) => (Awaited::Start { container }, created.at, None),
            Phase::Running(running) => {
                let clock = running.stop?;
                (Awaited::Exit { container }, clock.since, Some(clock.deadline))
            }
            Phase::Stopped(stopped) if !stopped.removed && self.desired == Desired::Stopped => {
                (Awaited::Removal { container }, stopped.at, None)
            }
            Phase::Stopped(_) => return None,
        };
        Some(Wait { what, since, deadline })
    }
}
