//! Ways to build the shell, or what it keeps, wrong. Each is one line of a plausible implementation.

/// A mistake of the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Messages are acknowledged before what they said is saved.
    AckBeforeSave,
    /// Effects are done before the state that asked for them is saved.
    EffectsBeforeSave,
    /// Reports leave before what they say is saved.
    ReportBeforeSave,
    /// The records of one turn are saved one by one.
    TornSave,
    /// After a start nobody looks at the runtime: what was saved is believed.
    NoRecovery,
    /// Containers get a new name in each life of the agent.
    RandomNames,
    /// What was in flight is saved and believed to be under way after a start.
    PersistedInFlight,
    /// A report counts as taken when it is sent.
    ReportOnce,
    /// The last goal heard wins, also over a stop.
    LastGoalWins,
    /// A container that is gone is made anew.
    GoneMeansPending,
    /// The time at which SIGKILL is due is not saved.
    ForgottenDeadline,
}

impl Fault {
    pub const ALL: [Self; 11] = [
        Self::AckBeforeSave,
        Self::EffectsBeforeSave,
        Self::ReportBeforeSave,
        Self::TornSave,
        Self::NoRecovery,
        Self::RandomNames,
        Self::PersistedInFlight,
        Self::ReportOnce,
        Self::LastGoalWins,
        Self::GoneMeansPending,
        Self::ForgottenDeadline,
    ];
}
