//! `wharf-agent explain`: one task, from its arrival to its end, in the words of the saved state; whether an agent runs or not.
//!
//! Owns finding the task and putting together what is known of it. Refuses to lock or change anything: the store is read as it
//! is, logs and cgroups are looked at. Sentences are made in [`text`].

mod text;

use super::tasks::TasksError;
use crate::config::Settings;
use crate::effects::Places;
use crate::last_lines;
use crate::seam::{Clock as _, SystemClock};
use crate::store::{holder, peek};
use serde::Serialize;
use std::io::ErrorKind;
use wharf_core::event::Remains;
use wharf_core::node::Node;
use wharf_core::record::{self, Absent};
use wharf_core::story::{Part, Story};
use wharf_core::wait::Wait;
use wharf_protocol::arn::TaskArn;
use wharf_runtime::cgroup::CgroupRoot;

/// Why a task cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The saved state cannot be read.
    #[error(transparent)]
    State(#[from] TasksError),
    /// Nobody knows the task.
    #[error("no task {wanted:?} is known on this host; `wharf-agent tasks --all` lists those that are")]
    Unknown {
        /// What was asked for.
        wanted: String,
    },
    /// Several tasks begin so.
    #[error("{wanted:?} is the beginning of several tasks: {}", .found.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Their ids, the first few.
        found: Vec<String>,
    },
}

/// What is told of a task.
#[derive(Debug)]
pub(super) struct Explained {
    pub(super) arn: TaskArn,
    /// The process that holds the data directory; `None` when no agent runs.
    pub(super) agent: Option<u32>,
    pub(super) tale: Tale,
}

/// What is known of a task.
#[derive(Debug)]
pub(super) enum Tale {
    /// It has a record, or its story is left.
    Known { story: Box<Story>, wait: Option<Wait>, output: Vec<Output> },
    /// It never was here.
    Absent(Absent),
}

/// A container's last lines and memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    pub(super) last_lines: Vec<String>,
    /// Why there are none.
    pub(super) no_lines: Option<String>,
    pub(super) peak_memory: Option<u64>,
    pub(super) memory_limit: Option<u64>,
    /// Why the peak is not known.
    pub(super) no_peak: Option<String>,
}

/// Explains the task with this id, beginning of an id, or ARN.
pub(super) fn explain(settings: &Settings, wanted: &str, json: bool) -> Result<String, ExplainError> {
    let explained = find(settings, wanted)?;
    Ok(if json { text::as_json(&explained) } else { text::as_text(&explained) })
}

fn find(settings: &Settings, wanted: &str) -> Result<Explained, ExplainError> {
    let data_dir = &settings.roots.data_dir;
    let records =
        peek(data_dir).map_err(TasksError::from)?.unwrap_or_default().records().map_err(TasksError::from)?;
    let past = record::history(&records).map_err(TasksError::from)?;
    let node = Node::restore(super::tasks::node_config(settings), records).map_err(TasksError::from)?;
    let arn = choose(node.tasks().keys().chain(node.absent().keys()).chain(past.keys()), wanted)?;
    let places = crate::agent::places(settings);
    let tale = match (node.tasks().get(&arn), past.get(&arn), node.absent().get(&arn)) {
        (Some(task), _, _) => {
            let story = Story::of(task, node.journal(&arn).cloned().unwrap_or_default());
            let wait = node.waiting_for(&arn, SystemClock.now());
            let output = story.containers.iter().map(|part| output(&places, &arn, part)).collect();
            Tale::Known { story: Box::new(story), wait, output }
        }
        (None, Some(story), _) => {
            let output = story.containers.iter().map(|part| output(&places, &arn, part)).collect();
            Tale::Known { story: Box::new(story.clone()), wait: None, output }
        }
        (None, None, Some(absent)) => Tale::Absent(absent.clone()),
        (None, None, None) => return Err(ExplainError::Unknown { wanted: wanted.to_owned() }),
    };
    Ok(Explained { arn, agent: holder(data_dir), tale })
}

/// The one task that is meant.
fn choose<'a>(known: impl Iterator<Item = &'a TaskArn>, wanted: &str) -> Result<TaskArn, ExplainError> {
    let mut found: Vec<&TaskArn> = known
        .filter(|arn| !wanted.is_empty() && (arn.as_str() == wanted || arn.id().starts_with(wanted)))
        .collect();
    found.sort_unstable();
    found.dedup();
    let exact = found.iter().find(|arn| arn.as_str() == wanted || arn.id() == wanted);
    match (exact, &found[..]) {
        (Some(one), _) | (None, [one]) => Ok((*one).clone()),
        (None, []) => Err(ExplainError::Unknown { wanted: wanted.to_owned() }),
        (None, several) => Err(ExplainError::Ambiguous {
            wanted: wanted.to_owned(),
            found: several.iter().take(5).map(|arn| arn.id().to_owned()).collect(),
        }),
    }
}

fn output(places: &Places, arn: &TaskArn, part: &Part) -> Output {
    let (last_lines, no_lines) = lines(places, arn, part);
    let seen = part.remains.clone().or_else(|| look(places, arn, part)).unwrap_or_default();
    let no_peak = seen.peak_memory.is_none().then(|| {
        let why = match (part.started_at, part.finished_at, &part.remains) {
            (None, _, _) => "it never started",
            (Some(_), Some(_), None) => "the agent did not see its cgroup before it was removed",
            (Some(_), _, _) => "the kernel does not tell",
        };
        why.to_owned()
    });
    Output { last_lines, no_lines, peak_memory: seen.peak_memory, memory_limit: seen.memory_limit, no_peak }
}

/// The last lines from the log, or those that were kept, or why there are none.
fn lines(places: &Places, arn: &TaskArn, part: &Part) -> (Vec<String>, Option<String>) {
    let none = |why: &str| (Vec::new(), Some(why.to_owned()));
    let kept =
        || part.remains.as_ref().map(|remains| remains.last_lines.clone()).filter(|lines| !lines.is_empty());
    match last_lines::read(&places.log(arn, &part.name)) {
        Ok(lines) if lines.is_empty() => none("it wrote nothing"),
        Ok(lines) => (lines, None),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            none(&format!("its log cannot be read: {error}"))
        }
        Err(_) if part.log_driver == "none" => none("its log driver is none"),
        Err(_) if part.started_at.is_none() => none("it never started"),
        Err(_) => match (kept(), &part.remains) {
            (Some(lines), _) => (lines, None),
            (None, Some(_)) => none("it wrote nothing"),
            (None, None) => none("it wrote nothing yet, or its log was removed"),
        },
    }
}

/// The memory of a container whose cgroup is still there.
fn look(places: &Places, arn: &TaskArn, part: &Part) -> Option<Remains> {
    part.started_at?;
    Some(crate::effects::memory(&CgroupRoot::host(), places, arn, &part.name))
}
