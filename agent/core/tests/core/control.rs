//! Messages of the control plane: acknowledged, repeated, late, out of order. And names.

use crate::bench::Bench;
use crate::build::*;
use std::collections::{BTreeMap, BTreeSet};
use wharf_core::effect::Reply;
use wharf_core::event::{Desired, Event, Goal, Observation};
use wharf_core::task::runtime_id;

pub fn manifest(timeline: i64, tasks: &[(&str, Desired)]) -> Event {
    let tasks: BTreeMap<_, _> = tasks.iter().map(|(task, desired)| (arn(task), *desired)).collect();
    Event::ManifestReceived { message_id: format!("manifest-{timeline}"), timeline, tasks }
}

fn verified(timeline: i64, task: &str) -> Event {
    Event::StopsVerified { message_id: format!("manifest-{timeline}"), tasks: vec![arn(task)] }
}

fn two_running() -> Bench {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.up(a_task("u", vec![a_container("app")]));
    bench
}

fn ack(message_id: &str) -> Reply {
    Reply::Ack { message_id: message_id.to_owned() }
}

#[test]
fn a_run_that_comes_twice_is_acknowledged_twice_and_done_once() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    let turn = bench.turn(run(a_task("t", vec![a_container("other")])));
    assert_eq!((turn.replies.len(), turn.effects.len()), (1, 0));
    assert!(bench.task("t").container("other").is_none(), "a definition never changes");
}

#[test]
fn a_task_that_was_to_stop_never_runs_again() {
    let mut bench = two_running();
    bench.on(stop("t"));
    assert_eq!(bench.on(run(a_task("t", vec![a_container("app")]))), []);
    assert_eq!(bench.task("t").desired(), Desired::Stopped);
}

#[test]
fn a_manifest_is_acknowledged_and_asks_about_tasks_it_does_not_want() {
    let mut bench = two_running();
    let replies = bench.replies(manifest(1, &[("t", Desired::Running)]));
    let ask = Reply::VerifyStops { message_id: "manifest-1".to_owned(), candidates: vec![arn("u")] };
    assert_eq!(replies, [ack("manifest-1"), ask]);
    assert_eq!(bench.task("u").desired(), Desired::Running, "nothing is stopped before it is confirmed");
    assert_eq!(words(&bench.on(verified(1, "u"))), ["ask app"]);
}

#[test]
fn a_task_that_a_manifest_lists_as_stopped_is_asked_about() {
    let mut bench = two_running();
    let replies = bench.replies(manifest(1, &[("t", Desired::Stopped), ("u", Desired::Running)]));
    assert_eq!(replies.len(), 2);
}

#[test]
fn a_manifest_that_wants_all_that_runs_is_only_acknowledged_and_starts_nothing() {
    let mut bench = two_running();
    let tasks = [("t", Desired::Running), ("u", Desired::Running), ("v", Desired::Running)];
    let turn = bench.turn(manifest(1, &tasks));
    assert_eq!((turn.replies, turn.effects), (vec![ack("manifest-1")], vec![]));
}

#[test]
fn an_old_manifest_is_ignored_also_after_a_restart() {
    let mut bench = two_running();
    bench.on(manifest(7, &[]));
    assert_eq!(bench.replies(manifest(7, &[])), []);
    let running = Observation::Running { pid: 1, since: None };
    bench.restart(&[(of("t", "app"), running), (of("u", "app"), running)]);
    assert_eq!(bench.replies(manifest(6, &[])), []);
    assert_eq!(bench.replies(manifest(8, &[])).len(), 2);
}

#[test]
fn a_payload_with_a_sequence_number_makes_older_manifests_old() {
    let mut bench = two_running();
    let payload = Event::PayloadReceived { message_id: "m".to_owned(), sequence: Some(5), goals: vec![] };
    bench.on(payload);
    assert_eq!(bench.replies(manifest(5, &[])), []);
}

#[test]
fn only_the_last_manifests_stops_are_taken_and_only_once() {
    let mut bench = two_running();
    bench.on(manifest(1, &[]));
    bench.on(manifest(2, &[]));
    assert_eq!(bench.on(verified(1, "t")), []);
    assert_eq!(words(&bench.on(verified(2, "t"))), ["ask app"]);
    assert_eq!(bench.on(verified(2, "u")), []);
}

#[test]
fn a_verification_is_taken_after_a_restart_too() {
    let mut bench = two_running();
    bench.on(manifest(1, &[]));
    let running = Observation::Running { pid: 1, since: None };
    bench.restart(&[(of("t", "app"), running), (of("u", "app"), running)]);
    assert_eq!(words(&bench.on(verified(1, "t"))), ["ask app"]);
}

#[test]
fn twenty_tasks_in_one_payload_all_start() {
    let mut bench = Bench::new();
    let task = |n: usize| Goal::Run(Box::new(a_task(&format!("t{n}"), vec![a_container("app")])));
    let effects = bench.on(payload("m", (0..20).map(task).collect()));
    assert_eq!(effects.len(), 20);
    bench.succeed(effects);
    let status = |n| bench.task(&format!("t{n}")).told();
    assert!((0..20).all(|n| status(n) == Some(wharf_core::report::Status::Running)));
}

#[test]
fn a_task_without_containers_is_over_at_once() {
    let mut bench = Bench::new();
    let effects = bench.on(run(a_task("t", vec![])));
    assert_eq!(report(&effects).reason, "UnrecogniedTaskError: task has no containers");
}

#[test]
fn a_task_with_two_containers_of_one_name_is_over_at_once() {
    let mut bench = Bench::new();
    let effects = bench.on(run(a_task("t", vec![a_container("app"), a_container("app")])));
    assert_eq!(report(&effects).reason, "UnrecogniedTaskError: task has two containers named app");
}

#[test]
fn runtime_ids_are_task_and_container_while_containerd_takes_them() {
    assert_eq!(runtime_id(&arn("0123abcd"), "web"), "0123abcd-web");
    assert_eq!(runtime_id(&arn("0123abcd"), "my_side-car.1"), "0123abcd-my_side-car.1");
}

#[test]
fn runtime_ids_are_always_legal_stable_and_never_the_same_for_two() {
    let long = "x".repeat(255);
    let names = [
        "a__b",
        "a_b",
        "a-_b",
        "web-",
        "-web",
        "web",
        "über",
        "uber",
        "a b",
        "a/b",
        &long,
        &long[..254],
        "_",
        "",
    ];
    let ids: BTreeSet<String> = names.iter().map(|name| runtime_id(&arn("0123"), name)).collect();
    assert_eq!(ids.len(), names.len(), "{ids:?}");
    for id in &ids {
        let legal = id.len() <= 76
            && id
                .split(['.', '_', '-'])
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(legal, "{id:?}");
    }
}
