//! The other messages of a session, and what is told with the Submit calls.

use super::{CLUSTER, INSTANCE, TASK, arn, eni, other_task, read, with};
use serde_json::json;
use wharf_agent::acs::{
    Refusal, interface_assigned, manifest_received, reply_message, report, role_credentials, stops_verified,
};
use wharf_agent::endpoints::credentials::Role;
use wharf_core::effect::Reply;
use wharf_core::event::{Desired, Event};
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::report::{AttachmentReport, ContainerReport, Status, TaskReport};
use wharf_core::time::Timestamp;
use wharf_protocol::acs::AttachTaskNetworkInterfacesMessage;

#[test]
fn an_announced_interface_lapses_after_its_wait() {
    let message = json!({"messageId": "m-1", "clusterArn": CLUSTER, "containerInstanceArn": INSTANCE, "taskArn": TASK,
        "waitTimeoutMs": 5000, "elasticNetworkInterfaces": [eni()]});
    let event =
        interface_assigned(&read(message.clone()), Timestamp::from_millis(1000)).expect("it is right");
    let Event::InterfaceAssigned { message_id, attachment } = event else { panic!("another event") };
    assert_eq!((message_id.as_str(), attachment.task.as_str()), ("m-1", TASK));
    assert_eq!(attachment.expires_at, Timestamp::from_millis(6000));
    for change in
        [json!({"waitTimeoutMs": 0}), json!({"taskArn": "x"}), json!({"elasticNetworkInterfaces": []})]
    {
        let wrong: AttachTaskNetworkInterfacesMessage = read(with(message.clone(), change));
        interface_assigned(&wrong, Timestamp::default()).expect_err("it is wrong");
    }
}

#[test]
fn a_manifest_says_which_tasks_are_wanted() {
    let message = json!({"messageId": "m-1", "timeline": 7, "tasks": [
        {"taskArn": TASK, "desiredStatus": "RUNNING"},
        {"taskArn": other_task("b"), "desiredStatus": "STOPPED"},
        {"taskArn": "unreadable", "desiredStatus": "RUNNING"},
    ]});
    let event = manifest_received(&read(message)).expect("it is right");
    let tasks = [(arn(TASK), Desired::Running), (arn(&other_task("b")), Desired::Stopped)].into();
    assert_eq!(event, Event::ManifestReceived { message_id: "m-1".to_owned(), timeline: 7, tasks });
    manifest_received(&read(json!({"messageId": "m-1"}))).expect_err("it has no timeline");
}

#[test]
fn verified_stops_are_an_event() {
    let event = stops_verified(&read(json!({"messageId": "m-1", "stopTasks": [{"taskArn": TASK}]})))
        .expect("it is right");
    assert_eq!(event, Event::StopsVerified { message_id: "m-1".to_owned(), tasks: vec![arn(TASK)] });
}

#[test]
fn renewed_credentials_name_their_task_and_role() {
    let message = |role: &str| {
        json!({"messageId": "m-1", "taskArn": TASK, "roleType": role,
        "roleCredentials": {"credentialsId": "b6c7", "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "hunter2"}})
    };
    let role = |role: &str| role_credentials(&read(message(role))).map(|renewed| renewed.credentials.role);
    assert_eq!(role("TaskApplication"), Ok(Role::Task));
    assert_eq!(role("TaskExecution"), Ok(Role::Execution));
    assert!(role("Other").is_err());
}

#[test]
fn replies_bear_the_names_of_the_message_they_answer() {
    let ack = reply_message(Reply::Ack { message_id: "m-1".to_owned() }, CLUSTER, INSTANCE);
    let expected = json!({"cluster": CLUSTER, "containerInstance": INSTANCE, "messageId": "m-1"});
    assert_eq!(serde_json::to_value(&ack).expect("it is JSON"), expected);
    let stops = Reply::VerifyStops { message_id: "m-2".to_owned(), candidates: vec![arn(TASK)] };
    let expected = json!({"messageId": "m-2", "stopCandidates": [
        {"taskArn": TASK, "taskClusterArn": CLUSTER, "desiredStatus": "STOPPED"}]});
    assert_eq!(serde_json::to_value(reply_message(stops, CLUSTER, INSTANCE)).expect("it is JSON"), expected);
}

#[test]
fn a_report_becomes_the_request_of_the_specification() {
    let at = |millis| Some(Timestamp::from_millis(millis));
    let container = ContainerReport {
        name: "web".to_owned(),
        status: Status::Stopped,
        runtime_id: Some("r".repeat(300)),
        image_digest: Some("sha256:x".to_owned()),
        exit_code: Some(137),
        reason: Some("ü".repeat(2000)),
    };
    let report = TaskReport {
        task: arn(TASK),
        status: Status::Stopped,
        reason: "x".repeat(2000),
        containers: vec![container],
        pull_started_at: at(1_790_000_000_123),
        pull_stopped_at: None,
        execution_stopped_at: at(1_790_000_001_000),
    };
    let expected = json!({
        "cluster": "c1", "task": TASK, "status": "STOPPED", "reason": "x".repeat(1024),
        "containers": [{"containerName": "web", "status": "STOPPED", "runtimeId": "r".repeat(255),
            "imageDigest": "sha256:x", "exitCode": 137, "reason": "ü".repeat(1024)}],
        "pullStartedAt": 1_790_000_000.123, "executionStoppedAt": 1_790_000_001,
    });
    assert_eq!(serde_json::to_value(report::task_request("c1", &report)).expect("it is JSON"), expected);
}

#[test]
fn a_running_report_has_an_empty_reason_and_nothing_unknown() {
    let report = TaskReport {
        task: arn(TASK),
        status: Status::Running,
        reason: String::new(),
        containers: Vec::new(),
        pull_started_at: None,
        pull_stopped_at: None,
        execution_stopped_at: None,
    };
    let expected = json!({"cluster": "c1", "task": TASK, "status": "RUNNING", "reason": ""});
    assert_eq!(serde_json::to_value(report::task_request("c1", &report)).expect("it is JSON"), expected);
}

#[test]
fn an_attachment_report_says_attached_and_no_status() {
    let report = AttachmentReport { task: arn(TASK), attachment_arn: "arn:a".to_owned() };
    let expected = json!({"cluster": "c1", "task": TASK,
        "attachments": [{"attachmentArn": "arn:a", "status": "ATTACHED"}]});
    assert_eq!(
        serde_json::to_value(report::attachment_request("c1", &report)).expect("it is JSON"),
        expected
    );
}

#[test]
fn reasons_have_the_names_of_ecs() {
    let reason = Refusal::Unsupported { field: "x".to_owned(), instead: "" }.reason();
    let detail = "Error loading task - x is not supported by this agent yet";
    assert_eq!(reason, Reason::new(ReasonCode::UnrecognizedTask, detail));
}
