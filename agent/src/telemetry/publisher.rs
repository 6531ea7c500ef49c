//! What TCS asks for at each tick, from the newest snapshots; nothing here waits.

use super::health::task_health;
use super::sampler::Metrics;
use crate::view::{Stage, TaskView, View};
use std::sync::Arc;
use tokio::sync::watch;
use wharf_link::tcs::{InstanceStatusReport, MetricsSnapshot, TelemetrySource};
use wharf_protocol::tcs::TaskHealth;

/// The agent's side of a TCS session.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// Tasks and host, from the owner loop.
    pub view: watch::Receiver<Arc<View>>,
    /// Samples, from the sampler; `None` where metrics are switched off (`ECS_DISABLE_METRICS`): health still flows.
    pub metrics: Option<Metrics>,
    /// The runtime's health, from the doctor.
    pub instance: watch::Receiver<InstanceStatusReport>,
}

impl TelemetrySource for Publisher {
    fn metrics(&mut self) -> MetricsSnapshot {
        let runs = |task: &Arc<TaskView>| task.containers.iter().any(|state| state.known == Stage::Running);
        let busy = self.view.borrow().tasks.values().any(runs);
        match &self.metrics {
            Some(metrics) if busy => MetricsSnapshot::Tasks(metrics.take()),
            Some(_) | None => MetricsSnapshot::Idle,
        }
    }

    fn health(&mut self) -> Vec<TaskHealth> {
        task_health(&self.view.borrow())
    }

    fn instance_status(&mut self) -> InstanceStatusReport {
        self.instance.borrow().clone()
    }
}
