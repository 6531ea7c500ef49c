//! Restarts in place over a death of the agent, a gap in the events, and a lost data directory.

use super::*;

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
