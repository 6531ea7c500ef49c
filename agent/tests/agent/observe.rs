//! Exits of earlier attempts under the same id.

use crate::fixture::{TASK_ID, recorded_task, task_arn, time, view};
use std::time::Duration;
use wharf_agent::observe::is_of_an_earlier;
use wharf_core::event::{ContainerRef, Exit};
use wharf_core::time::Timestamp;

/// Whether an exit at this time is older than the container, created at second 10 and last started at second 30.
fn is_earlier(restarts: Option<u32>, at: Timestamp) -> bool {
    let mut task = recorded_task();
    let container = &mut task.containers[0];
    container.created_at = Some(second(10));
    container.started_at = Some(second(30));
    container.restarts = restarts;
    let container = ContainerRef { task: task_arn(TASK_ID), container: task.spec.containers[0].name.clone() };
    is_of_an_earlier(&view([task]), &container, Exit { code: 137, at })
}

fn second(number: u64) -> Timestamp {
    time("2026-11-28T09:00:00Z").plus(Duration::from_secs(number))
}

#[test]
fn an_exit_from_before_the_creation_is_of_an_earlier_attempt() {
    assert!(is_earlier(None, second(8)));
    assert!(!is_earlier(None, second(10)));
    assert!(!is_earlier(None, second(20)), "it may end before its start is answered");
}

#[test]
fn of_one_that_was_started_again_an_exit_from_before_that_start_is() {
    assert!(is_earlier(Some(1), second(20)));
    assert!(!is_earlier(Some(1), second(31)));
    assert!(!is_earlier(Some(0), second(20)), "it was not started again yet");
}

#[test]
fn of_a_container_that_nobody_knows_none_is() {
    let container = ContainerRef { task: task_arn("other"), container: "app".to_owned() };
    assert!(!is_of_an_earlier(&view([recorded_task()]), &container, Exit { code: 137, at: second(0) }));
}
