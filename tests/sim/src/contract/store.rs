//! What every store promises.

use super::quiet_world;
use crate::store::SimStore;
use crate::world::World;
use std::collections::BTreeMap;
use std::future::Future;
use wharf_agent::seam::Store;
use wharf_agent::store::{Change, Fact, Loaded};

/// Opens the same store, again and again: each time is a new life of the agent.
pub trait Shelf {
    /// The store.
    type Store: Store;

    /// Opens it and reads all it holds; what was open before is closed by then.
    fn open(&mut self) -> impl Future<Output = (Self::Store, Loaded)>;
}

/// The simulated store of a world in which nothing goes wrong.
#[derive(Debug)]
pub struct Simulated(World);

impl Simulated {
    /// An empty one.
    pub fn new() -> Self {
        Self(quiet_world(Vec::new()))
    }
}

impl Default for Simulated {
    fn default() -> Self {
        Self::new()
    }
}

impl Shelf for Simulated {
    type Store = SimStore;

    async fn open(&mut self) -> (SimStore, Loaded) {
        (SimStore::new(self.0.clone()), self.0.lock().host.disk.load())
    }
}

fn put(key: &str, value: &str) -> Change {
    Change { kind: "tasks".to_owned(), key: key.to_owned(), value: Some(value.as_bytes().to_vec()) }
}

fn remove(key: &str) -> Change {
    Change { value: None, ..put(key, "") }
}

fn rows(loaded: &Loaded) -> BTreeMap<String, String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    loaded.rows.iter().map(|row| (row.key.clone(), text(&row.value))).collect()
}

async fn save<S: Shelf>(shelf: &mut S, changes: Vec<Change>) {
    let (store, _) = shelf.open().await;
    store.save(changes).await.expect("there is room");
}

async fn read<S: Shelf>(shelf: &mut S) -> BTreeMap<String, String> {
    rows(&shelf.open().await.1)
}

/// Runs every rule on a new shelf each.
pub async fn all<S: Shelf, F: Future<Output = S>>(mut new: impl FnMut() -> F) {
    a_new_store_is_empty(&mut new().await).await;
    what_was_saved_is_read_in_the_next_life(&mut new().await).await;
    the_last_write_of_a_key_counts(&mut new().await).await;
    what_is_removed_is_gone_and_removing_nothing_is_fine(&mut new().await).await;
    facts_are_kept_beside_rows(&mut new().await).await;
    saves_side_by_side_are_all_kept(&mut new().await).await;
}

async fn a_new_store_is_empty<S: Shelf>(shelf: &mut S) {
    assert_eq!(shelf.open().await.1, Loaded::default());
}

async fn what_was_saved_is_read_in_the_next_life<S: Shelf>(shelf: &mut S) {
    save(shelf, vec![put("a", "1"), put("b", "2")]).await;
    assert_eq!(read(shelf).await, BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]));
}

async fn the_last_write_of_a_key_counts<S: Shelf>(shelf: &mut S) {
    save(shelf, vec![put("a", "1"), put("a", "2")]).await;
    assert_eq!(read(shelf).await, BTreeMap::from([("a".into(), "2".into())]));
    save(shelf, vec![put("a", "3")]).await;
    assert_eq!(read(shelf).await, BTreeMap::from([("a".into(), "3".into())]));
}

async fn what_is_removed_is_gone_and_removing_nothing_is_fine<S: Shelf>(shelf: &mut S) {
    save(shelf, vec![put("a", "1"), put("b", "2")]).await;
    save(shelf, vec![remove("a"), remove("never")]).await;
    assert_eq!(read(shelf).await, BTreeMap::from([("b".into(), "2".into())]));
}

async fn facts_are_kept_beside_rows<S: Shelf>(shelf: &mut S) {
    save(shelf, vec![Fact::Cluster.is("blue"), put("a", "1")]).await;
    let (_store, loaded) = shelf.open().await;
    assert_eq!(loaded.facts, BTreeMap::from([(Fact::Cluster, "blue".to_owned())]));
    assert_eq!(rows(&loaded).len(), 1);
}

async fn saves_side_by_side_are_all_kept<S: Shelf>(shelf: &mut S) {
    {
        let (store, _) = shelf.open().await;
        let (a, b) = tokio::join!(store.save(vec![put("a", "1")]), store.save(vec![put("b", "2")]));
        a.expect("there is room");
        b.expect("there is room");
    }
    assert_eq!(read(shelf).await.len(), 2);
}
