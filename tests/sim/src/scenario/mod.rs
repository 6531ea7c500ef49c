//! A story as data: which tasks are asked for and what goes wrong when. Made from a seed, and small enough to be read, cut and run
//! again.

mod dice;
mod trouble;

pub use trouble::{Fault, Trouble};

use serde::{Deserialize, Serialize};

/// Milliseconds since the beginning of a story, or a length of time.
pub type Millis = u64;

const SECOND: Millis = 1000;

/// One story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Decides what the story leaves open: how long each call takes, what is lost on the way.
    pub seed: u64,
    /// The tasks.
    pub tasks: Vec<TaskPlan>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// From here on nothing goes wrong any more.
    pub calm_at: Millis,
    /// How long the control plane gathers what it wants before it says so in one payload.
    #[serde(default)]
    pub gathers: Millis,
    /// How long an interface that is announced waits for its task.
    #[serde(default = "five_minutes")]
    pub lapses: Millis,
    /// How long the agent keeps the record of a stopped task.
    #[serde(default = "three_hours")]
    pub keeps: Millis,
    /// How long the agent leaves alone what belongs to no task; `None`: for ever.
    #[serde(default)]
    pub tolerates: Option<Millis>,
}

fn five_minutes() -> Millis {
    300 * SECOND
}

fn three_hours() -> Millis {
    10_800 * SECOND
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A task as the control plane wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskPlan {
    /// When it is asked for.
    pub at: Millis,
    /// Its containers; one may depend on those before it.
    pub containers: Vec<ContainerPlan>,
    /// How it is connected.
    pub network: NetworkPlan,
    /// When and how it is asked to stop before the end.
    pub stop: Option<(Millis, StopBy)>,
}

/// How a task is connected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum NetworkPlan {
    /// An interface of its own.
    Interface {
        /// The interface is announced this long before the task.
        announced: Option<Millis>,
    },
    /// A namespace with nothing in it.
    Nothing,
    /// The host's network, with this port.
    Host {
        /// The port.
        port: u16,
    },
}

/// How a task is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum StopBy {
    /// By a payload.
    Payload,
    /// By a manifest that does not name it.
    Manifest,
}

/// A container and what its process does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerPlan {
    /// Whether the task ends with it.
    pub essential: bool,
    /// When and how it ends by itself.
    pub ends: Option<(Millis, u8)>,
    /// How long it takes to end on SIGTERM; `None` ignores it.
    pub obeys: Option<Millis>,
    /// Seconds between SIGTERM and SIGKILL.
    pub stop_timeout: u64,
    /// It waits for the container before it.
    pub waits_for: Option<Condition>,
    /// It has a health check, which succeeds this long after the start.
    pub healthy_after: Option<Millis>,
    /// Its process is followed by another one that does the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartPlan>,
    /// Its main process runs beside another one that stays when it ends.
    #[serde(default, skip_serializing_if = "is_false")]
    pub leaves: bool,
}

/// When a process is followed by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPlan {
    /// Seconds that it has to have run.
    pub period: u64,
    /// An exit code after which it is not.
    pub ignored: Option<u8>,
}

impl ContainerPlan {
    /// One that runs until it is asked to end.
    pub fn steady() -> Self {
        Self {
            essential: true,
            ends: None,
            obeys: Some(5),
            stop_timeout: 30,
            waits_for: None,
            healthy_after: None,
            restart: None,
            leaves: false,
        }
    }
}

/// What a container waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// The other has started.
    Start,
    /// The other has ended.
    Complete,
    /// The other has ended well.
    Success,
    /// The other is healthy.
    Healthy,
}
