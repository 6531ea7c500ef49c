//! A task's life as the agent's reports move it: forwards only.

use super::pure::{awsvpc, bridge, world};
use wharf_control_plane::model::task::{
    AttachmentStatus, ContainerReport, ContainerStatus, LastStatus, Report, Reported, StopCode,
};
use wharf_protocol::api;

fn container(status: Reported, exit_code: Option<i64>, reason: &str) -> ContainerReport {
    let change = api::ContainerStateChange {
        exit_code,
        reason: Some(reason.to_owned()),
        ..api::ContainerStateChange::default()
    };
    ContainerReport { name: "app".into(), status: Some(status), change }
}

#[test]
fn a_task_with_an_interface_begins_provisioning_and_one_without_pending() {
    let mut world = world();
    world.connected_instance("i");
    world.define(awsvpc("net"));
    world.define(bridge("plain"));
    let [net, plain] = ["net", "plain"].map(|family| world.launch(family).unwrap());
    assert_eq!(world.task(&net).status, LastStatus::Provisioning);
    assert_eq!(world.task(&plain).status, LastStatus::Pending);
}

#[test]
fn attached_then_running_then_stopped_each_with_its_moment() {
    let mut world = world();
    world.connected_instance("i");
    world.define(awsvpc("net"));
    let task = world.launch("net").unwrap();
    world.sent();
    world.report_attached(&task);
    assert_eq!(world.task(&task).status, LastStatus::Pending);
    world.report_status(&task, Reported::Running);
    assert_eq!(world.task(&task).moments.started, Some(world.turn.now));
    world.report_status(&task, Reported::Stopped);
    let task = world.task(&task);
    assert_eq!(task.status, LastStatus::Stopped);
    assert_eq!(task.moments.stopped, Some(world.turn.now));
    assert_eq!(task.containers[0].status, ContainerStatus::Stopped);
    assert_eq!(task.interface.as_ref().unwrap().status, AttachmentStatus::Deleted);
}

#[test]
fn a_status_never_goes_backwards() {
    let mut world = world();
    world.connected_instance("i");
    world.define(bridge("plain"));
    let task = world.launch("plain").unwrap();
    world.sent();
    world.report_status(&task, Reported::Running);
    world.report_status(&task, Reported::Pending);
    assert_eq!(world.task(&task).status, LastStatus::Running);
    world.report_status(&task, Reported::Stopped);
    let stopped = world.task(&task).clone();
    world.report_status(&task, Reported::Running);
    world.report(
        &task,
        Report { containers: vec![container(Reported::Running, None, "")], ..Report::default() },
    );
    assert_eq!(world.task(&task).status, LastStatus::Stopped);
    assert_eq!(world.task(&task).version, stopped.version);
}

#[test]
fn running_reported_after_a_stop_was_ordered_does_not_revive_the_task() {
    let mut world = world();
    world.connected_instance("i");
    world.define(bridge("plain"));
    let task = world.launch("plain").unwrap();
    world.sent();
    let now = world.turn.now;
    world.model.tasks.edit(&task).unwrap().order_stop(StopCode::UserInitiated, "enough", now);
    world.report_status(&task, Reported::Running);
    assert_eq!(world.task(&task).status, LastStatus::Deactivating);
    assert!(world.task(&task).moments.started.is_some(), "that it did run is still worth knowing");
}

#[test]
fn a_task_the_agent_never_heard_of_stops_at_once() {
    let mut world = world();
    world.connected_instance("i");
    world.define(awsvpc("net"));
    let task = world.launch("net").unwrap();
    let now = world.turn.now;
    world.model.tasks.edit(&task).unwrap().order_stop(StopCode::UserInitiated, "changed my mind", now);
    assert_eq!(world.task(&task).status, LastStatus::Stopped);
    assert!(world.sent().is_empty(), "an agent that knows nothing of a task is not told to stop it");
}

#[test]
fn the_first_order_to_stop_gives_the_reason() {
    let mut world = world();
    world.connected_instance("i");
    world.define(bridge("plain"));
    let task = world.launch("plain").unwrap();
    world.sent();
    let now = world.turn.now;
    for reason in ["first", "second"] {
        world.model.tasks.edit(&task).unwrap().order_stop(StopCode::UserInitiated, reason, now);
    }
    world.report(
        &task,
        Report { status: Some(Reported::Stopped), reason: Some("agent".into()), ..Report::default() },
    );
    assert_eq!(world.task(&task).stop.as_ref().unwrap().reason, "first");
}

#[test]
fn a_task_whose_container_never_ran_failed_to_start_for_the_containers_reason() {
    let mut world = world();
    world.connected_instance("i");
    world.define(bridge("plain"));
    let task = world.launch("plain").unwrap();
    world.sent();
    let failed = container(Reported::Stopped, None, "CannotPullContainerError: no such image");
    world.report(
        &task,
        Report { status: Some(Reported::Stopped), containers: vec![failed], ..Report::default() },
    );
    let stop = world.task(&task).stop.clone().unwrap();
    assert_eq!(stop.code, StopCode::TaskFailedToStart);
    assert_eq!(stop.reason, "CannotPullContainerError: no such image");
}

#[test]
fn a_task_whose_essential_container_ended_says_so() {
    let mut world = world();
    world.connected_instance("i");
    world.define(bridge("plain"));
    let task = world.launch("plain").unwrap();
    world.sent();
    let ended = container(Reported::Stopped, Some(3), "");
    world.report(
        &task,
        Report { status: Some(Reported::Stopped), containers: vec![ended], ..Report::default() },
    );
    let task = world.task(&task);
    let stop = task.stop.clone().unwrap();
    assert_eq!(
        (stop.code, stop.reason.as_str()),
        (StopCode::EssentialContainerExited, "Essential container in task exited")
    );
    assert_eq!(task.containers[0].exit_code, Some(3));
}

#[test]
fn what_was_once_reported_about_a_container_is_not_forgotten() {
    let mut world = world();
    world.connected_instance("i");
    world.define(bridge("plain"));
    let task = world.launch("plain").unwrap();
    world.sent();
    let full = api::ContainerStateChange {
        runtime_id: Some("r".into()),
        image_digest: Some("sha256:1".into()),
        network_bindings: vec![api::NetworkBinding::default()],
        ..api::ContainerStateChange::default()
    };
    let first = ContainerReport { name: "app".into(), status: Some(Reported::Running), change: full };
    world.report(&task, Report { containers: vec![first], ..Report::default() });
    world.report(
        &task,
        Report { containers: vec![container(Reported::Stopped, Some(0), "")], ..Report::default() },
    );
    let known = &world.task(&task).containers[0];
    assert_eq!(known.runtime_id.as_deref(), Some("r"));
    assert_eq!(known.image_digest.as_deref(), Some("sha256:1"));
    assert_eq!(known.bindings.len(), 1);
    assert_eq!(known.exit_code, Some(0));
}
