//! The wall clock is set: what is due in ten seconds is due in ten seconds still.

use crate::bench::Bench;
use crate::build::{self, *};
use wharf_core::clock::Ahead;
use wharf_core::effect::Effect;
use wharf_core::event::{Event, Observation};
use wharf_core::journal::Happening;
use wharf_core::note::Note;
use wharf_core::spec::Condition;
use wharf_core::time::Timestamp;

/// Ten minutes, in milliseconds.
const TEN_MINUTES: i64 = 600_000;

fn read(by: i64) -> Event {
    Event::ClockRead(Ahead { boot: BOOT.to_owned(), by })
}

/// The clock is set; how far it was ahead before is what the bench started with.
fn set(bench: &mut Bench, by: i64) {
    bench.now = bench.now.moved(by);
    assert_eq!(words(&bench.on(read(by))), [""; 0], "nothing is due because of it");
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.on(read(0));
    bench
}

fn running(container: &str) -> (wharf_core::event::ContainerRef, Observation) {
    (of("t", container), Observation::Running { pid: 7, since: None })
}

#[test]
fn a_container_that_is_to_stop_keeps_its_time_whichever_way_the_clock_is_set() {
    for by in [-TEN_MINUTES, TEN_MINUTES] {
        let mut bench = bench();
        bench.up(a_task("t", vec![a_container("app")]));
        let asked = bench.on(stop("t"));
        bench.on(success(&asked[0], bench.now));
        let left = bench.node.next_wakeup().unwrap().since(bench.now);
        bench.after(left / 2);
        set(&mut bench, by);
        assert_eq!(words(&bench.after(left / 2 - seconds(1))), [""; 0], "{by}");
        assert_eq!(words(&bench.after(seconds(1))), ["kill app"], "{by}");
    }
}

#[test]
fn a_health_check_keeps_its_rhythm_and_a_start_timeout_its_end() {
    for by in [-TEN_MINUTES, TEN_MINUTES] {
        let mut bench = bench();
        let mut slow = a_container("slow").checked();
        slow.start_timeout = Some(seconds(15));
        bench.up(a_task("t", vec![slow, a_container("app").after("slow", Condition::Healthy)]));
        bench.after(seconds(4));
        set(&mut bench, by);
        let probed = |effects: &[Effect]| words(effects).contains(&"probe slow".to_owned());
        assert!(!probed(&bench.after(seconds(5))), "{by}");
        assert!(probed(&bench.after(seconds(1))), "{by}");
        assert!(bench.task("t").reason().is_none());
        bench.on(build::probed(of("t", "slow"), 1));
        bench.after(seconds(5));
        assert!(bench.container("t", "app").stopped().is_some(), "the start timeout is over: {by}");
    }
}

#[test]
fn an_act_that_failed_rests_as_long_as_it_would_have() {
    for by in [-TEN_MINUTES, TEN_MINUTES] {
        let mut bench = bench();
        bench.on(run(a_task("t", vec![a_container("app")])));
        bench.on(pulled(of("t", "app")));
        bench.on(created(of("t", "app")));
        bench.on(Event::TaskReportFailed { task: arn("t") });
        let due = bench.node.next_wakeup().unwrap().since(bench.now);
        set(&mut bench, by);
        assert_eq!(bench.node.next_wakeup().unwrap().since(bench.now), due, "{by}");
    }
}

#[test]
fn an_interface_without_its_task_lapses_when_it_would_have() {
    let mut bench = bench();
    bench.on(announced("t", bench.now.plus(seconds(60))));
    bench.on(Event::NetworkReady { task: arn("t") });
    set(&mut bench, -TEN_MINUTES);
    bench.after(seconds(59));
    assert!(!bench.attachment("t").unwrap().has_lapsed(bench.now));
    assert!(words(&bench.after(seconds(1))).contains(&"release".to_owned()));
}

#[test]
fn a_clock_that_was_set_while_no_agent_ran_is_noticed_within_one_boot() {
    let deadline = |bench: &Bench| bench.container("t", "app").phase().clone();
    for (boot, moves) in [(BOOT, true), ("another boot", false)] {
        let mut bench = bench();
        bench.up(a_task("t", vec![a_container("app")]));
        let before = deadline(&bench);
        let records = bench.store.iter();
        let records =
            records.map(|(key, value)| wharf_core::record::Record { key: key.clone(), value: value.clone() });
        bench.node = wharf_core::node::Node::restore(bench.config.clone(), records.collect()).unwrap();
        bench.now = bench.now.moved(TEN_MINUTES);
        let clock = Ahead { boot: boot.to_owned(), by: TEN_MINUTES };
        bench.on(Event::ClockRead(clock));
        assert_eq!(deadline(&bench) != before, moves, "{boot}");
    }
}

#[test]
fn what_was_saved_by_a_right_clock_stays_when_one_that_was_wrong_since_the_boot_is_put_right() {
    let mut bench = bench();
    let expires_at = bench.now.plus(seconds(60));
    bench.on(announced("t", expires_at));
    // The host comes up a year too early, and learns the time later.
    let year = 365 * 24 * 3_600_000;
    let early = |by| Event::ClockRead(Ahead { boot: "another boot".to_owned(), by });
    bench.now = bench.now.moved(-year);
    bench.on(early(-year));
    bench.now = bench.now.moved(year);
    bench.on(early(0));
    assert_eq!(bench.attachment("t").unwrap().expires_at, expires_at);
}

#[test]
fn the_end_of_a_container_beside_others_is_told_though_the_clock_is_set_back() {
    let mut bench = bench();
    bench.up(a_task("t", vec![a_container("app"), a_container("side").helper()]));
    bench.on(exited(of("t", "side"), 3, bench.now));
    bench.now = bench.now.moved(-TEN_MINUTES);
    assert_eq!(words(&bench.on(read(-TEN_MINUTES))), ["report RUNNING"]);
}

#[test]
fn drift_is_followed_only_once_it_comes_to_a_second() {
    let mut bench = bench();
    bench.up(a_task("t", vec![a_container("app")]));
    let started = |bench: &Bench| bench.container("t", "app").started_at();
    bench.on(read(999));
    assert_eq!(started(&bench), Some(T0));
    bench.on(read(1000));
    assert_eq!(started(&bench), Some(T0.moved(1000)));
    bench.on(read(1500));
    assert_eq!(started(&bench), Some(T0.moved(1000)));
    bench.on(read(2000));
    assert_eq!(started(&bench), Some(T0.moved(2000)), "what it drifts adds up");
}

#[test]
fn an_exit_that_was_heard_is_known_again_by_its_time() {
    let mut bench = bench();
    bench.up(a_task("t", vec![a_container("app").restarted(10, &[])]));
    bench.after(seconds(20));
    let at = bench.now;
    let effects = bench.on(exited(of("t", "app"), 3, at));
    assert_eq!(words(&effects), ["renew app"]);
    set(&mut bench, -TEN_MINUTES);
    assert_eq!(words(&bench.on(exited(of("t", "app"), 3, at))), [""; 0]);
    assert!(bench.container("t", "app").stopped().is_none());
    bench.succeed(effects);
    assert_eq!(words(&bench.on(exited(of("t", "app"), 3, at))), [""; 0], "of the process before");
    assert!(bench.container("t", "app").stopped().is_none());
}

#[test]
fn how_long_a_process_ran_is_reckoned_in_one_clock() {
    let mut bench = bench();
    bench.up(a_task("t", vec![a_container("app").restarted(60, &[])]));
    bench.after(seconds(5));
    set(&mut bench, TEN_MINUTES);
    bench.on(exited(of("t", "app"), 3, bench.now));
    assert!(bench.container("t", "app").stopped().is_some(), "five seconds are less than its period");
}

#[test]
fn it_is_told_once_in_the_log_and_in_the_journal_of_each_task_that_has_not_ended() {
    let mut bench = bench();
    bench.up(a_task("t", vec![a_container("app").restarted(10, &[])]));
    bench.up(a_task("over", vec![a_container("job").helper()]));
    bench.after(seconds(20));
    let effects = bench.on(exited(of("t", "app"), 3, bench.now));
    bench.succeed(effects);
    let effects = bench.on(exited(of("over", "job"), 0, bench.now));
    bench.succeed(effects);
    let moments = |bench: &Bench, id: &str| bench.node.journal(&arn(id)).unwrap().moments().len();
    let (of_t, of_over) = (moments(&bench, "t"), moments(&bench, "over"));
    let before = bench.task("over").clone();
    bench.notes.clear();
    set(&mut bench, TEN_MINUTES);
    bench.on(read(TEN_MINUTES));
    assert_eq!(bench.notes, [Note::ClockSet { by: TEN_MINUTES }]);
    assert_eq!((moments(&bench, "t"), moments(&bench, "over")), (of_t + 1, of_over));
    let last = bench.node.journal(&arn("t")).unwrap().moments().last().unwrap().what.clone();
    assert_eq!(last, Happening::ClockSet { by: TEN_MINUTES });
    assert_eq!(*bench.task("over"), before, "what has ended stays as it was told");
}

#[test]
fn an_agent_that_starts_again_knows_the_clock_it_was_told_of() {
    let mut bench = bench();
    bench.up(a_task("t", vec![a_container("app")]));
    set(&mut bench, TEN_MINUTES);
    bench.restart(&[running("app")]);
    bench.notes.clear();
    bench.on(read(TEN_MINUTES));
    assert_eq!(bench.notes, []);
    assert_eq!(
        bench.container("t", "app").started_at(),
        Some(Timestamp::from_millis(T0.as_millis() + TEN_MINUTES))
    );
}
