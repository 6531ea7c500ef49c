//! `wharf-agent tasks`: what the saved state knows, whether an agent runs or not.

use crate::store::{OpenError, UnknownKind, peek};
use crate::view::{TaskView, desired_word};
use std::path::Path;
use wharf_core::config::{HostResources, NodeConfig};
use wharf_core::node::Node;
use wharf_core::record::RestoreError;

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

/// One task a line, or a JSON list.
pub(super) fn list(data_dir: &Path, json: bool) -> Result<String, TasksError> {
    let records = peek(data_dir)?.unwrap_or_default().records()?;
    // The host's size does not matter: nothing is decided here.
    let node = Node::restore(NodeConfig::new(HostResources::default()), records)?;
    let tasks: Vec<TaskView> = node.tasks().values().map(|task| TaskView::from(&**task)).collect();
    Ok(if json { as_json(&tasks) } else { as_table(&tasks) })
}

fn as_json(tasks: &[TaskView]) -> String {
    let tasks: Vec<_> = tasks
        .iter()
        .map(|task| {
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
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(tasks))
}

fn as_table(tasks: &[TaskView]) -> String {
    let line = |id: &str, what: &str, desired: &str, known: &str, containers: &str| {
        format!("{id:34} {what:24} {desired:8} {known:8} {containers}\n")
    };
    let rows = tasks.iter().map(|task| {
        let containers: Vec<String> = task
            .containers()
            .map(|(spec, state)| format!("{}={}", spec.name, state.known.as_str()))
            .collect();
        let what = format!("{}:{}", task.spec.family, task.spec.version);
        line(
            task.spec.arn.id(),
            &what,
            desired_word(task.desired),
            task.known.as_str(),
            &containers.join(" "),
        )
    });
    let title = line("TASK", "DEFINITION", "DESIRED", "KNOWN", "CONTAINERS");
    std::iter::once(title).chain(rows).collect()
}
