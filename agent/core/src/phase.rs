//! Phases of a container, each with what is known in it and nothing else.
//!
//! ```text
//! Pending → Resolved → Created → Running ⇄ Restarting
//!    │          │          │         └──────────┤
//!    └──────────┴──────────┴────────────────────┴──→ Stopped      phases never go back, but for a restart in
//!                                                                  place, and where the runtime undid a creation
//! ```

use crate::event::{Exit, Remains, ResolvedImage};
use crate::health::Health;
use crate::reason::Reason;
use crate::restart::NotAgain;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Phases of a container, each with what is known in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// Nothing of it exists.
    Pending,
    /// Its image is in the store.
    Resolved {
        /// The image.
        image: ResolvedImage,
        /// Since when.
        at: Timestamp,
    },
    /// It exists in the runtime; its process was never started.
    Created(Created),
    /// Its process runs.
    Running(Running),
    /// Its process has ended, and by its restart policy another one takes its place.
    Restarting(Restarting),
    /// It has no process and never will again.
    Stopped(Stopped),
}

/// What is known of a created container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    /// Its image; unknown for one that was found in the runtime without a record of its image.
    pub image: Option<ResolvedImage>,
    /// When it was created.
    pub at: Timestamp,
}

/// What is known of a running container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// What was known when it was created.
    pub created: Created,
    /// When its process started.
    pub since: Timestamp,
    /// Its health, when it has a check.
    pub health: Option<Health>,
    /// Set once it is to stop.
    pub stop: Option<StopClock>,
}

/// What is known of a container that is started again in place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restarting {
    /// What was known when it was created.
    pub created: Created,
    /// When the process that has ended had started.
    pub started_at: Timestamp,
    /// How it ended.
    pub exit: Exit,
    /// Health of a container that is yet to start, when it has a check.
    pub health: Option<Health>,
    /// When its new process was made, which waits to be started; `None` while the old one is to be cleared away.
    pub renewed_at: Option<Timestamp>,
}

/// The time a container has to stop politely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopClock {
    /// From when its time counts: when it was to stop, or when the runtime was there again to pass the signal on.
    pub since: Timestamp,
    /// When SIGKILL is due.
    pub deadline: Timestamp,
    /// Whether the polite signal was delivered.
    pub asked: bool,
    /// Whether the runtime was not there to pass the polite signal on. Its time does not count meanwhile: a container that nobody
    /// could ask is not killed for not having stopped.
    #[serde(default)]
    pub away: bool,
}

impl StopClock {
    /// The polite signal was delivered by an act that began then. How long it took is not taken from the container's time.
    pub(crate) fn asked(&mut self, began: Timestamp, now: Timestamp) {
        if !self.away {
            self.deadline = self.deadline.plus(now.since(began));
        }
        self.reached(now);
        self.asked = true;
    }

    /// Every instant in it.
    pub(crate) fn instants(&mut self) -> [&mut Timestamp; 2] {
        [&mut self.since, &mut self.deadline]
    }

    /// The runtime was there to pass the polite signal on: from now on its time counts, if it did not yet.
    pub(crate) fn reached(&mut self, now: Timestamp) {
        if std::mem::take(&mut self.away) {
            self.deadline = now.plus(self.deadline.since(self.since));
            self.since = now;
        }
    }
}

/// What is known of a stopped container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stopped {
    /// Its image, when it came that far.
    pub image: Option<ResolvedImage>,
    /// When it was created, if it was.
    pub created_at: Option<Timestamp>,
    /// When its process started, if it did.
    pub started_at: Option<Timestamp>,
    /// Last known health.
    pub health: Option<Health>,
    /// When it stopped.
    pub at: Timestamp,
    /// Exit code, when known.
    pub exit_code: Option<i32>,
    /// Why it stopped, when there is more to say than the exit code.
    pub reason: Option<Reason>,
    /// Why it was not started again, though it has a restart policy and nobody had asked it to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_again: Option<NotAgain>,
    /// The time it was given to stop, if it was asked to before it ended.
    #[serde(default)]
    pub stop: Option<StopClock>,
    /// What was seen of it when it was removed.
    #[serde(default)]
    pub remains: Option<Remains>,
    /// Whether the runtime holds nothing of it any more.
    pub removed: bool,
}
