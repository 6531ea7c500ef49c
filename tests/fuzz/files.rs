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
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let directory = directory.expect("a place for temporary files");
    fs::write(directory.path().join("agent.db"), data).expect("room for temporary files");
    match store::peek(directory.path()) {
        Ok(loaded) => assert!(loaded.is_some(), "there is a file"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
