//! The variables that a container finds in its environment, beside its own. Source: spec 7.

use std::collections::BTreeMap;
use wharf_core::spec::{ContainerSpec, TaskSpec};

/// Address of the endpoints inside every task's network namespace.
pub const ENDPOINT_ADDRESS: &str = "169.254.170.2";

/// Variables to set for `container`; `image` holds the `KEY=VALUE` lines of the image's own configuration.
pub fn injected_environment(
    task: &TaskSpec,
    container: &ContainerSpec,
    image: &[String],
    region: &str,
) -> BTreeMap<String, String> {
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
    let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    // One of the two is a choice of the user's that the other must not contradict.
    if !names.iter().any(|name| defines(container, image, name)) && !region.is_empty() {
        variables.extend(names.map(|name| (name.to_owned(), region.to_owned())));
    }
    variables
}

fn defines(container: &ContainerSpec, image: &[String], name: &str) -> bool {
    let in_image = |line: &String| line.split_once('=').map_or(line.as_str(), |(key, _)| key) == name;
    container.process.environment.contains_key(name) || image.iter().any(in_image)
}
