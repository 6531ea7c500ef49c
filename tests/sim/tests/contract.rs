//! The simulated seams keep the promises of the real ones; containerd and the kernel are held to the same in `tests/tests/contract.rs`.

use wharf_agent::store::{Loaded, Store};
use wharf_sim::contract::store::Shelf;
use wharf_sim::contract::{network, runtime, store};

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
    store::all(|| async { store::Simulated::new() }).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    store::all(|| async { Sqlite(tempfile::tempdir().expect("a directory")) }).await;
}

#[tokio::test(start_paused = true)]
async fn the_simulated_runtime_keeps_the_contract() {
    runtime::all(|| async { runtime::Simulated::new() }).await;
}

#[tokio::test(start_paused = true)]
async fn the_simulated_network_keeps_the_contract() {
    network::all(|| async { network::Simulated::new() }).await;
}
