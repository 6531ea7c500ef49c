//! The journal: what a task went through, derived from what changed, saved with it, bounded.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::event::Event;
use wharf_core::journal::{Happening, Moment};
use wharf_core::reason::ReasonCode;
use wharf_core::record::Table;
use wharf_core::report::Status;
use wharf_core::spec::Condition;

fn moments(bench: &Bench, task: &str) -> Vec<Moment> {
    bench.node.journal(&arn(task)).map(|journal| journal.moments().to_vec()).unwrap_or_default()
}

/// Short words for moments, with the container's name first.
fn told(bench: &Bench, task: &str) -> Vec<String> {
    moments(bench, task).iter().map(|moment| word(&moment.what)).collect()
}

fn word(what: &Happening) -> String {
    match what {
        Happening::Received => "received".to_owned(),
        Happening::Queued { short_of } => format!("queued for {short_of}"),
        Happening::Admitted => "admitted".to_owned(),
        Happening::PullBegun { container } => format!("{container} pull begun"),
        Happening::Pulled { container, took } => format!("{container} pulled in {took:?}"),
        Happening::NetworkReady => "network".to_owned(),
        Happening::Created { container } => format!("{container} created"),
        Happening::Started { container } => format!("{container} started"),
        Happening::Restarting { container, exit_code, .. } => format!("{container} ended {exit_code}"),
        Happening::Restarted { container, count } => format!("{container} restarted {count}"),
        Happening::Health { container, status } => format!("{container} {}", status.as_str()),
        Happening::StopWanted { reason } => format!("to stop: {}", reason.code.as_str()),
        Happening::StopBegun { container, .. } => format!("{container} to stop"),
        Happening::ClockSet { by } => format!("clock set by {by}"),
        Happening::Signalled { container, signal } => format!("{container} {signal}"),
        Happening::OutOfMemory { container } => format!("{container} out of memory"),
        Happening::Stopped { container, exit_code, .. } => format!("{container} stopped {exit_code:?}"),
        Happening::Removed { container } => format!("{container} removed"),
        Happening::Ended => "ended".to_owned(),
        Happening::Released => "released".to_owned(),
        Happening::Told { status, containers } => format!("told {} {containers:?}", status.as_str()),
        Happening::ReportRefused { status } => format!("refused {}", status.as_str()),
        Happening::Failed { act, attempt, .. } => format!("{} failed {attempt}", act.as_str()),
    }
}

#[test]
fn a_life_is_told_from_its_arrival_to_its_end() {
    let mut bench = Bench::new();
    bench.up(awsvpc(a_task("t", vec![a_container("app")])));
    bench.now = T0.plus(seconds(60));
    let asked = bench.on(stop("t"));
    bench.succeed(asked);
    let effects = bench.on(exited(of("t", "app"), 0, bench.now));
    bench.succeed(effects);
    let told = told(&bench, "t");
    let expected = [
        "received",
        "admitted",
        "app pull begun",
        "network",
        "app pulled in Some(1000)",
        "app created",
        "told PENDING [(\"app\", Pending)]",
        "app started",
        "told RUNNING [(\"app\", Running)]",
        "to stop: StoppedByControlPlane",
        "app to stop",
        "app SIGTERM",
        "app stopped Some(0)",
        "app removed",
        "ended",
        "released",
        "told STOPPED [(\"app\", Stopped)]",
    ];
    let mut sorted = told.clone();
    sorted.sort();
    let mut wanted = expected.map(str::to_owned).to_vec();
    wanted.sort();
    assert_eq!(sorted, wanted, "in this order: {told:?}");
    let place = |what: &str| told.iter().position(|found| found == what).unwrap();
    for pair in
        ["received", "admitted", "app created", "app started", "app to stop", "app stopped Some(0)", "ended"]
            .windows(2)
    {
        assert!(place(pair[0]) < place(pair[1]), "{pair:?} in {told:?}");
    }
}

#[test]
fn a_queued_task_says_what_for_and_when_that_changes() {
    let mut bench = Bench::new();
    for id in ["t", "u"] {
        bench.on(run(a_task(id, vec![a_container("app").needs(1, 1500)])));
    }
    bench.on(run(a_task("v", vec![a_container("app").needs(1, 1)])));
    assert_eq!(told(&bench, "u"), ["received", "queued for memory"]);
    assert_eq!(told(&bench, "v"), ["received", "queued for its turn, behind an earlier task"]);
}

#[test]
fn health_memory_and_signals_are_moments() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").checked()]));
    bench.after(seconds(10));
    bench.on(probed(of("t", "app"), 0));
    bench.on(Event::OutOfMemory { container: of("t", "app") });
    let asked = bench.on(stop("t"));
    bench.succeed(asked);
    let killed = bench.after(seconds(30));
    bench.succeed(killed);
    let told = told(&bench, "t");
    for what in ["app HEALTHY", "app out of memory", "app SIGTERM", "app SIGKILL"] {
        assert!(told.iter().any(|found| found == what), "{what} in {told:?}");
    }
}

#[test]
fn what_fails_again_and_again_is_told_ever_less_often() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.on(exited(of("t", "app"), 0, T0));
    for _ in 0..40 {
        let reason = reason(ReasonCode::CannotRemoveContainer);
        bench.on(Event::DeleteFailed { container: of("t", "app"), reason });
        bench.after(seconds(30));
    }
    let told = told(&bench, "t");
    let failed: Vec<&str> =
        told.iter().filter(|what| what.starts_with("removing")).map(String::as_str).collect();
    let expected = ["removing failed 1", "removing failed 2", "removing failed 4", "removing failed 8"];
    assert_eq!(failed[..4], expected);
    assert_eq!(failed.len(), 6, "{failed:?}");
}

#[test]
fn a_journal_keeps_two_hundred_moments_and_the_first_and_the_last_among_them() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").checked()]));
    for round in 0..600 {
        bench.after(seconds(10));
        bench.on(probed(of("t", "app"), (round / 2) % 2));
    }
    bench.on(exited(of("t", "app"), 1, bench.now));
    let told = told(&bench, "t");
    assert_eq!(told.len(), 200);
    assert!(bench.node.journal(&arn("t")).unwrap().dropped() > 0);
    assert_eq!(told[0], "received");
    for kept in ["app created", "app started", "app stopped Some(1)"] {
        assert!(told.iter().any(|what| what == kept), "{kept} was dropped for routine");
    }
}

#[test]
fn a_journal_is_saved_with_the_change_and_outlives_a_restart() {
    let mut bench = Bench::new();
    let turn = bench.turn(run(a_task("t", vec![a_container("app")])));
    let tables: Vec<Table> = turn.changes.iter().map(|change| change.key.table).collect();
    assert_eq!(tables, [Table::Tasks, Table::Journals], "one transaction");
    let before = moments(&bench, "t");
    bench.restart(&[]);
    assert_eq!(moments(&bench, "t")[..before.len()], before[..]);
}

#[test]
fn a_turn_that_was_not_saved_is_told_in_the_next_one() {
    let mut bench = Bench::new();
    let turn = bench.node.step(vec![run(a_task("t", vec![a_container("app")]))], T0);
    bench.node.take_back(&turn);
    let next = bench.turn(Event::Woken);
    assert!(next.changes.iter().any(|change| change.key.table == Table::Journals));
    assert!(told(&bench, "t").contains(&"received".to_owned()));
}

#[test]
fn what_nothing_changed_is_not_written() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    let listing =
        seen(&[(of("t", "app"), wharf_core::event::Observation::Running { pid: 1, since: None })], false);
    bench.turn(listing.clone());
    assert_eq!(bench.turn(listing).changes, []);
}

#[test]
fn an_environment_never_gets_into_a_journal() {
    let mut bench = Bench::new();
    let mut app = a_container("app").after("side", Condition::Start);
    app.process.environment.insert("PASSWORD".to_owned(), "hunter2".to_owned());
    app.process.command = Some(vec!["--token=hunter2".to_owned()]);
    bench.up(a_task("t", vec![app, a_container("side")]));
    bench.on(exited(of("t", "app"), 1, T0));
    let journals = bench.store.iter().filter(|(key, _)| key.table == Table::Journals);
    for (key, value) in journals {
        assert!(!String::from_utf8_lossy(value).contains("hunter2"), "{key}");
    }
    assert_eq!(bench.task("t").status(), Some(Status::Running), "the other one is still to stop");
}
