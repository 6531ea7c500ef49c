//! Shapes that several operations share, and ListTagsForResource.

use serde::{Deserialize, Serialize};
use std::fmt;

wire! {
    /// A name and a value.
    pub struct Tag {
        /// Name of the tag.
        key: Option<String>,
        /// Value.
        value: Option<String>,
    }

    /// Something that was asked for and could not be done.
    pub struct Failure {
        /// ARN of what failed.
        arn: Option<String>,
        /// Code, such as `MISSING` or `RESOURCE:MEMORY`.
        reason: Option<String>,
        /// More about the reason.
        detail: Option<String>,
    }

    /// A network interface, volume or other resource attached to a task, an instance or a cluster.
    pub struct Attachment {
        /// Id.
        id: Option<String>,
        /// Kind of attachment, such as `ElasticNetworkInterface`.
        r#type: Option<String>,
        /// `PRECREATED`, `CREATED`, `ATTACHING`, `ATTACHED`, `DETACHING`, `DETACHED`, `DELETED` or `FAILED`.
        status: Option<String>,
        /// Details as names and values, such as `macAddress` and `privateIPv4Address`.
        details: Vec<KeyValuePair>,
    }

    /// A name and perhaps a value that placement can ask for.
    pub struct Attribute {
        /// Name of the attribute.
        name: Option<String>,
        /// Value of the attribute; absent when the name says all.
        value: Option<String>,
        /// Kind of target: `container-instance`.
        target_type: Option<String>,
        /// Id or ARN of the target.
        target_id: Option<String>,
    }

    /// An amount of something, or a set of names.
    pub struct Resource {
        /// Name of the resource, such as `CPU`, `MEMORY`, `PORTS`, `PORTS_UDP` or `GPU`.
        name: Option<String>,
        /// Type of the value: `INTEGER`, `DOUBLE`, `LONG` or `STRINGSET`.
        r#type: Option<String>,
        /// Value of a `DOUBLE`.
        double_value: Option<f64>,
        /// Value of a `LONG`.
        long_value: Option<i64>,
        /// Value of an `INTEGER`; the Go agent leaves 0 out.
        integer_value: Option<i64>,
        /// Value of a `STRINGSET`; an empty set is sent.
        string_set_value: Option<Vec<String>>,
    }

    /// A port, or a range of ports, published on the host.
    pub struct NetworkBinding {
        /// Address on the host.
        #[serde(rename = "bindIP")]
        bind_ip: Option<String>,
        /// Port in the container.
        container_port: Option<i64>,
        /// Port on the host.
        host_port: Option<i64>,
        /// Transport protocol: `tcp`, `udp`.
        protocol: Option<String>,
        /// Range of ports as `first-last`.
        container_port_range: Option<String>,
        /// Range of ports on the host as `first-last`.
        host_port_range: Option<String>,
    }

    /// Versions of an agent and its runtime.
    pub struct VersionInfo {
        /// Version of the agent, such as `1.105.1`.
        agent_version: Option<String>,
        /// Hash of the agent's build.
        agent_hash: Option<String>,
        /// Version of the runtime.
        docker_version: Option<String>,
    }

    /// An Elastic Inference accelerator.
    pub struct InferenceAccelerator {
        /// Name of the device.
        device_name: Option<String>,
        /// Type of the accelerator.
        device_type: Option<String>,
    }

    /// Local storage of a Fargate task.
    pub struct EphemeralStorage {
        /// Size in GiB.
        #[serde(rename = "sizeInGiB")]
        size_in_gib: Option<i64>,
    }

    /// Input of [`ListTagsForResource`](super::ListTagsForResource).
    pub struct ListTagsForResourceRequest {
        /// ARN of the resource.
        resource_arn: Option<String>,
    }

    /// Output of [`ListTagsForResource`](super::ListTagsForResource).
    pub struct ListTagsForResourceResponse {
        /// Tags, at most 50.
        tags: Vec<Tag> = sent,
    }
}

/// A name and a value; `Debug` hides the value, because most pairs are variables of containers.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyValuePair {
    /// Name of the pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Value of the pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl fmt::Debug for KeyValuePair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValuePair").field("name", &self.name).finish_non_exhaustive()
    }
}
