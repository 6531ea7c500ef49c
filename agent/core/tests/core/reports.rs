//! What the control plane is told, when, and what happens when it does not listen.

use crate::bench::Bench;
use crate::build::*;
use std::time::Duration;
use wharf_core::effect::{Effect, Reply};
use wharf_core::event::{Event, Goal};
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::report::Status;
use wharf_protocol::arn::TaskArn;

#[test]
fn pending_is_told_only_once_a_digest_is_known() {
    let mut bench = Bench::new();
    let effects = bench.on(run(a_task("t", vec![a_container("app")])));
    assert_eq!(reported(&effects), []);
    let mut image = image();
    image.digest = None;
    let effects = bench.on(Event::ImageReady { container: of("t", "app"), image });
    assert_eq!(words(&effects), ["create app"], "an image without a digest is no news");
    bench.on(created(of("t", "app")));
    let effects = bench.on(Event::ContainerStarted { container: of("t", "app"), at: T0 });
    assert_eq!(reported(&effects), [Status::Running]);
}

#[test]
fn a_change_of_a_container_alone_is_held_and_then_told_with_the_status_of_the_task() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app"), a_container("side").helper()]));
    let effects = bench.on(exited(of("t", "side"), 4, bench.now));
    let effects = bench.succeed(effects);
    assert_eq!(reported(&effects), []);
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(10))));
    let effects = bench.after(seconds(10));
    let report = report(&effects);
    assert_eq!(report.status, Status::Running);
    let [side] = &report.containers[..] else { panic!("only what is new: {report:?}") };
    assert_eq!((side.name.as_str(), side.status, side.exit_code), ("side", Status::Stopped, Some(4)));
    assert_eq!(report.pull_started_at, Some(T0));
    assert_eq!(report.pull_stopped_at, Some(T0.plus(seconds(1))));
    bench.succeed(effects);
    assert_eq!(bench.node.next_wakeup(), None, "nothing is left to tell");
}

#[test]
fn a_held_change_travels_with_the_next_status() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app"), a_container("side").helper()]));
    let effects = bench.on(exited(of("t", "side"), 4, bench.now));
    bench.succeed(effects);
    let effects = bench.on(exited(of("t", "app"), 0, bench.now));
    let effects = bench.succeed(effects);
    let last = effects.iter().find_map(|effect| match effect {
        Effect::ReportTask { report, .. } => Some(report.containers.len()),
        _ => None,
    });
    assert_eq!(last, Some(2));
}

#[test]
fn one_report_at_a_time_is_under_way() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    let pending = bench.on(pulled(of("t", "app"))).remove(1);
    bench.on(created(of("t", "app")));
    let effects = bench.on(Event::ContainerStarted { container: of("t", "app"), at: T0 });
    assert_eq!(reported(&effects), [], "PENDING is still under way");
    let running = report(&bench.on(success(&pending, T0)));
    assert_eq!((running.status, running.containers[0].status), (Status::Running, Status::Running));
}

#[test]
fn a_task_that_ran_says_running_before_it_says_stopped() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    let pending = bench.on(pulled(of("t", "app"))).remove(1);
    bench.on(created(of("t", "app")));
    bench.on(Event::ContainerStarted { container: of("t", "app"), at: T0 });
    bench.on(exited(of("t", "app"), 0, T0));
    bench.on(deleted(of("t", "app")));
    let effects = bench.on(success(&pending, T0));
    assert_eq!(reported(&bench.succeed(effects)), [Status::Running, Status::Stopped]);
}

#[test]
fn a_task_that_never_ran_is_never_said_to_run() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app"), a_container("side").helper()])));
    let effects = bench.on(pulled(of("t", "side")));
    let failed =
        Event::ImageFailed { container: of("t", "app"), reason: reason(ReasonCode::CannotPullContainer) };
    let effects = [effects, bench.on(failed)].concat();
    assert_eq!(reported(&bench.succeed(effects)), [Status::Pending, Status::Stopped]);
}

#[test]
fn what_is_told_is_what_was_in_the_report_and_no_more() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app"), a_container("a").helper(), a_container("b").helper()]));
    let effects = bench.on(exited(of("t", "a"), 0, bench.now));
    bench.succeed(effects);
    let sent = bench.after(seconds(10));
    let effects = bench.on(exited(of("t", "b"), 0, bench.now));
    bench.succeed(effects);
    bench.succeed(sent);
    assert_eq!(bench.container("t", "a").told(), Some(Status::Stopped));
    assert_eq!(bench.container("t", "b").told(), Some(Status::Running));
}

#[test]
fn a_lost_report_is_sent_again_after_growing_waits() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    let mut effects = bench.on(pulled(of("t", "app")));
    let mut waits = Vec::new();
    for _ in 0..20 {
        effects = bench.on(Event::TaskReportFailed { task: arn("t") });
        let [Effect::ReportTask { after, .. }] = &effects[..] else { panic!("{effects:?}") };
        waits.push(*after);
        bench.now = bench.now.plus(*after);
    }
    let between = |wait: Duration, low: f64, high: f64| (low..=high).contains(&wait.as_secs_f64());
    assert!(between(waits[0], 0.8, 1.2) && between(waits[4], 2.2, 3.5), "{waits:?}");
    assert!(between(waits[19], 24.0, 30.0), "{waits:?}");
    bench.on(created(of("t", "app")));
    bench.on(Event::ContainerStarted { container: of("t", "app"), at: T0 });
    let effects = bench.succeed(effects);
    assert_eq!(reported(&effects), [Status::Pending, Status::Running]);
    assert_eq!(bench.task("t").told(), Some(Status::Running));
}

#[test]
fn waits_are_spread_between_tasks_and_the_same_in_a_replay() {
    let backoff = config().report_backoff;
    let waits = |task: &TaskArn| (1..5).map(|n| backoff.delay(task.as_str(), n)).collect::<Vec<_>>();
    assert_eq!(waits(&arn("t")), waits(&arn("t")));
    assert_ne!(waits(&arn("t")), waits(&arn("u")));
}

#[test]
fn a_refused_report_counts_as_sent() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    let effects = bench.on(pulled(of("t", "app")));
    bench.on(Event::TaskReportRefused { report: report(&effects) });
    assert_eq!(bench.task("t").told(), Some(Status::Pending));
}

#[test]
fn reasons_are_cut_to_1024_characters() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    let reason = Reason::new(ReasonCode::CannotPullContainer, "ä".repeat(5000));
    let effects = bench.on(Event::ImageFailed { container: of("t", "app"), reason });
    let report = report(&effects);
    assert_eq!(report.reason.chars().count(), 1024);
    assert_eq!(report.containers[0].reason.as_ref().unwrap().chars().count(), 1024);
}

#[test]
fn a_stop_of_an_unknown_task_is_answered_once() {
    let mut bench = Bench::new();
    let turn = bench.turn(stop("t"));
    assert_eq!(turn.replies, [Reply::Ack { message_id: "m-stop".to_owned() }]);
    assert_eq!(words(&turn.effects), ["report STOPPED"]);
    assert_eq!(bench.succeed(turn.effects).len(), 1);
    assert_eq!(bench.on(stop("t")), []);
    assert_eq!(bench.on(run(a_task("t", vec![a_container("app")]))), [], "it never runs");
    bench.after(seconds(7 * 24 * 3600 - 1));
    assert_eq!(bench.on(run(a_task("t", vec![a_container("app")]))), [], "nor when it is asked for late");
    bench.after(seconds(1));
    assert!(bench.store.is_empty(), "the record is not kept for ever");
}

#[test]
fn a_task_that_cannot_be_understood_is_told_stopped_once_and_its_payload_is_not_acknowledged() {
    let mut bench = Bench::new();
    let bad = || Goal::Refuse(arn("bad"), reason(ReasonCode::UnrecognizedTask));
    let goals = || vec![bad(), Goal::Run(Box::new(a_task("t", vec![a_container("app")])))];
    let turn = bench.turn(payload("m", goals()));
    assert_eq!(turn.replies, []);
    assert_eq!(words(&turn.effects), ["pull app", "report STOPPED"], "the others go ahead");
    assert_eq!(report(&turn.effects).reason, "UnrecogniedTaskError: because of the test");
    bench.on(success(&turn.effects[1], T0));
    let turn = bench.turn(payload("m", goals()));
    assert_eq!((turn.replies.len(), turn.effects.len()), (0, 0));
}

#[test]
fn a_running_task_is_not_said_to_have_stopped_because_a_payload_is_bad() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    let turn = bench.turn(payload("m", vec![Goal::Refuse(arn("t"), reason(ReasonCode::UnrecognizedTask))]));
    assert_eq!((turn.replies.len(), turn.effects.len()), (0, 0));
}
