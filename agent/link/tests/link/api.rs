//! Calls against the peer: signing, attempts, errors, discovery's memory (spec 2).

use crate::peer::{CLUSTER, INSTANCE, Peer, identity, keys, limits, within};
use serde_json::json;
use std::time::Duration;
use wharf_link::TransportError;
use wharf_link::api::{ApiClient, ApiConfig, CallError, CallLimits, Retry};
use wharf_link::submit::SubmitOutcome;
use wharf_protocol::api::{SubmitTaskStateChangeRequest, UpdateContainerInstancesStateRequest};

#[tokio::test]
async fn a_call_is_signed_and_its_answer_read() {
    let peer = Peer::start().await;
    peer.answer("CreateCluster", 200, json!({"cluster": {"clusterArn": CLUSTER, "whatever": 1}}));
    let answer = peer.api().create_cluster("c1").await.unwrap();
    assert_eq!(answer.cluster.unwrap().cluster_arn.as_deref(), Some(CLUSTER));
    assert_eq!(peer.calls("CreateCluster"), [json!({"clusterName": "c1"})]);
}

#[tokio::test]
async fn wrong_keys_are_an_error_that_is_not_repeated() {
    let peer = Peer::start().await;
    let api = ApiClient::new(ApiConfig {
        endpoint: peer.url(),
        region: "eu-west-1".to_owned(),
        credentials: vec![keys("not the secret")],
        user_agent: "t".to_owned(),
        verify_tls: true,
        limits: limits(),
    });
    let error = api.unwrap().create_cluster("c1").await.unwrap_err();
    assert_eq!((error.code(), error.retry()), (Some("InvalidSignatureException"), Retry::Never));
    assert_eq!(peer.calls("CreateCluster").len(), 1);
}

#[tokio::test]
async fn a_call_makes_three_attempts_while_it_can_help() {
    let peer = Peer::start().await;
    for _ in 0..3 {
        peer.answer("CreateCluster", 500, json!({"__type": "ServerException", "message": "busy"}));
    }
    let error = peer.api().create_cluster("c1").await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Some("ServerException"), "busy"));
    assert_eq!(peer.calls("CreateCluster").len(), 3);
    peer.answer("CreateCluster", 400, json!({"__type": "ThrottlingException"}));
    assert!(peer.api().create_cluster("c1").await.is_ok(), "the second attempt succeeds");
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_an_error_with_its_cause() {
    let peer = Peer::start().await;
    peer.answer("CreateCluster", 200, json!("just a string"));
    let error = peer.api().create_cluster("c1").await.unwrap_err();
    assert!(matches!(error, CallError::Unreadable { operation: "CreateCluster", .. }), "{error:?}");
}

#[tokio::test]
async fn an_unreachable_control_plane_is_worth_another_try() {
    let peer = Peer::start().await;
    let api = peer.api();
    peer.stop().await;
    let error = api.create_cluster("c1").await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::Later);
}

#[tokio::test]
async fn tags_and_instance_states_go_out_in_the_public_form() {
    let peer = Peer::start().await;
    peer.answer("ListTagsForResource", 200, json!({"tags": [{"key": "k", "value": "v"}]}));
    let tags = peer.api().list_tags_for_resource(INSTANCE).await.unwrap();
    assert_eq!(tags[0].value.as_deref(), Some("v"));
    assert_eq!(peer.calls("ListTagsForResource"), [json!({"resourceArn": INSTANCE})]);

    let request = UpdateContainerInstancesStateRequest {
        cluster: Some("c1".to_owned()),
        container_instances: vec![INSTANCE.to_owned()],
        status: Some("DRAINING".to_owned()),
    };
    peer.api().update_container_instances_state(&request).await.unwrap();
    let body = json!({"cluster": "c1", "containerInstances": [INSTANCE], "status": "DRAINING"});
    assert_eq!(peer.calls("UpdateContainerInstancesState"), [body]);
}

#[tokio::test]
async fn a_state_change_is_sent_once_and_its_outcome_told() {
    let peer = Peer::start().await;
    let api = peer.api();
    let change = SubmitTaskStateChangeRequest { task: Some("t".to_owned()), ..Default::default() };
    assert!(matches!(api.submit_task_state_change(&change).await, SubmitOutcome::Accepted));
    peer.answer(
        "SubmitTaskStateChange",
        400,
        json!({"__type": "InvalidParameterException", "message": "no"}),
    );
    let refused = api.submit_task_state_change(&change).await;
    assert!(matches!(&refused, SubmitOutcome::Refused(reason) if reason == "no"), "{refused:?}");
    peer.answer("SubmitTaskStateChange", 500, json!({}));
    assert!(matches!(api.submit_task_state_change(&change).await, SubmitOutcome::Failed(_)));
    assert_eq!(peer.calls("SubmitTaskStateChange").len(), 3);
}

async fn discover(api: &ApiClient) -> Result<Option<String>, CallError> {
    let identity = identity();
    let found = api.discover_poll_endpoint(&identity.container_instance_arn, &identity.cluster).await;
    found.map(|endpoints| endpoints.acs)
}

#[tokio::test]
async fn a_state_change_is_accepted_with_any_body() {
    let peer = Peer::start().await;
    peer.answer("SubmitTaskStateChange", 200, json!("thanks"));
    let outcome = peer.api().submit_task_state_change(&SubmitTaskStateChangeRequest::default()).await;
    assert!(matches!(outcome, SubmitOutcome::Accepted), "{outcome:?}");
}

#[tokio::test]
async fn discovery_asks_once_and_remembers_per_instance() {
    let peer = Peer::start().await;
    let api = peer.api();
    for _ in 0..3 {
        assert_eq!(discover(&api).await.unwrap(), Some(peer.url()));
    }
    let body = json!({"containerInstance": INSTANCE, "cluster": "c1", "zoneId": ""});
    assert_eq!(peer.calls("DiscoverPollEndpoint"), [body]);
    api.discover_poll_endpoint("arn:another", "c1").await.unwrap();
    assert_eq!(peer.calls("DiscoverPollEndpoint").len(), 2);
}

#[tokio::test]
async fn an_expired_answer_is_asked_for_again_but_used_when_asking_fails() {
    let peer = Peer::start().await;
    let api = peer.api_with(CallLimits { endpoints: Duration::ZERO, attempts: 1, ..limits() });
    discover(&api).await.unwrap();
    peer.forget("DiscoverPollEndpoint");
    peer.answer("DiscoverPollEndpoint", 200, json!({"endpoint": "http://moved"}));
    assert_eq!(discover(&api).await.unwrap().as_deref(), Some("http://moved"));
    peer.answer("DiscoverPollEndpoint", 500, json!({}));
    assert_eq!(discover(&api).await.unwrap().as_deref(), Some("http://moved"));
    assert_eq!(peer.calls("DiscoverPollEndpoint").len(), 3);
}

#[tokio::test]
async fn distrusted_endpoints_are_asked_for_again_but_used_when_asking_fails() {
    let peer = Peer::start().await;
    let api = peer.api_with(CallLimits { attempts: 1, ..limits() });
    discover(&api).await.unwrap();
    api.distrust_endpoints();
    peer.forget("DiscoverPollEndpoint");
    peer.answer("DiscoverPollEndpoint", 500, json!({}));
    assert_eq!(discover(&api).await.unwrap(), Some(peer.url()));
    peer.answer("DiscoverPollEndpoint", 200, json!({"endpoint": "http://moved"}));
    assert_eq!(discover(&api).await.unwrap().as_deref(), Some("http://moved"));
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_after_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Peer::start().await;
    let api = ApiClient::new(ApiConfig {
        endpoint: format!("http://{}", listener.local_addr().unwrap()),
        region: "eu-west-1".to_owned(),
        credentials: vec![keys("k")],
        user_agent: "t".to_owned(),
        verify_tls: true,
        limits: CallLimits { whole: Duration::from_millis(100), attempts: 2, ..limits() },
    });
    let error = within("the deadline", api.unwrap().create_cluster("c")).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error:?}");
    drop(peer);
}

#[test]
fn an_endpoint_that_is_no_http_url_is_refused_at_once() {
    let config = |endpoint: &str| ApiConfig {
        endpoint: endpoint.to_owned(),
        region: String::new(),
        credentials: Vec::new(),
        user_agent: String::new(),
        verify_tls: true,
        limits: limits(),
    };
    for endpoint in ["wss://h", "ftp://h", "http://", "https://a b"] {
        let refused = ApiClient::new(config(endpoint));
        assert!(matches!(refused, Err(TransportError::Endpoint { .. })), "{endpoint}");
    }
}
