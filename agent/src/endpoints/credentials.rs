//! Credentials of tasks: in memory only, never saved, never printed.
//!
//! Owns the map from credentials id to credentials. Refuses disk, logs and any decision about who may ask: that is
//! [`super::render`]'s.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use wharf_protocol::Secret;
use wharf_protocol::arn::TaskArn;

/// Which of a task's two roles credentials are for. Source: features 22.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The role of the application (`taskRoleArn`).
    Task,
    /// The role that pulls images and ships logs (`executionRoleArn`).
    Execution,
}

impl Role {
    /// Name of the event in the audit log.
    pub const fn audit_event(self) -> &'static str {
        match self {
            Self::Task => "GetCredentials",
            Self::Execution => "GetCredentialsExecutionRole",
        }
    }
}

/// Temporary credentials of one role of one task. Source: spec 6.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskCredentials {
    /// Task that they are for.
    pub task: TaskArn,
    /// Which role of it.
    pub role: Role,
    /// ARN of the role.
    pub role_arn: String,
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: Secret,
    /// Session token.
    pub session_token: Secret,
    /// When they lapse, as the control plane wrote it (RFC 3339).
    pub expiration: String,
}

/// Every task's credentials, by their id. Clones share the map.
///
/// A lock and no message: the one writer is the ACS session, readers are many connections that want an answer at once, and a
/// channel would carry copies of secrets around. The lock is never held across an await.
#[derive(Debug, Clone, Default)]
pub struct CredentialStore {
    by_id: Arc<RwLock<HashMap<String, Arc<TaskCredentials>>>>,
}

impl CredentialStore {
    /// Sets or renews the credentials with this id.
    pub fn put(&self, id: impl Into<String>, credentials: TaskCredentials) {
        self.write().insert(id.into(), Arc::new(credentials));
    }

    /// The credentials with this id.
    pub fn get(&self, id: &str) -> Option<Arc<TaskCredentials>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Forgets every credential of a task.
    pub fn remove_task(&self, task: &TaskArn) {
        self.write().retain(|_, credentials| credentials.task != *task);
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Arc<TaskCredentials>>> {
        self.by_id.write().unwrap_or_else(PoisonError::into_inner)
    }
}
