//! Opening `agent.db`: create it whole or not at all, check it, read it, or refuse with what to do.

use super::lock::{DirectoryLock, LockError};
use super::row::{Loaded, Row, checksum};
use super::schema;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// The file is damaged: starting without the tasks in it would stop or double them.
    #[error(
        "the state in {} is damaged ({detail}): the agent does not start from it. Keep a copy of agent.db, agent.db-wal and \
         agent.db-shm, then restore all three from a backup or remove all three to start with no state",
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
            Self::Lock(_) | Self::Io { .. } | Self::Database { .. } => 1,
        }
    }
}

/// Locks the directory, opens or creates the database, checks and reads it.
pub(super) fn open(directory: &Path) -> Result<(DirectoryLock, Connection, Loaded), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|source| OpenError::Io {
        act: "create the data directory",
        path: directory.to_owned(),
        source,
    })?;
    let lock = DirectoryLock::take(directory)?;
    let file = Database { path: directory.join("agent.db") };
    if !file.exists()? {
        file.create(directory)?;
    }
    let mut connection = file.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    file.check(&connection)?;
    let version = file.version(&connection)?;
    if version < schema::VERSION {
        schema::migrate(&mut connection, version).map_err(|source| file.failed(source))?;
    }
    file.make_durable(&connection)?;
    let loaded = file.read(&connection)?;
    Ok((lock, connection, loaded))
}

/// Reads a store that an agent may be using, without changing or locking anything; `None` when there is none.
pub fn peek(directory: &Path) -> Result<Option<Loaded>, OpenError> {
    let file = Database { path: directory.join("agent.db") };
    if !file.exists()? {
        return Ok(None);
    }
    let connection = file.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    file.version(&connection)?;
    file.read(&connection).map(Some)
}

/// The database file; its methods turn what SQLite says into what an operator can do.
struct Database {
    path: PathBuf,
}

impl Database {
    /// Whether there is a database. A log without its database is what is left of one, not an empty state.
    fn exists(&self) -> Result<bool, OpenError> {
        let present = |path: &Path| match fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(OpenError::Io { act: "look at", path: path.to_owned(), source }),
        };
        let database = present(&self.path)?;
        if !database && present(&self.path.with_extension("db-wal"))? {
            return Err(self.damaged("there is a write-ahead log without its database"));
        }
        Ok(database)
    }

    /// Builds an empty database beside its place and moves it there, so that a half-made one is never taken for a whole one.
    fn create(&self, directory: &Path) -> Result<(), OpenError> {
        let new = directory.join("agent.db.new");
        let io = |act| {
            let path = new.clone();
            move |source| OpenError::Io { act, path, source }
        };
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io("remove")(error)),
            Ok(()) | Err(_) => {}
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(io("create"))?;
        let mut connection = Connection::open(&new).map_err(|source| self.failed(source))?;
        schema::migrate(&mut connection, 0).map_err(|source| self.failed(source))?;
        connection.close().map_err(|(_, source)| self.failed(source))?;
        fs::rename(&new, &self.path).map_err(io("move into place"))?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(io("sync the directory of"))
    }

    fn connect(&self, mode: OpenFlags) -> Result<Connection, OpenError> {
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&self.path, flags).map_err(|source| self.failed(source))?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(|source| self.failed(source))?;
        Ok(connection)
    }

    /// The structure of the whole file, page by page.
    fn check(&self, connection: &Connection) -> Result<(), OpenError> {
        let ours: i64 = self.pragma(connection, "application_id")?;
        if ours != schema::APPLICATION_ID {
            return Err(self.damaged("it is not a database of Wharf"));
        }
        let verdict: String = self.pragma(connection, "integrity_check(1)")?;
        if verdict == "ok" { Ok(()) } else { Err(self.damaged(verdict)) }
    }

    fn version(&self, connection: &Connection) -> Result<usize, OpenError> {
        let found = schema::version(connection).map_err(|source| self.failed(source))?;
        let (path, known) = (self.path.clone(), schema::VERSION);
        if found > known { Err(OpenError::TooNew { path, found, known }) } else { Ok(found) }
    }

    /// Settings of the connection: FULL, because NORMAL loses acknowledged writes in a power cut.
    fn make_durable(&self, connection: &Connection) -> Result<(), OpenError> {
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

    fn read(&self, connection: &Connection) -> Result<Loaded, OpenError> {
        let failed = |source| self.failed(source);
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
            if checksum(&row.kind, &row.key, &row.value) == sum {
                Ok(row)
            } else {
                Err(self.damaged(format!("the checksum of {} {} is wrong", row.kind, row.key)))
            }
        });
        checked.collect()
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

    /// An error of SQLite: damage, or something that may pass. Without a code of SQLite's it is a value of a form that was
    /// never written.
    fn failed(&self, source: rusqlite::Error) -> OpenError {
        match source.sqlite_error_code() {
            None | Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                self.damaged(source.to_string())
            }
            Some(_) => OpenError::Database { path: self.path.clone(), source },
        }
    }

    fn damaged(&self, detail: impl Into<String>) -> OpenError {
        OpenError::Damaged { path: self.path.clone(), detail: detail.into() }
    }
}
