//! The env-file format of `/etc/ecs/ecs.config`.
//!
//! One `NAME=VALUE` a line; empty lines and lines that begin with `#` are skipped; blanks around name and value are cut, and
//! one pair of quotes around the whole value. A later line wins over an earlier one, as in a shell.

use super::error::{ConfigError, Origin};
use super::resolve::SourceText;

/// One assignment and its place.
#[derive(Debug, PartialEq)]
pub(super) struct Assignment {
    pub name: String,
    pub value: String,
    pub origin: Origin,
}

/// Reads the whole file; a line of another form is an error and the rest is read on.
pub(super) fn parse(source: &SourceText, errors: &mut Vec<ConfigError>) -> Vec<Assignment> {
    let mut assignments = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let origin = Origin::File { path: source.path.clone(), line: index + 1 };
        match line.split_once('=') {
            Some((name, value)) if is_name(name.trim()) => {
                assignments.push(Assignment {
                    name: name.trim().to_owned(),
                    value: unquote(value.trim()),
                    origin,
                });
            }
            Some(_) | None => errors.push(ConfigError::NotAnAssignment { origin }),
        }
    }
    assignments
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn unquote(value: &str) -> String {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value).to_owned()
}
