//! How many containers are made at once, and which come first.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::config::NodeConfig;
use wharf_core::effect::Effect;
use wharf_core::event::{Desired, Event, Observation};
use wharf_core::reason::ReasonCode;
use wharf_core::wait::Until;
use wharf_core::work::Act;

/// A node that makes two containers at once, and is asked for these tasks in this order; each has one container of its name.
fn asked_for(tasks: &[&str]) -> Bench {
    let mut bench = Bench::with(NodeConfig { makings: 2, ..config() });
    for task in tasks {
        bench.on(run(a_task(task, vec![a_container(task).restarted(60, &[])])));
    }
    bench
}

/// What is begun to be made among these effects.
fn makes(effects: &[Effect]) -> Vec<String> {
    words(effects)
        .into_iter()
        .filter(|word| word.starts_with("create") || word.starts_with("renew"))
        .collect()
}

/// The images of these tasks come, in this order; what is begun then.
fn images_come(bench: &mut Bench, tasks: &[&str]) -> Vec<String> {
    tasks.iter().flat_map(|task| makes(&bench.on(pulled(of(task, task))))).collect()
}

fn away(task: &str) -> Event {
    let reason = reason(ReasonCode::CannotCreateContainer);
    Event::Postponed { container: of(task, task), act: Act::Create, reason, suspect: None }
}

#[test]
fn no_more_containers_are_made_at_once_than_may_be_and_the_next_begins_when_one_is_done() {
    let mut bench = asked_for(&["a", "b", "c"]);
    assert_eq!(images_come(&mut bench, &["a", "b", "c"]), ["create a", "create b"]);
    assert_eq!(makes(&bench.on(created(of("b", "b")))), ["create c"]);
}

#[test]
fn those_of_the_tasks_that_came_first_are_made_first_whatever_they_are_called() {
    let mut bench = asked_for(&["d", "c", "b", "a"]);
    assert_eq!(images_come(&mut bench, &["a", "b", "c", "d"]), ["create a", "create b"]);
    assert_eq!(makes(&bench.on(created(of("a", "a")))), ["create d"]);
    assert_eq!(makes(&bench.on(created(of("b", "b")))), ["create c"]);
}

#[test]
fn a_runtime_that_comes_back_is_not_asked_for_everything_at_once() {
    let mut bench = asked_for(&["a", "b", "c", "d"]);
    images_come(&mut bench, &["a", "b", "c", "d"]);
    assert_eq!(makes(&bench.on(away("a"))), ["create c"], "one that rests holds up nobody");
    assert_eq!(makes(&bench.on(away("b"))), ["create d"]);
    bench.on(away("c"));
    bench.on(away("d"));
    assert_eq!(makes(&bench.on(seen(&[], false))), ["create a", "create b"]);
}

#[test]
fn a_process_that_is_made_anew_takes_its_turn_too() {
    let mut bench = asked_for(&["a", "b", "c"]);
    images_come(&mut bench, &["a"]);
    bench.on(created(of("a", "a")));
    bench.on(Event::ContainerStarted { container: of("a", "a"), at: bench.now });
    images_come(&mut bench, &["b", "c"]);
    bench.now = T0.plus(seconds(100));
    assert_eq!(makes(&bench.on(exited(of("a", "a"), 1, bench.now))), [""; 0]);
    assert_eq!(makes(&bench.on(created(of("b", "b")))), ["renew a"]);
}

#[test]
fn of_one_task_one_container_is_made_at_a_time_so_that_it_takes_one_place() {
    let mut bench = asked_for(&[]);
    bench.on(run(a_task("t", vec![a_container("x"), a_container("y"), a_container("z")])));
    bench.on(run(a_task("u", vec![a_container("u")])));
    for container in ["x", "y", "z"] {
        bench.on(pulled(of("t", container)));
    }
    assert_eq!(images_come(&mut bench, &["u"]), ["create u"]);
    assert_eq!(makes(&bench.on(created(of("t", "x")))), ["create y"]);
    assert_eq!(makes(&bench.on(created(of("u", "u")))), [""; 0]);
}

#[test]
fn the_wait_for_a_turn_is_not_part_of_the_time_to_create() {
    let mut bench = Bench::with(NodeConfig { makings: 1, ..config() });
    for task in ["a", "b"] {
        bench.on(run(a_task(task, vec![a_container(task)])));
    }
    images_come(&mut bench, &["a", "b"]);
    assert_eq!(makes(&bench.on(away("a"))), ["create b"]);
    bench.on(away("b"));
    assert_eq!(makes(&bench.on(seen(&[], false))), ["create a"]);
    bench.after(seconds(200));
    assert_eq!(makes(&bench.on(created(of("a", "a")))), ["create b"]);
    bench.after(seconds(239));
    assert_eq!(bench.task("b").desired(), Desired::Running);
    bench.after(seconds(1));
    assert_eq!(bench.task("b").desired(), Desired::Stopped, "its own time is as long as any");
}

#[test]
fn one_that_waits_for_its_turn_says_so_and_how_long_it_may_be_made_then() {
    let mut bench = asked_for(&["a", "b", "c"]);
    images_come(&mut bench, &["a", "b", "c"]);
    let wait = |task: &str| bench.node.waiting_for(&arn(task), bench.now).unwrap();
    assert_eq!(wait("b").what.to_string(), "the runtime to create b");
    assert_eq!(wait("c").what.to_string(), "the runtime to create c, after containers of earlier tasks");
    assert_eq!(wait("c").until, Until::Turn(seconds(240)));
}

#[test]
fn what_stops_gives_its_turn_away() {
    let mut bench = asked_for(&["a", "b", "c"]);
    images_come(&mut bench, &["a", "b", "c"]);
    bench.on(stop("c"));
    assert_eq!(makes(&bench.on(created(of("a", "a")))), [""; 0]);
    assert_eq!(makes(&bench.on(seen(&[(of("a", "a"), Observation::Created)], false))), [""; 0]);
}
