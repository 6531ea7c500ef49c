//! Where the agent's credentials come from, against files and metadata services of this process.

use crate::peer::within;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use wharf_link::credentials::{CredentialsError, CredentialsProvider, CredentialsSource};
use wharf_protocol::Secret;

fn fixed(id: &str) -> CredentialsSource {
    CredentialsSource::fixed(id, "hush", None)
}

fn missing_file() -> CredentialsSource {
    CredentialsSource::File { path: "/nonexistent/credentials".into(), profile: "default".to_owned() }
}

/// The JSON of both services, valid for a while from now.
fn answer(id: &str, valid: Duration) -> String {
    let end = jiff::Timestamp::try_from(SystemTime::now() + valid).unwrap();
    format!(
        r#"{{"Code":"Success","AccessKeyId":"{id}","SecretAccessKey":"hush","Token":"tok","Expiration":"{end}"}}"#
    )
}

async fn serve(router: Router) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the test's runtime.
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn id_of(provider: &CredentialsProvider) -> String {
    within("credentials", provider.get()).await.unwrap().access_key_id
}

#[tokio::test]
async fn the_first_source_that_answers_wins() {
    assert_eq!(id_of(&CredentialsProvider::new(vec![missing_file(), fixed("A"), fixed("B")])).await, "A");
}

#[tokio::test]
async fn without_a_source_that_answers_the_last_reason_is_told() {
    let error = CredentialsProvider::new(vec![missing_file()]).get().await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/credentials"), "{error}");
    let error = CredentialsProvider::new(Vec::new()).get().await.unwrap_err();
    assert!(matches!(error, CredentialsError::NoSource));
}

#[tokio::test]
async fn a_profile_is_read_from_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("credentials");
    std::fs::write(
        &path,
        "[p]\naws_access_key_id = A\naws_secret_access_key = hush\naws_session_token = t\n",
    )
    .unwrap();
    let source = |profile: &str| CredentialsSource::File { path: path.clone(), profile: profile.to_owned() };
    let credentials = CredentialsProvider::new(vec![source("p")]).get().await.unwrap();
    assert_eq!(credentials.access_key_id, "A");
    assert_eq!(credentials.session_token.unwrap().expose(), "t");
    let error = CredentialsProvider::new(vec![source("q")]).get().await.unwrap_err();
    assert!(error.to_string().contains("aws_access_key_id in profile q"), "{error}");
}

#[tokio::test]
async fn the_container_endpoint_is_asked_with_its_token() {
    let endpoint = |headers: HeaderMap| async move {
        match headers.get("authorization").and_then(|value| value.to_str().ok()) {
            Some("sesame") => (StatusCode::OK, answer("C", Duration::from_secs(3600))),
            _ => (StatusCode::FORBIDDEN, String::new()),
        }
    };
    let url = serve(Router::new().route("/creds", get(endpoint))).await + "/creds";
    let source =
        |token: &str| CredentialsSource::Container { url: url.clone(), token: Some(Secret::new(token)) };
    assert_eq!(id_of(&CredentialsProvider::new(vec![source("sesame")])).await, "C");
    let error = CredentialsProvider::new(vec![source("wrong")]).get().await.unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
}

#[tokio::test]
async fn instance_credentials_take_a_token_a_role_and_its_keys() {
    let has_token = |headers: &HeaderMap| headers.get("x-aws-ec2-metadata-token").is_some_and(|t| t == "T");
    let token = |headers: HeaderMap| async move {
        let lifetime = headers.contains_key("x-aws-ec2-metadata-token-ttl-seconds");
        if lifetime { (StatusCode::OK, "T") } else { (StatusCode::BAD_REQUEST, "") }
    };
    let roles = move |headers: HeaderMap| async move {
        if has_token(&headers) { (StatusCode::OK, "agent-role\n") } else { (StatusCode::UNAUTHORIZED, "") }
    };
    let role = move |headers: HeaderMap| async move {
        let (status, id) =
            if has_token(&headers) { (StatusCode::OK, "I") } else { (StatusCode::UNAUTHORIZED, "") };
        (status, answer(id, Duration::from_secs(3600)))
    };
    let base = "/latest/meta-data/iam/security-credentials/";
    let router = Router::new()
        .route("/latest/api/token", put(token))
        .route(base, get(roles))
        .route(&format!("{base}agent-role"), get(role));
    let source = CredentialsSource::Instance { endpoint: serve(router).await };
    let credentials = CredentialsProvider::new(vec![source]).get().await.unwrap();
    assert_eq!(
        (credentials.access_key_id.as_str(), credentials.session_token.unwrap().expose()),
        ("I", "tok")
    );
}

/// A container endpoint whose answers are valid for `valid`, working for the first `working` times.
async fn counted(valid: Duration, working: usize) -> (CredentialsProvider, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let endpoint = move || async move {
        let n = counter.fetch_add(1, Ordering::SeqCst);
        let status = if n < working { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
        (status, answer(&format!("N{n}"), valid))
    };
    let url = serve(Router::new().route("/", get(endpoint))).await;
    (CredentialsProvider::new(vec![CredentialsSource::Container { url, token: None }]), asked)
}

#[tokio::test]
async fn fresh_credentials_are_fetched_once() {
    let (provider, asked) = counted(Duration::from_secs(3600), 9).await;
    assert_eq!([id_of(&provider).await, id_of(&provider).await], ["N0", "N0"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn credentials_are_fetched_anew_before_they_expire() {
    let (provider, _) = counted(Duration::from_secs(200), 9).await;
    assert_eq!([id_of(&provider).await, id_of(&provider).await], ["N0", "N1"]);
}

#[tokio::test]
async fn old_credentials_are_used_while_they_work_and_a_refresh_fails() {
    let (provider, asked) = counted(Duration::from_secs(200), 1).await;
    assert_eq!([id_of(&provider).await, id_of(&provider).await], ["N0", "N0"]);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up_soon() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let provider = CredentialsProvider::new(vec![CredentialsSource::Instance { endpoint }]);
    let error = within("the deadline", provider.get()).await.unwrap_err();
    assert!(matches!(error, CredentialsError::Unreachable { .. }), "{error:?}");
}

#[test]
fn secrets_are_never_printed() {
    let source =
        CredentialsSource::Container { url: "http://h".to_owned(), token: Some(Secret::new("hush")) };
    let provider = CredentialsProvider::new(vec![fixed("A"), source]);
    assert!(!format!("{provider:?}").contains("hush"));
}
