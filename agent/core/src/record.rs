//! What is saved: one versioned JSON snapshot per task, per waiting interface, and one for the node.
//!
//! What is in flight is never part of it. A record of a version that is not known is an error, never a guess.

use crate::attachment::Attachment;
use crate::clock::Ahead;
use crate::journal::Journal;
use crate::quarantine::Quarantine;
use crate::reason::Reason;
use crate::story::Story;
use crate::task::Task;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fmt;
use wharf_protocol::arn::{ArnError, TaskArn};

/// Version of the snapshots that this code writes.
const VERSION: u32 = 1;

/// The one id in the table `node`.
const NODE_ID: &str = "node";

/// Tables of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Tasks, by ARN.
    Tasks,
    /// Interfaces that wait for their task, by the task's ARN.
    Attachments,
    /// The node itself.
    Node,
    /// What tasks went through, by ARN.
    Journals,
    /// What is left of tasks that stopped long ago, by ARN.
    History,
}

impl Table {
    /// Every table.
    pub const ALL: &[Self] = &[Self::Tasks, Self::Attachments, Self::Node, Self::Journals, Self::History];

    /// Name of the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Attachments => "attachments",
            Self::Node => "node",
            Self::Journals => "journals",
            Self::History => "history",
        }
    }

    /// The table of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|table| table.as_str() == name)
    }
}

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    /// The table.
    pub table: Table,
    /// The id in the table.
    pub id: String,
}

impl RecordKey {
    pub(crate) fn task(arn: &TaskArn) -> Self {
        Self { table: Table::Tasks, id: arn.to_string() }
    }

    pub(crate) fn attachment(arn: &TaskArn) -> Self {
        Self { table: Table::Attachments, id: arn.to_string() }
    }

    pub(crate) fn journal(arn: &TaskArn) -> Self {
        Self { table: Table::Journals, id: arn.to_string() }
    }

    pub(crate) fn history(arn: &TaskArn) -> Self {
        Self { table: Table::History, id: arn.to_string() }
    }

    pub(crate) fn node() -> Self {
        Self { table: Table::Node, id: NODE_ID.to_owned() }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.table.as_str(), self.id)
    }
}

/// A saved record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub key: RecordKey,
    /// Its JSON.
    pub value: Vec<u8>,
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub key: RecordKey,
    /// JSON to put there; `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// Why saved records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The record is not JSON of the expected shape.
    #[error("record {key} cannot be read")]
    Unreadable {
        /// Which record.
        key: RecordKey,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The record was written by a newer version.
    #[error("record {key} has version {version}, this agent reads version 1: start the newer agent again")]
    Version {
        /// Which record.
        key: RecordKey,
        /// The version found.
        version: u32,
    },
    /// The record stands under a name that is not a task's.
    #[error("record {key} is not named after a task")]
    Key {
        /// Which record.
        key: RecordKey,
        /// What is wrong with the name.
        source: ArnError,
    },
    /// The record's containers are not those of its definition.
    #[error("record {key} does not list the containers of its own definition")]
    Containers {
        /// Which record.
        key: RecordKey,
    },
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u32,
    record: T,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// A record of the table `tasks`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskRecord<T> {
    /// A task that was taken on.
    Task(T),
    /// A task that never was; the control plane is told STOPPED.
    Absent(Absent),
}

/// A task that never ran here and never will: refused, or stopped before it was known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Absent {
    /// Why; `None` for one that was to stop before it was known.
    pub reason: Option<Reason>,
    /// Since when.
    pub since: Timestamp,
    /// Whether the control plane took STOPPED.
    pub told: bool,
    /// Whether something of it was found here, whose network and cgroup are to be removed as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remains: bool,
}

/// What the node remembers besides tasks and interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// The largest timeline or sequence number seen (spec 3.7).
    pub timeline: i64,
    /// Id of the last manifest, until its stops were verified.
    pub message_id: Option<String>,
    /// The boot of the host that the runtime was last seen in; state of another boot's processes is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// How far the wall clock was ahead when it was last found set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Ahead>,
    /// Images that something is held against.
    #[serde(default, skip_serializing_if = "Quarantine::is_empty")]
    pub quarantine: Quarantine,
}

/// A record, read.
pub(crate) enum Restored {
    Task(Task),
    Absent(TaskArn, Absent),
    Attachment(TaskArn, Attachment),
    Manifest(Manifest),
    Journal(TaskArn, Journal),
    Past(TaskArn, Box<Story>),
}

pub(crate) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(&Envelope { v: VERSION, record })
        .expect("our records have string keys and no failing serializers")
}

pub(crate) fn encode_task(task: &Task) -> Vec<u8> {
    encode(&TaskRecord::Task(task))
}

pub(crate) fn encode_absent(absent: &Absent) -> Vec<u8> {
    encode(&TaskRecord::<&Task>::Absent(absent.clone()))
}

pub(crate) fn decode(record: Record) -> Result<Restored, RestoreError> {
    let Record { key, value } = record;
    let arn = |key: &RecordKey| {
        TaskArn::parse(&key.id).map_err(|source| RestoreError::Key { key: key.clone(), source })
    };
    Ok(match key.table {
        Table::Node => Restored::Manifest(read(&key, &value)?),
        Table::Journals => Restored::Journal(arn(&key)?, read(&key, &value)?),
        Table::History => Restored::Past(arn(&key)?, read(&key, &value)?),
        Table::Attachments => Restored::Attachment(arn(&key)?, read(&key, &value)?),
        Table::Tasks => match read(&key, &value)? {
            TaskRecord::Absent(absent) => Restored::Absent(arn(&key)?, absent),
            TaskRecord::Task(task) => Restored::Task(checked(key, task)?),
        },
    })
}

/// The stories of the tasks that stopped long ago; other records are passed over.
///
/// # Errors
/// When such a record cannot be read.
pub fn history(records: &[Record]) -> Result<BTreeMap<TaskArn, Story>, RestoreError> {
    let mut stories = BTreeMap::new();
    for record in records.iter().filter(|record| record.key.table == Table::History) {
        if let Restored::Past(arn, story) = decode(record.clone())? {
            stories.insert(arn, *story);
        }
    }
    Ok(stories)
}

/// Reads what a container bears, with the same care as a record.
pub(crate) fn read_inscription<T: DeserializeOwned>(value: &[u8]) -> Result<T, RestoreError> {
    read(&RecordKey { table: Table::Tasks, id: "inscription".to_owned() }, value)
}

fn read<T: DeserializeOwned>(key: &RecordKey, value: &[u8]) -> Result<T, RestoreError> {
    match serde_json::from_slice(value) {
        Ok(Envelope { v: VERSION, record }) => Ok(record),
        Ok(Envelope { v, .. }) => Err(RestoreError::Version { key: key.clone(), version: v }),
        // A newer version may well have another shape; its number says more than where the shapes part.
        Err(source) => Err(match serde_json::from_slice(value) {
            Ok(Version { v }) if v != VERSION => RestoreError::Version { key: key.clone(), version: v },
            Ok(Version { .. }) | Err(_) => RestoreError::Unreadable { key: key.clone(), source },
        }),
    }
}

/// Everything else relies on each container standing beside its definition.
fn checked(key: RecordKey, task: Task) -> Result<Task, RestoreError> {
    let names = task.containers.iter().map(|container| container.name());
    let defined = task.spec.containers.iter().map(|spec| spec.name.as_str());
    if names.eq(defined) { Ok(task) } else { Err(RestoreError::Containers { key }) }
}
