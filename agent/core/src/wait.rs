//! What a task waits for: the answer to "why is it still PENDING?", and to "why does it not stop?".
//!
//! Every wait says since when, until when, and what the node does then. Where no clock decides, it says who does.

use crate::admission;
use crate::event::ContainerRef;
use crate::node::Node;
use crate::order::{self, Readiness, condition_name};
use crate::phase::Phase;
use crate::report::Status;
use crate::settle::{Context, has_processes};
use crate::spec::Condition;
use crate::task::{Stage, Task};
use crate::time::Timestamp;
use crate::work::{Act, Lane};
use std::fmt;
use std::time::Duration;
use wharf_protocol::arn::TaskArn;

pub use crate::admission::{Shortage, Shortfall};

/// A wait with its beginning, its end and what comes then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What is waited for.
    pub what: Awaited,
    /// Since when.
    pub since: Timestamp,
    /// Until when, at the longest.
    pub until: Until,
    /// What the node does then.
    pub then: &'static str,
}

/// The end of a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// This moment.
    At(Timestamp),
    /// So long after the act was begun; the moment is not known, for this was read from saved state.
    Within(Duration),
    /// It is tried again and again, at the latest after this time.
    TriedEvery(Duration),
    /// One of these tasks has ended.
    Ended(Vec<TaskArn>),
    /// Another container of the task has reached the condition or has ended without it: nothing else bounds it, for the
    /// definition gives that container no `startTimeout`.
    Container(String),
    /// Containers of earlier tasks were made, or were given up: each has so long, and then this one has.
    Turn(Duration),
}

/// What a task can wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaited {
    /// Host resources.
    Admission(Shortfall),
    /// Namespace, interface and endpoint.
    Network,
    /// The image of a container.
    Image {
        /// The container.
        container: String,
    },
    /// The image of a container, for which there are turns: one is suspected of crashing the runtime.
    Turn {
        /// The container.
        container: String,
    },
    /// The runtime makes as many containers as it may at once.
    Making {
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
    /// The runtime starts a container again in place.
    Restart {
        /// The container.
        container: String,
    },
    /// A container that was told to stop.
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
    /// The control plane takes a report.
    Report(Status),
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admission(shortfall) => write!(f, "{shortfall}"),
            Self::Network => write!(f, "its network"),
            Self::Image { container } => write!(f, "the image of {container}"),
            Self::Turn { container } => write!(
                f,
                "the image of {container}, which is new here: such images are used one at a time while one is suspected of crashing containerd"
            ),
            Self::Making { container } => {
                write!(f, "the runtime to create {container}, after containers of earlier tasks")
            }
            Self::Dependency { container, on, condition } => {
                write!(f, "{on} to reach {} before {container} is created", condition_name(*condition))
            }
            Self::Creation { container } => write!(f, "the runtime to create {container}"),
            Self::Start { container } => write!(f, "the runtime to start {container}"),
            Self::Restart { container } => write!(f, "the runtime to start {container} again"),
            Self::Exit { container } => write!(f, "{container} to end"),
            Self::Removal { container } => write!(f, "the runtime to remove {container}"),
            Self::Release => write!(f, "its network, cgroup and files to be removed"),
            Self::Report(status) => write!(f, "the control plane to take {}", status.as_str()),
        }
    }
}

const TIMEOUT: &str = "the task is stopped with DockerTimeoutError";
const GIVEN_UP: &str = "the container stops with DockerTimeoutError";
const AGAIN: &str = "it is tried again";

impl Node {
    /// The first thing that the task waits for; `None` when it runs as it should or is over, and for an unknown one.
    pub fn waiting_for(&self, arn: &TaskArn, now: Timestamp) -> Option<Wait> {
        let task = self.tasks.get(arn)?;
        let context = Context { now, ..self.context() };
        let wait = match &task.stage {
            Stage::Queued { short_of } => {
                let shortfall = admission::shortfall(
                    &self.tasks,
                    &self.config.host,
                    task,
                    short_of.unwrap_or(Shortage::Turn),
                );
                let until = Until::Ended(shortfall.held_by.clone());
                let then = "the task is admitted and its images are pulled";
                Some(Wait { what: Awaited::Admission(shortfall), since: task.received_at, until, then })
            }
            Stage::Admitted { at, pull_by } => (0..task.containers.len())
                .find_map(|index| container_wait(task, index, (*at, *pull_by), context)),
            Stage::Ended { at } => {
                let until = again(context, &Lane::Network(arn.clone()), Act::Release);
                Some(Wait { what: Awaited::Release, since: *at, until, then: AGAIN })
            }
            Stage::Released { .. } => None,
        };
        wait.map(|wait| self.with_turns(task, wait, now)).or_else(|| report_wait(task, context))
    }
}

impl Node {
    /// Says of a wait for the runtime whether there are turns for it.
    fn with_turns(&self, task: &Task, wait: Wait, now: Timestamp) -> Wait {
        match &wait.what {
            Awaited::Image { container } => {
                let container = ContainerRef { task: task.spec.arn.clone(), container: container.clone() };
                if !self.takes_turns(&container) {
                    return wait;
                }
                Wait { what: Awaited::Turn { container: container.container }, ..wait }
            }
            Awaited::Creation { container } | Awaited::Restart { container }
                if self.is_crowded(task, container, now) =>
            {
                let until = Until::Turn(self.config.limits.create);
                Wait { what: Awaited::Making { container: container.clone() }, until, ..wait }
            }
            _ => wait,
        }
    }
}

fn container_wait(
    task: &Task,
    index: usize,
    (admitted, pull_by): (Timestamp, Timestamp),
    context: Context<'_>,
) -> Option<Wait> {
    let state = &task.containers[index];
    let container = state.name().to_owned();
    let limits = &context.config.limits;
    let lane = Lane::Container(task.reference(index));
    Some(match state.phase() {
        Phase::Pending => {
            let what = Awaited::Image { container };
            Wait { what, since: admitted, until: Until::At(pull_by), then: TIMEOUT }
        }
        Phase::Resolved { at, .. } => return Some(creation_wait(task, index, (admitted, *at), context)),
        Phase::Created(created) => {
            let until = within(context, &lane, Act::Start, limits.start);
            Wait { what: Awaited::Start { container }, since: created.at, until, then: TIMEOUT }
        }
        Phase::Running(running) => {
            let clock = running.stop?;
            let (until, then) = if clock.away {
                (again(context, &lane, Act::Ask), "it is asked to stop once the runtime is there")
            } else if context.now < clock.deadline {
                (Until::At(clock.deadline), "it is killed with SIGKILL")
            } else {
                (again(context, &lane, Act::Kill), "SIGKILL is sent again")
            };
            Wait { what: Awaited::Exit { container }, since: clock.since, until, then }
        }
        Phase::Restarting(restarting) => {
            let (act, limit) = match restarting.renewed_at {
                None => (Act::Renew, limits.create),
                Some(_) => (Act::Start, limits.start),
            };
            let until = within(context, &lane, act, limit);
            Wait { what: Awaited::Restart { container }, since: restarting.exit.at, until, then: GIVEN_UP }
        }
        Phase::Stopped(stopped) if !stopped.removed && task.has_stopped() => {
            let until = again(context, &lane, Act::Delete);
            Wait { what: Awaited::Removal { container }, since: stopped.at, until, then: AGAIN }
        }
        Phase::Stopped(_) => return None,
    })
}

/// What a container with its image waits for: a condition, the network, or the runtime.
fn creation_wait(
    task: &Task,
    index: usize,
    (admitted, at): (Timestamp, Timestamp),
    context: Context<'_>,
) -> Wait {
    let limits = &context.config.limits;
    let container = task.containers[index].name().to_owned();
    match order::readiness(task, index, at) {
        Readiness::Waits { on, deadline } => {
            let (until, then) = match deadline {
                Some(deadline) => (Until::At(deadline), "the waiting container is given up"),
                None => {
                    (Until::Container(on.container.clone()), "the waiting container is created or given up")
                }
            };
            let what = Awaited::Dependency { container, on: on.container, condition: on.condition };
            Wait { what, since: at, until, then }
        }
        Readiness::Ready | Readiness::Never { .. } => match &task.network {
            Some(network) if !network.ready => {
                let lane = Lane::Network(task.spec.arn.clone());
                let (until, then) = if has_processes(task) {
                    (again(context, &lane, Act::Prepare), AGAIN)
                } else {
                    let until = within(context, &lane, Act::Prepare, limits.network);
                    (until, "the task is stopped with ContainerNetworkingError")
                };
                Wait { what: Awaited::Network, since: admitted, until, then }
            }
            Some(_) | None => {
                let lane = Lane::Container(task.reference(index));
                let until = within(context, &lane, Act::Create, limits.create);
                Wait { what: Awaited::Creation { container }, since: at, until, then: TIMEOUT }
            }
        },
    }
}

/// The control plane has yet to take what the task is.
fn report_wait(task: &Task, context: Context<'_>) -> Option<Wait> {
    let status = task.status().filter(|status| task.told < Some(*status))?;
    let since = task.since().unwrap_or(task.received_at);
    let until = match context.work.rests_until(&Lane::Report(task.spec.arn.clone()), Act::Report) {
        Some(at) => Until::At(at),
        None => Until::TriedEvery(context.config.report_backoff.most),
    };
    Some(Wait { what: Awaited::Report(status), since, until, then: AGAIN })
}

/// The end of an act that is given up in the end.
fn within(context: Context<'_>, lane: &Lane, act: Act, limit: Duration) -> Until {
    let flight = context.work.flight(lane).filter(|flight| flight.act == act);
    flight.map_or(Until::Within(limit), |flight| Until::At(flight.since.plus(limit)))
}

/// The next try of an act that is tried until it is done.
fn again(context: Context<'_>, lane: &Lane, act: Act) -> Until {
    let rest = context.work.rests_until(lane, act).filter(|at| *at > context.now);
    rest.map_or(Until::TriedEvery(context.config.effect_backoff.most), Until::At)
}
