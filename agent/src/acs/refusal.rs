//! Why a task of a payload is not taken, in words for the person who wrote its definition.

use wharf_core::reason::{Reason, ReasonCode};

/// Why a task is refused. Every variant names the field as the payload calls it, e.g. `containers[web].secrets`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A field that has to be there is absent or empty.
    #[error("{field} is missing")]
    Missing {
        /// The field.
        field: String,
    },
    /// A field has a value that means nothing.
    #[error("{field} is {value:?}: expected {expected}")]
    Wrong {
        /// The field.
        field: String,
        /// Its value.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// A field asks for something that this version does not do.
    #[error("{field} is not supported by this agent yet{}", hint(.instead))]
    Unsupported {
        /// The field, with its value where that matters.
        field: String,
        /// What to do about it; empty when there is nothing to say.
        instead: &'static str,
    },
    /// A mount names a volume that the task does not have, or has no path.
    #[error("{problem}")]
    Mount {
        /// What is wrong with it.
        problem: String,
    },
    /// The string `dockerConfig.config` or what stands in it cannot be used.
    #[error("{problem}")]
    Config {
        /// What is wrong with it.
        problem: String,
    },
    /// The string `dockerConfig.hostConfig` or what stands in it cannot be used.
    #[error("{problem}")]
    HostConfig {
        /// What is wrong with it.
        problem: String,
    },
}

fn hint(instead: &str) -> String {
    if instead.is_empty() { String::new() } else { format!("; {instead}") }
}

impl Refusal {
    /// The reason that is reported with STOPPED (spec 3.5, features 7.8).
    pub fn reason(&self) -> Reason {
        match self {
            Self::Missing { .. } | Self::Wrong { .. } | Self::Unsupported { .. } => {
                Reason::new(ReasonCode::UnrecognizedTask, format!("Error loading task - {self}"))
            }
            Self::Mount { .. } | Self::HostConfig { .. } => {
                Reason::new(ReasonCode::HostConfig, self.to_string())
            }
            Self::Config { .. } => Reason::new(ReasonCode::DockerClientConfig, self.to_string()),
        }
    }

    pub(super) fn missing(field: impl Into<String>) -> Self {
        Self::Missing { field: field.into() }
    }

    pub(super) fn wrong(field: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        Self::Wrong { field: field.into(), value: value.to_string(), expected: expected.into() }
    }

    pub(super) fn unsupported(field: impl Into<String>) -> Self {
        Self::Unsupported { field: field.into(), instead: "" }
    }
}

/// Refuses a field that is in use although this version does not do what it asks for.
pub(super) fn unused(field: impl Into<String>, in_use: bool) -> Result<(), Refusal> {
    if in_use { Err(Refusal::unsupported(field)) } else { Ok(()) }
}

/// The text of a field that has to be there.
pub(super) fn required<'a>(field: &str, text: &'a Option<String>) -> Result<&'a str, Refusal> {
    text.as_deref().filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing(field))
}
