//! One way to call containerd: a name, a deadline, and an error that says both.
//!
//! Owns the scope that travels with each request (namespace and lease). Refuses to retry: whoever calls knows whether that is safe.

use std::future::Future;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use wharf_wait::Wait;

/// Requests that only read or write metadata.
pub(crate) const QUICK: Duration = Duration::from_secs(10);
/// Requests that run a shim or runc, or move file systems about.
pub(crate) const SLOW: Duration = Duration::from_secs(60);
/// containerd sends messages of up to 16 MiB; tonic would stop at 4.
pub(crate) const MAX_MESSAGE: usize = 16 << 20;

/// A channel whose requests carry the namespace and, where wanted, a lease.
pub(crate) type Scoped = InterceptedService<Channel, Scope>;

/// A call to containerd that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// No answer in time.
    #[error("containerd did not answer {rpc} within {} s", .after.as_secs_f32())]
    Deadline {
        /// Service and method.
        rpc: &'static str,
        /// How long we waited.
        after: Duration,
    },
    /// The connection could not be made, or ended before the answer.
    #[error("no connection to containerd for {rpc}: {message}")]
    Transport {
        /// Service and method.
        rpc: &'static str,
        /// The transport's words.
        message: String,
    },
    /// An answer that says no.
    #[error("containerd answered {rpc} with {code:?}: {message}")]
    Status {
        /// Service and method.
        rpc: &'static str,
        /// gRPC status code.
        code: Code,
        /// containerd's own words.
        message: String,
    },
}

impl RpcError {
    pub(crate) fn new(rpc: &'static str, status: &Status) -> Self {
        let message = status.message().to_owned();
        // What containerd answers has no cause on this side of the socket.
        if std::error::Error::source(status).is_some() {
            return Self::Transport { rpc, message };
        }
        Self::Status { rpc, code: status.code(), message }
    }

    /// Returns the gRPC code, when containerd answered at all.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Deadline { .. } => None,
            Self::Transport { .. } => Some(Code::Unavailable),
            Self::Status { code, .. } => Some(*code),
        }
    }

    /// Returns containerd's words, without ours around them.
    pub fn message(&self) -> &str {
        match self {
            Self::Deadline { .. } => "no answer",
            Self::Transport { message, .. } | Self::Status { message, .. } => message,
        }
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.code() == Some(Code::NotFound)
    }

    pub(crate) fn is_already_exists(&self) -> bool {
        self.code() == Some(Code::AlreadyExists)
    }

    /// True where the answer was lost, or was given by a containerd that was just ending.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            Self::Deadline { .. } => false,
            Self::Transport { .. } => true,
            Self::Status { code, message, .. } => {
                matches!(code, Code::Unavailable | Code::Cancelled) || message.contains("context canceled")
            }
        }
    }

    /// True where another try may well succeed: nobody listens, or nobody answered.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.code(),
            None | Some(Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::Cancelled)
        )
    }
}

/// Waits for one answer, at most `deadline` long.
pub(crate) async fn call<T>(
    rpc: &'static str,
    deadline: Duration,
    request: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, RpcError> {
    match Wait::named(rpc).owner("containerd client").at_most(deadline).on(request).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(RpcError::new(rpc, &status)),
        Err(_) => Err(RpcError::Deadline { rpc, after: deadline }),
    }
}

/// Turns "does not exist" into `None`.
pub(crate) fn found<T>(answer: Result<T, RpcError>) -> Result<Option<T>, RpcError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What travels with every request: the namespace, and a lease that keeps new objects from being collected.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    namespace: MetadataValue<Ascii>,
    lease: Option<MetadataValue<Ascii>>,
}

impl Scope {
    /// Makes the scope of a namespace; `None` when the name cannot be sent.
    pub(crate) fn new(namespace: &str) -> Option<Self> {
        Some(Self { namespace: namespace.parse().ok()?, lease: None })
    }

    /// Adds a lease; `None` when the id cannot be sent.
    pub(crate) fn with_lease(&self, lease: &str) -> Option<Self> {
        Some(Self { namespace: self.namespace.clone(), lease: Some(lease.parse().ok()?) })
    }
}

impl Interceptor for Scope {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("containerd-namespace", self.namespace.clone());
        if let Some(lease) = &self.lease {
            metadata.insert("containerd-lease", lease.clone());
        }
        Ok(request)
    }
}
