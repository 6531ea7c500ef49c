//! The errors the ECS API names, with their codes and the message a caller reads.

use wharf_protocol::api::ApiError;

/// An exception of the ECS API. Every variant is one name of the public contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EcsError {
    /// The request names something that is not there, or not in a usable state: `ClientException`.
    #[error("{0}")]
    Client(String),
    /// A parameter's value is not allowed: `InvalidParameterException`.
    #[error("{0}")]
    InvalidParameter(String),
    /// `ClusterNotFoundException`.
    #[error("Cluster not found.")]
    ClusterNotFound,
    /// `ClusterContainsContainerInstancesException`.
    #[error("The Cluster cannot be deleted while Container Instances are active or draining.")]
    ClusterContainsContainerInstances,
    /// `ClusterContainsTasksException`.
    #[error("The Cluster cannot be deleted while Tasks are active.")]
    ClusterContainsTasks,
    /// A client token was used again with other parameters: `ConflictException`.
    #[error("{0}")]
    Conflict(String),
    /// The container instance an attribute is for is not there: `TargetNotFoundException`.
    #[error("{0}")]
    TargetNotFound(String),
    /// ECS has it, this control plane does not: `UnsupportedFeatureException`.
    #[error("{0}")]
    UnsupportedFeature(String),
    /// No operation of that name: `UnknownOperationException`.
    #[error("{0}")]
    UnknownOperation(String),
    /// The body is not the JSON the operation takes: `SerializationException`.
    #[error("{0}")]
    Serialization(String),
    /// This side failed: `ServerException`.
    #[error("{0}")]
    Server(String),
}

impl From<EcsError> for ApiError {
    fn from(error: EcsError) -> Self {
        Self { code: error.name().to_owned(), message: error.to_string(), status: error.status() }
    }
}

impl EcsError {
    /// The exception's name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Client(_) => "ClientException",
            Self::InvalidParameter(_) => "InvalidParameterException",
            Self::ClusterNotFound => "ClusterNotFoundException",
            Self::ClusterContainsContainerInstances => "ClusterContainsContainerInstancesException",
            Self::ClusterContainsTasks => "ClusterContainsTasksException",
            Self::Conflict(_) => "ConflictException",
            Self::TargetNotFound(_) => "TargetNotFoundException",
            Self::UnsupportedFeature(_) => "UnsupportedFeatureException",
            Self::UnknownOperation(_) => "UnknownOperationException",
            Self::Serialization(_) => "SerializationException",
            Self::Server(_) => "ServerException",
        }
    }

    /// The HTTP status: 500 when this side failed, 400 when the caller did.
    pub fn status(&self) -> u16 {
        if matches!(self, Self::Server(_)) { 500 } else { 400 }
    }

    /// `InvalidParameterException` with this message.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidParameter(message.into())
    }

    /// `ClientException` with this message.
    pub fn client(message: impl Into<String>) -> Self {
        Self::Client(message.into())
    }
}
