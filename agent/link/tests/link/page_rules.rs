//! Paging of spec 4.5 to 4.7.

use crate::peer::{INSTANCE, identity};
use serde_json::Value;
use wharf_link::endpoint::AgentIdentity;
use wharf_link::tcs::pages::{self, BYTES, Tick};
use wharf_link::tcs::{InstanceStatusReport, MetricsSnapshot};
use wharf_protocol::Timestamp;
use wharf_protocol::tcs::{self, InstanceStatus, Message, TaskHealth, TaskMetric};

fn tick(identity: &AgentIdentity) -> Tick<'_> {
    Tick { identity, message_id: "m-1".to_owned(), timestamp: Timestamp::from_millis(1_790_000_000_500) }
}

fn metrics(snapshot: MetricsSnapshot) -> Vec<Message> {
    pages::metrics(&tick(&identity()), snapshot)
}

fn tasks(count: usize, family: &str) -> MetricsSnapshot {
    let task = |n: usize| TaskMetric {
        task_arn: Some(format!("task-{n}")),
        task_definition_family: Some(family.to_owned()),
        ..TaskMetric::default()
    };
    MetricsSnapshot::Tasks((0..count).map(task).collect())
}

fn json(message: &Message) -> Value {
    serde_json::from_str(&tcs::encode(message)).unwrap()
}

fn counts(pages: &[Message]) -> Vec<usize> {
    pages.iter().map(|page| json(page)["message"]["taskMetrics"].as_array().unwrap().len()).collect()
}

fn fins(pages: &[Message]) -> Vec<bool> {
    pages.iter().map(|page| json(page)["message"]["metadata"]["fin"].as_bool().unwrap()).collect()
}

#[test]
fn an_idle_instance_says_so_in_one_message() {
    let pages = metrics(MetricsSnapshot::Idle);
    let expected = serde_json::json!({"type": "PublishMetricsRequest", "message": {
        "metadata": {"cluster": "c1", "containerInstance": INSTANCE, "messageId": "m-1", "idle": true, "fin": true},
        "taskMetrics": [], "timestamp": 1_790_000_000.5}});
    assert_eq!(pages.iter().map(json).collect::<Vec<_>>(), [expected]);
}

#[test]
fn nothing_sampled_yet_sends_nothing() {
    assert_eq!(metrics(tasks(0, "f")), []);
}

#[test]
fn a_page_holds_ten_tasks_and_only_the_last_is_final() {
    for (count, expected) in [
        (1, vec![1]),
        (9, vec![9]),
        (10, vec![10]),
        (11, vec![10, 1]),
        (20, vec![10, 10]),
        (25, vec![10, 10, 5]),
    ] {
        let pages = metrics(tasks(count, "f"));
        assert_eq!(counts(&pages), expected, "{count} tasks");
        let last = expected.len() - 1;
        assert_eq!(fins(&pages), (0..=last).map(|page| page == last).collect::<Vec<_>>(), "{count} tasks");
    }
}

#[test]
fn all_pages_of_a_tick_bear_one_message_id_and_are_not_idle() {
    for page in metrics(tasks(25, "f")).iter().map(json) {
        assert_eq!(page["message"]["metadata"]["messageId"], "m-1");
        assert_eq!(page["message"]["metadata"]["idle"], false);
    }
}

#[test]
fn tasks_keep_their_order_and_none_is_lost() {
    let arns: Vec<String> = metrics(tasks(25, "f"))
        .iter()
        .flat_map(|page| json(page)["message"]["taskMetrics"].as_array().unwrap().clone())
        .map(|task| task["taskArn"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(arns, (0..25).map(|n| format!("task-{n}")).collect::<Vec<_>>());
}

#[test]
fn a_task_that_would_overflow_a_mebibyte_starts_a_new_page() {
    let pages = metrics(tasks(7, &"f".repeat(300 * 1024)));
    assert_eq!(counts(&pages), [3, 3, 1]);
    assert_eq!(fins(&pages), [false, false, true]);
    for page in &pages {
        assert!(tcs::encode(page).len() <= BYTES);
    }
}

#[test]
fn pages_come_as_close_to_a_mebibyte_as_they_can() {
    let page = |family: usize| {
        let pages = metrics(tasks(2, &"f".repeat(family)));
        (pages.len(), tcs::encode(&pages[0]).len())
    };
    let (_, empty) = page(0);
    let family = (BYTES - empty) / 2 - 1;
    let (pages, bytes) = page(family);
    assert_eq!(pages, 1);
    assert!(bytes <= BYTES && bytes > BYTES - 4, "{bytes} of {BYTES}");
    assert_eq!(page(family + 2).0, 2, "a little more, and the two part");
}

#[test]
fn a_task_larger_than_a_page_goes_alone() {
    assert_eq!(counts(&metrics(tasks(2, &"f".repeat(BYTES)))), [1, 1]);
}

#[test]
fn health_is_paged_alike_and_silent_without_tasks() {
    let health = |count: usize| {
        let task = |n: usize| TaskHealth { task_arn: Some(format!("task-{n}")), ..TaskHealth::default() };
        pages::health(&tick(&identity()), (0..count).map(task).collect())
    };
    assert_eq!(health(0), []);
    let sizes = |pages: Vec<Message>| -> Vec<usize> {
        pages.iter().map(|page| json(page)["message"]["tasks"].as_array().unwrap().len()).collect()
    };
    assert_eq!(fins(&health(20)), [false, true]);
    assert_eq!(sizes(health(21)), [10, 10, 1]);
}

#[test]
fn instance_status_names_the_request_and_every_check() {
    let status = InstanceStatus {
        r#type: Some("ContainerRuntime".to_owned()),
        status: Some("OK".to_owned()),
        last_updated: Some(Timestamp::from_millis(1_790_000_000_000)),
        ..InstanceStatus::default()
    };
    let report = InstanceStatusReport { run: 3, statuses: vec![status] };
    let message = json(&pages::instance_status(&tick(&identity()), report));
    assert_eq!(message["type"], "PublishInstanceStatusRequest");
    assert_eq!(message["message"]["metadata"]["requestId"], "m-1");
    assert_eq!(
        message["message"]["statuses"],
        serde_json::json!([{"type": "ContainerRuntime", "status": "OK", "lastUpdated": 1_790_000_000}])
    );
}
