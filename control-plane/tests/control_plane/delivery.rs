//! What agents are told, and when: derived from the tasks, again and again.

use super::pure::{World, awsvpc, bridge, handed_over, kinds, world};
use std::time::Duration;
use wharf_control_plane::model::instance::InstanceStatus;
use wharf_control_plane::model::task::{AttachmentStatus, LastStatus, Reported, StopCode};
use wharf_protocol::acs::{self, Message};
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

const ATTACH: &str = "AttachTaskNetworkInterfacesMessage";
const PAYLOAD: &str = "PayloadMessage";

fn a_task(world: &mut World, awsvpc_mode: bool) -> (ContainerInstanceArn, TaskArn) {
    let instance = world.connected_instance("i");
    world.define(if awsvpc_mode { awsvpc("app") } else { bridge("app") });
    let task = world.launch("app").unwrap();
    (instance, task)
}

#[test]
fn an_interface_is_sent_first_and_the_task_once_it_is_attached() {
    let mut world = world();
    let (_, task) = a_task(&mut world, true);
    assert_eq!(kinds(&world.sent()), [ATTACH]);
    assert_eq!(world.task(&task).interface.as_ref().unwrap().status, AttachmentStatus::Attaching);
    assert!(world.sent().is_empty());
    world.report_attached(&task);
    assert_eq!(handed_over(&world.sent()), [(task.to_string(), "RUNNING".to_owned())]);
}

#[test]
fn a_task_without_an_interface_is_sent_in_the_turn_that_launches_it() {
    let mut world = world();
    let (_, task) = a_task(&mut world, false);
    assert_eq!(handed_over(&world.sent()), [(task.to_string(), "RUNNING".to_owned())]);
}

#[test]
fn tasks_that_become_due_in_one_turn_travel_in_one_payload() {
    let mut world = world();
    world.connected_instance("i");
    world.define(bridge("app"));
    for _ in 0..3 {
        world.launch("app").unwrap();
    }
    let sent = world.sent();
    assert_eq!(kinds(&sent), [PAYLOAD]);
    assert_eq!(handed_over(&sent).len(), 3);
}

#[test]
fn an_unacknowledged_message_is_sent_again_with_growing_patience() {
    let mut world = world();
    let (_, _) = a_task(&mut world, true);
    world.sent();
    let seconds: Vec<u64> =
        (1..=140).filter(|_| !world.sent_after(Duration::from_secs(1)).is_empty()).collect();
    assert_eq!(seconds, [5, 15, 35, 75, 135]);
}

#[test]
fn an_acknowledged_message_is_not_sent_again() {
    let mut world = world();
    let (instance, _) = a_task(&mut world, false);
    let sent = world.sent();
    world.acknowledge(&instance, &sent);
    assert!(world.sent_after(Duration::from_secs(600)).is_empty());
}

#[test]
fn a_new_connection_gets_a_higher_manifest_and_all_that_is_still_owed() {
    let mut world = world();
    let (instance, task) = a_task(&mut world, false);
    let first = world.sent();
    world.acknowledge(&instance, &first);
    world.disconnect(&instance);
    let again = world.connect(&instance);
    assert_eq!(kinds(&again), ["TaskManifestMessage", PAYLOAD], "acknowledged is not yet running");
    let Message::TaskManifestMessage(manifest) = &again[0] else { panic!("the manifest comes first") };
    assert_eq!(manifest.timeline, Some(2));
    assert_eq!(manifest.tasks[0].task_arn.as_deref(), Some(task.as_str()));
    world.report_status(&task, Reported::Running);
    world.disconnect(&instance);
    assert_eq!(kinds(&world.connect(&instance)), ["TaskManifestMessage"], "a running task is owed nothing");
}

#[test]
fn nothing_is_sent_to_an_agent_that_is_not_connected() {
    let mut world = world();
    let (instance, _) = a_task(&mut world, true);
    world.disconnect(&instance);
    assert!(world.sent_after(Duration::from_secs(600)).is_empty());
    assert_eq!(kinds(&world.connect(&instance)), ["TaskManifestMessage", ATTACH]);
}

#[test]
fn a_stop_is_sent_until_acknowledged_and_moves_the_status_with_it() {
    let mut world = world();
    let (instance, task) = a_task(&mut world, false);
    let sent = world.sent();
    world.acknowledge(&instance, &sent);
    world.report_status(&task, Reported::Running);
    let now = world.turn.now;
    world.model.tasks.edit(&task).unwrap().order_stop(StopCode::UserInitiated, "enough", now);
    assert_eq!(handed_over(&world.sent()), [(task.to_string(), "STOPPED".to_owned())]);
    let again = world.sent_after(Duration::from_secs(5));
    assert_eq!(handed_over(&again).len(), 1);
    assert_eq!(world.task(&task).status, LastStatus::Deactivating);
    world.acknowledge(&instance, &again);
    assert_eq!(world.task(&task).status, LastStatus::Stopping);
    assert!(world.sent_after(Duration::from_secs(600)).is_empty());
}

#[test]
fn an_interface_that_is_not_attached_in_time_ends_its_task() {
    let mut world = world();
    let (instance, task) = a_task(&mut world, true);
    let sent = world.sent();
    world.acknowledge(&instance, &sent);
    world.sent_after(Duration::from_secs(179));
    assert_eq!(world.task(&task).status, LastStatus::Provisioning);
    let sent = world.sent_after(Duration::from_secs(1));
    let stop = world.task(&task).stop.clone().unwrap();
    assert_eq!(stop.code, StopCode::TaskFailedToStart);
    assert_eq!(stop.reason, "Timeout waiting for network interface provisioning to complete.");
    assert_eq!(
        handed_over(&sent),
        [(task.to_string(), "STOPPED".to_owned())],
        "the agent has to forget it too"
    );
}

#[test]
fn time_in_which_nobody_listened_does_not_count_against_an_interface() {
    let mut world = world();
    let (instance, task) = a_task(&mut world, true);
    world.sent();
    world.crash();
    world.sent_after(Duration::from_secs(600));
    assert_eq!(world.task(&task).status, LastStatus::Provisioning);
    world.turn.now = world.turn.now + Duration::from_secs(170);
    let sent = world.connect(&instance);
    let Message::AttachTaskNetworkInterfacesMessage(attach) = &sent[1] else { panic!("{:?}", kinds(&sent)) };
    assert_eq!(attach.wait_timeout_ms, Some(180_000), "a new connection has the whole time");
}

#[test]
fn an_agent_that_never_comes_back_does_not_hold_a_task_in_provisioning_for_ever() {
    let mut world = world();
    let (instance, task) = a_task(&mut world, true);
    world.sent();
    world.disconnect(&instance);
    world.sent_after(Duration::from_secs(180));
    assert!(world.task(&task).shall_stop());
}

#[test]
fn the_address_comes_back_when_the_task_is_stopped() {
    let mut world = world();
    let (_, task) = a_task(&mut world, true);
    world.sent();
    let before = world.model.addresses.free(&super::pure::subnet());
    world.report_status(&task, Reported::Stopped);
    world.sent();
    assert_eq!(world.model.addresses.free(&super::pure::subnet()), before + 1);
}

#[test]
fn a_stopped_task_is_forgotten_after_an_hour_and_not_before() {
    let mut world = world();
    let (_, task) = a_task(&mut world, false);
    world.sent();
    world.report_status(&task, Reported::Stopped);
    world.sent();
    world.sent_after(Duration::from_secs(3599));
    assert!(world.model.tasks.get(&task).is_some());
    world.sent_after(Duration::from_secs(1));
    assert!(world.model.tasks.get(&task).is_none());
}

fn candidates(
    world: &World,
    instance: &ContainerInstanceArn,
    arns: &[&str],
) -> acs::TaskStopVerificationMessage {
    let candidate =
        |arn: &&str| acs::TaskIdentifier { task_arn: Some((*arn).to_owned()), ..Default::default() };
    acs::TaskStopVerificationMessage {
        message_id: Some(world.model.live.sessions[instance].manifest.clone()),
        stop_candidates: arns.iter().map(candidate).collect(),
    }
}

#[test]
fn of_stop_candidates_only_those_that_should_not_run_there_are_confirmed() {
    let mut world = world();
    let (instance, running) = a_task(&mut world, false);
    let other = world.connected_instance("other");
    let now = world.turn.now;
    world.sent();
    let unknown = "arn:aws:ecs:eu-west-1:111122223333:task/c/00000000000000000000000000000000";
    let asked = candidates(&world, &instance, &[running.as_str(), unknown, "nonsense"]);
    world.model.verify_stops(&instance, &asked, now);
    let [Message::TaskStopVerificationAck(answer)] = &world.sent()[..] else { panic!("one answer") };
    let confirmed: Vec<_> = answer.stop_tasks.iter().filter_map(|task| task.task_arn.as_deref()).collect();
    assert_eq!(confirmed, [unknown, "nonsense"]);
    let asked = candidates(&world, &other, &[running.as_str()]);
    world.model.verify_stops(&other, &asked, now);
    let [Message::TaskStopVerificationAck(answer)] = &world.sent()[..] else { panic!("one answer") };
    assert_eq!(answer.stop_tasks.len(), 1, "it should run, but not on this instance");
}

#[test]
fn stop_candidates_of_an_earlier_manifest_are_not_answered() {
    let mut world = world();
    let instance = world.connected_instance("i");
    let old = candidates(&world, &instance, &["t"]);
    world.connect(&instance);
    let now = world.turn.now;
    world.model.verify_stops(&instance, &old, now);
    assert!(world.sent().is_empty());
}

#[test]
fn role_credentials_travel_with_the_task_and_are_renewed_at_half_their_life() {
    let mut world = world();
    let instance = world.connected_instance("i");
    let mut document = bridge("app");
    document["taskRoleArn"] = serde_json::json!("arn:aws:iam::111122223333:role/app");
    world.define(document);
    let task = world.launch("app").unwrap();
    let sent = world.sent();
    let Message::PayloadMessage(payload) = &sent[0] else { panic!("a payload") };
    let given = payload.tasks[0].role_credentials.clone().unwrap();
    assert_eq!(given.role_arn.as_deref(), Some("arn:aws:iam::111122223333:role/app"));
    world.acknowledge(&instance, &sent);
    world.report_status(&task, Reported::Running);
    assert!(world.sent_after(Duration::from_secs(3 * 3600 - 1)).is_empty());
    let renewed = world.sent_after(Duration::from_secs(1));
    let [Message::IAMRoleCredentialsMessage(message)] = &renewed[..] else { panic!("{:?}", kinds(&renewed)) };
    let new = message.role_credentials.clone().unwrap();
    assert_eq!(message.role_type.as_deref(), Some("TaskApplication"));
    assert_eq!(new.credentials_id, given.credentials_id, "the id is the task's path to its credentials");
    assert_ne!(new.access_key_id, given.access_key_id);
    assert!(new.expiration > given.expiration);
    assert!(world.sent().is_empty());
}

#[test]
fn a_task_that_is_slow_to_start_has_its_credentials_renewed_too() {
    let mut world = world();
    let instance = world.connected_instance("i");
    let mut document = bridge("app");
    document["taskRoleArn"] = serde_json::json!("arn:aws:iam::111122223333:role/app");
    world.define(document);
    world.launch("app").unwrap();
    let sent = world.sent();
    world.acknowledge(&instance, &sent);
    for _ in 0..2 {
        assert_eq!(kinds(&world.sent_after(Duration::from_secs(3 * 3600))), ["IAMRoleCredentialsMessage"]);
        assert!(world.sent().is_empty());
    }
}

#[test]
fn an_agent_that_asks_gets_the_credentials_of_its_tasks_before_the_manifest() {
    let mut world = world();
    let instance = world.connected_instance("i");
    let mut document = bridge("app");
    document["taskRoleArn"] = serde_json::json!("arn:aws:iam::111122223333:role/app");
    document["executionRoleArn"] = serde_json::json!("arn:aws:iam::111122223333:role/exec");
    world.define(document);
    let task = world.launch("app").unwrap();
    world.sent();
    world.report_status(&task, Reported::Running);
    world.disconnect(&instance);
    let sent = world.connect_asking(&instance, true);
    let credentials = "IAMRoleCredentialsMessage";
    assert_eq!(kinds(&sent), [credentials, credentials, "TaskManifestMessage"]);
    world.disconnect(&instance);
    assert_eq!(kinds(&world.connect_asking(&instance, false)), ["TaskManifestMessage"]);
}

#[test]
fn held_tasks_leave_together_when_released() {
    let mut world = world();
    world.connected_instance("i");
    world.define(awsvpc("app"));
    world.model.hold_payloads(true);
    let tasks: Vec<_> = (0..3).map(|_| world.launch("app").unwrap()).collect();
    assert_eq!(kinds(&world.sent()), [ATTACH; 3]);
    for task in &tasks {
        world.report_attached(task);
        assert!(world.sent().is_empty());
    }
    world.model.hold_payloads(false);
    let sent = world.sent();
    assert_eq!(kinds(&sent), [PAYLOAD]);
    assert_eq!(handed_over(&sent).len(), 3);
}

#[test]
fn who_may_connect() {
    let mut world = world();
    let arn = world.instance("i");
    let refused = |world: &World, cluster: &str, instance: &str| {
        world.model.admit(cluster, instance).map_err(|refusal| refusal.exception)
    };
    assert_eq!(refused(&world, "c", arn.as_str()), Ok(arn.clone()));
    let cluster = "arn:aws:ecs:eu-west-1:111122223333:cluster/c";
    assert_eq!(refused(&world, cluster, arn.as_str()), Ok(arn.clone()));
    assert_eq!(refused(&world, "d", arn.as_str()), Err("InvalidClusterException".into()));
    assert_eq!(refused(&world, "c", "nonsense"), Err("InvalidInstanceException".into()));
    let unknown = arn.as_str().replace("c/i", "c/j");
    assert_eq!(refused(&world, "c", &unknown), Err("InvalidInstanceException".into()));
    world.model.instances.edit(&arn).unwrap().status = InstanceStatus::Inactive;
    assert_eq!(refused(&world, "c", arn.as_str()), Err("InactiveInstanceException".into()));
}
