//! Waits: each says since when, until when, and what comes then.

use crate::bench::Bench;
use crate::build::*;
use std::time::Duration;
use wharf_core::effect::Effect;
use wharf_core::event::Event;
use wharf_core::node::Node;
use wharf_core::record::Record;
use wharf_core::spec::Condition;
use wharf_core::wait::{Until, Wait};

fn wait(bench: &Bench, task: &str) -> Wait {
    bench.node.waiting_for(&arn(task), bench.now).expect("it waits")
}

fn text(bench: &Bench, task: &str) -> String {
    wait(bench, task).what.to_string()
}

#[test]
fn a_queued_task_says_how_much_it_lacks_and_who_has_it() {
    let mut bench = Bench::new();
    let needs = |id: &str, memory| a_task(id, vec![a_container("app").needs(1, memory)]);
    for spec in [needs("a", 900), needs("b", 848), needs("c", 512), needs("d", 1)] {
        bench.on(run(spec));
    }
    assert_eq!(text(&bench, "c"), "512 MiB of memory: 300 free until one of tasks a, b ends");
    assert_eq!(wait(&bench, "c").until, Until::Ended(vec![arn("a"), arn("b")]));
    assert_eq!(text(&bench, "d"), "its turn: task c came first and waits too");
    assert_eq!(wait(&bench, "d").until, Until::Ended(vec![arn("c")]));
    assert_eq!(wait(&bench, "c").since, T0);
}

#[test]
fn every_act_under_way_has_an_end_and_a_consequence() {
    let mut bench = Bench::new();
    let effects = bench.on(run(awsvpc(a_task("t", vec![a_container("app")]))));
    assert_eq!(words(&effects), ["prepare", "pull app"]);
    let timeout = "the task is stopped with DockerTimeoutError";
    let image = wait(&bench, "t");
    assert_eq!((image.until, image.then), (Until::At(T0.plus(seconds(7200))), timeout));
    bench.on(pulled(of("t", "app")));
    let network = wait(&bench, "t");
    assert_eq!(network.what.to_string(), "its network");
    assert_eq!(network.until, Until::At(T0.plus(seconds(60))));
    assert_eq!(network.then, "the task is stopped with ContainerNetworkingError");
    bench.on(Event::NetworkReady { task: arn("t") });
    let creation = wait(&bench, "t");
    assert_eq!(creation.what.to_string(), "the runtime to create app");
    assert_eq!((creation.until, creation.then), (Until::At(T0.plus(seconds(240))), timeout));
    bench.on(created(of("t", "app")));
    let start = wait(&bench, "t");
    assert_eq!(start.what.to_string(), "the runtime to start app");
    assert_eq!((start.until, start.then), (Until::At(T0.plus(seconds(180))), timeout));
}

#[test]
fn a_wait_read_from_saved_state_still_says_how_long_it_can_last() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    bench.on(pulled(of("t", "app")));
    let records = bench.store.iter().map(|(key, value)| Record { key: key.clone(), value: value.clone() });
    let node = Node::restore(config(), records.collect()).unwrap();
    let wait = node.waiting_for(&arn("t"), T0).unwrap();
    assert_eq!(wait.until, Until::Within(seconds(240)));
}

#[test]
fn a_condition_without_a_start_timeout_says_that_the_other_container_bounds_it() {
    let mut bench = Bench::new();
    let app = a_container("app").after("side", Condition::Healthy);
    bench.up(a_task("t", vec![app, a_container("side").checked()]));
    assert_eq!(text(&bench, "t"), "side to reach HEALTHY before app is created");
    assert_eq!(wait(&bench, "t").until, Until::Container("side".to_owned()));
}

#[test]
fn a_stop_says_when_sigkill_comes_and_then_when_it_comes_again() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    assert_eq!(bench.node.waiting_for(&arn("t"), bench.now), None, "it runs as it should");
    let asked = bench.on(stop("t"));
    bench.succeed(asked);
    let polite = wait(&bench, "t");
    assert_eq!(polite.what.to_string(), "app to end");
    assert_eq!((polite.until, polite.then), (Until::At(T0.plus(seconds(30))), "it is killed with SIGKILL"));
    let killed = bench.after(seconds(30));
    bench.succeed(killed);
    let stubborn = wait(&bench, "t");
    assert!(matches!(stubborn.until, Until::At(at) if at > bench.now), "{stubborn:?}");
    assert_eq!(stubborn.then, "SIGKILL is sent again");
}

#[test]
fn what_is_tried_again_says_how_often() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.on(exited(of("t", "app"), 0, T0));
    assert_eq!(text(&bench, "t"), "the runtime to remove app");
    assert_eq!(wait(&bench, "t").until, Until::TriedEvery(Duration::from_secs(30)));
    bench.on(deleted(of("t", "app")));
    assert_eq!(text(&bench, "t"), "its network, cgroup and files to be removed");
    bench.on(Event::TaskReleased { task: arn("t") });
    assert_eq!(text(&bench, "t"), "the control plane to take STOPPED");
}

#[test]
fn a_running_task_that_the_control_plane_does_not_know_of_waits_for_it() {
    let mut bench = Bench::new();
    let effects = bench.on(run(a_task("t", vec![a_container("app")])));
    let mut open = effects;
    while let Some(effect) = open.pop() {
        if !matches!(effect, Effect::ReportTask { .. }) {
            open.extend(bench.on(success(&effect, bench.now)));
        }
    }
    assert_eq!(text(&bench, "t"), "the control plane to take RUNNING");
}
