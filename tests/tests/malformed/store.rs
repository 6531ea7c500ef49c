//! The agent's state on disk: database, log and high-water mark, damaged. It is refused or read whole, never empty and happy.

use crate::tally::Tally;
use std::collections::BTreeMap;
use std::path::Path;
use wharf_agent::store::{Change, Loaded, Store, peek};
use wharf_tests::mutate::Random;

/// What a store consists of.
const FILES: [&str; 3] = ["agent.db", "agent.db-wal", "agent.db-mark"];
/// Tasks in it.
const TASKS: usize = 12;

/// Values by key.
type Rows = BTreeMap<String, Vec<u8>>;

pub fn files() -> Tally {
    let origin = tempfile::tempdir().unwrap();
    let written = fill(origin.path());
    let right = FILES.map(|file| std::fs::read(origin.path().join(file)).unwrap_or_default());
    // Memory has no disk whose hiccup would count as a hang of the store.
    let work = tempfile::tempdir_in("/dev/shm").unwrap();
    let mut random = Random::new(7);
    // Mutations of text say little about pages: position and kind of the damage are chosen here.
    Tally::run("store files", vec![vec![0]], |_| {
        let mut files = right.clone();
        damage(&mut files[random.below(FILES.len())], &mut random);
        for (file, bytes) in FILES.iter().zip(&files) {
            std::fs::write(work.path().join(file), bytes).unwrap();
        }
        // Who only looks may see less, and never fails otherwise than in words.
        if let Err(error) = peek(work.path()) {
            assert!(!error.to_string().is_empty(), "it says why");
        }
        match Store::open(work.path()) {
            Ok((_store, loaded)) => {
                assert_eq!(rows(loaded), written, "what was saved is there, or it is refused")
            }
            Err(error) => assert!(!error.to_string().is_empty(), "a refusal says why"),
        }
    })
}

fn rows(loaded: Loaded) -> Rows {
    loaded.rows.into_iter().map(|row| (row.key, row.value)).collect()
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + random.below(512)).min(bytes.len());
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at..end].fill(0),
            2 => bytes[at..end].fill(0xff),
            3 => {
                let from = random.below(bytes.len().saturating_sub(end - at));
                bytes.copy_within(from..from + (end - at), at);
            }
            _ => bytes.truncate(at),
        }
    }
}

/// Saves rows of some tasks and changes them twice; what has to be read.
fn fill(directory: &Path) -> Rows {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (store, _) = Store::open(directory).unwrap();
    let mut written = Rows::new();
    for round in 0..3 {
        for number in 0..TASKS {
            let (key, value) =
                (format!("task-{number:02}"), format!("{round}-{}", "x".repeat(200)).into_bytes());
            written.insert(key.clone(), value.clone());
            let change = Change { kind: "task".to_owned(), key, value: Some(value) };
            runtime.block_on(store.save([change])).unwrap();
        }
    }
    // The log is looked at while it is there: closing writes it into the database.
    std::mem::forget(store);
    written
}
