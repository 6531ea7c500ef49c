//! TCS over a real socket: what agents measure is acknowledged and shown.

use super::fake_agent::{FakeAgent, Line};
use super::peer::{Client, DEADLINE, Peer, REGION};
use serde_json::{Value, json};
use std::time::SystemTime;
use wharf_protocol::sigv4::Signer;

/// Sends an envelope behind a signed header block.
async fn publish(line: &mut Line, client: &Client, kind: &str, message: Value) {
    let signer = Signer { credentials: &client.credentials, region: REGION, time: SystemTime::now() };
    let envelope = json!({ "type": kind, "message": message }).to_string();
    let frame = signer.tcs_frame(&line.url, &envelope).unwrap();
    line.say_raw(&frame).await;
}

/// A running task with a health check, and its agent.
async fn running_task(peer: &Peer) -> (FakeAgent, Line, String) {
    peer.client.call("CreateCluster", json!({})).await;
    let health = json!({ "command": ["CMD", "true"] });
    let container = json!({ "name": "app", "image": "i", "memory": 16, "healthCheck": health });
    let document = json!({ "family": "web", "networkMode": "bridge", "containerDefinitions": [container] });
    peer.client.call("RegisterTaskDefinition", document).await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut acs = agent.acs().await;
    acs.expect("TaskManifestMessage").await;
    let task = peer.client.run("bridge").await;
    agent.submit(&task, "RUNNING").await;
    (agent, acs, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn health_reaches_the_description_of_its_task() {
    let peer = Peer::start().await;
    let (agent, _acs, task) = running_task(&peer).await;
    let mut tcs = agent.tcs().await;
    for status in ["HEALTHY", "UNHEALTHY", "UNKNOWN"] {
        let containers = json!([{ "containerName": "app", "healthStatus": status, "statusSince": 1.0 }]);
        let message =
            json!({ "metadata": { "fin": true }, "tasks": [{ "taskArn": task, "containers": containers }] });
        publish(&mut tcs, &peer.client, "PublishHealthRequest", message).await;
        tcs.expect("AckPublishHealth").await;
        let described = peer.client.describe(&task).await;
        assert_eq!(described["healthStatus"], json!(status));
        assert_eq!(described["containers"][0]["healthStatus"], json!(status));
    }
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_of_an_instances_own_tasks_are_kept_and_others_are_not() {
    let peer = Peer::start().await;
    let (agent, _acs, task) = running_task(&peer).await;
    let unknown = task.replace(&task[task.len() - 4..], "0000");
    let metric = |arn: &str| json!({ "taskArn": arn, "containerMetrics": [{ "containerName": "app" }] });
    let message = json!({ "metadata": { "fin": true }, "taskMetrics": [metric(&task), metric(&unknown)] });
    let other = FakeAgent::register(&peer.client).await;
    let mut others = other.tcs().await;
    publish(&mut others, &peer.client, "PublishMetricsRequest", message.clone()).await;
    others.expect("AckPublishMetric").await;
    assert!(peer.running.metrics().await.unwrap().is_empty(), "the task runs on another instance");
    let mut tcs = agent.tcs().await;
    publish(&mut tcs, &peer.client, "PublishMetricsRequest", message).await;
    tcs.expect("AckPublishMetric").await;
    let kept: Vec<String> = peer.running.metrics().await.unwrap().into_keys().collect();
    assert_eq!(kept, [task]);
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_the_runtime_reaches_the_description_of_its_instance() {
    let peer = Peer::start().await;
    let (agent, _acs, _) = running_task(&peer).await;
    let mut tcs = agent.tcs().await;
    let status = json!({ "type": "ContainerRuntime", "status": "IMPAIRED", "lastUpdated": 2.0 });
    let message = json!({ "metadata": { "requestId": "1" }, "statuses": [status] });
    publish(&mut tcs, &peer.client, "PublishInstanceStatusRequest", message).await;
    tcs.expect("AckPublishInstanceStatus").await;
    let input = json!({ "containerInstances": [agent.arn], "include": ["CONTAINER_INSTANCE_HEALTH"] });
    let described = peer.client.call("DescribeContainerInstances", input).await;
    let health = &described["containerInstances"][0]["healthStatus"];
    assert_eq!(health["overallStatus"], json!("IMPAIRED"));
    assert_eq!(health["details"][0]["type"], json!("CONTAINER_RUNTIME"));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_with_a_wrong_signature_is_not_acknowledged_and_one_without_is() {
    let peer = Peer::start().await;
    let (agent, _acs, task) = running_task(&peer).await;
    let mut tcs = agent.tcs().await;
    let mut stranger = peer.client.clone();
    stranger.credentials.secret_access_key = wharf_protocol::Secret::new("guessed");
    let metric = json!({ "taskArn": task, "containerMetrics": [] });
    let message = json!({ "metadata": { "fin": true }, "taskMetrics": [metric] });
    publish(&mut tcs, &stranger, "PublishMetricsRequest", message).await;
    tcs.say("PublishHealthRequest", json!({ "metadata": {}, "tasks": [] })).await;
    let acknowledged = tokio::time::timeout(DEADLINE, async {
        loop {
            match tcs.next().await.expect("the connection stays") {
                (kind, _) if kind == "HeartbeatMessage" => {}
                (kind, _) => return kind,
            }
        }
    });
    assert_eq!(acknowledged.await.unwrap(), "AckPublishHealth");
    assert!(peer.running.metrics().await.unwrap().is_empty());
    peer.running.shutdown().await.unwrap();
}
