//! What can be wrong with a configuration, and where it stands.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line; holds the flag as typed, e.g. `--cluster`.
    Flag(String),
    /// An environment variable of the agent's process.
    Environment,
    /// A file, with the line counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// The table's default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Environment => f.write_str("environment"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One thing that makes a configuration unusable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is not of the form its key expects. Secrets are shown redacted.
    #[error("{key} = {value} ({origin}) is wrong: expected {expected}")]
    WrongValue {
        /// The key as it was written.
        key: String,
        /// The value, quoted, or a redaction.
        value: String,
        /// Where it stands.
        origin: Origin,
        /// The form that would be right.
        expected: String,
    },
    /// The native file or the command line names a key that does not exist.
    #[error("{name} ({origin}) is not a setting{}", did_you_mean(.nearest.as_deref()))]
    UnknownName {
        /// The name as written.
        name: String,
        /// Where it stands.
        origin: Origin,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// The native file is not TOML.
    #[error("{origin} is not valid TOML: {message}")]
    NotToml {
        /// Where reading stopped.
        origin: Origin,
        /// What the parser said.
        message: String,
    },
    /// A line of the env file is neither empty, a comment nor `NAME=VALUE`.
    #[error("{origin} is not of the form NAME=VALUE")]
    NotAnAssignment {
        /// The line.
        origin: Origin,
    },
    /// A key that is needed was not set anywhere.
    #[error("{key} is not set: {hint}")]
    Missing {
        /// The key.
        key: &'static str,
        /// Why it is needed and how to set it.
        hint: &'static str,
    },
    /// A file that exists, or that was asked for by name, cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Everything that is wrong with a configuration; never empty. Prints one line each, with the causes.
#[derive(Debug)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
            if let Some(cause) = std::error::Error::source(error) {
                write!(f, ": {cause}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Something odd in a configuration that does not stop the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A name that looks like a setting and is none.
    UnknownName {
        /// The name as written.
        name: String,
        /// Where it stands.
        origin: Origin,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// A setting of the Amazon ECS agent that has no effect here.
    NoEffect {
        /// The key.
        key: &'static str,
        /// Where it stands.
        origin: Origin,
        /// Why it has none.
        why: &'static str,
    },
    /// A value below the smallest one allowed; another is used.
    BelowMinimum {
        /// The key.
        key: &'static str,
        /// The value as written.
        value: String,
        /// Where it stands.
        origin: Origin,
        /// What is used in its place.
        used: String,
    },
    /// A part of a value is known to ECS but not to this version.
    NotOffered {
        /// The key.
        key: &'static str,
        /// The part, e.g. the name of a log driver.
        part: String,
        /// Where it stands.
        origin: Origin,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownName { name, origin, nearest } => {
                write!(f, "{name} ({origin}) is not a setting{}", did_you_mean(nearest.as_deref()))
            }
            Self::NoEffect { key, origin, why } => write!(f, "{key} ({origin}) has no effect: {why}"),
            Self::BelowMinimum { key, value, origin, used } => {
                write!(f, "{key} = {value:?} ({origin}) is below the minimum: {used} is used")
            }
            Self::NotOffered { key, part, origin } => {
                write!(f, "{key} ({origin}) names {part:?}, which this version does not offer")
            }
        }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean {name}?")).unwrap_or_default()
}
