//! Containers with a restart policy: when one is started again in place, and when it is not.

mod recovery;

use crate::bench::Bench;
use crate::build::*;
use std::time::Duration;
use wharf_core::adopt::Inscription;
use wharf_core::effect::Effect;
use wharf_core::event::{Event, Exit, Found, FoundContainer, Observation};
use wharf_core::health::HealthStatus;
use wharf_core::journal::Happening;
use wharf_core::phase::Phase;
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::report::Status;
use wharf_core::restart::{NotAgain, Restarts};
use wharf_core::spec::{Condition, ContainerSpec};
use wharf_core::time::Timestamp;
use wharf_core::work::Act;

const VANISHED: Observation = Observation::Vanished;

/// An essential `app` that is started again when it ran for 60 s and did not end with 7.
fn app() -> ContainerSpec {
    a_container("app").restarted(60, &[7])
}

/// A running task with that container, at T0.
fn running() -> Bench {
    running_with(app())
}

fn running_with(app: ContainerSpec) -> Bench {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![app]));
    bench
}

/// The process ends with this code, so long after T0; the effects of that.
fn ends(bench: &mut Bench, after: u64, code: i32) -> Vec<Effect> {
    bench.now = T0.plus(seconds(after));
    bench.on(exited(of("t", "app"), code, bench.now))
}

fn count(bench: &Bench) -> u32 {
    bench.container("t", "app").restarts().map_or(0, |restarts| restarts.count)
}

fn not_again(bench: &Bench) -> Option<NotAgain> {
    bench.container("t", "app").stopped().and_then(|stopped| stopped.not_again)
}

fn shown(seen: Observation) -> Vec<(wharf_core::event::ContainerRef, Observation)> {
    vec![(of("t", "app"), seen)]
}

fn ended(code: i32, at: Timestamp) -> Observation {
    Observation::Exited(Exit { code, at })
}

fn away(act: Act) -> Event {
    let reason = Reason::new(ReasonCode::CannotStartContainer, "containerd is away");
    Event::Postponed { container: of("t", "app"), act, reason, suspect: None }
}

#[test]
fn a_container_that_ran_for_its_period_is_started_again_in_place_and_stays_running_for_the_control_plane() {
    let mut bench = running();
    let effects = ends(&mut bench, 60, 1);
    assert_eq!(words(&effects), ["renew app"], "the old process is cleared away before anything else");
    let all = bench.succeed(effects);
    assert_eq!(words(&all), ["renew app", "start app"], "nothing is told");
    assert_eq!((bench.container("t", "app").status(), count(&bench)), (Some(Status::Running), 1));
    assert_eq!(bench.task("t").status(), Some(Status::Running));
}

#[test]
fn the_period_counts_from_the_last_start_and_the_restarts_are_counted() {
    let mut bench = running();
    for (number, at) in [(1, 60), (2, 120), (3, 200)] {
        let effects = ends(&mut bench, at, 1);
        bench.succeed(effects);
        assert_eq!(count(&bench), number);
    }
    let effects = ends(&mut bench, 259, 1);
    assert_eq!(reported(&effects), []);
    let ran = NotAgain::TooSoon { ran: seconds(59), period: seconds(60) };
    assert_eq!((not_again(&bench), count(&bench)), (Some(ran), 3));
}

#[test]
fn a_container_that_ended_too_soon_or_with_an_ignored_code_stops_as_any_other() {
    let too_soon = NotAgain::TooSoon { ran: seconds(59), period: seconds(60) };
    for (after, code, why) in [(59, 1, too_soon), (60, 7, NotAgain::Ignored)] {
        let mut bench = running();
        let effects = ends(&mut bench, after, code);
        let all = bench.succeed(effects);
        assert_eq!(words(&all), ["delete app", "release", "report STOPPED"], "{why}");
        assert_eq!(not_again(&bench), Some(why));
        let said = bench.container("t", "app").why().unwrap().to_string();
        assert!(said.contains(&why.to_string()), "{said}");
    }
}

#[test]
fn a_success_is_a_reason_to_start_again_as_a_failure_is() {
    let mut bench = running();
    assert_eq!(words(&ends(&mut bench, 60, 0)), ["renew app"]);
}

#[test]
fn what_was_asked_to_stop_is_not_started_again() {
    let mut bench = running();
    bench.now = T0.plus(seconds(100));
    let asked = bench.on(stop("t"));
    bench.succeed(asked);
    assert_eq!(words(&ends(&mut bench, 101, 143)), ["delete app"]);
    assert_eq!(not_again(&bench), None, "its policy was not asked");
}

#[test]
fn a_stop_that_is_heard_with_the_exit_wins() {
    for order in [0, 1] {
        let mut bench = running();
        bench.now = T0.plus(seconds(100));
        let mut events = vec![exited(of("t", "app"), 1, bench.now), stop("t")];
        events.rotate_left(order);
        let turn = bench.node.step(events, bench.now);
        assert_eq!(words(&turn.effects), ["delete app"]);
        assert_eq!(bench.container("t", "app").stopped().unwrap().exit_code, Some(1));
    }
}

#[test]
fn a_stop_during_a_restart_ends_it_with_the_exit_that_was_seen() {
    // While the new process is made.
    let mut bench = running();
    assert_eq!(words(&ends(&mut bench, 100, 3)), ["renew app"]);
    assert_eq!(words(&bench.on(stop("t"))), [""; 0], "one act on a container at a time");
    assert_eq!(words(&bench.on(renewed(of("t", "app")))), ["delete app"]);
    assert_eq!(bench.container("t", "app").stopped().unwrap().exit_code, Some(3));
    // While it is started: it may run, and is stopped as what runs is.
    let mut bench = running();
    ends(&mut bench, 100, 3);
    assert_eq!(words(&bench.on(renewed(of("t", "app")))), ["start app"]);
    assert_eq!(words(&bench.on(stop("t"))), [""; 0]);
    let started = Event::ContainerStarted { container: of("t", "app"), at: bench.now };
    assert_eq!(words(&bench.on(started)), ["ask app"]);
    bench.on(Event::SignalSent { container: of("t", "app") });
    assert_eq!(words(&ends(&mut bench, 101, 143)), ["delete app"]);
    assert_eq!((bench.container("t", "app").stopped().unwrap().exit_code, count(&bench)), (Some(143), 1));
}

#[test]
fn the_stop_of_another_essential_container_ends_a_restart() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![app(), a_container("other")]));
    ends(&mut bench, 100, 1);
    bench.on(exited(of("t", "other"), 0, bench.now));
    assert_eq!(bench.container("t", "app").stopped().unwrap().exit_code, Some(1));
}

#[test]
fn an_exit_that_is_told_twice_or_late_is_no_second_exit() {
    let mut bench = running();
    let exit = ends(&mut bench, 60, 1);
    assert_eq!(words(&bench.on(exited(of("t", "app"), 1, T0.plus(seconds(60))))), [""; 0]);
    bench.succeed(exit);
    for late in
        [exited(of("t", "app"), 1, T0.plus(seconds(60))), seen(&shown(ended(1, T0.plus(seconds(60)))), false)]
    {
        assert_eq!(words(&bench.on(late)), [""; 0]);
        assert!(matches!(bench.container("t", "app").phase(), Phase::Running(_)));
    }
    assert_eq!(count(&bench), 1);
}

#[test]
fn an_exit_that_is_heard_before_the_answer_to_its_start_counts_that_start() {
    let mut bench = running_with(a_container("app").restarted(0, &[]));
    ends(&mut bench, 60, 1);
    bench.on(renewed(of("t", "app")));
    assert_eq!(words(&ends(&mut bench, 61, 2)), [""; 0], "the start is under way");
    let started = Event::ContainerStarted { container: of("t", "app"), at: T0.plus(seconds(61)) };
    assert_eq!(words(&bench.on(started)), ["renew app"], "of the process that has ended already");
    assert_eq!(count(&bench), 1);
}

#[test]
fn a_restart_that_fails_stops_the_container_with_its_exit_code_and_says_why() {
    let failed = || Reason::new(ReasonCode::CannotStartContainer, "no such file");
    for late in [false, true] {
        let mut bench = running();
        ends(&mut bench, 60, 3);
        let event = if late {
            bench.on(renewed(of("t", "app")));
            Event::StartFailed { container: of("t", "app"), reason: failed() }
        } else {
            Event::RenewFailed { container: of("t", "app"), reason: failed() }
        };
        let effects = bench.on(event);
        let all = bench.succeed(effects);
        let told = report(&all).containers.remove(0);
        assert_eq!((told.exit_code, told.reason), (Some(3), Some(failed().to_string())));
    }
}

#[test]
fn a_restart_that_nobody_answers_is_given_up_at_its_limit() {
    let mut bench = running();
    ends(&mut bench, 60, 3);
    assert_eq!(words(&bench.after(seconds(239))), [""; 0]);
    bench.after(seconds(1));
    let stopped = bench.container("t", "app").stopped().unwrap();
    assert_eq!((stopped.exit_code, stopped.reason.as_ref().unwrap().code), (Some(3), ReasonCode::Timeout));
    assert_eq!(words(&bench.on(renewed(of("t", "app")))), ["delete app"], "what came late is cleaned up");
}

#[test]
fn health_begins_anew_with_the_new_process() {
    let mut bench = running_with(app().checked());
    let probe = bench.after(seconds(10));
    bench.succeed(probe);
    assert_eq!(bench.container("t", "app").health().unwrap().status, HealthStatus::Healthy);
    // A probe is under way when the process ends; its result is the old process's.
    assert_eq!(words(&bench.after(seconds(60))), ["probe app"]);
    let renewing = ends(&mut bench, 71, 1);
    assert_eq!(bench.container("t", "app").health().unwrap().status, HealthStatus::Unknown);
    assert_eq!(words(&renewing), ["renew app"]);
    bench.succeed(renewing);
    bench.on(probed(of("t", "app"), 0));
    let health = bench.container("t", "app").health().unwrap();
    assert_eq!((health.status, health.since), (HealthStatus::Unknown, T0.plus(seconds(71))));
    assert_eq!(words(&bench.after(seconds(9))), [""; 0]);
    assert_eq!(words(&bench.after(seconds(1))), ["probe app"], "one interval after the new start");
}

#[test]
fn a_restart_undoes_no_condition_and_meets_none_of_an_end() {
    let side = a_container("side").helper().restarted(60, &[]);
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").after("side", Condition::Start), side.clone()]));
    bench.now = T0.plus(seconds(60));
    let effects = bench.on(exited(of("t", "side"), 1, bench.now));
    bench.succeed(effects);
    assert!(matches!(bench.container("t", "app").phase(), Phase::Running(_)));

    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").after("side", Condition::Complete), side]));
    bench.now = T0.plus(seconds(60));
    let effects = bench.on(exited(of("t", "side"), 0, bench.now));
    assert_eq!(words(&effects), ["renew side"], "it is not complete, it is started again");
    bench.succeed(effects);
    bench.now = bench.now.plus(seconds(1));
    assert_eq!(words(&bench.on(exited(of("t", "side"), 0, bench.now))), ["create app"]);
}

#[test]
fn the_time_that_others_wait_is_not_begun_anew_by_a_restart() {
    let side = a_container("side").helper().checked().restarted(60, &[]);
    let side =
        ContainerSpec { start_timeout: Some(seconds(90)), health_check: side.health_check.clone(), ..side };
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").after("side", Condition::Healthy), side]));
    bench.now = T0.plus(seconds(80));
    let effects = bench.on(exited(of("t", "side"), 1, bench.now));
    bench.succeed(effects);
    bench.after(seconds(10));
    assert!(
        bench.container("t", "app").stopped().is_some(),
        "90 s after the first start of what it waits for"
    );
}

#[test]
fn an_out_of_memory_kill_is_not_held_against_the_next_process() {
    let mut bench = running();
    bench.on(Event::OutOfMemory { container: of("t", "app") });
    let effects = ends(&mut bench, 60, 137);
    bench.succeed(effects);
    ends(&mut bench, 61, 137);
    let why = bench.container("t", "app").why().unwrap();
    assert_eq!(why.code, ReasonCode::KilledFromOutside, "{why}");
}

#[test]
fn the_journal_tells_each_end_and_each_restart() {
    let mut bench = running();
    let effects = ends(&mut bench, 60, 1);
    bench.succeed(effects);
    let moments = bench.node.journal(&arn("t")).unwrap().moments();
    let tail: Vec<&Happening> = moments.iter().rev().take(2).rev().map(|moment| &moment.what).collect();
    let container = "app".to_owned();
    let expected = [
        &Happening::Restarting { container: container.clone(), exit_code: 1, ran: 60_000 },
        &Happening::Restarted { container, count: 1 },
    ];
    assert_eq!(tail, expected);
}

#[test]
fn what_waits_for_a_restart_says_so() {
    let mut bench = running();
    ends(&mut bench, 60, 1);
    let wait = bench.node.waiting_for(&arn("t"), bench.now).unwrap();
    assert_eq!(wait.what.to_string(), "the runtime to start app again");
}

#[test]
fn a_clock_that_was_set_back_makes_a_run_short_and_nothing_worse() {
    let mut bench = running();
    bench.now = T0;
    let before = Timestamp::from_millis(T0.as_millis() - 5_000);
    let effects = bench.on(exited(of("t", "app"), 1, before));
    assert_eq!(words(&effects), ["delete app"]);
    let ran = NotAgain::TooSoon { ran: Duration::ZERO, period: seconds(60) };
    assert_eq!(not_again(&bench), Some(ran));
}
