//! A payload as goals and credentials. Source: spec 3.5 `PayloadMessage`.

use super::refusal::{Refusal, required};
use super::task;
use crate::endpoints::credentials::{Role, TaskCredentials};
use wharf_core::event::{Desired, Goal};
use wharf_protocol::Secret;
use wharf_protocol::acs::{IAMRoleCredentials, PayloadMessage, Task};
use wharf_protocol::arn::TaskArn;

/// What this host offers; a task that asks for more is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether containers may be privileged.
    pub privileged: bool,
    /// Whether tasks may have a network of their own.
    pub task_eni: bool,
    /// Whether containers may have health checks.
    pub health_check: bool,
    /// Names of the log drivers.
    pub logging_drivers: Vec<String>,
}

impl From<&crate::config::Features> for Policy {
    fn from(features: &crate::config::Features) -> Self {
        Self {
            privileged: features.privileged,
            task_eni: features.task_eni,
            health_check: features.health_check,
            logging_drivers: features.logging_drivers.clone(),
        }
    }
}

/// What a payload comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Converted {
    /// What is wanted of each task; those to stop come first (spec 3.5 step 4).
    pub goals: Vec<Goal>,
    /// Credentials of the tasks to run; for memory only.
    pub credentials: Vec<RoleCredentials>,
    /// Tasks without a usable ARN: nobody can be told of them, so they can only be logged. The payload is not to be
    /// acknowledged while there are any.
    pub nameless: Vec<Refusal>,
}

impl Converted {
    /// How many tasks were refused, those without a name included.
    pub fn refused(&self) -> usize {
        let refused = self.goals.iter().filter(|goal| matches!(goal, Goal::Refuse(..))).count();
        refused + self.nameless.len()
    }
}

/// Credentials with the id they are asked for by.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleCredentials {
    /// The credentials id.
    pub id: String,
    /// The credentials; their secrets are redacted in `Debug`.
    pub credentials: TaskCredentials,
}

/// Converts every task of a payload; one that cannot be taken does not touch the others.
///
/// `new_id` draws the metadata id of each container; it has to be unguessable.
pub fn convert(message: &PayloadMessage, policy: &Policy, new_id: &mut dyn FnMut() -> String) -> Converted {
    let mut converted = Converted::default();
    for task in &message.tasks {
        let arn = match name(task) {
            Ok(arn) => arn,
            Err(refusal) => {
                converted.nameless.push(refusal);
                continue;
            }
        };
        let goal = goal(&arn, task, policy, new_id, &mut converted.credentials)
            .unwrap_or_else(|refusal| Goal::Refuse(arn, refusal.reason()));
        converted.goals.push(goal);
    }
    converted.goals.sort_by_key(|goal| !matches!(goal, Goal::Stop(_)));
    converted
}

fn name(task: &Task) -> Result<TaskArn, Refusal> {
    let arn = required("arn", &task.arn)?;
    TaskArn::parse(arn).map_err(|error| Refusal::wrong("arn", arn, error.to_string()))
}

fn goal(
    arn: &TaskArn,
    task: &Task,
    policy: &Policy,
    new_id: &mut dyn FnMut() -> String,
    credentials: &mut Vec<RoleCredentials>,
) -> Result<Goal, Refusal> {
    match desired(task)? {
        // Whatever else it says: a task that is to stop is never refused.
        Desired::Stopped => Ok(Goal::Stop(arn.clone())),
        Desired::Running => {
            let application = role(arn, "roleCredentials", Role::Task, &task.role_credentials)?;
            let execution =
                role(arn, "executionRoleCredentials", Role::Execution, &task.execution_role_credentials)?;
            let ids = [&application, &execution].map(|role| role.as_ref().map(|role| role.id.clone()));
            let spec = task::convert(arn, task, ids, policy, new_id)?;
            credentials.extend(application.into_iter().chain(execution));
            Ok(Goal::Run(Box::new(spec)))
        }
    }
}

fn desired(task: &Task) -> Result<Desired, Refusal> {
    match required("desiredStatus", &task.desired_status)? {
        "RUNNING" => Ok(Desired::Running),
        "STOPPED" | "DEAD" => Ok(Desired::Stopped),
        "NONE" | "UNKNOWN" | "MANIFEST_PULLED" | "CREATED" => {
            let field = format!("desiredStatus {}", task.desired_status.as_deref().unwrap_or_default());
            Err(Refusal::unsupported(field))
        }
        other => Err(Refusal::wrong("desiredStatus", other, "RUNNING or STOPPED")),
    }
}

fn role(
    arn: &TaskArn,
    field: &str,
    role: Role,
    credentials: &Option<IAMRoleCredentials>,
) -> Result<Option<RoleCredentials>, Refusal> {
    let Some(credentials) = credentials else { return Ok(None) };
    let id = required(&format!("{field}.credentialsId"), &credentials.credentials_id)?.to_owned();
    Ok(Some(RoleCredentials { id, credentials: task_credentials(arn, role, credentials) }))
}

/// Credentials in the form that is served to containers; what is absent is served empty.
pub(super) fn task_credentials(
    arn: &TaskArn,
    role: Role,
    credentials: &IAMRoleCredentials,
) -> TaskCredentials {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let secret = |secret: &Option<Secret>| secret.clone().unwrap_or_default();
    TaskCredentials {
        task: arn.clone(),
        role,
        role_arn: text(&credentials.role_arn),
        access_key_id: text(&credentials.access_key_id),
        secret_access_key: secret(&credentials.secret_access_key),
        session_token: secret(&credentials.session_token),
        expiration: text(&credentials.expiration),
    }
}
