//! A control plane on a port of its own, and a caller that signs.

use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime};
use wharf_control_plane::auth::AccessKey;
use wharf_control_plane::model::address::Subnet;
use wharf_control_plane::server::{Config, Running, start};
use wharf_protocol::Secret;
use wharf_protocol::api::ApiError;
use wharf_protocol::sigv4::{Credentials, Signer};

pub const REGION: &str = "us-east-1";
/// Nothing here takes long; a wait that reaches this has failed.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub fn config(data: &Path) -> Config {
    let mut config = Config::new(data);
    config.subnets.push(Subnet::parse("subnet-1=10.99.0.0/24").unwrap());
    config.access_keys.push(AccessKey { id: "AKID".into(), secret: Secret::new("secret") });
    config
}

/// A running control plane with its data and a caller.
pub struct Peer {
    pub running: Running,
    pub client: Client,
    data: tempfile::TempDir,
}

impl Peer {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = config(data.path());
        change(&mut config);
        let running = start(config).await.unwrap();
        let client = Client::new(&running.url());
        Self { running, client, data }
    }

    /// Stops it and starts another one on the same data, on another port.
    pub async fn restart(self) -> Self {
        let Self { running, data, .. } = self;
        running.shutdown().await.unwrap();
        let running = start(config(data.path())).await.unwrap();
        let client = Client::new(&running.url());
        Self { running, client, data }
    }
}

/// A caller of the API.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub url: String,
    pub credentials: Credentials,
}

impl Client {
    pub fn new(url: &str) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        let credentials = Credentials {
            access_key_id: "AKID".into(),
            secret_access_key: Secret::new("secret"),
            session_token: None,
        };
        Self { http, url: format!("{url}/"), credentials }
    }

    /// Calls an operation; the error is what the answer names.
    pub async fn try_call(&self, operation: &str, input: Value) -> Result<Value, ApiError> {
        self.try_call_at(operation, input.to_string().as_bytes(), SystemTime::now()).await
    }

    pub async fn try_call_at(
        &self,
        operation: &str,
        body: &[u8],
        time: SystemTime,
    ) -> Result<Value, ApiError> {
        let signer = Signer { credentials: &self.credentials, region: REGION, time };
        let headers = signer.api(&self.url, operation, body).unwrap();
        self.post(&headers, body).await
    }

    /// Posts with these headers, however they came about.
    pub async fn post(&self, headers: &[(String, String)], body: &[u8]) -> Result<Value, ApiError> {
        let mut request = self.http.post(&self.url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.body(body.to_owned()).send().await.unwrap();
        let status = answer.status().as_u16();
        let named = answer.headers().get("x-amzn-errortype").map(|name| name.to_str().unwrap().to_owned());
        let body = answer.bytes().await.unwrap();
        if status == 200 {
            return Ok(serde_json::from_slice(&body).unwrap());
        }
        let error = ApiError::parse(status, named.as_deref(), &body);
        assert_eq!(ApiError::parse(status, None, &body), error, "header and body name the same error");
        Err(error)
    }

    pub async fn call(&self, operation: &str, input: Value) -> Value {
        self.try_call(operation, input).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// The name of the error that the call must end with.
    pub async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        let error = self.try_call(operation, input).await.expect_err(operation);
        (error.code, error.message)
    }

    /// Makes cluster `default` and registers the definition `web` with one container, of this network mode.
    pub async fn define(&self, mode: &str) {
        self.call("CreateCluster", json!({})).await;
        let container = json!({ "name": "app", "image": "i", "cpu": 10, "memory": 16 });
        let document = json!({ "family": "web", "networkMode": mode, "containerDefinitions": [container] });
        self.call("RegisterTaskDefinition", document).await;
    }

    /// Runs the definition `web` once; the answer is its ARN.
    pub async fn run(&self, mode: &str) -> String {
        let mut input = json!({ "taskDefinition": "web" });
        if mode == "awsvpc" {
            input["networkConfiguration"] = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
        }
        let launched = self.call("RunTask", input).await;
        assert_eq!(launched["failures"], json!([]));
        launched["tasks"][0]["taskArn"].as_str().unwrap().to_owned()
    }

    pub async fn describe(&self, task: &str) -> Value {
        self.call("DescribeTasks", json!({ "tasks": [task] })).await["tasks"][0].clone()
    }

    /// Asks until the task has this status.
    pub async fn until(&self, task: &str, status: &str) -> Value {
        let reached = async {
            loop {
                let described = self.describe(task).await;
                if described["lastStatus"] == json!(status) {
                    return described;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, reached)
            .await
            .unwrap_or_else(|_| panic!("{task} did not become {status}"))
    }
}
