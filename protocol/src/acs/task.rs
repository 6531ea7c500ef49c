//! A task as a payload carries it, without its containers and volumes (spec 3.8).

use super::container::Container;
use super::credentials::IAMRoleCredentials;
use super::network::ElasticNetworkInterface;
use super::volume::Volume;
use std::collections::BTreeMap;

wire! {
    /// The `Task` shape.
    pub struct Task {
        /// The `arn` of the public model.
        arn: Option<String>,
        /// The `taskClusterArn` of the public model.
        task_cluster_arn: Option<String>,
        /// The `containers` of the public model.
        containers: Vec<Container>,
        /// The `desiredStatus` of the public model.
        desired_status: Option<String>,
        /// The `family` of the public model.
        family: Option<String>,
        /// The `overrides` of the public model.
        #[serde(deserialize_with = "crate::json::text_or_object")]
        overrides: Option<String>,
        /// The `version` of the public model.
        version: Option<String>,
        /// The `zone` of the public model.
        zone: Option<String>,
        /// The `taskDefinitionAccountId` of the public model.
        task_definition_account_id: Option<String>,
        /// The `volumes` of the public model.
        volumes: Vec<Volume>,
        /// The `roleCredentials` of the public model.
        role_credentials: Option<IAMRoleCredentials>,
        /// The `executionRoleCredentials` of the public model.
        execution_role_credentials: Option<IAMRoleCredentials>,
        /// The `elasticNetworkInterfaces` of the public model.
        elastic_network_interfaces: Vec<ElasticNetworkInterface>,
        /// The `cpu` of the public model.
        cpu: Option<f64>,
        /// The `memory` of the public model.
        memory: Option<i64>,
        /// The `associations` of the public model.
        associations: Vec<Association>,
        /// The `pidMode` of the public model.
        pid_mode: Option<String>,
        /// The `ipcMode` of the public model.
        ipc_mode: Option<String>,
        /// The `proxyConfiguration` of the public model.
        proxy_configuration: Option<ProxyConfiguration>,
        /// The `agentConfiguration` of the public model.
        agent_configuration: Option<String>,
        /// The `launchType` of the public model.
        launch_type: Option<String>,
        /// The `attachments` of the public model.
        attachments: Vec<Attachment>,
        /// The `networkMode` of the public model.
        network_mode: Option<String>,
        /// The `serviceName` of the public model.
        service_name: Option<String>,
        /// The `group` of the public model.
        group: Option<String>,
        /// The `enableFaultInjection` of the public model.
        enable_fault_injection: Option<bool>,
        /// The `trustedExecutionConfiguration` of the public model.
        trusted_execution_configuration: Option<TrustedExecutionConfiguration>,
    }

    /// The `Association` shape.
    pub struct Association {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `content` of the public model.
        content: Option<EncodedString>,
        /// The `containers` of the public model.
        containers: Vec<String>,
    }

    /// The `EncodedString` shape.
    pub struct EncodedString {
        /// The `value` of the public model.
        value: Option<String>,
        /// The `encoding` of the public model.
        encoding: Option<String>,
    }

    /// The `ProxyConfiguration` shape.
    pub struct ProxyConfiguration {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `containerName` of the public model.
        container_name: Option<String>,
        /// The `properties` of the public model.
        properties: BTreeMap<String, String>,
    }

    /// The `TrustedExecutionConfiguration` shape.
    pub struct TrustedExecutionConfiguration {
        /// The `isolationMode` of the public model.
        isolation_mode: Option<String>,
    }

    /// The `Attachment` shape.
    pub struct Attachment {
        /// The `attachmentArn` of the public model.
        attachment_arn: Option<String>,
        /// The `attachmentType` of the public model.
        attachment_type: Option<String>,
        /// The `attachmentProperties` of the public model.
        attachment_properties: Vec<AttachmentProperty>,
    }

    /// The `AttachmentProperty` shape.
    pub struct AttachmentProperty {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `value` of the public model.
        value: Option<String>,
    }
}
