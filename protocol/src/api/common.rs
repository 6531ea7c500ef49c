//! Shapes that several operations share, and ListTagsForResource.

wire! {
    /// The `Tag` shape.
    pub struct Tag {
        /// The `key` of the public model.
        key: Option<String>,
        /// The `value` of the public model.
        value: Option<String>,
    }

    /// The `KeyValuePair` shape.
    pub struct KeyValuePair {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `value` of the public model.
        value: Option<String>,
    }

    /// The `Failure` shape.
    pub struct Failure {
        /// The `arn` of the public model.
        arn: Option<String>,
        /// The `reason` of the public model.
        reason: Option<String>,
        /// The `detail` of the public model.
        detail: Option<String>,
    }

    /// The `Attachment` shape.
    pub struct Attachment {
        /// The `id` of the public model.
        id: Option<String>,
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `details` of the public model.
        details: Vec<KeyValuePair>,
    }

    /// The `Attribute` shape.
    pub struct Attribute {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `value` of the public model.
        value: Option<String>,
        /// The `targetType` of the public model.
        target_type: Option<String>,
        /// The `targetId` of the public model.
        target_id: Option<String>,
    }

    /// The `Resource` shape.
    pub struct Resource {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `doubleValue` of the public model.
        double_value: Option<f64>,
        /// The `longValue` of the public model.
        long_value: Option<i64>,
        /// The `integerValue` of the public model.
        integer_value: Option<i64>,
        /// The `stringSetValue` of the public model.
        string_set_value: Option<Vec<String>>,
    }

    /// The `NetworkBinding` shape.
    pub struct NetworkBinding {
        /// The `bindIP` of the public model.
        #[serde(rename = "bindIP")]
        bind_ip: Option<String>,
        /// The `containerPort` of the public model.
        container_port: Option<i64>,
        /// The `hostPort` of the public model.
        host_port: Option<i64>,
        /// The `protocol` of the public model.
        protocol: Option<String>,
        /// The `containerPortRange` of the public model.
        container_port_range: Option<String>,
        /// The `hostPortRange` of the public model.
        host_port_range: Option<String>,
    }

    /// The `VersionInfo` shape.
    pub struct VersionInfo {
        /// The `agentVersion` of the public model.
        agent_version: Option<String>,
        /// The `agentHash` of the public model.
        agent_hash: Option<String>,
        /// The `dockerVersion` of the public model.
        docker_version: Option<String>,
    }

    /// The `InferenceAccelerator` shape.
    pub struct InferenceAccelerator {
        /// The `deviceName` of the public model.
        device_name: Option<String>,
        /// The `deviceType` of the public model.
        device_type: Option<String>,
    }

    /// The `EphemeralStorage` shape.
    pub struct EphemeralStorage {
        /// The `sizeInGiB` of the public model.
        #[serde(rename = "sizeInGiB")]
        size_in_gib: Option<i64>,
    }

    /// The `ListTagsForResourceRequest` shape.
    pub struct ListTagsForResourceRequest {
        /// The `resourceArn` of the public model.
        resource_arn: Option<String>,
    }

    /// The `ListTagsForResourceResponse` shape.
    pub struct ListTagsForResourceResponse {
        /// The `tags` of the public model.
        tags: Vec<Tag> = sent,
    }
}
