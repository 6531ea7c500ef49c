//! Opening the store: create it whole or not at all, check it, read it, or refuse with what to do.
//!
//! Nothing is written before everything was checked, so that what is damaged can still be looked at.

use super::database::Database;
use super::error::OpenError;
use super::lock::DirectoryLock;
use super::mark::{self, Found, Mark};
use super::reserve::Reserve;
use super::row::Loaded;
use super::tally::Tally;
use super::writer::Writer;
use super::{log, schema};
use crate::failpoint::failpoint;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// What an open store works with, and what it held.
pub(super) struct Opened {
    pub lock: DirectoryLock,
    pub writer: Writer,
    pub loaded: Loaded,
}

/// Locks the directory, opens or creates the database, checks and reads it.
pub(super) fn open(directory: &Path) -> Result<Opened, OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|source| OpenError::Io {
        act: "create the data directory",
        path: directory.to_owned(),
        source,
    })?;
    let lock = DirectoryLock::take(directory)?;
    let file = Database::of(directory);
    let found = look_at_mark(&file, directory)?;
    if !file.exists()? {
        begin(&file, directory, found)?;
        failpoint!("open.database-placed");
    }
    if let Some(damage) = log::damage(&file.log()?) {
        return Err(file.damaged(damage));
    }
    let mut connection = file.connect()?;
    file.keep_log(&connection)?;
    file.check(&connection)?;
    let version = file.version(&connection)?;
    let (loaded, tally) = file.read(&connection, version)?;
    compare(&file, tally.as_ref(), found)?;
    if version < schema::VERSION {
        schema::migrate(&mut connection, version).map_err(|source| file.failed(source))?;
    }
    file.make_durable(&connection)?;
    let tally = Tally::read(&connection).map_err(|source| file.failed(source))?;
    let mark = Mark::place(directory, (&tally).into(), found).map_err(|source| OpenError::Io {
        act: "write",
        path: mark::path(directory),
        source,
    })?;
    failpoint!("open.mark-placed");
    let reserve = Reserve::of(directory);
    reserve.take();
    Ok(Opened { lock, writer: Writer { connection, mark, reserve }, loaded })
}

/// Reads a store that an agent may be using, without changing or locking anything; `None` when there is none.
pub fn peek(directory: &Path) -> Result<Option<Loaded>, OpenError> {
    let file = Database::of(directory);
    if !file.exists()? {
        return Ok(None);
    }
    let picture = file.picture()?;
    let version = file.version(&picture)?;
    file.read(&picture, version).map(|(loaded, _)| Some(loaded))
}

fn look_at_mark(file: &Database, directory: &Path) -> Result<Found, OpenError> {
    let path = mark::path(directory);
    match mark::read(directory).map_err(|source| OpenError::Io { act: "read", path, source })? {
        Found::Rubbish => Err(file.damaged("agent.db-mark is not what the agent wrote there")),
        found @ (Found::Nothing | Found::Mark(_)) => Ok(found),
    }
}

/// Makes the first database of a directory; not in place of one that is gone.
fn begin(file: &Database, directory: &Path, found: Found) -> Result<(), OpenError> {
    match found {
        Found::Mark(noted) if noted.saves > 0 => {
            Err(file
                .damaged(format!("agent.db is gone, and agent.db-mark tells of {} saves in it", noted.saves)))
        }
        Found::Nothing | Found::Mark(_) | Found::Rubbish => file.create(directory),
    }
}

/// Holds what the database says of itself against the mark beside it.
fn compare(file: &Database, tally: Option<&Tally>, found: Found) -> Result<(), OpenError> {
    match (tally, found) {
        (Some(tally), Found::Mark(noted)) if tally.id != noted.id && noted.saves > 0 => {
            Err(file.damaged("agent.db-mark is about another database"))
        }
        (Some(tally), Found::Mark(noted)) if tally.saves < noted.saves => Err(file.damaged(format!(
            "the last {} of {} saves are missing",
            noted.saves - tally.saves,
            noted.saves
        ))),
        (None, Found::Mark(_)) => Err(file.damaged("agent.db is older than agent.db-mark")),
        (Some(tally), Found::Nothing) if tally.saves > 0 => {
            tracing::warn!(
                saves = tally.saves,
                "agent.db-mark is missing: whether the newest saves are there cannot be told; it is made anew"
            );
            Ok(())
        }
        (Some(_) | None, Found::Nothing | Found::Mark(_) | Found::Rubbish) => Ok(()),
    }
}
