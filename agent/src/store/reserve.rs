//! Room on the disk that is the store's already: on a full disk the agent goes on saving what ends, and can start again.
//!
//! Blocks are allocated behind the end of the files without changing their length, so SQLite and a reader see nothing of it. The log
//! is folded into the database at about one MiB and begins again in place; the database grows with new tasks alone, which wait
//! while the disk is full. Where a file system cannot do this, or is full now, saves wait for room as they would without it.

use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Room for the log: twice what it grows to.
const LOG: u64 = 2 << 20;
/// Room for the database beyond its present size.
const DATABASE: u64 = 1 << 20;
/// Saves between two looks at whether the room is still there.
const AGAIN: u64 = 256;

/// What is kept in reserve for a store.
#[derive(Debug)]
pub(super) struct Reserve {
    log: PathBuf,
    /// Held open as long as SQLite's connection: closing any file handle of the database would drop SQLite's locks on it with it.
    database: io::Result<File>,
}

impl Reserve {
    pub(super) fn of(directory: &Path) -> Self {
        let database = OpenOptions::new().write(true).open(directory.join("agent.db"));
        Self { log: directory.join("agent.db-wal"), database }
    }

    /// Renews the room after so many saves: the database may have grown into it.
    pub(super) fn after(&self, saves: u64) {
        if saves.is_multiple_of(AGAIN) {
            self.take();
        }
    }

    /// Takes what is missing of the room.
    pub(super) fn take(&self) {
        let log = OpenOptions::new().write(true).open(&self.log).and_then(|log| extend(&log, false, LOG));
        let database = match &self.database {
            Ok(database) => extend(database, true, DATABASE),
            Err(error) => Err(error.kind().into()),
        };
        for (name, taken) in [("agent.db-wal", log), ("agent.db", database)] {
            if let Err(error) = taken {
                tracing::debug!(name, error = &error as &dyn std::error::Error, "no room is kept in reserve");
            }
        }
    }
}

/// Allocates `room` bytes for a file, from its end on when it has `grown`.
fn extend(file: &File, grown: bool, room: u64) -> io::Result<()> {
    let metadata = file.metadata()?;
    let wanted = if grown { metadata.len() + room } else { room };
    // Half of the room is enough: a look should not write to the disk each time.
    if metadata.blocks() * 512 + room / 2 >= wanted {
        return Ok(());
    }
    let length = i64::try_from(wanted).unwrap_or(i64::MAX);
    Ok(fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, length)?)
}
