//! What went out to agents and what came in, with exact times, for whoever measures or tests.
//!
//! Owns nothing durable: entries that nobody listens for are dropped, and a listener that is too slow misses the oldest.

use std::time::Instant;
use tokio::sync::broadcast;

/// How many entries a listener may lag behind before it misses some.
const CAPACITY: usize = 16_384;

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// When: for what is sent, just before it was handed to the socket; for what is received, just after it was read.
    pub at: Instant,
    /// The task's ARN.
    pub task: String,
    /// What.
    pub kind: JournalKind,
}

/// What happened to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalKind {
    /// Its `lastStatus` became this, and that is saved.
    Status {
        /// The status as the API shows it.
        status: &'static str,
    },
    /// The agent was told to make its interface.
    AttachSent,
    /// The agent reported its interface attached.
    Attached,
    /// A payload with this desired status for it was sent.
    PayloadSent {
        /// Id of the payload, the same for all tasks in it.
        message: String,
        /// `RUNNING` or `STOPPED`.
        desired: String,
    },
    /// The agent submitted a state.
    StateSubmitted {
        /// The task's status; empty when only containers or attachments were reported.
        status: String,
        /// Containers with their status and exit code.
        containers: Vec<(String, String, Option<i64>)>,
        /// The task's reason, possibly empty.
        reason: String,
    },
}

/// The journal's writing end.
#[derive(Debug, Clone)]
pub struct Journal(broadcast::Sender<JournalEntry>);

impl Default for Journal {
    fn default() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

impl Journal {
    /// Notes what happened.
    pub fn note(&self, at: Instant, task: &str, kind: JournalKind) {
        // An error means that nobody listens, which is the ordinary case.
        let _unheard = self.0.send(JournalEntry { at, task: task.to_owned(), kind });
    }

    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<JournalEntry> {
        self.0.subscribe()
    }
}
