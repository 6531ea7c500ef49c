//! Acts that the runtime was not there for: they rest, go on by themselves, and are given up at their limit, not before.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::effect::Effect;
use wharf_core::event::{Desired, Event, Exit, Observation};
use wharf_core::phase::Phase;
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::report::Status;
use wharf_core::work::Act;

const RUNNING: Observation = Observation::Running { pid: 7, since: None };

fn away(act: Act) -> Event {
    let reason = Reason::new(ReasonCode::CannotCreateContainer, "containerd is away");
    Event::Postponed { container: of("t", "app"), act, reason, suspect: None }
}

fn inspected(seen: Option<Observation>) -> Event {
    Event::ContainerInspected { container: of("t", "app"), seen }
}

/// A task whose pull is under way.
fn pulling() -> Bench {
    let mut bench = Bench::new();
    assert_eq!(words(&bench.on(run(a_task("t", vec![a_container("app")])))), ["pull app"]);
    bench
}

/// A task whose creation is under way.
fn creating() -> Bench {
    let mut bench = pulling();
    let effects = bench.on(pulled(of("t", "app")));
    bench.succeed(effects[1..].to_vec());
    bench
}

/// A task whose start is under way.
fn starting() -> Bench {
    let mut bench = creating();
    bench.on(created(of("t", "app")));
    bench
}

#[test]
fn what_a_broken_off_creation_left_is_no_exit_of_the_application() {
    let mut bench = creating();
    bench.on(away(Act::Create));
    let left = Observation::Exited(Exit { code: 137, at: T0 });
    assert_eq!(words(&bench.on(seen(&[(of("t", "app"), left)], false))), ["create app"]);
    assert_eq!(bench.container("t", "app").created_at(), None);
}

#[test]
fn a_creation_without_an_answer_that_the_listing_shows_as_done_is_over() {
    let mut bench = creating();
    bench.on(away(Act::Create));
    assert_eq!(words(&bench.on(seen(&[(of("t", "app"), Observation::Created)], false))), ["start app"]);
    bench.on(Event::ContainerStarted { container: of("t", "app"), at: bench.now });
    // Nobody heard of its end but the listing.
    let exit = Exit { code: 3, at: bench.now };
    bench.on(seen(&[(of("t", "app"), Observation::Exited(exit))], false));
    assert_eq!(bench.container("t", "app").stopped().map(|stopped| stopped.exit_code), Some(Some(3)));
}

#[test]
fn a_start_without_an_answer_that_the_listing_shows_as_done_casts_no_doubt_on_the_end() {
    let mut bench = starting();
    bench.on(away(Act::Start));
    bench.on(seen(&[(of("t", "app"), RUNNING)], false));
    bench.on(exited(of("t", "app"), 1, bench.now));
    let stopped = bench.container("t", "app").stopped().unwrap();
    assert_eq!((stopped.exit_code, stopped.reason.as_ref()), (Some(1), None));
}

/// Lets every try meet nobody until the time is up; the effects of the last moment.
fn never_back(bench: &mut Bench, act: Act, limit: u64) -> Vec<Effect> {
    let end = bench.now.plus(seconds(limit));
    bench.on(away(act));
    loop {
        let next = bench.node.next_wakeup().expect("it is tried again or given up");
        assert!(next <= end, "it waits beyond its limit");
        let effects = bench.after(next.since(bench.now));
        if bench.now == end {
            return effects;
        }
        for _ in &effects {
            bench.on(away(act));
        }
    }
}

#[test]
fn a_runtime_that_is_away_fails_no_task_and_each_act_is_tried_again() {
    type Stage = fn() -> Bench;
    let stages: [(Stage, Act, &str); 2] =
        [(pulling, Act::Pull, "pull app"), (creating, Act::Create, "create app")];
    for (stage, act, again) in stages {
        let mut bench = stage();
        assert_eq!(words(&bench.on(away(act))), [""; 0], "it rests first");
        assert_eq!(words(&bench.after(seconds(2))), [again]);
        assert_eq!(words(&bench.on(away(act))), [""; 0]);
        assert_eq!(bench.task("t").desired(), Desired::Running);
    }
}

#[test]
fn what_rests_goes_on_as_soon_as_the_runtime_answers() {
    let mut bench = pulling();
    for _ in 0..20 {
        bench.on(away(Act::Pull));
        bench.after(seconds(30));
    }
    bench.on(away(Act::Pull));
    assert_eq!(words(&bench.on(seen(&[], false))), ["pull app"]);
}

#[test]
fn a_task_without_a_runtime_for_longer_than_its_limit_is_stopped_and_says_so() {
    let mut bench = pulling();
    let effects = never_back(&mut bench, Act::Pull, 2 * 3600);
    let why = "DockerTimeoutError: Could not transition to PULLED; timed out after waiting 7200 s: containerd is away";
    assert_eq!(report(&effects).reason, why);

    let mut bench = creating();
    never_back(&mut bench, Act::Create, 240);
    bench.on(away(Act::Create));
    let stopped = bench.container("t", "app").stopped().unwrap();
    let why = "DockerTimeoutError: Could not transition to CREATED; timed out after waiting 240 s: containerd is away";
    assert_eq!(stopped.reason.as_ref().unwrap().to_string(), why);
    assert!(!stopped.removed, "one of the creations may have been done");
}

#[test]
fn a_start_that_was_not_answered_is_looked_at_before_it_is_tried_again() {
    let mut bench = starting();
    bench.on(away(Act::Start));
    assert_eq!(words(&bench.after(seconds(2))), ["inspect app"]);
    bench.on(away(Act::Inspect));
    assert_eq!(words(&bench.after(seconds(2))), ["inspect app"]);
    assert_eq!(words(&bench.on(inspected(Some(Observation::Created)))), ["start app"]);
}

#[test]
fn a_start_that_was_done_and_not_answered_is_never_done_again() {
    let name = |bench: &Bench| match bench.container("t", "app").phase() {
        Phase::Running(_) => "running".to_owned(),
        Phase::Stopped(stopped) => {
            format!("{:?} {:?}", stopped.exit_code, stopped.reason.as_ref().map(|reason| reason.code))
        }
        other => format!("{other:?}"),
    };
    let exit = Observation::Exited(Exit { code: 3, at: T0 });
    let killed = Observation::Exited(Exit { code: 137, at: T0 });
    for (seen, expected) in [
        (Some(RUNNING), "running"),
        (Some(exit), "Some(3) None"),
        // With such a code the runtime's own init ends when it is broken off.
        (Some(killed), "Some(137) Some(CannotStartContainer)"),
        (Some(Observation::Vanished), "None Some(ContainerVanished)"),
        (None, "None Some(ContainerVanished)"),
    ] {
        let mut bench = starting();
        bench.on(away(Act::Start));
        bench.after(seconds(2));
        let effects = bench.on(inspected(seen));
        assert!(!words(&effects).contains(&"start app".to_owned()), "{seen:?}");
        assert_eq!(name(&bench), expected);
    }
}

#[test]
fn a_task_that_is_to_stop_while_its_start_is_not_answered_is_asked_if_it_runs() {
    let mut bench = starting();
    bench.on(away(Act::Start));
    assert_eq!(words(&bench.on(stop("t"))), [""; 0], "nobody knows whether it runs");
    assert_eq!(words(&bench.after(seconds(2))), ["inspect app"]);
    assert!(words(&bench.on(inspected(Some(RUNNING)))).contains(&"ask app".to_owned()));

    let mut bench = starting();
    bench.on(away(Act::Start));
    bench.on(stop("t"));
    bench.after(seconds(2));
    assert_eq!(words(&bench.on(inspected(Some(Observation::Created)))), ["delete app"]);
}

#[test]
fn a_start_that_is_never_answered_stops_the_task_but_not_blindly() {
    let mut bench = starting();
    bench.on(away(Act::Start));
    bench.after(seconds(2));
    never_back(&mut bench, Act::Inspect, 178);
    assert_eq!(bench.task("t").desired(), Desired::Stopped);
    let why = "DockerTimeoutError: Could not transition to RUNNING; timed out after waiting 180 s: containerd is away";
    assert_eq!(bench.task("t").reason().unwrap().to_string(), why);
    assert_eq!(bench.task("t").status(), Some(Status::Pending), "it may run: STOPPED would be a guess");
    let effects = bench.on(inspected(Some(RUNNING)));
    assert!(words(&effects).contains(&"ask app".to_owned()));
}

#[test]
fn a_start_that_is_under_way_at_its_limit_stops_the_task_but_not_blindly() {
    let mut bench = starting();
    bench.after(seconds(180));
    assert_eq!(bench.task("t").desired(), Desired::Stopped);
    assert!(bench.container("t", "app").stopped().is_none(), "it may run: STOPPED would be a guess");
    let effects = bench.on(Event::ContainerStarted { container: of("t", "app"), at: bench.now });
    assert!(words(&effects).contains(&"ask app".to_owned()));

    let mut bench = starting();
    bench.after(seconds(180));
    let reason = Reason::new(ReasonCode::CannotStartContainer, "no such program");
    let effects = bench.on(Event::StartFailed { container: of("t", "app"), reason });
    assert!(words(&effects).contains(&"delete app".to_owned()));
}

#[test]
fn starts_that_are_lost_one_after_the_other_share_one_limit() {
    let mut bench = starting();
    for _ in 0..4 {
        bench.on(away(Act::Start));
        bench.after(seconds(40));
        bench.on(inspected(Some(Observation::Created)));
    }
    assert_eq!(bench.task("t").desired(), Desired::Running);
    bench.on(away(Act::Start));
    bench.after(seconds(20));
    assert_eq!(bench.task("t").desired(), Desired::Stopped);
}

#[test]
fn a_probe_that_the_runtime_was_not_there_for_says_nothing_about_health() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").checked()]));
    let before = bench.container("t", "app").health().cloned();
    assert_eq!(words(&bench.after(seconds(10))), ["probe app"]);
    bench.on(away(Act::Probe));
    assert_eq!(bench.container("t", "app").health().cloned(), before);
    assert_eq!(words(&bench.after(seconds(2))), ["probe app"]);
}

#[test]
fn a_runtime_that_is_away_changes_nothing_of_what_runs() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    let before = bench.node.tasks().clone();
    assert_eq!(words(&bench.after(seconds(24 * 3600))), [""; 0]);
    assert_eq!(*bench.node.tasks(), before);
}

#[test]
fn a_container_that_nobody_could_ask_to_stop_has_its_time_from_when_the_runtime_is_back() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    assert_eq!(words(&bench.on(stop("t"))), ["ask app"]);
    // Ten minutes, and half a minute is what it has.
    for _ in 0..20 {
        assert!(!words(&bench.on(away(Act::Ask))).contains(&"kill app".to_owned()));
        assert_eq!(words(&bench.after(seconds(30))), ["ask app"], "asked again, and not killed");
    }
    bench.on(Event::SignalSent { container: of("t", "app") });
    assert_eq!(words(&bench.after(seconds(29))), [""; 0], "its time counts from now");
    assert_eq!(words(&bench.after(seconds(1))), ["kill app"]);
}

#[test]
fn a_container_that_was_asked_before_the_runtime_went_away_is_killed_when_its_time_is_over() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.on(stop("t"));
    bench.on(Event::SignalSent { container: of("t", "app") });
    assert_eq!(words(&bench.after(seconds(30))), ["kill app"]);
    bench.on(away(Act::Kill));
    assert_eq!(words(&bench.after(seconds(30))), ["kill app"]);
}

#[test]
fn what_a_slow_runtime_takes_to_pass_the_signal_on_is_not_taken_from_the_time_to_stop() {
    let mut bench = Bench::new();
    let mut app = a_container("app");
    app.stop_timeout = Some(seconds(2));
    bench.up(a_task("t", vec![app]));
    assert_eq!(words(&bench.on(stop("t"))), ["ask app"]);
    assert_eq!(words(&bench.after(seconds(9))), [""; 0], "one act at a time");
    assert_eq!(words(&bench.on(Event::SignalSent { container: of("t", "app") })), [""; 0]);
    assert_eq!(
        words(&bench.after(seconds(1))),
        [""; 0],
        "its time counts from when it was asked, at the latest"
    );
    assert_eq!(words(&bench.after(seconds(1))), ["kill app"]);
}
