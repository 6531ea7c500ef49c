//! The ECS API over HTTP: each error by ECS's name.

use super::fake_agent::FakeAgent;
use super::peer::{Peer, REGION};
use serde_json::json;
use std::time::{Duration, SystemTime};
use wharf_protocol::Secret;
use wharf_protocol::sigv4::Signer;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_to_be_signed_with_a_known_key_now_and_here() {
    let peer = Peer::start().await;
    let good = &peer.client;
    let unsigned = good.post(&[], b"{}").await.unwrap_err();
    assert_eq!((unsigned.code.as_str(), unsigned.status), ("MissingAuthenticationTokenException", 400));
    let mut wrong = good.clone();
    wrong.credentials.secret_access_key = Secret::new("guessed");
    assert_eq!(wrong.refused("ListClusters", json!({})).await.0, "InvalidSignatureException");
    let mut stranger = good.clone();
    stranger.credentials.access_key_id = "AKIDOTHER".into();
    assert_eq!(stranger.refused("ListClusters", json!({})).await.0, "UnrecognizedClientException");
    let old = SystemTime::now() - Duration::from_secs(3600);
    let late = good.try_call_at("ListClusters", b"{}", old).await.unwrap_err();
    assert_eq!(late.code, "InvalidSignatureException");
    let elsewhere = Signer { credentials: &good.credentials, region: "eu-west-1", time: SystemTime::now() };
    let headers = elsewhere.api(&good.url, "ListClusters", b"{}").unwrap();
    assert_eq!(good.post(&headers, b"{}").await.unwrap_err().code, "InvalidSignatureException");
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_was_changed_after_signing_is_refused() {
    let peer = Peer::start().await;
    let signer = Signer { credentials: &peer.client.credentials, region: REGION, time: SystemTime::now() };
    let headers = signer.api(&peer.client.url, "CreateCluster", br#"{"clusterName":"a"}"#).unwrap();
    let refused = peer.client.post(&headers, br#"{"clusterName":"b"}"#).await.unwrap_err();
    assert_eq!(refused.code, "InvalidSignatureException");
    assert_eq!(peer.client.call("ListClusters", json!({})).await["clusterArns"], json!([]));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_operation_and_a_malformed_body_have_their_own_names() {
    let peer = Peer::start().await;
    assert_eq!(peer.client.refused("MakeCoffee", json!({})).await.0, "UnknownOperationException");
    for body in [&b"{"[..], b"[]", b"7", b"\xff\xfe", br#"{"clusterName":7}"#, br#"{"clusterName":{"a":1}}"#]
    {
        let refused = peer.client.try_call_at("CreateCluster", body, SystemTime::now()).await.unwrap_err();
        assert_eq!(refused.code, "SerializationException", "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(peer.client.call("ListClusters", json!({})).await["clusterArns"], json!([]));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_cluster_is_the_same_error_everywhere() {
    let peer = Peer::start().await;
    let calls = [
        ("RunTask", json!({ "taskDefinition": "x" })),
        ("StartTask", json!({ "taskDefinition": "x", "containerInstances": ["i"] })),
        ("StopTask", json!({ "task": "t" })),
        ("DescribeTasks", json!({ "tasks": ["t"] })),
        ("ListTasks", json!({})),
        ("RegisterContainerInstance", json!({})),
        ("DescribeContainerInstances", json!({ "containerInstances": ["i"] })),
        ("ListContainerInstances", json!({})),
        ("DeleteCluster", json!({ "cluster": "default" })),
    ];
    for (operation, input) in calls {
        let expected = ("ClusterNotFoundException".to_owned(), "Cluster not found.".to_owned());
        assert_eq!(peer.client.refused(operation, input).await, expected, "{operation}");
    }
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn launches_that_cannot_be_are_refused_with_ecs_words() {
    let peer = Peer::start().await;
    peer.client.define("awsvpc").await;
    let network = |subnets: serde_json::Value| json!({ "awsvpcConfiguration": { "subnets": subnets } });
    let web = |key: &str, value: serde_json::Value| {
        let mut input =
            json!({ "taskDefinition": "web", "networkConfiguration": network(json!(["subnet-1"])) });
        input[key] = value;
        input
    };
    let invalid = "InvalidParameterException";
    let cases = [
        (json!({ "taskDefinition": "nope" }), "ClientException", "TaskDefinition not found."),
        (json!({ "taskDefinition": "web" }), invalid, "Network Configuration must be provided"),
        (
            web("networkConfiguration", network(json!(["subnet-9"]))),
            invalid,
            "The subnet ID 'subnet-9' does not exist",
        ),
        (web("networkConfiguration", network(json!([]))), invalid, "subnets can not be empty."),
        (web("count", json!(11)), invalid, "count must be between 1 and 10."),
        (web("count", json!(0)), invalid, "count must be between 1 and 10."),
        (web("launchType", json!("FARGATE")), "UnsupportedFeatureException", "FARGATE"),
        (web("launchType", json!("MOON")), invalid, "'MOON' is not a launch type."),
        (web("overrides", json!({ "containerOverrides": [{ "name": "x" }] })), invalid, "container named x"),
        (
            web("placementConstraints", json!([{ "type": "memberOf", "expression": "x" }])),
            invalid,
            "Invalid placement",
        ),
        (web("placementStrategy", json!([{ "type": "best" }])), invalid, "Invalid placement strategy"),
        (web("clientToken", json!("x".repeat(65))), invalid, "clientToken"),
        (web("tags", json!([{ "key": "aws:x", "value": "" }])), invalid, "aws:"),
        (web("startedBy", json!("x".repeat(129))), invalid, "startedBy"),
        (web("cpuX", json!(1)), invalid, "No Container Instances were found in your cluster."),
    ];
    for (input, code, words) in cases {
        let (found, message) = peer.client.refused("RunTask", input.clone()).await;
        assert_eq!(found, code, "{input}");
        assert!(message.contains(words), "{message} should contain {words}");
    }
    peer.client.call("DeregisterTaskDefinition", json!({ "taskDefinition": "web:1" })).await;
    let (code, message) = peer.client.refused("RunTask", json!({ "taskDefinition": "web:1" })).await;
    assert_eq!((code.as_str(), message.as_str()), ("ClientException", "TaskDefinition is inactive"));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn network_configuration_is_only_for_tasks_with_their_own_address() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    let input = json!({ "taskDefinition": "web", "networkConfiguration": network });
    let (code, message) = peer.client.refused("RunTask", input).await;
    assert_eq!(code, "InvalidParameterException");
    assert!(message.starts_with("Network Configuration is not valid for the given networkMode"), "{message}");
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_out_of_range_are_refused() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let attribute = |name: &str| json!([{ "name": name, "value": "v", "targetId": "i" }]);
    let cases = [
        ("DescribeTasks", json!({ "tasks": [] })),
        ("DescribeTasks", json!({ "tasks": many })),
        ("DescribeContainerInstances", json!({ "containerInstances": [] })),
        ("ListTasks", json!({ "maxResults": 0 })),
        ("ListTasks", json!({ "nextToken": "nonsense" })),
        ("ListTasks", json!({ "desiredStatus": "TIRED" })),
        ("StopTask", json!({ "task": "unknown" })),
        ("CreateCluster", json!({ "clusterName": "no spaces" })),
        ("RegisterContainerInstance", json!({ "attributes": [{ "name": "bad name" }] })),
        ("RegisterContainerInstance", json!({ "totalResources": [{ "name": "CPU", "integerValue": -1 }] })),
        (
            "RegisterContainerInstance",
            json!({ "totalResources": [{ "name": "PORTS", "stringSetValue": ["x"] }] }),
        ),
        ("UpdateContainerInstancesState", json!({ "containerInstances": ["i"], "status": "ASLEEP" })),
        ("DeregisterTaskDefinition", json!({ "taskDefinition": "web" })),
        ("PutAttributes", json!({ "attributes": attribute("ecs.mine") })),
        ("ListTagsForResource", json!({ "resourceArn": "arn:aws:ecs:us-east-1:000000000000:cluster/nope" })),
        ("SubmitTaskStateChange", json!({ "task": "nonsense", "status": "RUNNING" })),
    ];
    for (operation, input) in cases {
        let (code, message) = peer.client.refused(operation, input.clone()).await;
        assert_eq!(code, "InvalidParameterException", "{operation} {input}: {message}");
    }
    let (code, _) = peer.client.refused("PutAttributes", json!({ "attributes": attribute("mine") })).await;
    assert_eq!(code, "TargetNotFoundException");
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_about_an_unknown_task_is_one_the_agent_may_forget() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let task = "arn:aws:ecs:us-east-1:000000000000:task/default/00000000000000000000000000000000";
    for operation in ["SubmitTaskStateChange", "SubmitContainerStateChange"] {
        let (code, _) = peer.client.refused(operation, json!({ "task": task, "status": "STOPPED" })).await;
        assert_eq!(code, "InvalidParameterException");
    }
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let task = peer.client.run("bridge").await;
    let odd = json!({ "task": task, "status": "SLEEPING" });
    assert_eq!(peer.client.refused("SubmitTaskStateChange", odd).await.0, "InvalidParameterException");
    assert_eq!(peer.client.describe(&task).await["lastStatus"], json!("PENDING"));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_registers_with_an_unknown_arn_is_told_to_start_anew() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let arn =
        "arn:aws:ecs:us-east-1:000000000000:container-instance/default/00000000000000000000000000000000";
    let refused =
        peer.client.refused("RegisterContainerInstance", json!({ "containerInstanceArn": arn })).await;
    assert_eq!(refused.0, "ClientException");
    assert!(refused.1.contains("saved state"), "{}", refused.1);
    peer.running.shutdown().await.unwrap();
}
