//! What a container gets for a path: a pure function of the asking task and of snapshots.
//!
//! Owns status codes, bodies and the rule that a task is told of itself alone. Refuses sockets, logs and clocks; what is to be
//! logged comes back in the [`Answer`]. Source: spec 6.1 and 6.2.

use super::credentials::{CredentialStore, Role, TaskCredentials};
use super::metadata::{ContainerBody, TaskBody};
use super::path::{Path, Version, What};
use crate::http::{Body, Reply};
use crate::telemetry::stats::{StatsView, container_stats, task_stats};
use crate::view::{TaskView, View};
use serde::Serialize;
use wharf_protocol::arn::TaskArn;

/// The snapshots that answers are made of.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// Tasks and host.
    pub view: &'a View,
    /// Use of resources.
    pub stats: &'a StatsView,
    /// Credentials.
    pub credentials: &'a CredentialStore,
}

/// A reply, and what the shell has to log of it.
#[derive(Debug)]
pub struct Answer {
    /// What goes back to the container.
    pub reply: Reply,
    /// Owner of the id that was asked for, when it was another task's: a refusal worth a warning.
    pub belongs_to: Option<TaskArn>,
    /// Event for the audit log, for requests of credentials; empty when it is not known whose they are.
    pub audit: Option<&'static str>,
}

/// Answers `path` for the task that `asking` names.
pub fn render(asking: &TaskArn, path: &Path<'_>, sources: Sources<'_>) -> Answer {
    match *path {
        Path::Credentials { version, id } => credentials(asking, version, id, sources),
        Path::Metadata { version, id, what } => metadata(asking, version, id, what, sources),
    }
}

fn metadata(asking: &TaskArn, version: Version, id: &str, what: What, sources: Sources<'_>) -> Answer {
    let own = sources.view.tasks.get(asking).filter(|task| task.by_metadata_id(id).is_some());
    let belongs_to = match own {
        Some(_) => None,
        None => owner(asking, sources.view, |task| task.by_metadata_id(id).is_some()),
    };
    let reply = match own {
        Some(task) => own_metadata(task, version, id, what, sources),
        None => not_found(version, id, what, belongs_to.is_some()),
    };
    Answer { reply, belongs_to, audit: None }
}

fn own_metadata(task: &TaskView, version: Version, id: &str, what: What, sources: Sources<'_>) -> Reply {
    let host = &sources.view.host;
    let Some((spec, state)) = task.by_metadata_id(id) else { return not_found(version, id, what, false) };
    match what {
        What::Container => ok(&ContainerBody::new(host, task, spec, state, version)),
        // Tags are looked up nowhere: the control plane sends none with a task, so none are known.
        What::Task | What::TaskWithTags => ok(&TaskBody::new(host, task, version)),
        What::TaskStats => ok(&task_stats(sources.stats, &task.spec)),
        What::Stats => match container_stats(sources.stats, &task.spec, &spec.name) {
            Some(stats) => ok(&stats),
            None => {
                let runtime_id = crate::view::runtime_id(&task.spec.arn, &spec.name);
                text(500, &format!("Unable to get container stats for: {runtime_id}"))
            }
        },
        What::Associations | What::Association => no_association(version, what, id),
    }
}

/// The answer to an id that nobody has; `foreign` ones look the same, but are always 404.
fn not_found(version: Version, id: &str, what: What, foreign: bool) -> Reply {
    let (number, unknown) = match version {
        Version::V3 => (3, 400),
        Version::V4 => (4, 404),
    };
    let container =
        format!("unable to get container ID from request: unable to get docker ID from v3 endpoint ID: {id}");
    let task =
        format!("unable to get task arn from request: unable to get task Arn from v3 endpoint ID: {id}");
    let (handler, reason) = match what {
        What::Container => ("container metadata", container),
        What::Task | What::TaskWithTags => ("task metadata", task),
        What::Stats => ("container stats", container),
        What::TaskStats => ("task stats", task),
        What::Associations => ("container associations", container),
        What::Association => ("container association", container),
    };
    text(if foreign { 404 } else { unknown }, &format!("V{number} {handler} handler: {reason}"))
}

/// No container has an association here: elastic inference accelerators are not offered.
fn no_association(version: Version, what: What, id: &str) -> Reply {
    let number = match version {
        Version::V3 => 3,
        Version::V4 => 4,
    };
    let kind = if what == What::Association { "association" } else { "associations" };
    text(404, &format!("V{number} container {kind} handler: no association of container {id}"))
}

fn credentials(asking: &TaskArn, version: u8, id: &str, sources: Sources<'_>) -> Answer {
    let stored = sources.credentials.get(id);
    let of_caller = sources.view.tasks.get(asking).is_some_and(|task| task.has_credentials(id));
    let belongs_to = match &stored {
        Some(found) => Some(found.task.clone()).filter(|owner| owner != asking),
        None if of_caller => None,
        None => owner(asking, sources.view, |task| task.has_credentials(id)),
    };
    let refusal = |status, code, message: &str| credentials_refused(version, status, code, message);
    let reply = match &stored {
        _ if id.is_empty() => refusal(400, "NoIdInRequest", "No Credential ID in the request"),
        _ if belongs_to.is_some() => refusal(404, "InvalidIdInRequest", "Credentials not found"),
        Some(found) => ok(&CredentialsBody::new(found)),
        None if of_caller => refusal(503, "CredentialsUninitialized", "Credentials uninitialized for ID"),
        None => refusal(400, "InvalidIdInRequest", "Credentials not found"),
    };
    // As in the Go agent the event names the role only when credentials are handed out.
    let audit = stored.filter(|_| belongs_to.is_none()).map(|found| found.role).map_or("", Role::audit_event);
    Answer { reply, belongs_to, audit: Some(audit) }
}

/// The task other than `asking` that `owns`.
fn owner(asking: &TaskArn, view: &View, owns: impl Fn(&TaskView) -> bool) -> Option<TaskArn> {
    view.tasks.iter().find(|(arn, task)| *arn != asking && owns(task)).map(|(arn, _)| arn.clone())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CredentialsBody<'a> {
    role_arn: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: &'a str,
}

impl<'a> CredentialsBody<'a> {
    fn new(credentials: &'a TaskCredentials) -> Self {
        Self {
            role_arn: &credentials.role_arn,
            access_key_id: &credentials.access_key_id,
            secret_access_key: credentials.secret_access_key.expose(),
            token: credentials.session_token.expose(),
            expiration: &credentials.expiration,
        }
    }
}

fn credentials_refused(version: u8, status: u16, code: &'static str, message: &str) -> Reply {
    #[derive(Serialize)]
    struct Refusal {
        code: &'static str,
        message: String,
        #[serde(rename = "HTTPErrorCode")]
        status: u16,
    }
    let message = format!("CredentialsV{version}Request: {message}");
    Reply { status, body: Body::json(&Refusal { code, message, status }) }
}

fn ok(body: &impl Serialize) -> Reply {
    Reply { status: 200, body: Body::json(body) }
}

/// A JSON string as body, the form of every other failure.
fn text(status: u16, message: &str) -> Reply {
    Reply { status, body: Body::json(message) }
}
