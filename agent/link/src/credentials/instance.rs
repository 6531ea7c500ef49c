//! Credentials that a metadata service hands out: the container endpoint and EC2's IMDSv2.
//!
//! Both are link-local: no proxy, short deadlines, no redirects, and no TLS roots are loaded for them.

use super::{CredentialsError, Fetched};
use crate::transport::{self, ReadError};
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use std::time::{Duration, SystemTime};
use wharf_protocol::Secret;
use wharf_protocol::sigv4::Credentials;

const DEADLINE: Duration = Duration::from_secs(2);
/// Credentials are far below this; a larger answer is something else.
const MAX_ANSWER: usize = 64 * 1024;
const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";

/// The answer of both services.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: Secret,
    token: Option<Secret>,
    expiration: Option<String>,
}

/// Credentials from a container endpoint.
pub(super) async fn from_container(url: &str, token: Option<&Secret>) -> Result<Fetched, CredentialsError> {
    let mut request = client(url)?.get(url);
    if let Some(token) = token {
        request = request.header("Authorization", token.expose());
    }
    parse(url, &text(url, request).await?)
}

/// Credentials of the instance's role: a token, the role's name, its credentials.
pub(super) async fn from_imds(endpoint: &str) -> Result<Fetched, CredentialsError> {
    let base = endpoint.trim_end_matches('/');
    let client = client(base)?;
    let token_url = format!("{base}/latest/api/token");
    let lifetime = ("X-aws-ec2-metadata-token-ttl-seconds", "300");
    let token = text(&token_url, client.put(&token_url).header(lifetime.0, lifetime.1)).await?;
    let get = |url: &str| client.get(url).header("X-aws-ec2-metadata-token", token.trim());

    let roles_url = format!("{base}{ROLE_PATH}");
    let roles = text(&roles_url, get(&roles_url)).await?;
    let Some(role) = roles.lines().map(str::trim).find(|line| !line.is_empty()) else {
        return Err(CredentialsError::Unusable { url: roles_url, problem: "no role".to_owned() });
    };
    let url = format!("{roles_url}{role}");
    parse(&url, &text(&url, get(&url)).await?)
}

fn client(url: &str) -> Result<Client, CredentialsError> {
    let built = Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(redirect::Policy::none())
        .pool_max_idle_per_host(1)
        .timeout(DEADLINE)
        .build();
    built.map_err(|source| CredentialsError::Unreachable { url: url.to_owned(), source })
}

async fn text(url: &str, request: RequestBuilder) -> Result<String, CredentialsError> {
    let unreachable = |source| CredentialsError::Unreachable { url: url.to_owned(), source };
    let unusable = |problem: String| CredentialsError::Unusable { url: url.to_owned(), problem };
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(unusable(format!("status {status}")));
    }
    let body = transport::read_capped(response, MAX_ANSWER).await.map_err(|error| match error {
        ReadError::Broken(source) => unreachable(source),
        ReadError::TooLarge { .. } => unusable(error.to_string()),
    })?;
    String::from_utf8(body).map_err(|_| unusable("bytes that are not text".to_owned()))
}

/// Reads the JSON; the parser's own message is dropped because it may quote a secret.
pub(super) fn parse(url: &str, text: &str) -> Result<Fetched, CredentialsError> {
    let unusable =
        |problem: &str| CredentialsError::Unusable { url: url.to_owned(), problem: problem.to_owned() };
    let answer: Answer =
        serde_json::from_str(text).map_err(|_| unusable("JSON that is not a set of credentials"))?;
    let expiration = answer.expiration.map(|text| text.parse::<jiff::Timestamp>()).transpose();
    let expiration = expiration.map_err(|_| unusable("an expiration that is no time"))?;
    let credentials = Credentials {
        access_key_id: answer.access_key_id,
        secret_access_key: answer.secret_access_key,
        session_token: answer.token,
    };
    Ok(Fetched::expiring(credentials, expiration.map(SystemTime::from)))
}
