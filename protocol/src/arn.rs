//! Amazon Resource Names as types. A name is built by `parse`, never by `From<String>`.
//!
//! Owns the grammar `arn:<partition>:<service>:<region>:<account>:<resource>`; refuses to know which resources exist.
//! Source: spec sections 2 and 3 (`containerInstanceArn`, `clusterArn`, `taskArn`).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not the ARN it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// The text does not have the six colon-separated parts of an ARN.
    #[error("{text:?} is not an ARN: expected arn:<partition>:<service>:<region>:<account>:<resource>")]
    Malformed {
        /// The text that was given.
        text: String,
    },
    /// The ARN is well formed but names another kind of resource.
    #[error("{text:?} is not the ARN of a {expected}")]
    WrongKind {
        /// The text that was given.
        text: String,
        /// The kind of resource that was expected, e.g. `task`.
        expected: &'static str,
    },
}

/// Splits `text` into the region, account and resource of an ECS ARN.
fn split(text: &str) -> Result<[&str; 3], ArnError> {
    let malformed = || ArnError::Malformed { text: text.to_owned() };
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [scheme, partition, service, region, account, resource] = parts[..] else { return Err(malformed()) };
    let control = text.chars().any(|c| c.is_control() || c.is_whitespace());
    if scheme != "arn" || partition.is_empty() || service.is_empty() || resource.is_empty() || control {
        return Err(malformed());
    }
    Ok([region, account, resource])
}

macro_rules! ecs_arn {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the ARN; the resource part has to begin with this kind's name and a slash.
            pub fn parse(text: &str) -> Result<Self, ArnError> {
                let [_, _, resource] = split(text)?;
                let wrong = || ArnError::WrongKind { text: text.to_owned(), expected: $kind };
                let rest = resource.strip_prefix(concat!($kind, "/")).ok_or_else(wrong)?;
                if rest.split('/').any(str::is_empty) {
                    return Err(wrong());
                }
                Ok(Self(text.to_owned()))
            }

            /// Builds the ARN of partition `aws` from its parts; `path` is what follows `kind/`.
            pub fn build(region: &str, account: &str, path: &str) -> Result<Self, ArnError> {
                Self::parse(&format!("arn:aws:ecs:{region}:{account}:{}/{path}", $kind))
            }

            /// The whole ARN.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The last path segment: the id.
            pub fn id(&self) -> &str {
                self.0.rsplit('/').next().unwrap_or(&self.0)
            }

            /// The region part, possibly empty.
            pub fn region(&self) -> &str {
                self.0.split(':').nth(3).unwrap_or_default()
            }

            /// The account part, possibly empty.
            pub fn account(&self) -> &str {
                self.0.split(':').nth(4).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ArnError;
            fn try_from(text: String) -> Result<Self, ArnError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(arn: $name) -> Self {
                arn.0
            }
        }
    };
}

ecs_arn! {
    /// `arn:aws:ecs:<region>:<account>:task/<cluster>/<id>` (the cluster part is absent in old ARNs).
    TaskArn, "task"
}
ecs_arn! {
    /// `arn:aws:ecs:<region>:<account>:cluster/<name>`.
    ClusterArn, "cluster"
}
ecs_arn! {
    /// `arn:aws:ecs:<region>:<account>:container-instance/<cluster>/<id>`.
    ContainerInstanceArn, "container-instance"
}
ecs_arn! {
    /// `arn:aws:ecs:<region>:<account>:task-definition/<family>:<revision>`.
    TaskDefinitionArn, "task-definition"
}
ecs_arn! {
    /// `arn:aws:ecs:<region>:<account>:container/<cluster>/<task id>/<id>`.
    ContainerArn, "container"
}
ecs_arn! {
    /// `arn:aws:ecs:<region>:<account>:attachment/<id>`.
    AttachmentArn, "attachment"
}
