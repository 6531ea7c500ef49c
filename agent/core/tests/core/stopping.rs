//! How tasks end: the essential rule, signals and their order, races with what is in flight.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::effect::{Effect, StopSignal};
use wharf_core::event::{Event, Exit, Remains};
use wharf_core::note::Note;
use wharf_core::phase::Phase;
use wharf_core::reason::ReasonCode;
use wharf_core::report::Status;
use wharf_core::spec::{Condition, ContainerSpec};

fn two(app: ContainerSpec, side: ContainerSpec) -> Bench {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![app, side]));
    bench
}

#[test]
fn an_essential_exit_stops_the_others() {
    let mut bench = two(a_container("app"), a_container("side").helper());
    let effects = bench.on(exited(of("t", "app"), 3, bench.now));
    assert_eq!(words(&effects), ["ask side"]);
    assert_eq!(bench.task("t").execution_stopped_at(), Some(T0));
}

#[test]
fn a_helper_that_exits_stops_nobody() {
    let mut bench = two(a_container("app"), a_container("side").helper());
    let effects = bench.on(exited(of("t", "side"), 3, bench.now));
    assert_eq!(words(&effects), [""; 0]);
    assert_eq!(bench.task("t").status(), Some(Status::Running));
    assert_eq!(bench.task("t").execution_stopped_at(), None);
}

#[test]
fn what_has_ended_is_removed_only_when_all_of_its_task_has() {
    let mut bench = two(a_container("app"), a_container("side").helper());
    bench.on(exited(of("t", "side"), 3, bench.now));
    let effects = bench.on(exited(of("t", "app"), 0, bench.now));
    assert_eq!(words(&effects), ["delete app", "delete side"]);
}

#[test]
fn a_task_whose_helpers_have_all_ended_is_over() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("job").helper()]));
    let effects = bench.on(exited(of("t", "job"), 0, bench.now));
    let effects = bench.succeed(effects);
    assert_eq!(reported(&effects), [Status::Stopped]);
}

#[test]
fn a_container_is_asked_with_its_own_signal_and_waited_for_as_long_as_it_wants() {
    let mut app = a_container("app");
    app.stop_timeout = Some(seconds(5));
    app.process.stop_signal = Some("SIGQUIT".to_owned());
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![app]));
    let effects = bench.on(stop("t"));
    let quit = StopSignal::Polite(Some("SIGQUIT".to_owned()));
    assert_eq!(effects, [Effect::SignalContainer { container: of("t", "app"), signal: quit }]);
    bench.on(success(&effects[0], T0));
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(5))));
    assert_eq!(words(&bench.after(seconds(5))), ["kill app"]);
}

#[test]
fn a_container_is_stopped_only_after_those_that_depend_on_it() {
    let mut bench = two(a_container("app").after("side", Condition::Start), a_container("side"));
    let effects = bench.on(stop("t"));
    assert_eq!(words(&effects), ["ask app"]);
    bench.on(success(&effects[0], T0));
    assert_eq!(words(&bench.on(exited(of("t", "app"), 0, T0))), ["ask side"]);
}

#[test]
fn the_time_to_stop_begins_when_a_container_is_asked() {
    let mut bench = two(a_container("app").after("side", Condition::Start), a_container("side"));
    let effects = bench.on(stop("t"));
    bench.on(success(&effects[0], T0));
    bench.after(seconds(20));
    bench.on(exited(of("t", "app"), 0, bench.now));
    let Phase::Running(side) = bench.container("t", "side").phase() else { panic!("side still runs") };
    assert_eq!(side.stop.unwrap().deadline, T0.plus(seconds(50)));
}

#[test]
fn a_stop_before_the_image_is_there_creates_nothing() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    let effects = bench.on(stop("t"));
    assert_eq!(words(&effects), ["release", "report STOPPED"]);
    assert_eq!(words(&bench.on(pulled(of("t", "app")))), [""; 0], "the late image starts nothing");
}

#[test]
fn a_created_container_is_removed_and_never_started_when_the_task_is_to_stop() {
    let mut bench = two(a_container("app"), a_container("side"));
    bench.on(stop("t"));
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    bench.on(pulled(of("t", "app")));
    assert_eq!(words(&bench.on(stop("t"))), [""; 0], "the creation in flight is left to finish");
    assert_eq!(words(&bench.on(created(of("t", "app")))), ["delete app"]);
    let effects = bench.on(exited(of("t", "app"), 137, T0));
    assert_eq!(words(&effects), [""; 0]);
    bench.on(deleted(of("t", "app")));
    assert_eq!(bench.container("t", "app").stopped().unwrap().exit_code, None, "it never ran");
}

/// Starts `app` up to the point where its start is in flight and the task is to stop.
fn stopping_while_starting() -> Bench {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    bench.on(pulled(of("t", "app")));
    bench.on(created(of("t", "app")));
    assert_eq!(words(&bench.on(stop("t"))), [""; 0]);
    bench
}

fn started() -> Event {
    Event::ContainerStarted { container: of("t", "app"), at: T0 }
}

#[test]
fn a_start_in_flight_is_left_to_finish_and_then_stopped() {
    let mut bench = stopping_while_starting();
    assert!(words(&bench.on(started())).contains(&"ask app".to_owned()));
}

#[test]
fn an_exit_may_be_heard_of_before_the_start() {
    let mut bench = stopping_while_starting();
    let effects = bench.on(exited(of("t", "app"), 1, T0.plus(seconds(1))));
    assert!(!words(&effects).contains(&"delete app".to_owned()), "its start is still in flight");
    assert_eq!(words(&bench.on(started())), ["delete app"]);
    let stopped = bench.container("t", "app").stopped().unwrap();
    assert_eq!((stopped.exit_code, stopped.started_at), (Some(1), Some(T0)));
}

#[test]
fn a_start_that_fails_leaves_something_to_remove() {
    let mut bench = stopping_while_starting();
    let reason = reason(ReasonCode::CannotStartContainer);
    assert_eq!(words(&bench.on(Event::StartFailed { container: of("t", "app"), reason })), ["delete app"]);
}

#[test]
fn an_exit_counts_once() {
    let mut bench = two(a_container("app"), a_container("side").helper());
    bench.on(exited(of("t", "side"), 3, T0));
    bench.on(exited(of("t", "side"), 4, T0.plus(seconds(9))));
    let stopped = bench.container("t", "side").stopped().unwrap();
    assert_eq!((stopped.exit_code, stopped.at), (Some(3), T0));
}

#[test]
fn sigkill_is_repeated_until_the_exit_is_seen_and_someone_is_told() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    let effects = bench.on(stop("t"));
    bench.succeed(effects);
    let mut kills = 0;
    for _ in 0..120 {
        let effects = bench.after(seconds(1));
        kills += effects.len();
        bench.succeed(effects);
    }
    assert!((6..40).contains(&kills), "{kills} SIGKILLs in two minutes");
    let told = bench.notes.iter().filter(|note| matches!(note, Note::CannotStop { attempts: 5, .. })).count();
    assert_eq!(told, 1);
    assert_eq!(bench.task("t").status(), Some(Status::Running), "it is not said to have stopped");
}

#[test]
fn a_polite_signal_that_fails_does_not_delay_sigkill() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.on(stop("t"));
    let reason = reason(ReasonCode::CannotStopContainer);
    bench.on(Event::SignalFailed { container: of("t", "app"), reason: reason.clone() });
    assert_eq!(words(&bench.after(seconds(2))), ["ask app"]);
    bench.on(Event::SignalFailed { container: of("t", "app"), reason });
    assert_eq!(words(&bench.after(seconds(28))), ["kill app"]);
}

#[test]
fn out_of_memory_explains_an_exit_with_137_in_either_order() {
    for exit_first in [true, false] {
        let mut bench = two(a_container("app"), a_container("side"));
        let oom = Event::OutOfMemory { container: of("t", "app") };
        let exit = exited(of("t", "app"), 137, T0);
        let (first, second) = if exit_first { (exit, oom) } else { (oom, exit) };
        bench.on(first);
        bench.on(second);
        let reason = bench.container("t", "app").stopped().unwrap().reason.clone().unwrap();
        assert_eq!(reason.to_string(), "OutOfMemoryError: Container killed due to memory usage");
    }
}

#[test]
fn out_of_memory_alone_stops_nothing() {
    let mut bench = two(a_container("app"), a_container("side"));
    assert_eq!(words(&bench.on(Event::OutOfMemory { container: of("t", "app") })), [""; 0]);
    bench.on(exited(of("t", "app"), 0, T0));
    assert_eq!(bench.container("t", "app").stopped().unwrap().reason, None);
}

#[test]
fn a_removal_that_fails_is_tried_again_and_stopped_waits_for_it() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.on(exited(of("t", "app"), 1, T0));
    let reason = reason(ReasonCode::CannotRemoveContainer);
    assert_eq!(words(&bench.on(Event::DeleteFailed { container: of("t", "app"), reason })), [""; 0]);
    assert!(bench.node.next_wakeup().is_some());
    assert_eq!(words(&bench.after(seconds(2))), ["delete app"]);
    assert_eq!(words(&bench.on(deleted(of("t", "app")))), ["release", "report STOPPED"]);
}

#[test]
fn a_removal_may_bring_the_exit_that_nobody_had_seen() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.restart(&[(of("t", "app"), wharf_core::event::Observation::Vanished)]);
    assert_eq!(bench.container("t", "app").stopped().unwrap().exit_code, None);
    let exit = Some(Exit { code: 7, at: T0 });
    let effects = bench.on(Event::ContainerDeleted { container: of("t", "app"), exit, remains: None });
    let report = report(&effects);
    assert_eq!((report.containers[0].exit_code, &report.containers[0].reason), (Some(7), &None));
}

#[test]
fn what_is_created_too_late_is_given_up_and_removed_when_it_comes() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    let effects = bench.on(pulled(of("t", "app")));
    bench.succeed(effects[1..].to_vec());
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(240))));
    assert_eq!(words(&bench.after(seconds(240))), [""; 0], "the creation may still end");
    let effects = bench.on(created(of("t", "app")));
    assert_eq!(words(&effects), ["delete app"]);
    let effects = bench.on(deleted(of("t", "app")));
    let report = report(&effects);
    let why = "DockerTimeoutError: Could not transition to CREATED; timed out after waiting 240 s";
    assert_eq!(report.containers[0].reason.as_deref(), Some(why));
    assert!(matches!(bench.container("t", "app").phase(), Phase::Stopped(_)));
}

#[test]
fn a_pull_that_takes_too_long_stops_the_task() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    let effects = bench.after(seconds(2 * 3600));
    let why = "DockerTimeoutError: Could not transition to PULLED; timed out after waiting 7200 s";
    assert_eq!(report(&effects).reason, why);
}

#[test]
fn out_of_memory_that_only_the_cgroup_tells_of_is_told() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.on(exited(of("t", "app"), 137, T0));
    let remains = Some(Remains { out_of_memory: true, ..Remains::default() });
    let effects = bench.on(Event::ContainerDeleted { container: of("t", "app"), exit: None, remains });
    let reason = report(&effects).containers[0].reason.clone().unwrap();
    assert_eq!(reason.to_string(), "OutOfMemoryError: Container killed due to memory usage");
}
