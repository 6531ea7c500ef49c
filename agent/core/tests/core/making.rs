//! How many containers are made at once, and which come first.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::config::NodeConfig;
use wharf_core::effect::Effect;
use wharf_core::event::{Event, Observation};
use wharf_core::reason::ReasonCode;
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
fn one_that_waits_for_its_turn_says_so_and_for_how_long_it_may_be_made_then() {
    let mut bench = asked_for(&["a", "b", "c"]);
    images_come(&mut bench, &["a", "b", "c"]);
    let wait = |task: &str| bench.node.waiting_for(&arn(task), bench.now).unwrap().what.to_string();
    assert_eq!(wait("b"), "the runtime to create b");
    assert_eq!(wait("c"), "its turn to have c made, behind containers of earlier tasks");
}

#[test]
fn what_stops_gives_its_turn_away() {
    let mut bench = asked_for(&["a", "b", "c"]);
    images_come(&mut bench, &["a", "b", "c"]);
    bench.on(stop("c"));
    assert_eq!(makes(&bench.on(created(of("a", "a")))), [""; 0]);
    assert_eq!(makes(&bench.on(seen(&[(of("a", "a"), Observation::Created)], false))), [""; 0]);
}
