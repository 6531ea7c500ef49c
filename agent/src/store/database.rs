//! The database file; its methods turn what SQLite says into what an operator can do.

use super::error::OpenError;
use super::log;
use super::row::{Loaded, Row, checksum};
use super::schema;
use super::tally::Tally;
use crate::failpoint::failpoint;
use rusqlite::config::DbConfig;
use rusqlite::ffi::SQLITE_IOERR_SHORT_READ;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Looks at files that an agent may be saving into; the log begins anew after hundreds of saves.
const LOOKS: usize = 100;

pub(super) struct Database {
    path: PathBuf,
}

impl Database {
    pub(super) fn of(directory: &Path) -> Self {
        Self { path: directory.join("agent.db") }
    }

    /// Whether there is a database. A log without its database is what is left of one, not an empty state; nor is an empty file.
    pub(super) fn exists(&self) -> Result<bool, OpenError> {
        let size = |path: &Path| match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(OpenError::Io { act: "look at", path: path.to_owned(), source }),
        };
        match size(&self.path)? {
            Some(0) => Err(self.damaged("it is an empty file")),
            Some(_) => Ok(true),
            None if size(&self.path_of_log())?.is_some() => {
                Err(self.damaged("there is a write-ahead log without its database"))
            }
            None => Ok(false),
        }
    }

    fn path_of_log(&self) -> PathBuf {
        self.path.with_extension("db-wal")
    }

    /// The write-ahead log; a missing one is an empty one.
    pub(super) fn log(&self) -> Result<Vec<u8>, OpenError> {
        let path = self.path_of_log();
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(OpenError::Io { act: "read", path, source }),
            Ok(bytes) => Ok(bytes),
        }
    }

    /// Builds an empty database beside its place and moves it there, so that a half-made one is never taken for a whole one.
    pub(super) fn create(&self, directory: &Path) -> Result<(), OpenError> {
        let new = directory.join("agent.db.new");
        let io = |act| {
            let path = new.clone();
            move |source| OpenError::Io { act, path, source }
        };
        for left in [new.clone(), directory.join("agent.db.new-journal")] {
            match fs::remove_file(left) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(io("remove")(error)),
                Ok(()) | Err(_) => {}
            }
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(io("create"))?;
        let mut connection = Connection::open(&new).map_err(|source| self.failed(source))?;
        schema::migrate(&mut connection, 0).map_err(|source| self.failed(source))?;
        connection.close().map_err(|(_, source)| self.failed(source))?;
        failpoint!("open.database-built");
        fs::rename(&new, &self.path).map_err(io("move into place"))?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(io("sync the directory of"))
    }

    /// A connection that keeps the file to itself. Its index of the log is on the heap then: the one that processes share is a file
    /// mapped into memory, and a full disk ends a process that touches such a page, with SIGBUS and without a word.
    pub(super) fn connect(&self) -> Result<Connection, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&self.path, flags).map_err(|source| self.failed(source))?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(|source| self.failed(source))?;
        let _: String = self.pragma(&connection, "locking_mode = EXCLUSIVE")?;
        Ok(connection)
    }

    /// A connection to what the files say at one moment, in memory: nothing is locked, changed or needed from the disk.
    pub(super) fn picture(&self) -> Result<Connection, OpenError> {
        let image = self.image()?;
        let mut connection = Connection::open_in_memory().map_err(|source| self.failed(source))?;
        connection
            .deserialize_read_exact(MAIN_DB, image.as_slice(), image.len(), true)
            .map_err(|source| self.failed(source))?;
        Ok(connection)
    }

    /// The bytes of the database with its log folded in. All that was copied into the database while it was read is in the log that
    /// was read after it, unless the log began anew meanwhile, which its header tells.
    fn image(&self) -> Result<Vec<u8>, OpenError> {
        for _ in 0..LOOKS {
            let header = log::header(&self.log()?).to_vec();
            let mut image = fs::read(&self.path).map_err(|source| OpenError::Io {
                act: "read",
                path: self.path.clone(),
                source,
            })?;
            let log = self.log()?;
            if log::header(&log) == header && log::header(&self.log()?) == header {
                log::fold(&log, &mut image);
                return Ok(image);
            }
        }
        Err(OpenError::Busy { path: self.path.clone() })
    }

    /// Closing leaves the log where it is, as a crash does: folding it into the database would change what may have to be looked at,
    /// and give up room that a full disk would not give back.
    pub(super) fn keep_log(&self, connection: &Connection) -> Result<(), OpenError> {
        let set = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        set.map(drop).map_err(|source| self.failed(source))
    }

    /// The structure of the whole file, page by page.
    pub(super) fn check(&self, connection: &Connection) -> Result<(), OpenError> {
        let ours: i64 = self.pragma(connection, "application_id")?;
        if ours != schema::APPLICATION_ID {
            return Err(self.damaged("it is not a database of Wharf"));
        }
        let verdict: String = self.pragma(connection, "integrity_check(1)")?;
        if verdict == "ok" { Ok(()) } else { Err(self.damaged(verdict)) }
    }

    pub(super) fn version(&self, connection: &Connection) -> Result<usize, OpenError> {
        let found = schema::version(connection).map_err(|source| self.failed(source))?;
        let (path, known) = (self.path.clone(), schema::VERSION);
        if found > known { Err(OpenError::TooNew { path, found, known }) } else { Ok(found) }
    }

    /// Settings of the connection: FULL, because NORMAL loses acknowledged writes in a power cut.
    pub(super) fn make_durable(&self, connection: &Connection) -> Result<(), OpenError> {
        let mode: String = self.pragma(connection, "journal_mode = WAL")?;
        if mode != "wal" {
            return Err(OpenError::NoWal { path: self.path.clone() });
        }
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 256; PRAGMA journal_size_limit = 4194304;",
            )
            .map_err(|source| self.failed(source))
    }

    /// Every row, each right in itself and all of them together, with the tally of forms that have one.
    pub(super) fn read(
        &self,
        connection: &Connection,
        version: usize,
    ) -> Result<(Loaded, Option<Tally>), OpenError> {
        let (loaded, rows) = self.read_rows(connection)?;
        if version < schema::TALLIED {
            return Ok((loaded, None));
        }
        let tally = Tally::read(connection).map_err(|source| self.failed(source))?;
        if (tally.rows, tally.sum) != (rows.rows, rows.sum) {
            let (found, expected) = (rows.rows, tally.rows);
            return Err(self.damaged(format!("its {found} rows are not the {expected} that were saved last")));
        }
        Ok((loaded, Some(tally)))
    }

    fn read_rows(&self, connection: &Connection) -> Result<(Loaded, Tally), OpenError> {
        let failed = |source| self.failed(source);
        let mut found = Tally { id: 0, saves: 0, rows: 0, sum: 0 };
        let mut statement =
            connection.prepare("SELECT kind, key, value, sum FROM row ORDER BY kind, key").map_err(failed)?;
        let rows = statement
            .query_map([], |row| {
                let (kind, key, value): (String, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let sum: Vec<u8> = row.get(3)?;
                Ok((Row { kind, key, value }, sum))
            })
            .map_err(failed)?;
        let checked = rows.map(|row| {
            let (row, sum) = row.map_err(failed)?;
            if checksum(&row.kind, &row.key, &row.value) != sum {
                return Err(self.damaged(format!("the checksum of {} {} is wrong", row.kind, row.key)));
            }
            found.add(&sum);
            Ok(row)
        });
        let loaded = checked.collect::<Result<_, _>>()?;
        Ok((loaded, found))
    }

    fn pragma<T: rusqlite::types::FromSql>(
        &self,
        connection: &Connection,
        what: &str,
    ) -> Result<T, OpenError> {
        connection
            .query_row(&format!("PRAGMA {what}"), [], |row| row.get(0))
            .map_err(|source| self.failed(source))
    }

    /// An error of SQLite: something that may pass, or damage. What is neither of the system nor of another process is a form that
    /// was never written, e.g. a table without the name it was given.
    pub(super) fn failed(&self, source: rusqlite::Error) -> OpenError {
        // The file is shorter than its own header says.
        let cut = source.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_SHORT_READ);
        if cut {
            return self.damaged("it is cut short");
        }
        match source.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NoLargeFileSupport
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly,
            ) => OpenError::Database { path: self.path.clone(), source },
            Some(_) | None => self.damaged(source.to_string()),
        }
    }

    pub(super) fn damaged(&self, detail: impl Into<String>) -> OpenError {
        OpenError::Damaged { path: self.path.clone(), detail: detail.into() }
    }
}
