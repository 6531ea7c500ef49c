//! A task as a payload carries it, without its containers and volumes (spec 3.8).

use super::container::Container;
use super::credentials::IAMRoleCredentials;
use super::network::ElasticNetworkInterface;
use super::volume::Volume;
use std::collections::BTreeMap;

wire! {
    /// A task to run or stop.
    pub struct Task {
        /// ARN of the task.
        arn: Option<String>,
        /// ARN of the task's cluster.
        task_cluster_arn: Option<String>,
        /// The containers.
        containers: Vec<Container>,
        /// `RUNNING` or `STOPPED`.
        desired_status: Option<String>,
        /// Family of the task definition.
        family: Option<String>,
        /// JSON of the task's overrides; agents ignore it.
        #[serde(deserialize_with = "crate::json::text_or_object")]
        overrides: Option<String>,
        /// Revision of the task definition, as a decimal string.
        version: Option<String>,
        /// Availability zone; agents ignore it.
        zone: Option<String>,
        /// Account of the task definition; agents ignore it.
        task_definition_account_id: Option<String>,
        /// Volumes that the containers mount.
        volumes: Vec<Volume>,
        /// Credentials of the task role, which containers may ask for.
        role_credentials: Option<IAMRoleCredentials>,
        /// Credentials of the execution role, which the agent uses.
        execution_role_credentials: Option<IAMRoleCredentials>,
        /// Elastic network interfaces.
        elastic_network_interfaces: Vec<ElasticNetworkInterface>,
        /// Processor limit of the whole task in processors, such as 0.25.
        cpu: Option<f64>,
        /// Memory limit of the whole task in MiB.
        memory: Option<i64>,
        /// Devices the containers use, such as GPUs.
        associations: Vec<Association>,
        /// Process id namespace: `host` or `task`; absent is one per container.
        pid_mode: Option<String>,
        /// IPC namespace: `host`, `task` or `none`; absent is one per container.
        ipc_mode: Option<String>,
        /// App Mesh proxy of the task.
        proxy_configuration: Option<ProxyConfiguration>,
        /// Unused.
        agent_configuration: Option<String>,
        /// `EC2` or `EXTERNAL`.
        launch_type: Option<String>,
        /// Volumes and Service Connect configuration attached to the task.
        attachments: Vec<Attachment>,
        /// `awsvpc`, `bridge`, `host` or `none`; absent is `bridge`.
        network_mode: Option<String>,
        /// Service the task belongs to.
        service_name: Option<String>,
        /// Group of the task, such as `family:web` or `service:web`.
        group: Option<String>,
        /// Whether containers may call the fault injection endpoints.
        enable_fault_injection: Option<bool>,
        /// Isolation that the task asks for.
        trusted_execution_configuration: Option<TrustedExecutionConfiguration>,
    }

    /// A device that containers of the task use.
    pub struct Association {
        /// Name of the device; for a GPU its UUID.
        name: Option<String>,
        /// Kind of device: `elastic-inference`, `gpu`.
        r#type: Option<String>,
        /// What the association carries.
        content: Option<EncodedString>,
        /// Names of the containers that get the device.
        containers: Vec<String>,
    }

    /// A text in an encoding.
    pub struct EncodedString {
        /// The text, encoded as `encoding` says.
        value: Option<String>,
        /// Encoding of the value: `identity`, `base64`.
        encoding: Option<String>,
    }

    /// The App Mesh proxy of a task.
    pub struct ProxyConfiguration {
        /// Kind of proxy: `APPMESH`.
        r#type: Option<String>,
        /// Name of the proxy's container.
        container_name: Option<String>,
        /// Properties by name.
        properties: BTreeMap<String, String>,
    }

    /// Isolation that a task asks for.
    pub struct TrustedExecutionConfiguration {
        /// Isolation: `SHARED`, `EXCLUSIVE`, `ISOLATED_PARTITION`.
        isolation_mode: Option<String>,
    }

    /// A volume, file system or configuration attached to a task.
    pub struct Attachment {
        /// ARN of the attachment.
        attachment_arn: Option<String>,
        /// Kind: `amazonebs`, `s3files`, `serviceconnectdetail` or a legacy one.
        attachment_type: Option<String>,
        /// Properties; names and values must not be empty.
        attachment_properties: Vec<AttachmentProperty>,
    }

    /// A name and a value.
    pub struct AttachmentProperty {
        /// Name of the property.
        name: Option<String>,
        /// Value of the property.
        value: Option<String>,
    }
}
