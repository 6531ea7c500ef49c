//! Networks of tasks and the interfaces that are announced for them.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::effect::{Effect, Reply};
use wharf_core::event::{Event, Observation};
use wharf_core::note::Note;
use wharf_core::reason::ReasonCode;
use wharf_core::report::Status;
use wharf_core::spec::{Network, TaskSpec};

fn vpc_task() -> TaskSpec {
    awsvpc(a_task("t", vec![a_container("app")]))
}

fn later() -> wharf_core::time::Timestamp {
    T0.plus(seconds(300))
}

#[test]
fn the_image_is_pulled_while_the_network_is_made_and_creation_waits_for_both() {
    let mut bench = Bench::new();
    let effects = bench.on(run(vpc_task()));
    assert_eq!(words(&effects), ["prepare", "pull app"]);
    assert!(!words(&bench.on(pulled(of("t", "app")))).contains(&"create app".to_owned()));
    assert_eq!(words(&bench.on(success(&effects[0], T0))), ["create app", "report ATTACHED"]);
}

#[test]
fn an_announced_interface_is_acknowledged_made_and_attached_before_its_task_comes() {
    let mut bench = Bench::new();
    let turn = bench.turn(announced("t", later()));
    assert_eq!(turn.replies, [Reply::Ack { message_id: "m-attach".to_owned() }]);
    assert_eq!(turn.effects, [Effect::PrepareNetwork { task: arn("t"), interface: Some(interface()) }]);
    assert_eq!(words(&bench.succeed(turn.effects)), ["prepare", "report ATTACHED"]);
    assert_eq!(words(&bench.on(run(vpc_task()))), ["pull app"], "the task takes it over as it is");
    assert!(bench.attachment("t").is_none());
}

#[test]
fn an_interface_announced_twice_is_acknowledged_twice_and_made_once() {
    let mut bench = Bench::new();
    bench.on(announced("t", later()));
    let turn = bench.turn(announced("t", later()));
    assert_eq!((turn.replies.len(), turn.effects.len()), (1, 0));
    bench.on(run(vpc_task()));
    let turn = bench.turn(announced("t", later()));
    assert_eq!((turn.replies.len(), turn.effects.len()), (1, 0));
}

#[test]
fn a_task_that_comes_while_its_interface_is_being_made_waits_for_it() {
    let mut bench = Bench::new();
    let prepare = bench.on(announced("t", later())).remove(0);
    assert_eq!(words(&bench.on(run(vpc_task()))), ["pull app"]);
    bench.on(pulled(of("t", "app")));
    assert_eq!(words(&bench.on(success(&prepare, T0))), ["create app", "report ATTACHED"]);
}

#[test]
fn an_interface_whose_task_never_comes_is_released_and_forgotten() {
    let mut bench = Bench::new();
    let effects = bench.on(announced("t", later()));
    bench.succeed(effects);
    assert_eq!(bench.node.next_wakeup(), Some(later()));
    let effects = bench.after(seconds(300));
    assert_eq!(words(&effects), ["release"]);
    bench.succeed(effects);
    assert!(bench.attachment("t").is_none() && bench.store.is_empty());
    assert!(bench.notes.contains(&Note::AttachmentLapsed { task: arn("t") }));
    assert_eq!(bench.node.next_wakeup(), None);
}

#[test]
fn an_interface_announced_for_a_task_that_wants_none_never_has_the_task_released() {
    let mut bench = Bench::new();
    let effects = bench.on(announced("t", later()));
    bench.succeed(effects);
    bench.up(TaskSpec { network: Network::Host, ..vpc_task() });
    assert!(bench.attachment("t").is_none());
    assert_eq!(words(&bench.after(seconds(3600))), [""; 0]);
}

#[test]
fn a_task_that_comes_while_its_lapsed_interface_is_removed_has_it_made_again() {
    let mut bench = Bench::new();
    let effects = bench.on(announced("t", later()));
    bench.succeed(effects);
    let release = bench.after(seconds(300)).remove(0);
    assert_eq!(words(&bench.on(run(vpc_task()))), ["pull app"]);
    assert!(!words(&bench.on(pulled(of("t", "app")))).contains(&"create app".to_owned()));
    assert_eq!(words(&bench.on(success(&release, T0))), ["prepare"]);
}

#[test]
fn an_interface_that_has_lapsed_already_is_acknowledged_and_not_made() {
    let mut bench = Bench::new();
    let turn = bench.turn(announced("t", T0));
    assert_eq!((turn.replies.len(), turn.effects.len()), (1, 0));
}

#[test]
fn an_interface_without_attachment_is_not_reported() {
    let mut bench = Bench::new();
    let mut interface = interface();
    interface.attachment_arn = None;
    let effects = bench.on(run(TaskSpec { network: Network::Awsvpc(interface), ..vpc_task() }));
    assert!(!words(&bench.succeed(effects)).contains(&"report ATTACHED".to_owned()));
}

#[test]
fn a_lost_attached_report_is_sent_again() {
    let mut bench = Bench::new();
    let effects = bench.on(announced("t", later()));
    bench.on(success(&effects[0], T0));
    let effects = bench.on(Event::AttachmentReportFailed { task: arn("t") });
    assert!(matches!(&effects[..], [Effect::ReportAttachment { after, .. }] if *after >= seconds(1) / 2));
}

#[test]
fn a_stop_for_a_task_that_never_came_lets_its_interface_go() {
    let mut bench = Bench::new();
    let effects = bench.on(announced("t", later()));
    bench.succeed(effects);
    assert_eq!(words(&bench.on(stop("t"))), ["release", "report STOPPED"]);
}

#[test]
fn a_network_that_cannot_be_made_stops_the_task() {
    let mut bench = Bench::new();
    bench.on(run(vpc_task()));
    let reason = reason(ReasonCode::ContainerNetworking);
    let effects = bench.on(Event::NetworkFailed { task: arn("t"), reason });
    assert_eq!(report(&effects).reason, "ContainerNetworkingError: because of the test");
    assert_eq!(report(&effects).status, Status::Stopped);
}

#[test]
fn an_announced_interface_that_cannot_be_made_is_tried_until_it_lapses() {
    let mut bench = Bench::new();
    bench.on(announced("t", later()));
    let reason = reason(ReasonCode::ContainerNetworking);
    assert_eq!(bench.on(Event::NetworkFailed { task: arn("t"), reason }), []);
    assert_eq!(words(&bench.after(seconds(2))), ["prepare"]);
}

#[test]
fn a_task_that_comes_does_not_wait_for_the_next_try_of_its_interface() {
    let mut bench = Bench::new();
    bench.on(announced("t", later()));
    let reason = reason(ReasonCode::ContainerNetworking);
    bench.on(Event::NetworkFailed { task: arn("t"), reason });
    assert_eq!(words(&bench.on(run(vpc_task()))), ["prepare", "pull app"]);
}

#[test]
fn a_network_that_takes_too_long_stops_the_task_and_is_released_once_it_has_ended() {
    let mut bench = Bench::new();
    bench.on(run(vpc_task()));
    let effects = bench.after(seconds(60));
    assert_eq!(words(&effects), ["report STOPPED"], "making it may still end");
    assert_eq!(words(&bench.on(Event::NetworkReady { task: arn("t") })), ["release"]);
}

#[test]
fn an_empty_namespace_is_made_for_network_mode_none_and_nothing_for_host() {
    let mut bench = Bench::new();
    let effects = bench.on(run(TaskSpec { network: Network::None, ..vpc_task() }));
    assert_eq!(effects[0], Effect::PrepareNetwork { task: arn("t"), interface: None });
    let mut bench = Bench::new();
    assert_eq!(words(&bench.on(run(TaskSpec { network: Network::Host, ..vpc_task() }))), ["pull app"]);
}

#[test]
fn after_a_restart_the_network_is_prepared_again_and_not_reported_again() {
    let mut bench = Bench::new();
    bench.up(vpc_task());
    let effects = bench.restart(&[(of("t", "app"), Observation::Running { pid: 1, since: None })]);
    assert_eq!(words(&effects), ["prepare"]);
    assert_eq!(words(&bench.succeed(effects)), ["prepare"]);
}

#[test]
fn after_a_restart_nothing_is_started_before_the_network_stands_again() {
    let mut bench = Bench::new();
    let prepare = bench.on(run(vpc_task())).remove(0);
    bench.on(success(&prepare, T0));
    bench.on(pulled(of("t", "app")));
    bench.on(created(of("t", "app")));
    let effects = bench.restart(&[(of("t", "app"), Observation::Created)]);
    assert_eq!(words(&effects), ["prepare", "report PENDING"]);
    assert!(words(&bench.on(success(&effects[0], T0))).contains(&"start app".to_owned()));
}

#[test]
fn what_lives_is_not_killed_for_a_network_that_cannot_be_prepared_again() {
    let mut bench = Bench::new();
    bench.up(vpc_task());
    bench.restart(&[(of("t", "app"), Observation::Running { pid: 1, since: None })]);
    let reason = reason(ReasonCode::ContainerNetworking);
    assert_eq!(bench.on(Event::NetworkFailed { task: arn("t"), reason }), []);
    assert_eq!(bench.task("t").status(), Some(Status::Running));
    assert_eq!(words(&bench.after(seconds(2))), ["prepare"]);
}

#[test]
fn a_release_that_fails_is_tried_again() {
    let mut bench = Bench::new();
    bench.on(run(vpc_task()));
    let reason = reason(ReasonCode::ContainerNetworking);
    bench.on(Event::NetworkFailed { task: arn("t"), reason: reason.clone() });
    bench.on(Event::ReleaseFailed { task: arn("t"), reason });
    assert_eq!(words(&bench.after(seconds(2))), ["release"]);
}
