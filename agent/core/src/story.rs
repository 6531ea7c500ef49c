//! A task as it is told to people: who it was, what became of it, its journal. What is left of it when its record is dropped.
//!
//! Owns the light form: no definition, no environment, no command. A task that runs is told in the same form.

use crate::container::Container;
use crate::event::{Desired, Remains};
use crate::journal::Journal;
use crate::reason::Reason;
use crate::report::Status;
use crate::spec::ContainerSpec;
use crate::task::{Stage, Task};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A task, told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Family of its definition.
    pub family: String,
    /// Revision of its definition.
    pub version: String,
    /// What is wanted of it.
    pub desired: Desired,
    /// Its status; `None` before an image is known.
    pub status: Option<Status>,
    /// Highest status that the control plane has taken.
    pub told: Option<Status>,
    /// When its payload came.
    pub received_at: Timestamp,
    /// When nothing of it ran any more.
    pub ended_at: Option<Timestamp>,
    /// Why it stops or stopped.
    pub why: Option<Reason>,
    /// Its containers in the order of the definition.
    pub containers: Vec<Part>,
    /// What it went through.
    pub journal: Journal,
}

/// A container, told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its image as the definition writes it.
    pub image: String,
    /// Whether the task ends with it.
    pub essential: bool,
    /// Its log driver.
    pub log_driver: String,
    /// Its status; `None` before its image is known.
    pub status: Option<Status>,
    /// When its process started.
    pub started_at: Option<Timestamp>,
    /// When it stopped.
    pub finished_at: Option<Timestamp>,
    /// How it ended, when known.
    pub exit_code: Option<i32>,
    /// How often it was started again in place.
    #[serde(default)]
    pub restarts: u32,
    /// Why it stopped.
    pub why: Option<Reason>,
    /// What was seen of it when it was removed; `None` while it is there, and where nobody looked.
    pub remains: Option<Remains>,
}

impl Story {
    /// The story of a task so far.
    pub fn of(task: &Task, journal: Journal) -> Self {
        Self {
            family: task.spec.family.clone(),
            version: task.spec.version.clone(),
            desired: task.desired,
            status: task.status(),
            told: task.told,
            received_at: task.received_at,
            ended_at: match task.stage {
                Stage::Queued { .. } | Stage::Admitted { .. } => None,
                Stage::Ended { at } | Stage::Released { ended_at: at } => Some(at),
            },
            why: task.why(),
            containers: task.pairs().map(Part::of).collect(),
            journal,
        }
    }
}

impl Part {
    fn of((spec, container): (&ContainerSpec, &Container)) -> Self {
        let stopped = container.stopped();
        Self {
            name: spec.name.clone(),
            image: spec.image.clone(),
            essential: spec.essential,
            log_driver: spec.log.driver.clone(),
            status: container.status(),
            started_at: container.started_at(),
            finished_at: container.finished_at(),
            exit_code: stopped.and_then(|stopped| stopped.exit_code),
            restarts: container.restarts().map_or(0, |restarts| restarts.count),
            why: container.why(),
            remains: stopped.and_then(|stopped| stopped.remains.clone()),
        }
    }
}
