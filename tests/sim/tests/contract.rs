//! The simulated store and the real one keep the same promises.

use wharf_agent::store::{Loaded, Store};
use wharf_sim::contract::store::{Shelf, Simulated, all};

/// SQLite in a directory of its own.
struct Sqlite(tempfile::TempDir);

impl Shelf for Sqlite {
    type Store = Store;

    async fn open(&mut self) -> (Store, Loaded) {
        Store::open(self.0.path()).expect("the store opens")
    }
}

#[tokio::test(start_paused = true)]
async fn the_simulated_store_keeps_the_contract() {
    all(|| async { Simulated::new() }).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    all(|| async { Sqlite(tempfile::tempdir().expect("a directory")) }).await;
}
