//! The ECS API as the agent calls it: JSON 1.1 over HTTP, signed (spec 2).
//!
//! Owns signing, the attempts of one call, and the cache of discovered endpoints. Refuses to decide what a failure
//! means for the agent: that is `register`'s and the owner's.

mod discover;
mod error;

pub use discover::Endpoints;
pub(crate) use discover::locate;
pub use error::{CallError, Retry, SigningError};

use crate::backoff::BackoffPolicy;
use crate::credentials::{CredentialsProvider, CredentialsSource};
use crate::jitter::Jitter;
use crate::socket::chain;
use crate::submit::SubmitOutcome;
use crate::transport::{self, ReadError, TransportConfig, TransportError};
use discover::EndpointCache;
use reqwest::{Client, Response, Url};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wharf_protocol::api::{
    self, ApiError, CreateCluster, CreateClusterRequest, CreateClusterResponse, ListTagsForResource,
    ListTagsForResourceRequest, Operation, RegisterContainerInstance, RegisterContainerInstanceRequest,
    RegisterContainerInstanceResponse, SubmitAttachmentStateChanges, SubmitAttachmentStateChangesRequest,
    SubmitTaskStateChange, SubmitTaskStateChangeRequest, Tag, UpdateContainerInstancesState,
    UpdateContainerInstancesStateRequest, UpdateContainerInstancesStateResponse,
};
use wharf_wait::Wait;

/// Answers to the agent's calls are small; a larger one is something else.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// What an [`ApiClient`] needs to know.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The control plane's URL; `https://` is assumed when it has no scheme.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Where credentials come from, tried in this order.
    pub credentials: Vec<CredentialsSource>,
    /// The whole `User-Agent`.
    pub user_agent: String,
    /// False: any certificate is accepted (`-k`). For labs.
    pub verify_tls: bool,
    /// Deadlines and attempts.
    pub limits: CallLimits,
}

/// Deadlines and attempts of API calls.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Dial and TLS handshake together.
    pub connect: Duration,
    /// One attempt, from dial to the last byte.
    pub whole: Duration,
    /// How many attempts a call makes while its failures are retryable.
    pub attempts: u32,
    /// The waits between them.
    pub backoff: BackoffPolicy,
    /// How long discovered endpoints are believed.
    pub endpoints: Duration,
    /// How long discovery waits for an answer where an older one is remembered.
    pub discovery: Duration,
}

impl Default for CallLimits {
    /// The numbers of spec 2.1, 2.2 and 2.4: 42 s in all, 3 attempts, endpoints for 12 h. But dial and TLS have 6 s and not 40, and so
    /// has a discovery that can do without an answer: while the network swallows packets the kernel's retries grow so rare that a
    /// healed network would be noticed late (see [`crate::session`]).
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(6),
            whole: Duration::from_secs(42),
            attempts: 3,
            backoff: BackoffPolicy::CALL,
            endpoints: Duration::from_secs(12 * 3600),
            discovery: Duration::from_secs(6),
        }
    }
}

/// A client of the ECS API. Cloning is cheap and shares connections, credentials and the endpoint cache.
#[derive(Debug, Clone)]
pub struct ApiClient(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    http: Client,
    endpoint: Url,
    region: String,
    credentials: CredentialsProvider,
    limits: CallLimits,
    endpoints: EndpointCache,
    /// Spread for the waits between attempts. Never held over an await.
    jitter: Mutex<Jitter>,
}

impl ApiClient {
    /// Makes the client; needs a rustls crypto provider installed as the process default. Does no I/O but reading the
    /// host's CA certificates.
    ///
    /// # Errors
    /// When the endpoint is no http(s) URL or TLS can't be set up.
    pub fn new(config: ApiConfig) -> Result<Self, TransportError> {
        let endpoint = transport::parse_endpoint(&config.endpoint)?;
        let transport = TransportConfig {
            user_agent: &config.user_agent,
            verify_tls: config.verify_tls,
            connect: config.limits.connect,
            whole: config.limits.whole,
        };
        Ok(Self(Arc::new(Shared {
            http: transport::client(&transport, &endpoint)?,
            endpoint,
            region: config.region,
            credentials: CredentialsProvider::new(config.credentials),
            limits: config.limits,
            endpoints: EndpointCache::default(),
            jitter: Mutex::new(Jitter::from_os()),
        })))
    }

    /// Registers the container instance; one call, see [`crate::register::register`] for the whole of it.
    ///
    /// # Errors
    /// As every call: [`CallError`].
    pub async fn register_container_instance(
        &self,
        request: &RegisterContainerInstanceRequest,
    ) -> Result<RegisterContainerInstanceResponse, CallError> {
        self.call::<RegisterContainerInstance>(request).await
    }

    /// Creates a cluster.
    ///
    /// # Errors
    /// As every call: [`CallError`].
    pub async fn create_cluster(&self, name: &str) -> Result<CreateClusterResponse, CallError> {
        let request = CreateClusterRequest { cluster_name: Some(name.to_owned()), ..Default::default() };
        self.call::<CreateCluster>(&request).await
    }

    /// Lists the tags of a task or container instance.
    ///
    /// # Errors
    /// As every call: [`CallError`].
    pub async fn list_tags_for_resource(&self, arn: &str) -> Result<Vec<Tag>, CallError> {
        let request = ListTagsForResourceRequest { resource_arn: Some(arn.to_owned()) };
        self.call::<ListTagsForResource>(&request).await.map(|answer| answer.tags)
    }

    /// Changes the state of container instances, e.g. to `DRAINING`.
    ///
    /// # Errors
    /// As every call: [`CallError`].
    pub async fn update_container_instances_state(
        &self,
        request: &UpdateContainerInstancesStateRequest,
    ) -> Result<UpdateContainerInstancesStateResponse, CallError> {
        self.call::<UpdateContainerInstancesState>(request).await
    }

    /// Sends a task's state once; whether and when it is sent again is the owner's affair (spec 2.2).
    pub async fn submit_task_state_change(&self, request: &SubmitTaskStateChangeRequest) -> SubmitOutcome {
        SubmitOutcome::of(self.once::<SubmitTaskStateChange>(request).await)
    }

    /// Sends an attachment's state once; see [`ApiClient::submit_task_state_change`].
    pub async fn submit_attachment_state_changes(
        &self,
        request: &SubmitAttachmentStateChangesRequest,
    ) -> SubmitOutcome {
        SubmitOutcome::of(self.once::<SubmitAttachmentStateChanges>(request).await)
    }

    /// Calls any operation, with the attempts of [`CallLimits`].
    ///
    /// # Errors
    /// The last attempt's error.
    pub async fn call<O: Operation>(&self, request: &O::Request) -> Result<O::Response, CallError> {
        let mut attempt = 0;
        loop {
            let error = match self.once::<O>(request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            attempt += 1;
            if error.retry() == Retry::Never || attempt >= self.0.limits.attempts {
                return Err(error);
            }
            let wait = self.wait_after(attempt, error.retry_after());
            tracing::debug!(operation = O::NAME, attempt, ?wait, error = chain(&error), "trying again");
            Wait::named("before the next try").owner(O::NAME).pause(wait).await;
        }
    }

    /// The wait before the next attempt: what the control plane asks for, within reason, or a step of the backoff.
    fn wait_after(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let mut jitter = self.0.jitter.lock().expect("no code panics while it holds this lock");
        let backoff = self.0.limits.backoff;
        let asked = asked.unwrap_or_default().min(backoff.longest);
        backoff.delay(attempt - 1, &mut jitter).max(asked + jitter.up_to(asked.mul_f64(backoff.jitter)))
    }

    /// One attempt of a call.
    async fn once<O: Operation>(&self, request: &O::Request) -> Result<O::Response, CallError> {
        let operation = O::NAME;
        let response = self.send::<O>(api::encode(request)).await?;
        let (status, retry_after) = (response.status(), transport::retry_after(response.headers()));
        let header = response.headers().get("x-amzn-errortype");
        let header = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = transport::read_capped(response, MAX_ANSWER).await.map_err(|error| match error {
            ReadError::Broken(source) => CallError::Unreachable { operation, source },
            ReadError::TooLarge { limit } => CallError::TooLarge { operation, limit },
        })?;
        if !status.is_success() {
            let error = ApiError::parse(status.as_u16(), header.as_deref(), &body);
            return Err(CallError::Refused { operation, error, retry_after });
        }
        api::decode(&body).map_err(|source| CallError::Unreadable { operation, source })
    }

    async fn send<O: Operation>(&self, body: String) -> Result<Response, CallError> {
        let operation = O::NAME;
        let endpoint = &self.0.endpoint;
        let signed = self.sign_call(endpoint, operation, body.as_bytes()).await;
        let headers = signed.map_err(|source| CallError::Unsigned { operation, source })?;
        let request = self.0.http.post(endpoint.clone()).headers(headers).body(body);
        request.send().await.map_err(|source| CallError::Unreachable { operation, source })
    }

    pub(crate) fn credentials(&self) -> &CredentialsProvider {
        &self.0.credentials
    }

    pub(crate) fn region(&self) -> &str {
        &self.0.region
    }

    /// The shared HTTP client, for the websockets' upgrades.
    pub(crate) fn http(&self) -> &Client {
        &self.0.http
    }
}
