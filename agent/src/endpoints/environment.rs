//! The variables that a container finds in its environment, beside its own. Source: spec 7.

use std::collections::BTreeMap;
use wharf_core::spec::{ContainerSpec, TaskSpec};

/// Address of the endpoints inside every task's network namespace.
pub const ENDPOINT_ADDRESS: &str = "169.254.170.2";

/// Variables to set for `container`, whatever its image or definition says.
pub fn injected_environment(task: &TaskSpec, container: &ContainerSpec) -> BTreeMap<String, String> {
    let base = format!("http://{ENDPOINT_ADDRESS}");
    let id = &container.metadata_id;
    let mut variables = BTreeMap::from([
        ("ECS_CONTAINER_METADATA_URI".to_owned(), format!("{base}/v3/{id}")),
        ("ECS_CONTAINER_METADATA_URI_V4".to_owned(), format!("{base}/v4/{id}")),
        ("ECS_AGENT_URI".to_owned(), format!("{base}/api/{id}")),
    ]);
    if let Some(credentials) = &task.credentials_id {
        let uri = format!("/v2/credentials/{credentials}");
        variables.insert("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI".to_owned(), uri);
    }
    variables
}

/// Variables to set together, and only where neither the definition nor the image sets one of them: one of the two is a choice of
/// the user's that the other must not contradict.
pub fn default_environment(region: &str) -> BTreeMap<String, String> {
    let names = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().filter(|_| !region.is_empty());
    names.map(|name| (name.to_owned(), region.to_owned())).collect()
}
