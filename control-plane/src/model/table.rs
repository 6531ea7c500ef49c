//! A keyed collection that knows which of its rows changed since they were last saved.
//!
//! Owns the rule that no row is altered without being marked: the only way to a `&mut` row goes through [`Table::edit`].

use serde::{Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// Something that is saved as one row.
pub trait Record: Serialize + DeserializeOwned {
    /// The name under which the store keeps these rows.
    const TABLE: &'static str;
    /// What tells one row from another.
    type Key: Ord + Clone + Display;
    /// This row's key.
    fn key(&self) -> Self::Key;
}

/// One row to write, or to delete when `value` is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table's name.
    pub table: &'static str,
    /// The row's key as text.
    pub key: String,
    /// The row as JSON.
    pub value: Option<String>,
}

/// Rows by key, with the set of those that changed.
#[derive(Debug)]
pub struct Table<R: Record> {
    rows: BTreeMap<R::Key, R>,
    changed: BTreeSet<R::Key>,
}

impl<R: Record> Table<R> {
    /// A table that holds rows which are saved already.
    pub fn loaded(rows: Vec<R>) -> Self {
        Self { rows: rows.into_iter().map(|row| (row.key(), row)).collect(), changed: BTreeSet::new() }
    }

    /// The row of that key.
    pub fn get(&self, key: &R::Key) -> Option<&R> {
        self.rows.get(key)
    }

    /// The row of that key, to be changed.
    pub fn edit(&mut self, key: &R::Key) -> Option<&mut R> {
        let row = self.rows.get_mut(key)?;
        self.changed.insert(key.clone());
        Some(row)
    }

    /// Adds a row, or replaces the one with its key.
    pub fn put(&mut self, row: R) {
        self.changed.insert(row.key());
        self.rows.insert(row.key(), row);
    }

    /// Takes a row away.
    pub fn remove(&mut self, key: &R::Key) -> Option<R> {
        let row = self.rows.remove(key)?;
        self.changed.insert(key.clone());
        Some(row)
    }

    /// All rows in the order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.rows.values()
    }

    /// The rows from `first` to `last`, in order.
    pub fn between(&self, first: R::Key, last: R::Key) -> impl DoubleEndedIterator<Item = &R> {
        self.rows.range(first..=last).map(|(_, row)| row)
    }

    /// Keys of the rows that changed and are not saved yet.
    pub fn changed(&self) -> impl Iterator<Item = &R::Key> {
        self.changed.iter()
    }

    /// Hands over what has to be written and counts it as saved.
    pub fn take_changes(&mut self, into: &mut Vec<Change>) {
        for key in std::mem::take(&mut self.changed) {
            let json = |row| serde_json::to_string(row).expect("rows have string keys and finite numbers");
            let value = self.rows.get(&key).map(json);
            into.push(Change { table: R::TABLE, key: key.to_string(), value });
        }
    }
}
