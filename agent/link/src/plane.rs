//! The control plane as the agent reaches it: the seam between the rules of the conversations and the network below them.
//!
//! Owns nothing but the shape. [`ApiClient`] is the real one, over HTTP; a simulation answers from memory. Retries, timers and what
//! an answer means stand above the seam and are the same for both.

use crate::api::{ApiClient, CallError, Endpoints};
use crate::session::Ending;
use crate::socket;
use crate::submit::SubmitOutcome;
use reqwest::{Upgraded, Url};
use std::fmt;
use tokio::io::{AsyncRead, AsyncWrite};
use wharf_protocol::api::{
    CreateClusterResponse, RegisterContainerInstanceRequest, RegisterContainerInstanceResponse,
    SubmitTaskStateChangeRequest,
};

/// One way to a control plane. Clones share it.
pub trait ControlPlane: Clone + fmt::Debug + Send + Sync + 'static {
    /// What websocket frames travel on once the peer has agreed to switch protocols.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Registers the container instance.
    fn register_container_instance(
        &self,
        request: &RegisterContainerInstanceRequest,
    ) -> impl Future<Output = Result<RegisterContainerInstanceResponse, CallError>> + Send;

    /// Creates a cluster.
    fn create_cluster(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<CreateClusterResponse, CallError>> + Send;

    /// Where the sessions of a container instance are.
    fn discover_poll_endpoint(
        &self,
        instance_arn: &str,
        cluster: &str,
    ) -> impl Future<Output = Result<Endpoints, CallError>> + Send;

    /// Makes the next discovery ask again: what it answered was of no use.
    fn distrust_endpoints(&self);

    /// Opens a byte stream whose peer speaks websocket; on failure says how the attempt ended. The caller sets the deadline.
    fn upgrade(&self, url: &Url) -> impl Future<Output = Result<Self::Stream, Ending>> + Send;

    /// Sends a task's state once.
    fn submit_task_state_change(
        &self,
        request: &SubmitTaskStateChangeRequest,
    ) -> impl Future<Output = SubmitOutcome> + Send;
}

impl ControlPlane for ApiClient {
    type Stream = Upgraded;

    async fn register_container_instance(
        &self,
        request: &RegisterContainerInstanceRequest,
    ) -> Result<RegisterContainerInstanceResponse, CallError> {
        Self::register_container_instance(self, request).await
    }

    async fn create_cluster(&self, name: &str) -> Result<CreateClusterResponse, CallError> {
        Self::create_cluster(self, name).await
    }

    async fn discover_poll_endpoint(
        &self,
        instance_arn: &str,
        cluster: &str,
    ) -> Result<Endpoints, CallError> {
        Self::discover_poll_endpoint(self, instance_arn, cluster).await
    }

    fn distrust_endpoints(&self) {
        Self::distrust_endpoints(self);
    }

    async fn upgrade(&self, url: &Url) -> Result<Upgraded, Ending> {
        socket::upgrade(self, url).await
    }

    async fn submit_task_state_change(&self, request: &SubmitTaskStateChangeRequest) -> SubmitOutcome {
        Self::submit_task_state_change(self, request).await
    }
}
