//! `wharf-agent tasks`: what the saved state knows, whether an agent runs or not.

use crate::capabilities::{host_resources, read_host_facts};
use crate::config::Settings;
use crate::seam::{Clock as _, SystemClock};
use crate::store::{OpenError, UnknownKind, peek};
use crate::view::{TaskView, desired_word};
use std::collections::BTreeMap;
use std::sync::Arc;
use wharf_core::config::NodeConfig;
use wharf_core::node::Node;
use wharf_core::record::{self, RestoreError};
use wharf_core::report::Status;
use wharf_core::story::Story;
use wharf_core::task::Task;
use wharf_protocol::arn::TaskArn;

/// Why the tasks could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TasksError {
    /// The store cannot be opened.
    #[error("cannot open the saved state")]
    Open(#[from] OpenError),
    /// The store holds rows of a newer version.
    #[error("cannot read the saved state")]
    Kind(#[from] UnknownKind),
    /// A row is not a task of this version.
    #[error("cannot restore the saved tasks")]
    Restore(#[from] RestoreError),
}

/// What the node was told, for those who only look. A host that does not tell its size has none: nothing is decided here.
pub(super) fn node_config(settings: &Settings) -> NodeConfig {
    let host = read_host_facts().ok().and_then(|facts| host_resources(&facts, settings).ok());
    crate::agent::node_config(settings, host.unwrap_or_default())
}

/// One line of the list.
struct Row {
    task: TaskView,
    /// What it waits for, or why it stopped.
    now: String,
}

/// One task a line, or a JSON list.
pub(super) fn list(settings: &Settings, json: bool, all: bool) -> Result<String, TasksError> {
    let records = peek(&settings.roots.data_dir)?.unwrap_or_default().records()?;
    let past = if all { record::history(&records)? } else { BTreeMap::new() };
    let node = Node::restore(node_config(settings), records)?;
    let row = |(arn, task): (&TaskArn, &Arc<Task>)| {
        let wait = node.waiting_for(arn, SystemClock.now()).map(|wait| format!("waits for {}", wait.what));
        let why = || task.why().map(|reason| reason.to_string());
        Row { task: TaskView::from(&**task), now: wait.or_else(why).unwrap_or_default() }
    };
    let rows: Vec<Row> = node.tasks().iter().map(row).collect();
    Ok(if json { as_json(&rows, &past) } else { as_table(&rows, &past) })
}

fn as_json(rows: &[Row], past: &BTreeMap<TaskArn, Story>) -> String {
    let tasks = rows.iter().map(|Row { task, now }| {
        let containers: Vec<_> = task
            .containers()
            .map(|(spec, state)| serde_json::json!({"name": spec.name, "knownStatus": state.known.as_str()}))
            .collect();
        serde_json::json!({
            "taskArn": task.spec.arn.as_str(),
            "family": task.spec.family,
            "revision": task.spec.version,
            "desiredStatus": desired_word(task.desired),
            "knownStatus": task.known.as_str(),
            "containers": containers,
            "now": now,
        })
    });
    let past = past.iter().map(|(arn, story)| {
        serde_json::json!({
            "taskArn": arn.as_str(),
            "family": story.family,
            "revision": story.version,
            "desiredStatus": desired_word(story.desired),
            "knownStatus": story.status.map(Status::as_str),
            "containers": [],
            "now": story.why.as_ref().map(ToString::to_string),
        })
    });
    format!("{:#}\n", serde_json::Value::Array(tasks.chain(past).collect()))
}

fn as_table(rows: &[Row], past: &BTreeMap<TaskArn, Story>) -> String {
    let line = |[id, what, desired, known, containers, now]: [&str; 6]| {
        let line = format!("{id:34} {what:24} {desired:8} {known:8} {containers:24} {now}");
        format!("{}\n", line.trim_end())
    };
    let rows = rows.iter().map(|Row { task, now }| {
        let containers: Vec<String> = task
            .containers()
            .map(|(spec, state)| format!("{}={}", spec.name, state.known.as_str()))
            .collect();
        let what = format!("{}:{}", task.spec.family, task.spec.version);
        let (desired, known) = (desired_word(task.desired), task.known.as_str());
        line([task.spec.arn.id(), &what, desired, known, &containers.join(" "), now])
    });
    let past = past.iter().map(|(arn, story)| {
        let what = format!("{}:{}", story.family, story.version);
        let why = story.why.as_ref().map(ToString::to_string).unwrap_or_default();
        line([arn.id(), &what, desired_word(story.desired), "STOPPED", "", &why])
    });
    let title = line(["TASK", "DEFINITION", "DESIRED", "KNOWN", "CONTAINERS", "NOW"]);
    std::iter::once(title).chain(rows).chain(past).collect()
}
