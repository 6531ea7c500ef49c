//! The files of the agent's data directory.

use std::fs;
use wharf_agent::store;

/// The mark beside the database: what is read is written as itself again.
pub fn store_mark(data: &[u8]) {
    if let Some(line) = store::try_mark(data) {
        assert_eq!(line.as_bytes(), data);
    }
}

/// The database, as the operator's commands read it beside an agent: rows, or a refusal that says what to do.
pub fn store_file(data: &[u8]) {
    if let Err(refusal) = rows(data) {
        assert!(!refusal.is_empty());
    }
}

/// How many rows a database has.
pub fn rows(database: &[u8]) -> Result<usize, String> {
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let directory = directory.expect("a place for temporary files");
    fs::write(directory.path().join("agent.db"), database).expect("room for temporary files");
    let loaded = store::peek(directory.path()).map_err(|error| error.to_string())?;
    let loaded = loaded.expect("there is a file");
    Ok(loaded.rows.len() + loaded.facts.len())
}
