//! TLS: a certificate nobody vouches for is refused, unless the operator switched verifying off.
//!
//! `data/peer.crt` and its key are self-signed, for `localhost` and 127.0.0.1, and serve this test alone.

use crate::acs_loop::{Loop, heartbeat, timings};
use crate::peer::{keys, limits, within};
use crate::raw_peer::{RawPeer, read_request, text_frame, upgrade_answer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use wharf_link::TransportError;
use wharf_link::acs::AcsInbound;
use wharf_link::api::{ApiClient, ApiConfig, CallError, CallLimits};

fn acceptor() -> TlsAcceptor {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from_pem_slice(include_bytes!("data/peer.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("data/peer.key")).unwrap();
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

/// The next connection, its TLS handshake done.
pub async fn accept(raw: &RawPeer) -> std::io::Result<TlsStream<TcpStream>> {
    within("a TLS handshake", acceptor().accept(raw.connection().await)).await
}

fn api(raw: &RawPeer, verify_tls: bool) -> Result<ApiClient, TransportError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = ApiConfig {
        endpoint: raw.url().replace("http:", "https:"),
        region: "eu-west-1".to_owned(),
        credentials: vec![keys("k")],
        user_agent: "t".to_owned(),
        verify_tls,
        limits: CallLimits { attempts: 1, ..limits() },
    };
    ApiClient::new(config)
}

#[tokio::test]
async fn an_unknown_certificate_is_refused() {
    let raw = RawPeer::start().await;
    // A host without any CA certificates trusts nobody: there the client itself is refused.
    let Ok(api) = api(&raw, true) else { return };
    let (called, handshake) = tokio::join!(api.create_cluster("c"), accept(&raw));
    assert!(matches!(called, Err(CallError::Unreachable { .. })), "{called:?}");
    assert!(handshake.is_err());
}

#[tokio::test]
async fn without_verifying_a_call_goes_through() {
    let raw = RawPeer::start().await;
    let api = api(&raw, false).unwrap();
    let serve = async {
        let (mut stream, _) = read_request(accept(&raw).await.unwrap()).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        stream
    };
    let (called, _stream) = tokio::join!(api.create_cluster("c"), serve);
    called.unwrap();
}

#[tokio::test]
async fn without_verifying_a_session_is_open() {
    let raw = RawPeer::start().await;
    let endpoint = raw.url().replace("http:", "https:");
    let mut acs = Loop::start_at(api(&raw, false).unwrap(), Some(endpoint), timings());
    let (mut stream, head) = read_request(accept(&raw).await.unwrap()).await;
    stream.write_all(upgrade_answer(&head.websocket_key).as_bytes()).await.unwrap();
    acs.connected().await;
    stream.write_all(&text_frame(&heartbeat("h").to_string())).await.unwrap();
    assert_eq!(acs.next().await, AcsInbound::Heartbeat);
    acs.stop().await;
}
