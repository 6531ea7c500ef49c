//! The rows of the store: a kind, a key, bytes, and a checksum over all three.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// Kind of the rows that hold [`Fact`]s.
const FACT: &str = "fact";

/// One row; `Debug` shows the length of the value only, because a task's environment may be in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is about, e.g. `task`.
    pub kind: String,
    /// Which one, unique within its kind.
    pub key: String,
    /// Its value; the store does not look into it.
    pub value: Vec<u8>,
}

/// A row to be written or removed; `Debug` shows the length of the value only.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is about.
    pub kind: String,
    /// Which one.
    pub key: String,
    /// Its new value; `None` removes the row.
    pub value: Option<Vec<u8>>,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} = {} bytes", self.kind, self.key, self.value.len())
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "put {} {} = {} bytes", self.kind, self.key, value.len()),
            None => write!(f, "remove {} {}", self.kind, self.key),
        }
    }
}

/// What the agent remembers about itself, one text each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// ARN of the container instance; sent when registering again.
    ContainerInstanceArn,
    /// The cluster it was registered with, as configured.
    Cluster,
    /// Availability zone that the control plane named.
    AvailabilityZone,
    /// Version of the agent that last ran.
    AgentVersion,
}

impl Fact {
    /// Every fact.
    pub const ALL: &[Self] =
        &[Self::ContainerInstanceArn, Self::Cluster, Self::AvailabilityZone, Self::AgentVersion];

    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContainerInstanceArn => "container-instance-arn",
            Self::Cluster => "cluster",
            Self::AvailabilityZone => "availability-zone",
            Self::AgentVersion => "agent-version",
        }
    }

    /// The change that remembers `value`.
    pub fn is(self, value: &str) -> Change {
        let value = Some(value.as_bytes().to_vec());
        Change { kind: FACT.to_owned(), key: self.name().to_owned(), value }
    }

    /// The change that forgets it.
    pub fn forgotten(self) -> Change {
        Change { kind: FACT.to_owned(), key: self.name().to_owned(), value: None }
    }
}

/// Everything the store held when it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Facts; unknown ones, of a newer version, are left alone.
    pub facts: BTreeMap<Fact, String>,
    /// All other rows, by kind and key.
    pub rows: Vec<Row>,
}

impl FromIterator<Row> for Loaded {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let mut loaded = Self::default();
        for row in rows {
            if row.kind != FACT {
                loaded.rows.push(row);
            } else if let Some(fact) = Fact::ALL.iter().find(|fact| fact.name() == row.key) {
                loaded.facts.insert(*fact, String::from_utf8_lossy(&row.value).into_owned());
            }
        }
        loaded
    }
}

/// First 8 bytes of the SHA-256 of kind, key and value with their lengths: SQLite does not notice a changed byte in a value.
pub(super) fn checksum(kind: &str, key: &str, value: &[u8]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for part in [kind.as_bytes(), key.as_bytes(), value] {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(part);
    }
    digest.finalize()[..8].to_vec()
}
