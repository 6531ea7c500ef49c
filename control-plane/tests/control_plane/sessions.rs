//! ACS over a real socket: the whole way of a task, and what happens when either side goes away.

use super::fake_agent::FakeAgent;
use super::peer::{DEADLINE, Peer};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use wharf_control_plane::journal::JournalKind;

/// Everything of one kind that the journal has on a task, until `last` is among it.
async fn journal_until(
    journal: &mut tokio::sync::broadcast::Receiver<wharf_control_plane::journal::JournalEntry>,
    last: &str,
) -> Vec<String> {
    let mut statuses = Vec::new();
    while statuses.last().map(String::as_str) != Some(last) {
        let entry = timeout(DEADLINE, journal.recv()).await.expect("the journal goes on").unwrap();
        if let JournalKind::Status { status } = entry.kind {
            statuses.push(status.to_owned());
        }
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_goes_from_manifest_to_stopped_with_every_status_seen() {
    let peer = Peer::start().await;
    let mut journal = peer.running.journal();
    peer.client.define("awsvpc").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    let manifest = line.expect("TaskManifestMessage").await;
    assert_eq!((&manifest["timeline"], &manifest["tasks"]), (&json!(1), &json!([])));
    line.acknowledge(&manifest).await;

    let task = peer.client.run("awsvpc").await;
    let attach = line.expect("AttachTaskNetworkInterfacesMessage").await;
    assert_eq!(attach["taskArn"], json!(task));
    assert_eq!(peer.client.describe(&task).await["attachments"][0]["status"], json!("ATTACHING"));
    line.acknowledge(&attach).await;
    agent.attach(&attach).await;
    let payload = line.expect("PayloadMessage").await;
    assert_eq!(payload["tasks"][0]["elasticNetworkInterfaces"], attach["elasticNetworkInterfaces"]);
    line.acknowledge(&payload).await;
    agent.submit(&task, "RUNNING").await;

    let running = peer.client.until(&task, "RUNNING").await;
    assert_eq!(running["connectivity"], json!("CONNECTED"));
    assert_eq!(running["attachments"][0]["status"], json!("ATTACHED"));
    let address = &running["containers"][0]["networkInterfaces"][0]["privateIpv4Address"];
    assert_eq!(*address, attach["elasticNetworkInterfaces"][0]["ipv4Addresses"][0]["privateAddress"]);

    peer.client.call("StopTask", json!({ "task": task, "reason": "enough" })).await;
    let stop = line.expect("PayloadMessage").await;
    assert_eq!(stop["tasks"][0]["desiredStatus"], json!("STOPPED"));
    line.acknowledge(&stop).await;
    peer.client.until(&task, "STOPPING").await;
    agent.submit(&task, "STOPPED").await;
    let stopped = peer.client.until(&task, "STOPPED").await;
    assert_eq!(stopped["stopCode"], json!("UserInitiated"));
    assert_eq!(stopped["stoppedReason"], json!("enough"));
    assert_eq!(stopped["containers"][0]["exitCode"], json!(0));
    let statuses = journal_until(&mut journal, "STOPPED").await;
    assert_eq!(statuses, ["PROVISIONING", "PENDING", "RUNNING", "DEACTIVATING", "STOPPING", "STOPPED"]);
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_acknowledged_comes_again() {
    let peer = Peer::start_with(|config| config.policy.resend_first = Duration::from_millis(30)).await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let task = peer.client.run("bridge").await;
    for _ in 0..3 {
        let payload = line.expect("PayloadMessage").await;
        assert_eq!(payload["tasks"][0]["arn"], json!(task));
    }
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connection_takes_the_place_of_the_first() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut first = agent.acs().await;
    first.expect("TaskManifestMessage").await;
    let mut second = agent.acs().await;
    let manifest = second.expect("TaskManifestMessage").await;
    assert_eq!(manifest["timeline"], json!(2));
    first.until_closed().await;
    let task = peer.client.run("bridge").await;
    assert_eq!(second.expect("PayloadMessage").await["tasks"][0]["arn"], json!(task));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_leaves_is_seen_as_gone() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    assert!(connected(&peer, &agent).await);
    drop(line);
    let gone = async {
        while connected(&peer, &agent).await {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, gone).await.expect("the connection is seen to end");
    peer.running.shutdown().await.unwrap();
}

async fn connected(peer: &Peer, agent: &FakeAgent) -> bool {
    let input = json!({ "containerInstances": [agent.arn] });
    let described = peer.client.call("DescribeContainerInstances", input).await;
    described["containerInstances"][0]["agentConnected"] == json!(true)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_answers_no_heartbeat_is_cut_off() {
    let (peer, agent) = beating_every(Duration::from_millis(40)).await;
    agent.acs().await.until_closed().await;
    // It may come back.
    drop(agent.acs().await);
    peer.running.shutdown().await.unwrap();

    // Long enough that an agent on a busy machine still answers in time.
    let (peer, agent) = beating_every(Duration::from_millis(500)).await;
    let mut answering = agent.acs().await;
    for _ in 0..5 {
        let beat = answering.expect("HeartbeatMessage").await;
        answering.say("HeartbeatAckRequest", json!({ "messageId": beat["messageId"] })).await;
    }
    assert!(connected(&peer, &agent).await);
    peer.running.shutdown().await.unwrap();
}

/// A control plane with this heartbeat and an agent registered with it.
async fn beating_every(heartbeat: Duration) -> (Peer, FakeAgent) {
    let peer = Peer::start_with(|config| config.heartbeat = heartbeat).await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    (peer, agent)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_frame_and_an_unknown_message_are_dropped_and_the_connection_stays() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    for text in ["", "{", "[]", r#"{"type":"AckRequest"}"#, r#"{"type":"AckRequest","message":7}"#, "\u{0}"] {
        line.say_raw(text).await;
    }
    line.say("SurpriseMessage", json!({})).await;
    line.say("PayloadMessage", json!({})).await;
    let task = peer.client.run("bridge").await;
    assert_eq!(line.expect("PayloadMessage").await["tasks"][0]["arn"], json!(task));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deregistered_instance_is_cut_off_and_refused_by_name() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let task = peer.client.run("bridge").await;
    let input = json!({ "containerInstance": agent.arn });
    let refused = peer.client.refused("DeregisterContainerInstance", input.clone()).await;
    assert_eq!(refused, ("InvalidParameterException".into(), "Found running tasks on the instance.".into()));
    let mut forced = input;
    forced["force"] = json!(true);
    peer.client.call("DeregisterContainerInstance", forced).await;
    line.until_closed().await;
    let body: Value = serde_json::from_str(&agent.try_acs().await.err().unwrap()).unwrap();
    assert!(body["InactiveInstanceException"].is_string(), "{body}");
    assert_eq!(peer.client.describe(&task).await["lastStatus"], json!("STOPPED"));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_with_a_wrong_signature_is_denied() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut stranger = peer.client.clone();
    stranger.credentials.secret_access_key = wharf_protocol::Secret::new("guessed");
    let body = agent.try_acs_signed_by(&stranger).await.err().unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(body["AccessDeniedException"].is_string(), "{body}");
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn held_tasks_leave_in_one_payload() {
    let peer = Peer::start().await;
    peer.client.define("awsvpc").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    peer.running.hold_payloads(true).await.unwrap();
    for _ in 0..3 {
        peer.client.run("awsvpc").await;
        let attach = line.expect("AttachTaskNetworkInterfacesMessage").await;
        line.acknowledge(&attach).await;
        agent.attach(&attach).await;
    }
    peer.running.hold_payloads(false).await.unwrap();
    let payload = line.expect("PayloadMessage").await;
    assert_eq!(payload["tasks"].as_array().unwrap().len(), 3);
    peer.running.shutdown().await.unwrap();
}

/// More messages than turns may wait: what one turn has to say must fit whatever its size.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_with_hundreds_of_tasks_gets_everything_when_it_comes_back() {
    const TASKS: usize = 600;
    let peer = Peer::start_with(|config| {
        config.policy.most_tasks_per_call = 1000;
        config.subnets = vec!["subnet-1=10.99.0.0/16".parse().unwrap()];
    });
    let peer = peer.await;
    peer.client.call("CreateCluster", json!({})).await;
    let container = json!({ "name": "app", "image": "i", "memory": 4 });
    let document = json!({ "family": "web", "networkMode": "awsvpc", "containerDefinitions": [container] });
    peer.client.call("RegisterTaskDefinition", document).await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    let input = json!({ "taskDefinition": "web", "count": TASKS, "networkConfiguration": network });
    let launched = peer.client.call("RunTask", input).await;
    assert_eq!(launched["tasks"].as_array().unwrap().len(), TASKS);
    drop(line);
    let mut line = agent.acs().await;
    for _ in 0..TASKS {
        line.expect("AttachTaskNetworkInterfacesMessage").await;
    }
    peer.running.shutdown().await.unwrap();
}
