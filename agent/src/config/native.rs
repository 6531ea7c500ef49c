//! The native file, `/etc/wharf/agent.toml`: flat TOML with values of their own types.
//!
//! Owns the way from TOML values to the texts that all sources share, and the line of each. Refuses a value of another TOML
//! type than its key's: `reserved_memory = "256"` is an error, not a guess.

use super::error::{ConfigError, Origin};
use super::keys::{KEYS, Key};
use super::nearest::nearest;
use super::resolve::SourceText;
use super::value::{Kind, TomlType};
use std::collections::BTreeMap;
use toml::{Spanned, Value};

/// One setting of the file, as the text an environment variable would hold.
pub(super) struct Entry {
    pub key: &'static Key,
    pub text: String,
    pub origin: Origin,
}

/// Reads the whole file; what is wrong goes to `errors` and the rest is read on.
pub(super) fn parse(source: &SourceText, errors: &mut Vec<ConfigError>) -> Vec<Entry> {
    let table: BTreeMap<Spanned<String>, Value> = match toml::from_str(&source.text) {
        Ok(table) => table,
        Err(error) => {
            let origin = place(source, error.span().map_or(0, |span| span.start));
            errors.push(ConfigError::NotToml { origin, message: error.message().to_owned() });
            return Vec::new();
        }
    };
    let read = |(name, value): (Spanned<String>, Value)| {
        let origin = place(source, name.span().start);
        entry(name.into_inner(), value, origin).map_err(|error| errors.push(error)).ok()
    };
    table.into_iter().filter_map(read).collect()
}

fn entry(name: String, value: Value, origin: Origin) -> Result<Entry, ConfigError> {
    let Some(key) = KEYS.iter().find(|key| key.toml == Some(name.as_str())) else {
        let nearest = nearest(&name, KEYS.iter().filter_map(|key| key.toml)).map(str::to_owned);
        return Err(ConfigError::UnknownName { name, origin, nearest });
    };
    match text_of(&key.kind, &value) {
        Some(text) => Ok(Entry { key, text, origin }),
        None => Err(ConfigError::WrongValue {
            key: name,
            value: key.kind.shown(&serde_json::to_string(&value).unwrap_or_default()),
            origin,
            expected: format!("a TOML {}", key.kind.toml_type()),
        }),
    }
}

/// The value as the text an environment variable would hold; `None` when it is of another type than the key's.
fn text_of(kind: &Kind, value: &Value) -> Option<String> {
    match (kind.toml_type(), value) {
        (TomlType::String, Value::String(text)) => Some(text.clone()),
        (TomlType::Integer, Value::Integer(number)) => Some(number.to_string()),
        (TomlType::Boolean, Value::Boolean(truth)) => Some(truth.to_string()),
        (TomlType::Array, Value::Array(_)) | (TomlType::Table, Value::Table(_)) => {
            serde_json::to_string(value).ok()
        }
        _ => None,
    }
}

fn place(source: &SourceText, offset: usize) -> Origin {
    let before = &source.text.as_bytes()[..offset.min(source.text.len())];
    Origin::File { path: source.path.clone(), line: 1 + before.iter().filter(|byte| **byte == b'\n').count() }
}
