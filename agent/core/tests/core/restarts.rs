//! Containers with a restart policy: when one is started again in place, and when it is not.

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
fn the_period_goes_on_over_a_restart_of_the_agent() {
    for (after, code, expected) in [(60, 1, "renew app"), (59, 1, "delete app"), (60, 7, "delete app")] {
        let mut bench = running();
        // The agent is down from the 10th to the 200th second, and learns of the exit from its first listing.
        bench.now = T0.plus(seconds(200));
        let effects = bench.restart(&shown(ended(code, T0.plus(seconds(after)))));
        assert_eq!(words(&effects)[0], expected, "ended with {code} after {after} s");
        // Or it is back before the exit.
        let mut bench = running();
        bench.now = T0.plus(seconds(30));
        bench.restart(&shown(Observation::Running { pid: 1, since: None }));
        assert_eq!(words(&ends(&mut bench, after, code))[0], expected);
    }
}

#[test]
fn the_count_and_the_last_start_go_on_over_a_restart_of_the_agent() {
    let mut bench = running();
    let effects = ends(&mut bench, 60, 1);
    bench.succeed(effects);
    bench.restart(&shown(Observation::Running { pid: 2, since: None }));
    assert_eq!(count(&bench), 1);
    assert_eq!(words(&ends(&mut bench, 119, 1)), ["delete app"], "59 s after its second start");
}

/// Killed at each point of a restart, the agent goes on from there and never makes a second process.
#[test]
fn a_restart_is_brought_to_its_end_by_the_next_agent() {
    let exit = || ended(1, T0.plus(seconds(60)));
    let table: [(bool, Observation, &[&str]); 4] = [
        (false, exit(), &["renew app", "start app"]),
        // The old process was cleared away, the new one not made.
        (false, VANISHED, &["renew app", "start app"]),
        // It was made, and the agent had not saved that.
        (false, Observation::Created, &["renew app", "start app"]),
        (true, Observation::Created, &["start app"]),
    ];
    for (made, seen, expected) in table {
        let mut bench = running();
        ends(&mut bench, 60, 1);
        if made {
            bench.on(renewed(of("t", "app")));
        }
        let effects = bench.restart(&shown(seen));
        assert_eq!(words(&bench.succeed(effects)), expected, "{seen:?}");
        assert_eq!(count(&bench), 1);
    }
}

#[test]
fn a_start_whose_answer_died_with_the_agent_is_adopted_with_its_time() {
    let mut bench = running();
    ends(&mut bench, 60, 1);
    bench.on(renewed(of("t", "app")));
    bench.now = T0.plus(seconds(300));
    let since = Some(T0.plus(seconds(61)));
    assert_eq!(words(&bench.restart(&shown(Observation::Running { pid: 2, since }))), [""; 0]);
    assert_eq!((bench.container("t", "app").started_at(), count(&bench)), (since, 1));
    assert_eq!(words(&ends(&mut bench, 301, 1)), ["renew app"], "it ran for four minutes");
}

#[test]
fn a_new_process_that_ended_unheard_is_judged_by_its_own_time() {
    for (after, expected) in [(65, "delete app"), (130, "renew app")] {
        let mut bench = running();
        ends(&mut bench, 60, 1);
        bench.on(renewed(of("t", "app")));
        bench.now = T0.plus(seconds(300));
        let effects = bench.restart(&shown(ended(2, T0.plus(seconds(after)))));
        assert_eq!((words(&effects).remove(0).as_str(), count(&bench)), (expected, 1));
    }
}

#[test]
fn a_container_that_is_gone_from_the_runtime_is_not_made_anew_by_its_policy() {
    let mut bench = running();
    bench.now = T0.plus(seconds(100));
    bench.restart(&shown(VANISHED));
    let stopped = bench.container("t", "app").stopped().unwrap();
    assert_eq!(stopped.reason.as_ref().unwrap().code, ReasonCode::ContainerVanished);
    // Nor is one whose record somebody removed between two processes.
    let mut bench = running();
    ends(&mut bench, 60, 1);
    bench.restart(&[]);
    assert_eq!(bench.container("t", "app").stopped().unwrap().exit_code, Some(1));
}

#[test]
fn a_reboot_between_two_processes_ends_the_task_as_any_reboot_does() {
    let mut bench = running();
    bench.on(seen(&shown(Observation::Running { pid: 1, since: None }), true));
    ends(&mut bench, 60, 1);
    bench.on(away(Act::Renew));
    let other = Event::Observed {
        containers: shown(VANISHED).into_iter().collect(),
        found: [].into(),
        boot: "another boot".to_owned(),
        recovery: true,
    };
    bench.on(other);
    let stopped = bench.container("t", "app").stopped().unwrap();
    assert_eq!(stopped.reason.as_ref().unwrap().code, ReasonCode::HostRebooted);
}

#[test]
fn a_listing_between_two_processes_loses_nothing() {
    let mut bench = running();
    ends(&mut bench, 60, 1);
    bench.on(away(Act::Renew));
    for _ in 0..3 {
        let effects = bench.on(seen(&shown(VANISHED), false));
        assert_eq!(words(&effects), ["renew app"], "and the runtime is back");
        bench.on(away(Act::Renew));
    }
}

#[test]
fn a_start_again_that_meets_a_living_process_goes_on_with_it() {
    let mut bench = running();
    assert_eq!(words(&ends(&mut bench, 60, 1)), ["renew app"]);
    bench.on(away(Act::Renew));
    assert_eq!(words(&bench.after(seconds(2))), ["renew app"]);
    let seen = Some(Observation::Running { pid: 2, since: None });
    let effects = bench.on(Event::ContainerInspected { container: of("t", "app"), seen });
    assert_eq!(words(&effects), [""; 0]);
    assert!(matches!(bench.container("t", "app").phase(), Phase::Running(_)));
    assert_eq!(words(&bench.after(seconds(600))), [""; 0], "nothing is left to give up");
    assert_eq!(bench.task("t").status(), Some(Status::Running));
}

#[test]
fn a_start_again_that_was_not_answered_is_looked_at_before_it_is_tried_again() {
    let inspected = |seen| Event::ContainerInspected { container: of("t", "app"), seen: Some(seen) };
    let starting = || {
        let mut bench = running();
        ends(&mut bench, 60, 1);
        bench.on(renewed(of("t", "app")));
        bench.on(away(Act::Start));
        assert_eq!(words(&bench.after(seconds(2))), ["inspect app"]);
        bench
    };
    let mut bench = starting();
    assert_eq!(words(&bench.on(inspected(Observation::Created))), ["start app"]);
    let mut bench = starting();
    assert_eq!(words(&bench.on(inspected(Observation::Running { pid: 2, since: None }))), [""; 0]);
    assert_eq!(count(&bench), 1);
    let mut bench = starting();
    assert_eq!(words(&bench.on(inspected(ended(1, bench.now)))), ["delete app"], "it had run, too short");
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
fn a_record_without_restarts_is_one_of_a_container_that_had_none() {
    let bench = running_with(a_container("app"));
    let record = bench.store.values().map(|value| String::from_utf8(value.clone()).unwrap());
    let words = ["restart", "not_again"];
    assert!(record.into_iter().all(|record| words.iter().all(|word| !record.contains(word))));
}

#[test]
fn the_effect_says_what_to_note_on_the_container_and_it_can_be_read_back() {
    let mut bench = running();
    let effects = ends(&mut bench, 60, 1);
    let Effect::RenewContainer { restarts, .. } = &effects[0] else { panic!("{effects:?}") };
    let last_exit = Exit { code: 1, at: T0.plus(seconds(60)) };
    assert_eq!(*restarts, Restarts { count: 1, first_start: T0, last_exit });
    assert_eq!(Restarts::decode(&restarts.encode()).unwrap(), *restarts);
}

/// An agent without its data takes over the container as it is found, with what is noted on it.
fn adopted(state: Observation, restarts: Option<Restarts>, started_at: Option<Timestamp>) -> Bench {
    let spec = a_task("t", vec![app(), a_container("other")]);
    let read = Inscription::decode(&Inscription::encode(&spec, &image())).unwrap();
    let found = |started_at, restarts| FoundContainer {
        image: Some(image()),
        created_at: Some(T0),
        started_at,
        restarts,
    };
    let containers =
        [("app".to_owned(), found(started_at, restarts)), ("other".to_owned(), found(Some(T0), None))].into();
    let found = [(arn("t"), Found { spec: Box::new(read.task), containers })].into();
    let mut bench = Bench::new();
    bench.now = T0.plus(seconds(1000));
    let other = (of("t", "other"), Observation::Running { pid: 9, since: None });
    let shown: Vec<_> = shown(state).into_iter().chain([other]).collect();
    bench.on(listed(&shown, found, true));
    bench
}

fn noted() -> Option<Restarts> {
    Some(Restarts { count: 4, first_start: T0, last_exit: Exit { code: 1, at: T0.plus(seconds(900)) } })
}

#[test]
fn an_adopted_container_keeps_its_policy_its_count_and_the_time_of_its_last_start() {
    let since = Some(T0.plus(seconds(901)));
    let mut bench = adopted(Observation::Running { pid: 1, since: None }, noted(), since);
    assert_eq!((count(&bench), bench.container("t", "app").started_at()), (4, since));
    assert_eq!(words(&ends(&mut bench, 1001, 1)), ["renew app"]);
}

#[test]
fn an_adopted_container_between_two_processes_is_still_running_for_the_control_plane() {
    let bench = adopted(Observation::Created, noted(), None);
    assert_eq!((bench.task("t").status(), count(&bench)), (Some(Status::Running), 3));
}

#[test]
fn an_adopted_container_that_has_ended_is_not_started_again_for_it_may_have_been_asked_to_stop() {
    let bench = adopted(ended(1, T0.plus(seconds(990))), noted(), None);
    let stopped = bench.container("t", "app").stopped().unwrap();
    assert_eq!((stopped.exit_code, stopped.not_again, count(&bench)), (Some(1), None, 4));
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
