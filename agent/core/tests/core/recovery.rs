//! What the runtime holds against what was known: after a start, and in every later listing.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::event::{Event, Exit, Goal, Observation};
use wharf_core::node::Node;
use wharf_core::note::Note;
use wharf_core::phase::Phase;
use wharf_core::record::{Record, RestoreError};
use wharf_core::report::Status;

const RUNNING: Observation = Observation::Running { pid: 7, since: None };

fn exit(code: i32) -> Observation {
    Observation::Exited(Exit { code, at: T0 })
}

/// A task whose `app` got as far as these events brought it.
fn known(events: Vec<Event>) -> Bench {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    for event in events {
        bench.on(event);
    }
    bench
}

fn resolved() -> Bench {
    known(vec![pulled(of("t", "app"))])
}

fn made() -> Bench {
    known(vec![pulled(of("t", "app")), created(of("t", "app"))])
}

fn running() -> Bench {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench
}

/// The phase after a restart that shows this.
fn after(mut bench: Bench, seen: Option<Observation>) -> &'static str {
    let seen: Vec<_> = seen.into_iter().map(|seen| (of("t", "app"), seen)).collect();
    bench.restart(&seen);
    name(&bench)
}

fn name(bench: &Bench) -> &'static str {
    match bench.container("t", "app").phase() {
        Phase::Pending => "pending",
        Phase::Resolved { .. } => "resolved",
        Phase::Created(_) => "created",
        Phase::Running(_) => "running",
        Phase::Restarting(_) => "restarting",
        Phase::Stopped(stopped) if stopped.reason.is_some() => "vanished",
        Phase::Stopped(_) => "exited",
    }
}

#[test]
fn a_restart_takes_over_what_the_runtime_shows() {
    let shown = [None, Some(Observation::Vanished), Some(Observation::Created), Some(RUNNING), Some(exit(3))];
    type Known = fn() -> Bench;
    let table: [(Known, [&str; 5]); 4] = [
        // Of what was never told to start, what ended is no program: it is made anew.
        (|| known(vec![]), ["pending", "pending", "created", "running", "pending"]),
        (resolved, ["resolved", "resolved", "created", "running", "resolved"]),
        (made, ["vanished", "vanished", "created", "running", "exited"]),
        (running, ["vanished", "vanished", "running", "running", "exited"]),
    ];
    for (known, expected) in table {
        assert_eq!(shown.map(|seen| after(known(), seen)), expected, "known as {}", name(&known()));
    }
}

#[test]
fn nothing_is_decided_before_the_runtime_was_seen() {
    let bench = made();
    let records = bench.store.iter().map(|(key, value)| Record { key: key.clone(), value: value.clone() });
    let mut node = Node::restore(config(), records.collect()).unwrap();
    let turn = node.step(vec![stop("t")], T0);
    assert_eq!((turn.replies.len(), turn.effects.len()), (1, 0), "it is heard, saved and acknowledged");
    assert_eq!(turn.changes.len(), 2, "the task and its journal");
    let turn = node.step(vec![seen(&[], false), Event::Woken], T0);
    assert_eq!(turn.effects, [], "not even after a listing that may be older than the start");
    let turn = node.step(vec![seen(&[(of("t", "app"), RUNNING)], true)], T0);
    assert!(
        words(&turn.effects).contains(&"ask app".to_owned()),
        "it had started: it is asked, not torn down"
    );
}

#[test]
fn a_restart_goes_on_where_the_work_was_lost() {
    assert_eq!(words(&known(vec![]).restart(&[])), ["pull app"]);
    assert_eq!(words(&resolved().restart(&[])), ["create app", "report PENDING"]);
    assert_eq!(
        words(&made().restart(&[(of("t", "app"), Observation::Created)])),
        ["start app", "report PENDING"]
    );
    assert_eq!(words(&running().restart(&[(of("t", "app"), RUNNING)])), [""; 0], "and says nothing twice");
}

#[test]
fn a_container_that_is_gone_is_never_made_again() {
    let mut bench = running();
    // That there is no record of it is not to say that there is no process of it.
    assert_eq!(words(&bench.restart(&[])), ["delete app"]);
    let effects = bench.on(deleted(of("t", "app")));
    let report = report(&effects);
    assert_eq!(words(&effects), ["release", "report STOPPED"]);
    assert_eq!(report.containers[0].exit_code, None);
    let why = "ContainerVanishedError: container app is gone from the runtime";
    assert_eq!(report.containers[0].reason.as_deref(), Some(why));
}

#[test]
fn what_has_stopped_and_is_still_there_is_removed() {
    let mut bench = running();
    bench.on(exited(of("t", "app"), 0, T0));
    let effects = bench.on(deleted(of("t", "app")));
    bench.succeed(effects);
    assert_eq!(words(&bench.restart(&[(of("t", "app"), exit(0))])), ["delete app"]);
    assert_eq!(bench.task("t").status(), Some(Status::Stopped));
}

#[test]
fn a_task_is_released_only_when_the_runtime_holds_nothing_of_it() {
    let mut bench = running();
    bench.on(exited(of("t", "app"), 0, T0));
    let release = bench.on(deleted(of("t", "app"))).remove(0);
    bench.on(seen(&[(of("t", "app"), exit(0))], false));
    let reason = reason(wharf_core::reason::ReasonCode::CannotRemoveContainer);
    bench.on(Event::ReleaseFailed { task: arn("t"), reason });
    assert_eq!(words(&bench.after(seconds(2))), [""; 0], "it is still being removed");
    assert_eq!(bench.on(deleted(of("t", "app"))), [release]);
}

#[test]
fn a_half_made_container_of_a_stopping_task_is_removed() {
    let mut bench = resolved();
    bench.on(stop("t"));
    let effects = bench.restart(&[(of("t", "app"), Observation::Vanished)]);
    assert!(words(&effects).contains(&"delete app".to_owned()));
}

#[test]
fn the_time_to_stop_goes_on_over_a_restart() {
    let mut bench = running();
    let effects = bench.on(stop("t"));
    bench.succeed(effects);
    bench.now = bench.now.plus(seconds(25));
    assert_eq!(words(&bench.restart(&[(of("t", "app"), RUNNING)])), [""; 0], "it was asked already");
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(30))));
    assert_eq!(words(&bench.after(seconds(5))), ["kill app"]);
}

#[test]
fn a_container_of_an_unknown_task_is_noted_and_left_alone() {
    let mut bench = Bench::new();
    let effects = bench.on(seen(&[(of("ghost", "app"), RUNNING)], true));
    assert_eq!(effects, []);
    assert_eq!(bench.notes, [Note::Orphan { container: of("ghost", "app"), seen: RUNNING }]);
}

#[test]
fn a_stop_for_a_task_that_only_the_runtime_knows_removes_it_before_saying_stopped() {
    let mut bench = Bench::new();
    bench.on(seen(&[(of("ghost", "app"), RUNNING)], true));
    let effects = bench.on(payload("m", vec![Goal::Stop(arn("ghost"))]));
    assert_eq!(words(&effects), ["delete app"]);
    assert_eq!(words(&bench.on(deleted(of("ghost", "app")))), ["release", "report STOPPED"]);
}

// ---- later listings ----

#[test]
fn a_listing_repairs_a_missed_exit_and_a_missed_start() {
    let mut bench = running();
    assert_eq!(words(&bench.on(seen(&[(of("t", "app"), exit(4))], false))), ["delete app"]);
    assert_eq!(bench.container("t", "app").stopped().unwrap().exit_code, Some(4));
}

#[test]
fn a_listing_says_nothing_of_a_container_that_is_being_worked_on() {
    let mut bench = made();
    bench.on(seen(&[(of("t", "app"), exit(1))], false));
    assert_eq!(name(&bench), "created", "its start is in flight");
    bench.on(seen(&[], false));
    bench.on(seen(&[], false));
    assert_eq!(name(&bench), "created");
}

#[test]
fn not_there_counts_only_when_it_was_seen_twice() {
    for gone in [vec![], vec![(of("t", "app"), Observation::Vanished)]] {
        let mut bench = running();
        assert_eq!(bench.on(seen(&gone, false)), []);
        assert!(bench.notes.contains(&Note::Missing { container: of("t", "app") }));
        bench.on(seen(&[(of("t", "app"), RUNNING)], false));
        assert_eq!(bench.on(seen(&gone, false)), [], "it was there in between");
        bench.on(seen(&gone, false));
        assert_eq!(name(&bench), "vanished");
    }
}

#[test]
fn not_there_is_found_out_while_signals_are_sent() {
    for gone in [vec![], vec![(of("t", "app"), Observation::Vanished)]] {
        let mut bench = running();
        let asking = bench.on(stop("t"));
        bench.on(seen(&gone, false));
        bench.succeed(asking);
        bench.on(seen(&gone, false));
        assert_eq!(name(&bench), "vanished", "a signal makes and removes nothing");
    }
}

#[test]
fn an_old_listing_does_not_take_a_container_back() {
    let mut bench = running();
    bench.on(seen(&[(of("t", "app"), Observation::Created)], false));
    assert_eq!(name(&bench), "running");
}

// ---- records ----

fn restore(key: &str, value: &str) -> Result<Node, RestoreError> {
    let bench = running();
    let mut record = bench.store.keys().next().unwrap().clone();
    record.id = key.to_owned();
    Node::restore(config(), vec![Record { key: record, value: value.as_bytes().to_vec() }])
}

#[test]
fn a_record_of_a_newer_version_is_refused_with_advice() {
    let error = restore(arn("t").as_str(), r#"{"v":2,"task_of_the_future":{}}"#).unwrap_err();
    assert!(matches!(error, RestoreError::Version { version: 2, .. }));
    assert!(error.to_string().ends_with("start the newer agent again"), "{error}");
}

#[test]
fn a_broken_record_is_an_error_that_names_it() {
    let error = restore(arn("t").as_str(), "not json").unwrap_err();
    assert_eq!(error.to_string(), format!("record tasks/{} cannot be read", arn("t")));
    let absent = r#"{"v":1,"record":{"absent":{"reason":null,"since":0,"told":true}}}"#;
    assert!(matches!(restore("no arn", absent).unwrap_err(), RestoreError::Key { .. }));
    assert!(restore(arn("t").as_str(), absent).is_ok());
}

#[test]
fn a_turn_that_could_not_be_saved_is_done_again() {
    let mut bench = Bench::new();
    let lost = bench.node.step(vec![run(a_task("t", vec![a_container("app")]))], T0);
    bench.node.take_back(&lost);
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(1))));
    let turn = bench.node.step(vec![Event::Woken], T0.plus(seconds(1)));
    assert_eq!((&turn.changes, &turn.effects), (&lost.changes, &lost.effects));
    assert_eq!(turn.replies, [], "the message comes again");
}

#[test]
fn a_step_that_changes_nothing_saves_nothing() {
    let mut bench = running();
    let saved = |bench: &mut Bench, event| bench.turn(event).changes.len();
    bench.on(seen(&[(of("t", "app"), RUNNING)], false));
    assert_eq!(saved(&mut bench, Event::Woken), 0);
    assert_eq!(
        saved(&mut bench, run(a_task("t", vec![a_container("app")]))),
        0,
        "a payload that comes twice"
    );
    assert_eq!(saved(&mut bench, seen(&[(of("t", "app"), RUNNING)], false)), 0);
}
