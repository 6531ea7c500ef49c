//! The body of a refused websocket handshake (spec 3.2, 4.3).
//!
//! Owns the two forms it comes in; refuses to decide what a refusal means for the session.

use serde_json::{Value, json};
use std::fmt;

/// Why a peer refused the handshake; prints as `<exception>: <text>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the exception, kept even when unknown.
    ///
    /// ACS: `ServerException`, `BadRequestException`, `InvalidClusterException`, `InvalidInstanceException`, `AccessDeniedException`,
    /// `InactiveInstanceException`. TCS: `ServerException`, `BadRequestException`, `ResourceValidationException`,
    /// `InvalidParameterException`.
    pub exception: String,
    /// The peer's explanation, possibly empty.
    pub text: String,
}

impl Refusal {
    /// Reads `{"<exception>":"text"}` or `{"type":"<exception>","message":…}`; `None` when the body is neither.
    pub fn parse(body: &str) -> Option<Self> {
        let Ok(Value::Object(mut object)) = serde_json::from_str(body) else { return None };
        if let Some(Value::String(exception)) = object.remove("type") {
            let text = object.get("message").and_then(message_text).unwrap_or_default();
            return Some(Self { exception, text: text.to_owned() });
        }
        let mut entries = object.into_iter();
        match (entries.next(), entries.next()) {
            (Some((exception, value)), None) => {
                message_text(&value).map(|text| Self { exception, text: text.to_owned() })
            }
            _ => None,
        }
    }

    /// The body to refuse a handshake with.
    pub fn to_body(&self) -> String {
        json!({ self.exception.as_str(): self.text }).to_string()
    }

    /// Whether the container instance was deregistered: the one refusal that changes the agent's behaviour (spec 3.6).
    pub fn is_inactive_instance(&self) -> bool {
        self.exception == "InactiveInstanceException"
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.exception, self.text)
    }
}

/// The text of a message that is either a string or an object with a `message` of its own.
fn message_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("message").or_else(|| value.get("Message"))?.as_str())
}
