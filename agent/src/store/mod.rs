//! What outlives the agent: rows in SQLite, saved before anything that depends on them leaves the process.
//!
//! Owns `agent.db`, `agent.db-mark` and `agent.lock` in the data directory: one writer thread, one transaction for all changes that
//! wait (group commit), WAL with `synchronous=FULL`. Refuses to start from a damaged file (an agent that forgot its tasks would stop
//! or double them), to share the directory with another agent, and to know what the rows mean.
//!
//! ```text
//! save(changes) -> queue -> writer thread: BEGIN IMMEDIATE, changes of all who wait, tally, COMMIT -> mark -> every save returns
//! ```
//! Never empty and happy: each way in which acknowledged rows can go missing is held against something that was written apart.
//!
//! | Gone or wrong | Noticed by |
//! |---|---|
//! | bytes of a row | the checksum in each row |
//! | a row, or a page that is of another age | the tally in the database: count and combined checksum of all rows |
//! | structure of the database | SQLite's `integrity_check` |
//! | the log from some frame on | complete transactions behind the broken frame (`log`) |
//! | the last transactions, the log, the database | the mark: the number of acknowledged saves, in a file of its own (`mark`) |
//!
//! What a power cut leaves is never refused: it only takes what was not acknowledged. What stays unnoticed: the last saves of
//! half a minute, when the power is cut *and* the disk loses what it said it had written.

mod database;
mod error;
mod lock;
mod log;
mod mark;
mod open;
mod record;
mod reserve;
mod row;
mod schema;
mod tally;
mod writer;

pub use error::OpenError;
pub use lock::{LockError, holder};
#[doc(hidden)]
pub use log::try_log;
#[doc(hidden)]
pub use mark::try_mark;
pub use open::peek;
pub use record::UnknownKind;
pub use row::{Change, Fact, Loaded, Row};

use lock::DirectoryLock;
use open::Opened;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::mpsc;
use wharf_wait::{Wait, answer, room};
use writer::Request;

/// Why a save has no deadline.
const SAVED_OR_NOT: &str =
    "after a deadline nobody could tell whether it is saved; the watchdog watches over it";
/// Saves that may wait for the writer; a further one waits for a place.
const QUEUE: usize = 256;

/// The open store; dropping it waits for the writer to end.
#[derive(Debug)]
pub struct Store {
    queue: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    _lock: DirectoryLock,
}

/// Why changes may not have been saved. None of them is, or all are and only the answer was lost.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SaveError {
    /// The database refused; nothing of the batch is saved.
    #[error("cannot save state to agent.db")]
    Database {
        /// What SQLite said, e.g. that the disk is full.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The writer has ended.
    #[error("cannot save state: the writer of agent.db has ended")]
    Closed,
}

impl Store {
    /// Opens the store in a data directory, creating both when absent, and reads everything it holds.
    pub fn open(directory: &Path) -> Result<(Self, Loaded), OpenError> {
        let Opened { lock, writer, loaded } = open::open(directory)?;
        let (queue, requests) = mpsc::channel(QUEUE);
        let writer = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(requests))
            .map_err(|source| OpenError::Io {
                act: "start the writer of",
                path: directory.to_owned(),
                source,
            })?;
        Ok((Self { queue: Some(queue), writer: Some(writer), _lock: lock }, loaded))
    }

    /// Saves changes as one transaction; returns once they would survive a power cut.
    ///
    /// There is no deadline on purpose: after one, nobody could tell whether the changes are saved. A disk that hangs for good
    /// stops the owner loop, and with it the watchdog's signs of life.
    pub async fn save<C: Into<Change>>(&self, changes: impl IntoIterator<Item = C>) -> Result<(), SaveError> {
        let changes: Vec<Change> = changes.into_iter().map(Into::into).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let (reply, saved) = answer();
        let queue = self.queue.as_ref().ok_or(SaveError::Closed)?;
        let queued = Wait::endless("room in the queue of the store", SAVED_OR_NOT)
            .of(room(queue, Request { changes, reply }));
        queued.await.map_err(|_| SaveError::Closed)?;
        Wait::endless("the store to save", SAVED_OR_NOT).of(saved).await.map_err(|_| SaveError::Closed)?
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has been printed, and every save since has failed.
            let _ = Wait::endless("the store to close", SAVED_OR_NOT).join(writer);
        }
    }
}
