//! The ECS API over HTTP: what each operation answers.

use super::fake_agent::{FakeAgent, registration};
use super::peer::Peer;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn clusters_are_made_described_listed_and_deleted() {
    let peer = Peer::start().await;
    let client = &peer.client;
    let made = client.call("CreateCluster", json!({ "clusterName": "prod" })).await;
    assert_eq!(made["cluster"]["clusterArn"], json!("arn:aws:ecs:us-east-1:000000000000:cluster/prod"));
    assert_eq!(made["cluster"]["status"], json!("ACTIVE"));
    let described = client.call("DescribeClusters", json!({ "clusters": ["prod", "nope"] })).await;
    assert_eq!(described["clusters"][0]["clusterName"], json!("prod"));
    assert_eq!(described["failures"][0]["reason"], json!("MISSING"));
    client.call("DeleteCluster", json!({ "cluster": "prod" })).await;
    assert_eq!(client.call("ListClusters", json!({})).await["clusterArns"], json!([]));
    let described = client.call("DescribeClusters", json!({ "clusters": ["prod"] })).await;
    assert_eq!(described["clusters"][0]["status"], json!("INACTIVE"));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_with_instances_or_tasks_is_not_deleted() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    FakeAgent::register(&peer.client).await;
    let (code, _) = peer.client.refused("DeleteCluster", json!({ "cluster": "default" })).await;
    assert_eq!(code, "ClusterContainsContainerInstancesException");
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn task_definitions_count_revisions_and_the_latest_active_one_is_meant() {
    let peer = Peer::start().await;
    let client = &peer.client;
    for _ in 0..3 {
        client.define("bridge").await;
    }
    client.call("DeregisterTaskDefinition", json!({ "taskDefinition": "web:3" })).await;
    let latest = client.call("DescribeTaskDefinition", json!({ "taskDefinition": "web" })).await;
    assert_eq!(latest["taskDefinition"]["revision"], json!(2));
    let inactive = client.call("DescribeTaskDefinition", json!({ "taskDefinition": "web:3" })).await;
    assert_eq!(inactive["taskDefinition"]["status"], json!("INACTIVE"));
    let prefix = "arn:aws:ecs:us-east-1:000000000000:task-definition/web";
    let listed = client.call("ListTaskDefinitions", json!({ "sort": "DESC" })).await;
    assert_eq!(listed["taskDefinitionArns"], json!([format!("{prefix}:2"), format!("{prefix}:1")]));
    let listed = client.call("ListTaskDefinitions", json!({ "status": "INACTIVE" })).await;
    assert_eq!(listed["taskDefinitionArns"], json!([format!("{prefix}:3")]));
    assert_eq!(client.call("ListTaskDefinitionFamilies", json!({})).await["families"], json!(["web"]));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages() {
    let peer = Peer::start().await;
    let client = &peer.client;
    for _ in 0..12 {
        client.define("bridge").await;
    }
    let mut revisions = Vec::new();
    let mut token = json!(null);
    loop {
        let input = json!({ "maxResults": 5, "nextToken": token });
        let page = client.call("ListTaskDefinitions", input).await;
        let arns = page["taskDefinitionArns"].as_array().unwrap().clone();
        revisions.extend(arns.iter().map(|arn| arn.as_str().unwrap().rsplit(':').next().unwrap().to_owned()));
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    let expected: Vec<String> = (1..=12).map(|number| number.to_string()).collect();
    assert_eq!(revisions, expected, "by number, not by text");
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_echoes_attributes_and_adds_the_zone() {
    let peer = Peer::start().await;
    peer.client.call("CreateCluster", json!({})).await;
    let mut input = registration();
    input["attributes"] =
        json!([{ "name": "stack", "value": "prod" }, { "name": "ecs.capability.task-eni" }]);
    let shown = peer.client.call("RegisterContainerInstance", input).await["containerInstance"].clone();
    let expected = json!([
        { "name": "ecs.availability-zone", "value": "us-east-1a" },
        { "name": "ecs.capability.task-eni" },
        { "name": "stack", "value": "prod" },
    ]);
    assert_eq!(shown["attributes"], expected);
    assert_eq!(shown["agentConnected"], json!(false));
    assert_eq!(shown["remainingResources"], shown["registeredResources"]);
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_again_keeps_the_instance_and_its_custom_attributes() {
    let peer = Peer::start().await;
    peer.client.call("CreateCluster", json!({})).await;
    let agent = FakeAgent::register(&peer.client).await;
    let attribute = json!([{ "name": "rack", "value": "7", "targetId": agent.arn }]);
    peer.client.call("PutAttributes", json!({ "attributes": attribute })).await;
    let mut input = registration();
    input["containerInstanceArn"] = json!(agent.arn);
    input["attributes"] = json!([]);
    let shown = peer.client.call("RegisterContainerInstance", input).await["containerInstance"].clone();
    assert_eq!(shown["containerInstanceArn"], json!(agent.arn));
    let names: Vec<_> = shown["attributes"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["ecs.availability-zone", "rack"]);
    let found = peer
        .client
        .call("ListAttributes", json!({ "targetType": "container-instance", "attributeName": "rack" }));
    assert_eq!(found.await["attributes"][0]["value"], json!("7"));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_registration_is_one_instance() {
    let peer = Peer::start().await;
    peer.client.call("CreateCluster", json!({})).await;
    let mut input = registration();
    input["clientToken"] = json!("t");
    let first = peer.client.call("RegisterContainerInstance", input.clone()).await;
    let second = peer.client.call("RegisterContainerInstance", input).await;
    let arn = |shown: &serde_json::Value| shown["containerInstance"]["containerInstanceArn"].clone();
    assert_eq!(arn(&first), arn(&second));
    let listed = peer.client.call("ListContainerInstances", json!({})).await;
    assert_eq!(listed["containerInstanceArns"].as_array().unwrap().len(), 1);
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_instance_keeps_its_tasks_and_gets_no_more() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let task = peer.client.run("bridge").await;
    let input = json!({ "containerInstances": [agent.arn], "status": "DRAINING" });
    let updated = peer.client.call("UpdateContainerInstancesState", input).await;
    assert_eq!(updated["containerInstances"][0]["status"], json!("DRAINING"));
    let launched = peer.client.call("RunTask", json!({ "taskDefinition": "web" })).await;
    assert_eq!(launched["failures"][0]["reason"], json!("INACTIVE"));
    assert_eq!(peer.client.describe(&task).await["desiredStatus"], json!("RUNNING"));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn run_task_with_a_used_token_starts_nothing_new() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let input = json!({ "taskDefinition": "web", "count": 2, "clientToken": "once" });
    let first = peer.client.call("RunTask", input.clone()).await;
    let again = peer.client.call("RunTask", input).await;
    let arns = |launched: &serde_json::Value| {
        let tasks = launched["tasks"].as_array().unwrap();
        let mut arns: Vec<_> =
            tasks.iter().map(|task| task["taskArn"].as_str().unwrap().to_owned()).collect();
        arns.sort();
        arns
    };
    assert_eq!(arns(&first), arns(&again));
    let other = json!({ "taskDefinition": "web", "count": 1, "clientToken": "once" });
    assert_eq!(peer.client.refused("RunTask", other).await.0, "ConflictException");
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_listed_by_what_they_are_meant_to_do() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let input = json!({ "taskDefinition": "web", "startedBy": "me" });
    let launched = peer.client.call("RunTask", input).await;
    let mine = launched["tasks"][0]["taskArn"].clone();
    let other = peer.client.run("bridge").await;
    peer.client.call("StopTask", json!({ "task": other })).await;
    let list = |input| peer.client.call("ListTasks", input);
    assert_eq!(list(json!({})).await["taskArns"], json!([mine]));
    assert_eq!(list(json!({ "desiredStatus": "STOPPED" })).await["taskArns"], json!([other]));
    assert_eq!(list(json!({ "startedBy": "me" })).await["taskArns"], json!([mine]));
    assert_eq!(
        list(json!({ "family": "web", "containerInstance": agent.arn })).await["taskArns"],
        json!([mine])
    );
    assert_eq!(list(json!({ "family": "other" })).await["taskArns"], json!([]));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_kept_shown_when_asked_for_and_taken_away() {
    let peer = Peer::start().await;
    let tags = json!([{ "key": "team", "value": "a" }]);
    peer.client.call("CreateCluster", json!({ "clusterName": "c", "tags": tags })).await;
    let arn = "arn:aws:ecs:us-east-1:000000000000:cluster/c";
    let more = json!([{ "key": "stage", "value": "b" }]);
    peer.client.call("TagResource", json!({ "resourceArn": arn, "tags": more })).await;
    peer.client.call("UntagResource", json!({ "resourceArn": arn, "tagKeys": ["team"] })).await;
    let listed = peer.client.call("ListTagsForResource", json!({ "resourceArn": arn })).await;
    assert_eq!(listed["tags"], more);
    let described =
        peer.client.call("DescribeClusters", json!({ "clusters": ["c"], "include": ["TAGS"] })).await;
    assert_eq!(described["clusters"][0]["tags"], more);
    peer.running.shutdown().await.unwrap();
}
