//! The URLs of both websockets, built from what discovery answered (spec 3.1, 4.1).
//!
//! Pure. Keys are sorted and form-encoded; the scheme stays `http` or `https`, because the upgrade is an HTTP request.

use crate::transport::{TransportError, parse_endpoint};
use reqwest::Url;

/// What the agent calls its runtime; announces a containerd agent, which gets no update messages (spec 3.1).
const RUNTIME: &str = "containerd";

/// Who connects: sent with every websocket connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentIdentity {
    /// The configured cluster, a name or an ARN.
    pub cluster: String,
    /// The ARN that registration gave.
    pub container_instance_arn: String,
    /// The agent's version.
    pub agent_version: String,
    /// The build's hash, possibly empty.
    pub agent_hash: String,
}

/// The URL of the ACS session.
///
/// # Errors
/// When `endpoint` is not an `http` or `https` URL.
pub fn acs_url(
    endpoint: &str,
    identity: &AgentIdentity,
    send_credentials: bool,
) -> Result<Url, TransportError> {
    let send_credentials = if send_credentials { "true" } else { "false" };
    websocket_url(
        endpoint,
        &[
            ("agentHash", &identity.agent_hash),
            ("agentVersion", &identity.agent_version),
            ("clusterArn", &identity.cluster),
            ("containerInstanceArn", &identity.container_instance_arn),
            ("dockerVersion", RUNTIME),
            ("protocolVersion", "2"),
            ("sendCredentials", send_credentials),
            ("seqNum", "1"),
        ],
    )
}

/// The URL of the TCS session; the runtime is not named, it is not Docker.
///
/// # Errors
/// When `endpoint` is not an `http` or `https` URL.
pub fn tcs_url(endpoint: &str, identity: &AgentIdentity) -> Result<Url, TransportError> {
    websocket_url(
        endpoint,
        &[
            ("agentHash", &identity.agent_hash),
            ("agentVersion", &identity.agent_version),
            ("cluster", &identity.cluster),
            ("containerInstance", &identity.container_instance_arn),
        ],
    )
}

fn websocket_url(endpoint: &str, query: &[(&str, &str)]) -> Result<Url, TransportError> {
    debug_assert!(query.is_sorted_by_key(|(key, _)| key), "the query's keys are sorted");
    let mut url = parse_endpoint(endpoint)?;
    let path = format!("{}/ws", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.query_pairs_mut().clear().extend_pairs(query);
    Ok(url)
}
