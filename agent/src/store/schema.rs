//! The form of `agent.db` and the steps from each older form to the present one.

use super::tally::Tally;
use crate::failpoint::failpoint;
use rusqlite::{Connection, TransactionBehavior};

/// Marks a database as ours: the letters `WHRF`.
pub(super) const APPLICATION_ID: i64 = 0x5748_5246;

/// Step n leads from version n to n + 1. A released step is never changed; a new form is a new step.
const STEPS: &[&str] = &[
    "CREATE TABLE row (
        kind  TEXT NOT NULL,
        key   TEXT NOT NULL,
        value BLOB NOT NULL,
        sum   BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;",
    "CREATE TABLE tally (
        one   INTEGER PRIMARY KEY CHECK (one = 1),
        id    INTEGER NOT NULL,
        saves INTEGER NOT NULL,
        rows  INTEGER NOT NULL,
        sum   INTEGER NOT NULL
    ) STRICT;
    INSERT INTO tally VALUES (1, random(), 0, 0, 0);",
];

/// The version that this agent writes.
pub(super) const VERSION: usize = STEPS.len();

/// The first version with a tally.
pub(super) const TALLIED: usize = 2;

/// The version of a database.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Takes the steps from `from` to the present version, all in one transaction.
pub(super) fn migrate(connection: &mut Connection, from: usize) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in STEPS.iter().skip(from) {
        transaction.execute_batch(step)?;
    }
    if from < TALLIED {
        count_rows(&transaction)?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
    ))?;
    failpoint!("open.schema-written");
    transaction.commit()
}

/// Makes the first tally of rows that were written without one.
fn count_rows(connection: &Connection) -> rusqlite::Result<()> {
    let mut tally = Tally::read(connection)?;
    let mut sums = connection.prepare("SELECT sum FROM row")?;
    for sum in sums.query_map([], |row| row.get::<_, Vec<u8>>(0))? {
        tally.add(&sum?);
    }
    tally.write(connection)
}
