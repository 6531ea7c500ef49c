//! The envelope of both websocket protocols: `{"type":"<name>","message":{…}}` (spec 3.3).
//!
//! Owns opening and closing it; refuses to know which types there are.

use crate::json::{self, JsonError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why a frame is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame is not an envelope: not JSON, or not an object with a `type`.
    #[error("frame is not a message envelope")]
    Envelope(#[source] JsonError),
    /// The frame has no `type`.
    #[error("frame has no message type")]
    NoType,
    /// The type is known, but the message is missing.
    #[error("frame of type {type_name} has no message")]
    NoMessage {
        /// The type on the wire.
        type_name: String,
    },
    /// The type is known, but the message has another shape.
    #[error("message of type {type_name} is malformed")]
    Message {
        /// The type on the wire.
        type_name: String,
        /// Where and how it differs.
        #[source]
        source: JsonError,
    },
}

/// A decoded frame of a conversation whose messages are `M`.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded<M> {
    /// A message of a known type.
    Message(M),
    /// A type this crate does not know: to be dropped with a warning, the connection stays up (spec 3.3).
    Unknown {
        /// The type on the wire.
        type_name: String,
    },
}

/// An envelope whose message is still raw.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Incoming {
    r#type: String,
    message: Option<Value>,
}

/// Opens a frame; `body` decodes the message of a type, or says `None` when it does not know the type.
pub(crate) fn open<M>(
    frame: &str,
    body: impl FnOnce(&str, Value) -> Option<Result<M, JsonError>>,
) -> Result<Decoded<M>, DecodeError> {
    let Incoming { r#type: type_name, message } = json::from_str(frame).map_err(DecodeError::Envelope)?;
    if type_name.is_empty() {
        return Err(DecodeError::NoType);
    }
    let missing = message.is_none();
    match body(&type_name, message.unwrap_or_default()) {
        None => Ok(Decoded::Unknown { type_name }),
        Some(_) if missing => Err(DecodeError::NoMessage { type_name }),
        Some(Ok(message)) => Ok(Decoded::Message(message)),
        Some(Err(source)) => Err(DecodeError::Message { type_name, source }),
    }
}

/// Closes a message into a frame.
pub(crate) fn close(type_name: &str, message: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Outgoing<'a, M> {
        r#type: &'a str,
        message: &'a M,
    }
    json::to_string(&Outgoing { r#type: type_name, message })
}
