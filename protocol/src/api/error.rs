//! Errors of the ECS API on the wire (spec 2.1).
//!
//! Owns the forms an error comes in and the one it goes out in. Refuses to say which error is retried.

use serde_json::{Value, json};

/// An error as the ECS API answers it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// Bare exception name, such as `InvalidParameterException`.
    pub code: String,
    /// The explanation for people, possibly empty.
    pub message: String,
    /// HTTP status: 4xx is the client's fault, 5xx the server's.
    pub status: u16,
}

impl ApiError {
    /// An error with status 400: the caller's fault.
    pub fn client(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: 400 }
    }

    /// An error with status 500 and the code `ServerException`.
    pub fn server(message: impl Into<String>) -> Self {
        Self { code: "ServerException".to_owned(), message: message.into(), status: 500 }
    }

    /// Reads an answer with a status other than 2xx; `header` is the value of `X-Amzn-ErrorType`.
    ///
    /// The code is taken from the header, else from `__type` or `code` of the body, and is `UnknownError` when none is there.
    pub fn parse(status: u16, header: Option<&str>, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let codes = [header, text("__type"), text("code")];
        let code =
            codes.into_iter().flatten().map(bare).find(|code| !code.is_empty()).unwrap_or("UnknownError");
        let message = text("message").or_else(|| text("Message")).unwrap_or_default();
        Self { code: code.to_owned(), message: message.to_owned(), status }
    }

    /// The body to answer with; the code belongs into the header `x-amzn-errortype` as well.
    pub fn to_body(&self) -> String {
        json!({ "__type": self.code, "message": self.message }).to_string()
    }

    /// Whether the status says that the fault is the server's (5xx).
    pub fn is_server_fault(&self) -> bool {
        self.status >= 500
    }
}

/// The exception's name without `namespace#` before and `:uri` behind it.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim()
}
