//! Registration driven against the peer (spec 2.3).

use crate::peer::{INSTANCE, Peer, within};
use serde_json::{Value, json};
use std::time::Duration;
use wharf_link::backoff::BackoffPolicy;
use wharf_link::jitter::Jitter;
use wharf_link::register::{RegisterError, RegisterPolicy, Registration, register};
use wharf_protocol::api::{Attribute, RegisterContainerInstanceRequest};

const OPERATION: &str = "RegisterContainerInstance";

fn request(cluster: Option<&str>) -> RegisterContainerInstanceRequest {
    let attribute =
        Attribute { name: Some("stack".to_owned()), value: Some("prod".to_owned()), ..Attribute::default() };
    RegisterContainerInstanceRequest {
        cluster: cluster.map(str::to_owned),
        attributes: vec![attribute],
        ..Default::default()
    }
}

fn registered() -> Value {
    json!({"containerInstance": {"containerInstanceArn": INSTANCE, "attributes": [
        {"name": "stack", "value": "prod"}, {"name": "ecs.availability-zone", "value": "eu-west-1a"}]}})
}

async fn go(peer: &Peer, request: RegisterContainerInstanceRequest) -> Result<Registration, RegisterError> {
    let backoff = BackoffPolicy::new(Duration::from_millis(1), Duration::from_millis(5), 2.0);
    let policy = RegisterPolicy { backoff, ..RegisterPolicy::default() };
    within("registration", register(&peer.api(), request, policy, &mut Jitter::seeded(1))).await
}

#[tokio::test]
async fn registration_gives_the_arn_and_the_zone() {
    let peer = Peer::start().await;
    peer.answer(OPERATION, 200, registered());
    let registration = go(&peer, request(Some("c1"))).await.unwrap();
    assert_eq!(registration.container_instance_arn, INSTANCE);
    assert_eq!(registration.availability_zone.as_deref(), Some("eu-west-1a"));
    assert_eq!(peer.calls(OPERATION)[0]["cluster"], "c1");
}

#[tokio::test]
async fn transient_failures_are_tried_again_with_one_client_token() {
    let peer = Peer::start().await;
    for _ in 0..7 {
        peer.answer(OPERATION, 400, json!({"__type": "ThrottlingException", "message": "slower"}));
    }
    peer.answer(OPERATION, 200, registered());
    go(&peer, request(Some("c1"))).await.unwrap();
    let calls = peer.calls(OPERATION);
    assert_eq!(calls.len(), 8);
    assert!(!calls[0]["clientToken"].as_str().unwrap().is_empty());
    assert!(calls.iter().all(|call| call["clientToken"] == calls[0]["clientToken"]));
}

#[tokio::test]
async fn a_missing_default_cluster_is_created_and_registration_repeated() {
    let peer = Peer::start().await;
    peer.answer(
        OPERATION,
        400,
        json!({"__type": "ClusterNotFoundException", "message": "Cluster not found."}),
    );
    peer.answer(OPERATION, 200, registered());
    go(&peer, request(None)).await.unwrap();
    assert_eq!(peer.calls("CreateCluster"), [json!({"clusterName": "default"})]);
    assert!(peer.calls(OPERATION).iter().all(|call| call["cluster"] == "default"));
}

#[tokio::test]
async fn a_cluster_that_cannot_be_made_now_is_made_later() {
    let peer = Peer::start().await;
    let missing = json!({"__type": "ClusterNotFoundException", "message": "Cluster not found."});
    peer.answer(OPERATION, 400, missing);
    peer.answer(OPERATION, 200, registered());
    for _ in 0..7 {
        peer.answer("CreateCluster", 400, json!({"__type": "ThrottlingException", "message": "slower"}));
    }
    go(&peer, request(None)).await.unwrap();
    assert_eq!(peer.calls("CreateCluster").len(), 8);
    assert_eq!(peer.calls(OPERATION).len(), 2);
}

#[tokio::test]
async fn a_missing_configured_cluster_ends_registration() {
    let peer = Peer::start().await;
    peer.answer(
        OPERATION,
        400,
        json!({"__type": "ClusterNotFoundException", "message": "Cluster not found."}),
    );
    let error = go(&peer, request(Some("default"))).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert_eq!(peer.calls("CreateCluster"), [] as [Value; 0]);
}

#[tokio::test]
async fn a_rejected_instance_ends_with_5_and_the_control_planes_words() {
    let peer = Peer::start().await;
    peer.answer(OPERATION, 400, json!({"__type": "InvalidParameterException", "message": "bad attribute"}));
    let error = go(&peer, request(Some("c1"))).await.unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(format!("{:#}", anyhow_like(&error)).contains("bad attribute"));
    assert_eq!(peer.calls(OPERATION).len(), 1);
}

#[tokio::test]
async fn an_attribute_that_is_not_echoed_ends_with_5_and_its_name() {
    let peer = Peer::start().await;
    peer.answer(OPERATION, 200, json!({"containerInstance": {"containerInstanceArn": INSTANCE}}));
    let error = go(&peer, request(Some("c1"))).await.unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().contains("stack"), "{error}");
}

#[tokio::test]
async fn an_answer_without_an_arn_ends_with_1() {
    let peer = Peer::start().await;
    let mut answer = registered();
    answer["containerInstance"]["containerInstanceArn"] = Value::Null;
    peer.answer(OPERATION, 200, answer);
    let error = go(&peer, request(Some("c1"))).await.unwrap_err();
    assert!(matches!(error, RegisterError::NoArn), "{error:?}");
    assert_eq!(error.exit_code(), 1);
}

#[tokio::test]
async fn an_unreachable_control_plane_is_waited_for() {
    let peer = Peer::start().await;
    let api = peer.api();
    let address = peer.stop().await;
    let backoff = BackoffPolicy::new(Duration::from_millis(1), Duration::from_millis(5), 2.0);
    let policy = RegisterPolicy { backoff, ..RegisterPolicy::default() };
    let registering =
        tokio::spawn(
            async move { register(&api, request(Some("c1")), policy, &mut Jitter::seeded(1)).await },
        );
    let peer = Peer::start_at(address).await;
    for _ in 0..16 {
        peer.answer(OPERATION, 200, registered());
    }
    let registration = within("registration", registering).await.unwrap().unwrap();
    assert_eq!(registration.container_instance_arn, INSTANCE);
}

/// An error with its causes in one line.
fn anyhow_like(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
