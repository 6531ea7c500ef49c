//! Why an API call failed, and whether asking again can help (spec 2.1, 2.2).

use crate::credentials::CredentialsError;
use std::time::Duration;
use wharf_protocol::api::ApiError;
use wharf_protocol::json::JsonError;

/// Error codes that mean "slower, please", as the AWS SDKs list them.
const THROTTLING: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "SlowDown",
];

/// Why one API call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The control plane answered with an error.
    #[error("{operation} was refused")]
    Refused {
        /// The operation's name.
        operation: &'static str,
        /// Code, words and status of the answer.
        #[source]
        error: ApiError,
        /// How long the control plane asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// No answer came: the network, a timeout, TLS.
    #[error("{operation} did not get an answer from the control plane")]
    Unreachable {
        /// The operation's name.
        operation: &'static str,
        /// The reason.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is too large to be one.
    #[error("the answer to {operation} is larger than {limit} bytes")]
    TooLarge {
        /// The operation's name.
        operation: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer was a success, but not the JSON that belongs to the operation.
    #[error("the answer to {operation} cannot be read")]
    Unreadable {
        /// The operation's name.
        operation: &'static str,
        /// The reason.
        #[source]
        source: JsonError,
    },
    /// The request could not be signed.
    #[error("{operation} was not sent because it could not be signed")]
    Unsigned {
        /// The operation's name.
        operation: &'static str,
        /// The reason.
        #[source]
        source: SigningError,
    },
}

/// Why a request or a frame could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// There are no credentials to sign with.
    #[error("there are no credentials to sign with")]
    Credentials(#[from] CredentialsError),
    /// The signer refused the request.
    #[error("the request is not one that can be signed")]
    Request(#[from] wharf_protocol::sigv4::SignError),
}

/// Whether asking again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The cause may pass: the network, a server's fault, throttling, missing credentials.
    Later,
    /// The same request will get the same answer.
    Never,
}

impl CallError {
    /// The control plane's answer, if it answered with an error.
    pub fn refusal(&self) -> Option<&ApiError> {
        match self {
            Self::Refused { error, .. } => Some(error),
            Self::Unreachable { .. }
            | Self::TooLarge { .. }
            | Self::Unreadable { .. }
            | Self::Unsigned { .. } => None,
        }
    }

    /// The bare code of the control plane's error, e.g. `InvalidParameterException`.
    pub fn code(&self) -> Option<&str> {
        self.refusal().map(|error| error.code.as_str())
    }

    /// The control plane's words, empty when it gave none.
    pub fn message(&self) -> &str {
        self.refusal().map_or("", |error| &error.message)
    }

    /// How long the control plane asks to be left alone, if it does.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable { .. }
            | Self::TooLarge { .. }
            | Self::Unreadable { .. }
            | Self::Unsigned { .. } => None,
        }
    }

    /// Whether the control plane asks for fewer calls.
    pub fn is_throttling(&self) -> bool {
        self.refusal().is_some_and(|error| error.status == 429 || THROTTLING.contains(&error.code.as_str()))
    }

    /// Whether the same call can succeed later: what the SDKs call retryable.
    pub fn retry(&self) -> Retry {
        let later = match self {
            Self::Refused { error, .. } => {
                self.is_throttling() || error.is_server_fault() || error.code == "ServerException"
            }
            Self::Unreachable { .. } | Self::Unsigned { .. } => true,
            Self::TooLarge { .. } | Self::Unreadable { .. } => false,
        };
        if later { Retry::Later } else { Retry::Never }
    }
}
