//! Decoding JSON with the tolerance of the Go agent (spec sections 0 and 3.8).
//!
//! Owns three rules on top of serde: keys of structs match whatever their case, unknown keys are ignored, `null` is absent (in a list:
//! the zero value). Keys of maps keep their case. Refuses to repeat a value in an error, because it may be a secret.
//!
//! Nesting is bounded by serde_json's limit of 128, which is also what bounds the recursion here.

mod tolerant;

use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tolerant::{Fault, Tolerant};

/// Why a text is not the value it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text is not JSON.
    #[error("not JSON at line {line} column {column}: {what}")]
    Syntax {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
        /// What the parser met.
        what: String,
    },
    /// The text is JSON of another shape.
    #[error("{}{what}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
    Shape {
        /// Where, such as `tasks[0].cpu`; empty for the whole value.
        path: String,
        /// What was expected and what kind of value stood there; never the value itself.
        what: String,
    },
}

/// Decodes a text.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    from_slice(text.as_bytes())
}

/// Decodes bytes that should be UTF-8 JSON.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    from_value(parse(bytes)?)
}

/// Decodes a value that is already parsed.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, JsonError> {
    T::deserialize(Tolerant(value)).map_err(|Fault { path, what }| JsonError::Shape { path, what })
}

/// Encodes a wire value.
pub(crate) fn to_string(value: &impl Serialize) -> String {
    serde_json::to_string(value)
        .expect("wire values are strings, numbers, lists and maps with string keys; JSON can say them all")
}

/// Parses bytes into a JSON value.
fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default().to_owned();
        JsonError::Syntax { line, column, what }
    })
}

/// Reads a member that holds JSON in a string, and takes the object itself as well (container overrides, spec 3.8).
pub(crate) fn text_or_object<'de, D: de::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        object @ Value::Object(_) => Ok(Some(object.to_string())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err(de::Error::custom("expected a string or an object"))
        }
    }
}
