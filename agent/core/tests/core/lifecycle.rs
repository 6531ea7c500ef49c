//! A task from its payload to the end of its record.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::effect::{Effect, Reply, StopSignal};
use wharf_core::event::Event;
use wharf_core::reason::ReasonCode;
use wharf_core::record::Table;
use wharf_core::report::Status;

#[test]
fn a_task_is_pulled_created_started_and_reported() {
    let mut bench = Bench::new();
    let turn = bench.turn(run(a_task("t", vec![a_container("app")])));
    assert_eq!(turn.replies, [Reply::Ack { message_id: "m-run".to_owned() }]);
    assert_eq!(words(&turn.effects), ["pull app"]);
    let effects = bench.on(pulled(of("t", "app")));
    assert_eq!(words(&effects), ["create app", "report PENDING"]);
    assert_eq!(report(&effects).containers[0].image_digest.as_deref(), Some("sha256:aa"));
    assert_eq!(words(&bench.on(success(&effects[1], T0))), [""; 0]);
    assert_eq!(words(&bench.on(created(of("t", "app")))), ["start app"]);
    let effects = bench.on(Event::ContainerStarted { container: of("t", "app"), at: T0 });
    assert_eq!(words(&effects), ["report RUNNING"]);
    assert_eq!(report(&effects).containers[0].runtime_id.as_deref(), Some("t-app"));
}

#[test]
fn a_running_task_is_asked_to_stop_then_killed_then_removed_and_only_then_stopped() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    let effects = bench.on(stop("t"));
    assert_eq!(words(&effects), ["ask app"]);
    assert_eq!(words(&bench.on(success(&effects[0], T0))), [""; 0]);
    assert_eq!(words(&bench.after(seconds(29))), [""; 0]);
    let effects = bench.after(seconds(1));
    assert!(matches!(&effects[..], [Effect::SignalContainer { signal: StopSignal::Kill, .. }]));
    bench.on(success(&effects[0], T0));
    assert_eq!(words(&bench.on(exited(of("t", "app"), 137, bench.now))), ["delete app"]);
    let effects = bench.on(deleted(of("t", "app")));
    assert_eq!(words(&effects), ["release", "report STOPPED"]);
    assert_eq!(report(&effects).containers[0].exit_code, Some(137));
    assert_eq!(report(&effects).containers[0].reason, None, "our own SIGKILL is no lack of memory");
}

#[test]
fn a_record_is_dropped_after_its_retention_and_only_when_released_and_told() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    let effects = bench.on(stop("t"));
    bench.succeed(effects);
    let effects = bench.on(exited(of("t", "app"), 0, T0));
    let effects = bench.on(success(&effects[0], T0));
    bench.on(success(&effects[0], T0));
    bench.after(seconds(4 * 3600));
    assert_eq!(bench.task("t").told(), Some(Status::Running), "STOPPED was not taken yet");
    bench.on(success(&effects[1], T0));
    assert!(bench.node.tasks().is_empty());
    assert!(bench.store.keys().all(|key| key.table == Table::History));
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(7 * 24 * 3600))), "for its story");
}

#[test]
fn the_node_wakes_to_drop_a_record() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    let effects = bench.on(exited(of("t", "app"), 0, T0));
    bench.succeed(effects);
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(3 * 3600))));
    bench.after(seconds(3 * 3600));
    assert!(bench.node.tasks().is_empty() && bench.store.keys().all(|key| key.table == Table::History));
}

#[test]
fn an_image_that_cannot_be_had_stops_the_task_with_its_reason() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app"), a_container("side").helper()])));
    let failed =
        Event::ImageFailed { container: of("t", "app"), reason: reason(ReasonCode::CannotPullContainer) };
    let effects = bench.on(failed);
    let report = report(&effects);
    assert_eq!(report.status, Status::Stopped);
    assert_eq!(report.reason, "CannotPullContainerError: because of the test");
    assert_eq!(report.containers[0].exit_code, None);
    assert_eq!(report.containers.len(), 2);
    assert_eq!(bench.node.next_wakeup(), None);
}
