//! Why a store does not open, in words that an operator can act on.

use super::lock::LockError;
use std::path::PathBuf;

/// Why the store could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory is another agent's, or cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system refused.
    #[error("cannot {act} {}", .path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The files are damaged: starting without the tasks in them would stop or double them.
    #[error(
        "the state in {} is damaged ({detail}): the agent does not start from it. Keep a copy of the files agent.db*, then \
         restore all of them from a backup or remove all of them to start with no state",
        .path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A newer agent wrote it.
    #[error(
        "the state in {} has form {found}, and this agent knows forms up to {known}: install the version that wrote it, or a \
         newer one",
        .path.display()
    )]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The newest version known.
        known: usize,
    },
    /// The file system cannot do what durable writes need.
    #[error("the file system of {} does not support SQLite's write-ahead log: use a local one", .path.display())]
    NoWal {
        /// The database.
        path: PathBuf,
    },
    /// Somebody who only looks met a save each time.
    #[error("the state in {} was saved anew each time it was read: try again", .path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// SQLite failed otherwise, e.g. because the disk is full.
    #[error("cannot open the state in {}", .path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// The process's exit code: 5 = another start cannot help, 1 = it may (spec 2.3).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Damaged { .. } | Self::TooNew { .. } | Self::NoWal { .. } => 5,
            Self::Lock(_) | Self::Io { .. } | Self::Busy { .. } | Self::Database { .. } => 1,
        }
    }
}
