//! Task protection: GetTaskProtection and UpdateTaskProtection, which agents call for containers (spec 2.8).

use super::common::Failure;
use crate::Timestamp;

wire! {
    /// Input of [`GetTaskProtection`](super::GetTaskProtection).
    pub struct GetTaskProtectionRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Ids or ARNs, at most 10; empty is every task.
        tasks: Vec<String>,
    }

    /// Output of [`GetTaskProtection`](super::GetTaskProtection).
    pub struct GetTaskProtectionResponse {
        /// The tasks and their protection.
        protected_tasks: Vec<ProtectedTask> = sent,
        /// What was asked for and could not be done.
        failures: Vec<Failure> = sent,
    }

    /// Input of [`UpdateTaskProtection`](super::UpdateTaskProtection).
    pub struct UpdateTaskProtectionRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
        /// Ids or ARNs, at most 10.
        tasks: Vec<String>,
        /// Whether the task is spared when its service scales in.
        protection_enabled: Option<bool>,
        /// Minutes until the protection ends, 1 to 2880; absent is 120.
        expires_in_minutes: Option<i64>,
    }

    /// Output of [`UpdateTaskProtection`](super::UpdateTaskProtection).
    pub struct UpdateTaskProtectionResponse {
        /// The tasks and their protection.
        protected_tasks: Vec<ProtectedTask> = sent,
        /// What was asked for and could not be done.
        failures: Vec<Failure> = sent,
    }

    /// A task and its protection.
    pub struct ProtectedTask {
        /// ARN of the task.
        task_arn: Option<String>,
        /// Whether the task is spared when its service scales in.
        protection_enabled: Option<bool>,
        /// When the protection ends.
        expiration_date: Option<Timestamp>,
    }
}
