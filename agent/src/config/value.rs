//! The forms that values take, each read in one way whatever source it came from.

use super::duration::parse_duration;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use wharf_protocol::Secret;

/// What is shown in place of a secret.
const REDACTED: &str = "(redacted)";

/// The form of a key's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Any text, never shown.
    Secret,
    /// Go's `ParseBool`: `1 t T TRUE true True`, `0 f F FALSE false False`.
    Bool,
    /// Go's duration syntax with a smallest value.
    Duration(Floor),
    /// A whole number between two bounds, both allowed.
    Number(u64, u64),
    /// An absolute path.
    Path,
    /// `http://` or `https://` with a host; without a scheme, `https://` is meant.
    Url,
    /// A kernel or containerd name: a lower-case letter, then letters, digits, `-` or `_`, at most so many.
    Name(usize),
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A JSON list of port numbers.
    Ports,
    /// A JSON list of texts.
    List,
    /// A JSON object of texts.
    Map,
    /// `rate,burst`, two whole numbers above 0.
    Rate,
    /// `address:port`.
    Socket,
}

/// What happens to a duration below the smallest one allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Floor {
    /// Everything is allowed.
    None,
    /// It is raised to this duration (in Go's syntax).
    Raise(&'static str),
    /// The default is used when it is below this duration (in Go's syntax).
    Reset(&'static str),
}

/// A value that has been read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of `Text`, `Name` and `OneOf`; of `Url` with its scheme.
    Text(String),
    /// Of `Secret`.
    Secret(Secret),
    /// Of `Bool`.
    Bool(bool),
    /// Of `Duration`.
    Duration(Duration),
    /// Of `Number`.
    Number(u64),
    /// Of `Path`.
    Path(PathBuf),
    /// Of `Ports`.
    Ports(Vec<u16>),
    /// Of `List`.
    List(Vec<String>),
    /// Of `Map`.
    Map(BTreeMap<String, String>),
    /// Of `Rate`.
    Rate(u32, u32),
    /// Of `Socket`.
    Socket(SocketAddr),
}

/// The TOML type that a kind has in the native file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TomlType {
    String,
    Integer,
    Boolean,
    Array,
    Table,
}

impl fmt::Display for TomlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Table => "table of strings",
        })
    }
}

impl Kind {
    /// Reads a trimmed, non-empty text; `None` when it is not of this form.
    pub fn parse(&self, text: &str) -> Option<Value> {
        match self {
            Self::Text => (!text.contains(char::is_control)).then(|| Value::Text(text.to_owned())),
            Self::Secret => Some(Value::Secret(Secret::new(text))),
            Self::Bool => parse_bool(text).map(Value::Bool),
            Self::Duration(_) => parse_duration(text).map(Value::Duration),
            Self::Number(low, high) => {
                text.parse().ok().filter(|n| (low..=high).contains(&n)).map(Value::Number)
            }
            Self::Path => is_plain_path(text).then(|| Value::Path(PathBuf::from(text))),
            Self::Url => parse_url(text).map(Value::Text),
            Self::Name(longest) => is_name(text, *longest).then(|| Value::Text(text.to_owned())),
            Self::OneOf(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Self::Ports => serde_json::from_str(text).ok().map(Value::Ports),
            Self::List => serde_json::from_str(text).ok().map(Value::List),
            Self::Map => serde_json::from_str(text).ok().map(Value::Map),
            Self::Rate => parse_rate(text),
            Self::Socket => text.parse().ok().map(Value::Socket),
        }
    }

    /// What a right value looks like, for error messages.
    pub fn expected(&self) -> String {
        match self {
            Self::Text => "a text on one line".to_owned(),
            Self::Secret => "a secret".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Duration(_) => "a duration such as 90s, 5m or 1h30m".to_owned(),
            Self::Number(low, high) => format!("a whole number from {low} to {high}"),
            Self::Path => "an absolute path without '..'".to_owned(),
            Self::Url => "a host or a URL that begins with http:// or https://".to_owned(),
            Self::Name(longest) => {
                format!(
                    "a lower-case letter, then lower-case letters, digits, '-' or '_', at most {longest} in all"
                )
            }
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::Ports => "a list of ports such as [22,51678]".to_owned(),
            Self::List => "a list of texts such as [\"json-file\",\"none\"]".to_owned(),
            Self::Map => "an object of texts such as {\"stack\":\"prod\"}".to_owned(),
            Self::Rate => "two whole numbers above 0, rate and burst, such as 40,60".to_owned(),
            Self::Socket => "an address and a port such as 127.0.0.1:51678".to_owned(),
        }
    }

    /// How `text` may be shown: as it is, or redacted.
    pub fn shown(&self, text: &str) -> String {
        match self {
            Self::Secret => REDACTED.to_owned(),
            // Somebody may have put a password where only a host belongs.
            Self::Url if text.contains('@') => REDACTED.to_owned(),
            Self::Text
            | Self::Bool
            | Self::Duration(_)
            | Self::Number(..)
            | Self::Path
            | Self::Url
            | Self::Name(_)
            | Self::OneOf(_)
            | Self::Ports
            | Self::List
            | Self::Map
            | Self::Rate
            | Self::Socket => text.to_owned(),
        }
    }

    pub(super) fn toml_type(&self) -> TomlType {
        match self {
            Self::Text
            | Self::Secret
            | Self::Duration(_)
            | Self::Path
            | Self::Url
            | Self::Name(_)
            | Self::OneOf(_)
            | Self::Rate
            | Self::Socket => TomlType::String,
            Self::Bool => TomlType::Boolean,
            Self::Number(..) => TomlType::Integer,
            Self::Ports | Self::List => TomlType::Array,
            Self::Map => TomlType::Table,
        }
    }
}

/// Go's `strconv.ParseBool`.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn parse_rate(text: &str) -> Option<Value> {
    let (rate, burst) = text.split_once(',')?;
    let positive = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number > 0);
    Some(Value::Rate(positive(rate)?, positive(burst)?))
}

fn parse_url(text: &str) -> Option<String> {
    let url = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next()?;
    let odd = |c: char| c.is_control() || c.is_whitespace();
    (!host.is_empty() && !host.contains('@') && !url.contains(odd)).then_some(url)
}

fn is_plain_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(char::is_control) && text.split('/').all(|part| part != "..")
}

fn is_name(text: &str, longest: usize) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    text.len() <= longest && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(plain)
}
