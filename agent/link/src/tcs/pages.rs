//! Cutting one tick's values into messages: at most ten tasks and one mebibyte each (spec 4.5 to 4.7).
//!
//! Pure. All pages of a tick bear one message id, only the last says `fin`.

use super::{InstanceStatusReport, MetricsSnapshot};
use crate::endpoint::AgentIdentity;
use serde::Serialize;
use wharf_protocol::Timestamp;
use wharf_protocol::tcs::{
    self, HealthMetadata, InstanceStatusMetadata, Message, MetricsMetadata, PublishHealthRequest,
    PublishInstanceStatusRequest, PublishMetricsRequest, TaskHealth, TaskMetric,
};

/// The most tasks on one page.
pub const TASKS: usize = 10;
/// The most bytes of one page's JSON. A task that is larger on its own is sent alone.
pub const BYTES: usize = 1024 * 1024;

/// What all messages of one tick share.
#[derive(Debug, Clone)]
pub struct Tick<'a> {
    /// Who publishes.
    pub identity: &'a AgentIdentity,
    /// The id all pages bear.
    pub message_id: String,
    /// When the tick was.
    pub timestamp: Timestamp,
}

/// The messages that publish a tick's metrics.
pub fn metrics(tick: &Tick<'_>, snapshot: MetricsSnapshot) -> Vec<Message> {
    let page = |idle, fin, tasks: Vec<TaskMetric>| {
        Message::from(PublishMetricsRequest {
            metadata: Some(MetricsMetadata {
                cluster: Some(tick.identity.cluster.clone()),
                container_instance: Some(tick.identity.container_instance_arn.clone()),
                message_id: Some(tick.message_id.clone()),
                idle: Some(idle),
                fin: Some(fin),
            }),
            instance_metrics: None,
            task_metrics: tasks,
            timestamp: Some(tick.timestamp),
        })
    };
    match snapshot {
        MetricsSnapshot::Idle => vec![page(true, true, Vec::new())],
        MetricsSnapshot::Tasks(tasks) => paged(tasks, |fin, tasks| page(false, fin, tasks)),
    }
}

/// The messages that publish a tick's health; none when no task has a health check.
pub fn health(tick: &Tick<'_>, tasks: Vec<TaskHealth>) -> Vec<Message> {
    paged(tasks, |fin, tasks| {
        Message::from(PublishHealthRequest {
            metadata: Some(HealthMetadata {
                cluster: Some(tick.identity.cluster.clone()),
                container_instance: Some(tick.identity.container_instance_arn.clone()),
                message_id: Some(tick.message_id.clone()),
                fin: Some(fin),
            }),
            tasks,
            timestamp: Some(tick.timestamp),
        })
    })
}

/// The message that publishes the instance's status.
pub fn instance_status(tick: &Tick<'_>, report: InstanceStatusReport) -> Message {
    Message::from(PublishInstanceStatusRequest {
        metadata: Some(InstanceStatusMetadata {
            cluster: Some(tick.identity.cluster.clone()),
            container_instance: Some(tick.identity.container_instance_arn.clone()),
            request_id: Some(tick.message_id.clone()),
        }),
        statuses: report.statuses,
        timestamp: Some(tick.timestamp),
    })
}

fn paged<T: Serialize>(items: Vec<T>, page: impl Fn(bool, Vec<T>) -> Message) -> Vec<Message> {
    let frame = tcs::encode(&page(false, Vec::new())).len();
    let pages = split(items, BYTES.saturating_sub(frame));
    let last = pages.len().saturating_sub(1);
    pages.into_iter().enumerate().map(|(index, items)| page(index == last, items)).collect()
}

/// Fills pages in order; `room` is what the items of one page may take in JSON, commas included.
fn split<T: Serialize>(items: Vec<T>, room: usize) -> Vec<Vec<T>> {
    let mut pages: Vec<Vec<T>> = Vec::new();
    let mut taken = 0;
    for item in items {
        let size = wharf_protocol::api::encode(&item).len() + 1;
        match pages.last_mut() {
            Some(page) if page.len() < TASKS && taken + size <= room => {
                page.push(item);
                taken += size;
            }
            Some(_) | None => {
                pages.push(vec![item]);
                taken = size;
            }
        }
    }
    pages
}
