//! A caller of the ECS API like any other: signs, posts, reads the answer or the error.

use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use wharf_control_plane::auth::AccessKey;
use wharf_protocol::api::ApiError;
use wharf_protocol::sigv4::{Credentials, Signer};

/// How long one call may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// A client with one key.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    credentials: Credentials,
}

impl Client {
    /// A client of the control plane at this URL.
    pub fn new(url: &str, key: AccessKey) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(DEADLINE)
            .build()
            .context("cannot make a client")?;
        let credentials =
            Credentials { access_key_id: key.id, secret_access_key: key.secret, session_token: None };
        Ok(Self { http, url: format!("{url}/"), credentials })
    }

    /// Calls an operation.
    pub async fn call(&self, operation: &str, input: &Value) -> anyhow::Result<Value> {
        let body = input.to_string();
        let signer =
            Signer { credentials: &self.credentials, region: super::REGION, time: SystemTime::now() };
        let mut request = self.http.post(&self.url);
        for (name, value) in signer.api(&self.url, operation, body.as_bytes())? {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.with_context(|| format!("cannot call {operation}"))?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.with_context(|| format!("cannot read the answer of {operation}"))?;
        if status != 200 {
            bail!("{operation} failed with {}", ApiError::parse(status, None, &body));
        }
        serde_json::from_slice(&body).with_context(|| format!("the answer of {operation} is not JSON"))
    }

    /// Id and secret, for whoever is told to use them.
    pub fn key(&self) -> [&str; 2] {
        [&self.credentials.access_key_id, self.credentials.secret_access_key.expose()]
    }

    /// Makes the cluster, which is no error when it is there.
    pub async fn create_cluster(&self, name: &str) -> anyhow::Result<()> {
        self.call("CreateCluster", &json!({ "clusterName": name })).await.map(drop)
    }

    /// Fetches a page without signing, as a visitor of the task would.
    pub async fn fetch(&self, url: &str) -> anyhow::Result<String> {
        let answer = self.http.get(url).send().await?.error_for_status()?;
        Ok(answer.text().await?)
    }
}
