//! The high-water mark: a file of one line that says how many saves were acknowledged, beside the database that should hold them.
//!
//! SQLite takes what it finds: a log that is gone, cut, or broken in its last transaction is a shorter history, not an error. The
//! mark is what the history is held against. It is written before a save is acknowledged and never waited for: one `pwrite` of a
//! page that the kernel holds, no second flush. So it is never ahead of what is on disk, and after the end of the process alone it
//! is exact; a power cut may take it back by the kernel's write-back time (half a minute), which makes the check weaker, never wrong.

use super::tally::Tally;
use crate::failpoint::failpoint;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The file's name.
const NAME: &str = "agent.db-mark";

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    /// The database it is about.
    pub id: u64,
    /// The saves that were acknowledged.
    pub saves: u64,
}

/// What stands in the place of the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// A mark.
    Mark(Noted),
    /// Something that was never written as a mark.
    Rubbish,
}

/// The mark of an open store.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    /// Whether the last write failed, and was told.
    told: bool,
}

impl From<&Tally> for Noted {
    fn from(tally: &Tally) -> Self {
        Self { id: tally.id, saves: tally.saves }
    }
}

impl Noted {
    /// The line of the file; always of the same length, so that it is overwritten in place and needs no room on a full disk.
    fn line(self) -> String {
        let text = format!("{:016x} {:020}", self.id, self.saves);
        let digest = Sha256::digest(&text);
        let sum = u64::from_be_bytes(*digest.first_chunk().expect("a digest has 32 bytes"));
        format!("{text} {sum:016x}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let id = u64::from_str_radix(words.next()?, 16).ok()?;
        let noted = Self { id, saves: words.next()?.parse().ok()? };
        (noted.line() == line).then_some(noted)
    }
}

/// Where the mark of a data directory is.
pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

/// Reads the mark of a data directory.
pub(super) fn read(directory: &Path) -> io::Result<Found> {
    match fs::read(path(directory)) {
        Ok(bytes) => Ok(noted(&bytes).map_or(Found::Rubbish, Found::Mark)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error),
    }
}

fn noted(bytes: &[u8]) -> Option<Noted> {
    std::str::from_utf8(bytes).ok().and_then(Noted::parse)
}

/// Reads bytes as a mark, and returns how the agent would write it. For tests that feed it what no agent wrote.
#[doc(hidden)]
pub fn try_mark(bytes: &[u8]) -> Option<String> {
    noted(bytes).map(Noted::line)
}

impl Mark {
    /// Puts a mark into a data directory, whole and on disk: over the one that is there, which needs no room, or as a new file.
    pub(super) fn place(directory: &Path, noted: Noted, found: Found) -> io::Result<Self> {
        if let Found::Mark(_) = found {
            let file = OpenOptions::new().write(true).open(path(directory))?;
            file.write_all_at(noted.line().as_bytes(), 0)?;
            file.sync_data()?;
            return Ok(Self { file, told: false });
        }
        let new = directory.join("agent.db-mark.new");
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(noted.line().as_bytes())?;
        file.sync_all()?;
        failpoint!("open.mark-built");
        fs::rename(&new, path(directory))?;
        File::open(directory)?.sync_all()?;
        Ok(Self { file, told: false })
    }

    /// Raises the mark. A failure is told once and is none of the save's: what is saved is saved.
    pub(super) fn raise(&mut self, noted: Noted) {
        let written = self.file.write_all_at(noted.line().as_bytes(), 0);
        if let Err(error) = &written
            && !self.told
        {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "cannot write {NAME}: a loss of saves may go unnoticed"
            );
        }
        self.told = written.is_err();
    }
}
