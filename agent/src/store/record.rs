//! Rows as records of the core, and back.

use super::row::{Change, Loaded, Row};
use wharf_core::record;

/// The store holds rows of a kind that no table of this version has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the state has a record of the unknown kind {kind:?}: a newer agent wrote it; install that version again"
)]
pub struct UnknownKind {
    /// The kind.
    pub kind: String,
}

impl From<record::Change> for Change {
    fn from(change: record::Change) -> Self {
        let record::Change { key, value } = change;
        Self { kind: key.table.as_str().to_owned(), key: key.id, value }
    }
}

impl Loaded {
    /// The rows as records, for `Node::restore`.
    pub fn records(&self) -> Result<Vec<record::Record>, UnknownKind> {
        let record = |row: &Row| {
            let table =
                record::Table::parse(&row.kind).ok_or_else(|| UnknownKind { kind: row.kind.clone() })?;
            let key = record::RecordKey { table, id: row.key.clone() };
            Ok(record::Record { key, value: row.value.clone() })
        };
        self.rows.iter().map(record).collect()
    }
}
