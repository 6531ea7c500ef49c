//! The saved rows: one SQLite file in WAL mode with `synchronous=FULL`, so that what was answered survives a power cut.
//!
//! Owns the connection and the thread it lives on; one writer, one transaction for all that a batch of requests changed. Refuses to
//! know what the rows mean: a row is a table's name, a key and JSON.

use crate::model::table::{Change, Record};
use crate::model::{Rows, cluster, definition, instance, task};
use rusqlite::{Connection, TransactionBehavior, params};
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};
use wharf_wait::{Wait, answer, room};

/// Why a save has no deadline.
const SAVED_OR_NOT: &str = "after a deadline nobody could tell whether it is saved";
/// Version of the layout of the file.
const LAYOUT: i64 = 1;

/// Why the store cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory or a file in it cannot be made.
    #[error("cannot make {}", path.display())]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// SQLite refuses the file.
    #[error("cannot open the database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
    /// Another process has it.
    #[error("the database {} is in use by another control plane", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a later version.
    #[error("the database {} has layout {found}, this version knows {LAYOUT}: use the newer wharf-control-plane", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: i64,
    },
    /// A row is not what this version writes.
    #[error("cannot read row {key} of table {table} in the database")]
    Row {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// The writer's thread cannot be started.
    #[error("cannot start the thread of the database")]
    Thread(#[source] std::io::Error),
}

/// Why rows could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// SQLite failed; nothing of the batch is saved.
    #[error("cannot write {rows} rows to the database")]
    Write {
        /// Size of the batch.
        rows: usize,
        /// The cause.
        source: rusqlite::Error,
    },
    /// The writer's thread is gone.
    #[error("the thread of the database ended")]
    Gone,
}

type Batch = (Vec<Change>, oneshot::Sender<Result<(), SaveError>>);

/// The open store.
#[derive(Debug)]
pub struct Store {
    /// At most one batch waits: the owner saves one after the other. `None` only while being dropped.
    batches: Option<mpsc::Sender<Batch>>,
    writer: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens (or makes) `control-plane.db` in the directory and reads every row.
    pub fn open(directory: &Path) -> Result<(Self, Rows), OpenError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|source| OpenError::Directory { path: directory.to_owned(), source })?;
        let path = directory.join("control-plane.db");
        let connection = connect(&path)?;
        let rows = Rows {
            clusters: load::<cluster::Cluster>(&connection, &path)?,
            definitions: load::<definition::Definition>(&connection, &path)?,
            instances: load::<instance::Instance>(&connection, &path)?,
            tasks: load::<task::Task>(&connection, &path)?,
            leases: load::<crate::model::address::Lease>(&connection, &path)?,
        };
        let (batches, inbox) = mpsc::channel(1);
        let writer =
            std::thread::Builder::new().name("store".to_owned()).spawn(move || write_all(connection, inbox));
        let writer = writer.map_err(OpenError::Thread)?;
        Ok((Self { batches: Some(batches), writer: Some(writer) }, rows))
    }

    /// Writes the changes; when this returns, they survive a power cut. All or none of them are written.
    pub async fn save(&self, changes: Vec<Change>) -> Result<(), SaveError> {
        if changes.is_empty() {
            return Ok(());
        }
        let (reply, saved) = answer();
        let batches = self.batches.as_ref().ok_or(SaveError::Gone)?;
        let queued =
            Wait::endless("room in the queue of the store", SAVED_OR_NOT).of(room(batches, (changes, reply)));
        queued.await.map_err(|_| SaveError::Gone)?;
        Wait::endless("the store to save", SAVED_OR_NOT).of(saved).await.map_err(|_| SaveError::Gone)?
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.batches.take()); // ends the writer's loop
        if let Some(writer) = self.writer.take()
            && Wait::endless("the store to close", SAVED_OR_NOT).join(writer).is_err()
        {
            tracing::error!("the thread of the database panicked");
        }
    }
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    let open = |source| OpenError::Open { path: path.to_owned(), source };
    let connection = Connection::open(path).map_err(open)?;
    // Task definitions may hold what should be secret. SQLite gives the files beside this one the same mode.
    let private = std::fs::set_permissions(path, Permissions::from_mode(0o600));
    private.map_err(|source| OpenError::Directory { path: path.to_owned(), source })?;
    // An exclusive lock for the whole run: two control planes on one file would tell agents contradictory things.
    let pragmas = "PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;
                   PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216;";
    let prepared = connection.execute_batch(pragmas).and_then(|()| {
        let layout: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS object (
               kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)
             ) STRICT, WITHOUT ROWID;",
        )?;
        Ok(layout)
    });
    match prepared {
        Ok(0) => connection.pragma_update(None, "user_version", LAYOUT).map_err(open)?,
        Ok(LAYOUT) => {}
        Ok(found) => return Err(OpenError::Layout { path: path.to_owned(), found }),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
            return Err(OpenError::Busy { path: path.to_owned() });
        }
        Err(error) => return Err(open(error)),
    }
    Ok(connection)
}

fn load<R: Record>(connection: &Connection, path: &Path) -> Result<Vec<R>, OpenError> {
    let open = |source| OpenError::Open { path: path.to_owned(), source };
    let mut statement = connection.prepare("SELECT key, value FROM object WHERE kind = ?1").map_err(open)?;
    let texts = statement.query_map([R::TABLE], |row| Ok((row.get(0)?, row.get(1)?))).map_err(open)?;
    let mut rows = Vec::new();
    for text in texts {
        let (key, value): (String, String) = text.map_err(open)?;
        let row = serde_json::from_str(&value);
        rows.push(row.map_err(|source| OpenError::Row { table: R::TABLE, key, source })?);
    }
    Ok(rows)
}

/// The writer's thread: one transaction a batch, until the store is dropped.
fn write_all(mut connection: Connection, mut inbox: mpsc::Receiver<Batch>) {
    let idle = Wait::endless("something to save", "there is nothing to do until somebody saves");
    let mut batches = Vec::with_capacity(1);
    while idle.clone().messages_here(&mut inbox, &mut batches, 1) > 0 {
        let Some((changes, reply)) = batches.pop() else { return };
        let rows = changes.len();
        let written = write(&mut connection, &changes).map_err(|source| SaveError::Write { rows, source });
        if reply.send(written).is_err() {
            tracing::debug!("nobody waits for the save any more");
        }
    }
}

fn write(connection: &mut Connection, changes: &[Change]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for Change { table, key, value } in changes {
        match value {
            Some(value) => transaction
                .prepare_cached("INSERT OR REPLACE INTO object (kind, key, value) VALUES (?1, ?2, ?3)")?
                .execute(params![table, key, value])?,
            None => transaction
                .prepare_cached("DELETE FROM object WHERE kind = ?1 AND key = ?2")?
                .execute(params![table, key])?,
        };
    }
    transaction.commit()
}
