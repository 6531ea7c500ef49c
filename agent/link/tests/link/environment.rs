//! What the environment decides: proxies and roots of trust. Each test runs its agent's side in a child process,
//! because a process should not change its own environment.

use crate::acs_loop::{Loop, heartbeat, timings};
use crate::peer::{Peer, keys, limits, within};
use crate::raw_peer::{RawPeer, read_request, text_frame, upgrade_answer};
use crate::tls;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use wharf_link::acs::AcsInbound;
use wharf_link::api::{ApiClient, ApiConfig};

/// Names the endpoint that a child connects to; without it a child has nothing to do.
const ENDPOINT: &str = "WHARF_LINK_TEST_ENDPOINT";

/// Runs one test of this program in a child with these variables and no other proxy settings.
fn child(test: &str, endpoint: &str, variables: &[(&str, &str)]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for inherited in
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"]
    {
        command.env_remove(inherited);
    }
    command.args(["--exact", &format!("environment::{test}"), "--ignored"]);
    command.env(ENDPOINT, endpoint).envs(variables.iter().copied());
    command.stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

async fn succeeds(mut child: Child) {
    assert!(within("the child", child.wait()).await.unwrap().success());
}

fn api(endpoint: String) -> ApiClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = ApiConfig {
        endpoint,
        region: "eu-west-1".to_owned(),
        credentials: vec![keys("k")],
        user_agent: "t".to_owned(),
        verify_tls: true,
        limits: limits(),
    };
    ApiClient::new(config).unwrap()
}

#[tokio::test]
#[ignore = "the child of other tests"]
async fn a_session_hears_a_heartbeat() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return };
    let mut acs = Loop::start_at(api(endpoint.clone()), Some(endpoint), timings());
    acs.connected().await;
    assert_eq!(acs.next().await, AcsInbound::Heartbeat);
    acs.stop().await;
}

#[tokio::test]
#[ignore = "the child of another test"]
async fn a_call_succeeds() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return };
    within("the call", api(endpoint).create_cluster("c")).await.unwrap();
}

#[tokio::test]
async fn a_session_goes_through_the_proxy() {
    let proxy = RawPeer::start().await;
    let child =
        child("a_session_hears_a_heartbeat", "http://control-plane.invalid", &[("HTTP_PROXY", &proxy.url())]);
    let (mut stream, request) = read_request(proxy.connection().await).await;
    assert!(request.first_line.starts_with("GET http://control-plane.invalid/ws?"), "{}", request.first_line);
    stream.write_all(upgrade_answer(&request.websocket_key).as_bytes()).await.unwrap();
    stream.write_all(&text_frame(&heartbeat("h").to_string())).await.unwrap();
    succeeds(child).await;
}

#[tokio::test]
async fn hosts_of_no_proxy_are_reached_directly() {
    let peer = Peer::start().await;
    let proxy = RawPeer::start().await;
    let variables = [("HTTP_PROXY", proxy.url()), ("NO_PROXY", "127.0.0.1".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let child = child("a_call_is_refused_by_name", &peer.url(), &variables);
    succeeds(child).await;
    assert_eq!(peer.calls("CreateCluster").len(), 1);
}

#[tokio::test]
#[ignore = "the child of another test"]
async fn a_call_is_refused_by_name() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return };
    let error = within("the call", api(endpoint).create_cluster("c")).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidSignatureException"), "the peer itself answered");
}

#[tokio::test]
async fn the_hosts_own_certificate_file_is_trusted() {
    let raw = RawPeer::start().await;
    let certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/link/data/peer.crt");
    let endpoint = raw.url().replace("http:", "https:");
    let child = child("a_call_succeeds", &endpoint, &[("SSL_CERT_FILE", certificate)]);
    let (mut stream, _) = read_request(tls::accept(&raw).await.unwrap()).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
    succeeds(child).await;
}
