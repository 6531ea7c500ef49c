//! Plausible mistakes, each put in at a seam: what the simulator is worth is shown by which of them it finds. None is part of the
//! product.

use serde_json::{Value, json};

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Writes are acknowledged before they are on the disk; a power cut takes the last seconds of them.
    LostFsync,
    /// A save returns before the write: what depends on it (acknowledgements, effects, reports) comes before it.
    AckBeforeDurable,
    /// The records of one turn are written one by one: a death within leaves some of them.
    TornSave,
    /// Recovery believes a listing from before the restart.
    OldListing,
    /// Events are trusted to come: nothing is listed but at the start.
    EventsTrusted,
    /// Containers get a new name in each life of the agent.
    RandomNames,
    /// The time for a stop begins anew with each start of the agent.
    DeadlineRestarted,
    /// The last start of a container is not kept: what ends after a start of the agent has always run for long enough.
    StartForgotten,
    /// A removal that failed counts as done.
    FailedRemovalIsDone,
    /// A report counts as taken when it is sent.
    ReportOnce,
    /// Reports are sent in the background, and may overtake each other.
    ReportsOvertake,
    /// SIGKILL delivered counts as the death of the process.
    KillIsDeath,
    /// containerd's word is taken for the end of a container: the kernel is not asked, and nobody ends what is in the cgroup.
    KernelNotAsked,
    /// containerd's word is taken for the life of a container: "running" is believed of a dead process.
    RunningBelieved,
    /// An exit that is told is believed, whichever attempt under the same id it was.
    ExitBelieved,
    /// A start that finds nothing to start is the end of the container.
    UndoneGivenUp,
    /// Nobody notices that the wall clock was set.
    ClockTrusted,
}

impl Mistake {
    /// Every mistake that has to be found.
    pub const ALL: [Self; 17] = [
        Self::LostFsync,
        Self::AckBeforeDurable,
        Self::TornSave,
        Self::OldListing,
        Self::EventsTrusted,
        Self::RandomNames,
        Self::DeadlineRestarted,
        Self::StartForgotten,
        Self::FailedRemovalIsDone,
        Self::ReportOnce,
        Self::ReportsOvertake,
        Self::KillIsDeath,
        Self::KernelNotAsked,
        Self::RunningBelieved,
        Self::ExitBelieved,
        Self::UndoneGivenUp,
        Self::ClockTrusted,
    ];
}

/// A record as an agent with this mistake reads it.
pub fn misread(value: &[u8], mistake: Option<Mistake>) -> Vec<u8> {
    let Some((field, forgotten)) = forgotten(mistake) else { return value.to_vec() };
    let Ok(mut json) = serde_json::from_slice::<Value>(value) else { return value.to_vec() };
    let containers = json.pointer_mut("/record/task/containers").and_then(Value::as_array_mut);
    let Some(containers) = containers else { return value.to_vec() };
    for container in containers {
        if let Some(running) = container.pointer_mut("/phase/Running") {
            running[field] = forgotten.clone();
        }
    }
    serde_json::to_vec(&json).expect("JSON can be written")
}

/// What of a running container is not kept, and what is read instead.
fn forgotten(mistake: Option<Mistake>) -> Option<(&'static str, Value)> {
    match mistake? {
        Mistake::DeadlineRestarted => Some(("stop", Value::Null)),
        Mistake::StartForgotten => Some(("since", json!(0))),
        Mistake::LostFsync
        | Mistake::AckBeforeDurable
        | Mistake::TornSave
        | Mistake::OldListing
        | Mistake::EventsTrusted
        | Mistake::RandomNames
        | Mistake::FailedRemovalIsDone
        | Mistake::ReportOnce
        | Mistake::ReportsOvertake
        | Mistake::KillIsDeath
        | Mistake::KernelNotAsked
        | Mistake::RunningBelieved
        | Mistake::ExitBelieved
        | Mistake::UndoneGivenUp
        | Mistake::ClockTrusted => None,
    }
}
