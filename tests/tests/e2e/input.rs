//! Bad input gets a clear error and loses nothing.

use crate::lifecycle::{connected, end};
use std::process::Stdio;
use std::time::Duration;
use wharf_protocol::acs;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::wait;
use wharf_tests::world::Host;

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn malformed_frames_are_dropped_and_the_next_payload_is_obeyed() {
    let (host, control) = connected().await;
    let hostile = [
        "".to_owned(),
        "{".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        r#"{"type":"PayloadMessage"}"#.to_owned(),
        r#"{"type":"PayloadMessage","message":{"tasks":7}}"#.to_owned(),
        r#"{"type":"NoSuchMessage","message":{}}"#.to_owned(),
        format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!(r#"{{"type":"PayloadMessage","message":{{"messageId":"{}"}}}}"#, "x".repeat(1 << 20)),
    ];
    for frame in hostile {
        control.send_raw(frame);
    }
    let task = awsvpc_task(140, 10, vec![container("app", STAY)]);
    let (id, message) = payload(vec![task.clone()]);
    control.send(message);
    control.acked(&id, SOON).await;
    control.status_of(arn(&task), "RUNNING", SOON).await;
    assert_eq!(control.sessions(), 1, "the session survived them all");
    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_task_is_told_stopped_and_the_valid_one_beside_it_runs() {
    let (host, control) = connected().await;
    let good = awsvpc_task(141, 10, vec![container("app", STAY)]);
    let mut bad = awsvpc_task(141, 11, vec![container("app", STAY)]);
    bad.containers[0].overrides = Some(String::new());
    let (id, message) = payload(vec![bad.clone(), good.clone()]);
    control.send(message);
    let (_, stopped) = control.status_of(arn(&bad), "STOPPED", SOON).await;
    assert!(
        stopped.reason.as_deref().unwrap_or_default().starts_with("UnrecogniedTaskError: "),
        "{stopped:?}"
    );
    control.status_of(arn(&good), "RUNNING", SOON).await;
    assert_eq!(control.acks_of(&id), 0, "a payload with an invalid task is not acknowledged");
    control.send(payload(vec![stop(&good)]).1);
    control.status_of(arn(&good), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_payload_twice_is_acknowledged_twice_and_done_once() {
    let (host, control) = connected().await;
    let task = awsvpc_task(142, 10, vec![container("app", STAY)]);
    let (id, message) = payload(vec![task.clone()]);
    control.send(message.clone());
    control.status_of(arn(&task), "RUNNING", SOON).await;
    control.send(message);
    wait::until("the second ack", SOON, async || match control.acks_of(&id) {
        2 => Ok(()),
        n => Err(format!("{n} acks")),
    })
    .await;
    assert_eq!(host.tasks().len(), 1);
    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_missing_from_the_manifest_stops_once_that_is_verified() {
    let (host, control) = connected().await;
    let task = awsvpc_task(143, 10, vec![container("app", STAY)]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "RUNNING", SOON).await;
    control.send(acs::TaskManifestMessage {
        message_id: Some("manifest-1".to_owned()),
        cluster_arn: Some(wharf_tests::scripted::CLUSTER_ARN.to_owned()),
        container_instance_arn: Some(wharf_tests::scripted::INSTANCE_ARN.to_owned()),
        timeline: Some(1),
        ..Default::default()
    });
    let candidate = control
        .wait_for("the stop verification", SOON, |journal| {
            journal.iter().find_map(|(_, r)| match r {
                wharf_tests::scripted::Received::Acs(m) => match m.as_ref() {
                    acs::Message::TaskStopVerificationMessage(v) => Some(v.stop_candidates.clone()),
                    _ => None,
                },
                _ => None,
            })
        })
        .await;
    assert_eq!(candidate[0].task_arn.as_deref(), Some(arn(&task)));
    assert_eq!(host.tasks().len(), 1, "nothing is stopped unverified");
    control.send(acs::TaskStopVerificationAck {
        message_id: Some("manifest-1".to_owned()),
        stop_tasks: candidate,
        ..Default::default()
    });
    control.status_of(arn(&task), "STOPPED", SOON).await;
    end(host, control).await;
}

/// Runs `wharf-agent run` to its end and returns exit code and output.
fn run_to_end(host: &mut Host, change: impl FnOnce(&mut std::process::Command)) -> (Option<i32>, String) {
    let mut command = host.agent_command();
    command.arg("run").env("ECS_BACKEND_HOST", "http://127.0.0.1:9").stdin(Stdio::null());
    change(&mut command);
    let output = command.output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_may_not_make_namespaces_says_so_of_each_task() {
    let mut host = Host::new().unwrap();
    host.load_image().unwrap();
    let control = Scripted::start().await.unwrap();
    host.start_agent_without("-sys_admin", &format!("http://{}", control.address())).unwrap();
    control.connected().await;
    let task = awsvpc_task(144, 10, vec![container("app", STAY)]);
    control.send(payload(vec![task.clone()]).1);
    let (_, stopped) = control.status_of(arn(&task), "STOPPED", SOON).await;
    let reason = stopped.reason.unwrap_or_default();
    assert!(reason.starts_with("ContainerNetworkingError: "), "{reason}");
    assert!(reason.contains("not permitted"), "{reason}");
    end(host, control).await;
}

#[test]
fn a_wrong_setting_ends_the_agent_with_code_five_and_says_which() {
    let mut host = Host::new().unwrap();
    let (code, text) = run_to_end(&mut host, |c| {
        c.env("ECS_CONTAINER_STOP_TIMEOUT", "thirty");
    });
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("ECS_CONTAINER_STOP_TIMEOUT") && text.contains("thirty"), "{text}");
    host.finish();
}

#[test]
fn no_containerd_is_said_with_its_address() {
    let mut host = Host::new().unwrap();
    let (code, text) = run_to_end(&mut host, |c| {
        c.env("WHARF_CONTAINERD_ADDRESS", "/nowhere/containerd.sock").env("WHARF_CONTAINERD_WAIT", "1s");
    });
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("/nowhere/containerd.sock"), "{text}");
    host.finish();
}

#[test]
fn a_port_in_use_is_said_with_its_number() {
    let mut host = Host::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = run_to_end(&mut host, |c| {
        c.env("WHARF_INTROSPECTION_LISTEN", &address);
    });
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&address), "{text}");
    host.finish();
}

#[test]
fn a_data_directory_that_cannot_be_written_is_said_with_its_path() {
    let mut host = Host::new().unwrap();
    // Root may write anywhere, but nobody can make a directory below a file.
    let file = host.dir().join("file");
    std::fs::write(&file, "").unwrap();
    let (code, text) = run_to_end(&mut host, |c| {
        c.env("ECS_DATADIR", file.join("data"));
    });
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&file.display().to_string()), "{text}");
    host.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_on_the_same_data_is_refused() {
    let (mut host, control) = connected().await;
    let (code, text) = {
        let mut command = host.agent_command();
        let output = command.arg("run").env("ECS_BACKEND_HOST", "http://127.0.0.1:9").output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(code, Some(1), "{text}");
    let holder = host.agent_pid().unwrap().to_string();
    assert!(text.contains(&holder), "it names the process that holds the data: {text}");
    host.stop_agent().unwrap();
    end(host, control).await;
}
