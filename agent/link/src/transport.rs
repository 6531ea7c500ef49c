//! The one HTTP client of the agent's conversations: TLS, proxies and timeouts are decided here, once.
//!
//! The API calls and both websockets' upgrades go through it, so they share roots of trust, `HTTPS_PROXY` and
//! `NO_PROXY`. The roots are the host's (`SSL_CERT_FILE` is honoured). Redirects are refused: requests are signed.

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, Url, redirect};
use std::time::Duration;

/// How long sent bytes may stay unacknowledged before the kernel gives the connection up. Its own limit is a quarter of an hour.
const UNACKNOWLEDGED: Duration = Duration::from_secs(25);
/// How long a connection is idle before the kernel asks the peer's kernel, and how often it asks then. A websocket's own pings ask
/// more: whether the program behind it is there.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Idle connections are given up soon: an idle agent should hold no buffers.
const IDLE: Duration = Duration::from_secs(20);

/// When the peer wants to be asked again; only the form in seconds, which is what services send.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Why the HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The endpoint is not an `http` or `https` URL.
    #[error("the endpoint {endpoint:?} is not an http or https URL: {problem}")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        problem: String,
    },
    /// TLS could not be set up, most often because the host has no CA certificates.
    #[error("cannot set up TLS; are CA certificates (package ca-certificates) installed?")]
    Tls {
        /// The reason.
        #[source]
        source: reqwest::Error,
    },
}

/// What the client needs to know.
#[derive(Debug, Clone)]
pub(crate) struct TransportConfig<'a> {
    pub(crate) user_agent: &'a str,
    pub(crate) verify_tls: bool,
    pub(crate) connect: Duration,
    pub(crate) whole: Duration,
}

/// Builds the client for `endpoint`.
///
/// A host without CA certificates can still talk plain HTTP: then the client trusts nobody, and an `https` endpoint
/// is an error here rather than a puzzle at the first call.
pub(crate) fn client(config: &TransportConfig<'_>, endpoint: &Url) -> Result<Client, TransportError> {
    let builder = || {
        let builder: ClientBuilder = Client::builder();
        builder
            .user_agent(config.user_agent)
            .http1_only()
            .redirect(redirect::Policy::none())
            .connect_timeout(config.connect)
            .timeout(config.whole)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(IDLE)
            .tcp_user_timeout(UNACKNOWLEDGED)
            .tcp_keepalive(KEEPALIVE)
            .tcp_keepalive_interval(KEEPALIVE)
            .tcp_keepalive_retries(2)
            .tls_danger_accept_invalid_certs(!config.verify_tls)
    };
    match builder().build() {
        Err(_) if endpoint.scheme() == "http" => builder().tls_certs_only([]).build(),
        built => built,
    }
    .map_err(|source| TransportError::Tls { source })
}

/// Reads an endpoint as operators write it: without a scheme it is `https` (spec 2.1).
pub(crate) fn parse_endpoint(endpoint: &str) -> Result<Url, TransportError> {
    let refused = |problem: String| TransportError::Endpoint { endpoint: endpoint.to_owned(), problem };
    let text = if endpoint.contains("://") { endpoint.to_owned() } else { format!("https://{endpoint}") };
    let url = Url::parse(&text).map_err(|error| refused(error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(refused(format!("scheme {other}"))),
    }
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The connection broke or the deadline passed.
    #[error("the body broke off")]
    Broken(#[source] reqwest::Error),
    /// The body is larger than the reader is ready to hold.
    #[error("a body of more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_capped(mut response: Response, limit: usize) -> Result<Vec<u8>, ReadError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Broken)? {
        if body.len() + chunk.len() > limit {
            return Err(ReadError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
