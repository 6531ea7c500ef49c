//! Plausible mistakes, each put in at a seam: what the simulator is worth is shown by which of them it finds. None is part of the
//! product.

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
    /// Labels of containers are cut to a length into which no ARN fits.
    LabelsCut,
    /// How often a container was started again is not kept.
    CountForgotten,
    /// That a task is to stop is not kept.
    StopForgotten,
    /// Host ports are not read from a definition: all count as free.
    PortsUnread,
    /// A stop that comes before anything of its task was made is acknowledged, and that is all.
    EarlyStopLost,
    /// The time of an exit is taken for milliseconds and is in seconds.
    ExitInSeconds,
    /// Of each task one report is sent in each life.
    ToldOnce,
    /// A write that is broken off leaves half a record.
    HalfRecord,
    /// Acknowledgements name the session, and not the message.
    SessionAcknowledged,
    /// What the agent says is cut at the size of a buffer.
    FramesCut,
}

impl Mistake {
    /// Every mistake that has to be found.
    pub const ALL: [Self; 27] = [
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
        Self::LabelsCut,
        Self::CountForgotten,
        Self::StopForgotten,
        Self::PortsUnread,
        Self::EarlyStopLost,
        Self::ExitInSeconds,
        Self::ToldOnce,
        Self::HalfRecord,
        Self::SessionAcknowledged,
        Self::FramesCut,
    ];
}
