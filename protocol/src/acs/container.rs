//! A container of a payload's task (spec 3.8).

use crate::SensitiveMap;
use std::collections::BTreeMap;

wire! {
    /// A container of a task.
    pub struct Container {
        /// Arguments to the entry point.
        command: Vec<String>,
        /// Processor share in units of 1/1024 processor.
        cpu: Option<i64>,
        /// Credential specifications for group managed service accounts.
        credential_specs: Vec<String>,
        /// Entry point; absent is the image's own.
        entry_point: Vec<String>,
        /// Variables by name.
        environment: SensitiveMap,
        /// Files with variables, at most 10.
        environment_files: Vec<EnvironmentFile>,
        /// Whether the task stops when this container stops.
        essential: Option<bool>,
        /// When the agent restarts the container by itself.
        restart_policy: Option<RestartPolicy>,
        /// Image reference.
        image: Option<String>,
        /// Links to other containers as `name:alias`, for bridge mode.
        links: Vec<String>,
        /// Hard memory limit in MiB; 0 or absent is none.
        memory: Option<i64>,
        /// Name, unique among its siblings.
        name: Option<String>,
        /// JSON of the container's overrides, `{}` when there are none; only `command` is known.
        #[serde(deserialize_with = "crate::json::text_or_object")]
        overrides: Option<String>,
        /// Ports of the container and where they are published.
        port_mappings: Vec<PortMapping>,
        /// Agents that run inside the container, such as that of ECS Exec.
        managed_agents: Vec<ManagedAgent>,
        /// Volumes and where they are mounted.
        mount_points: Vec<MountPoint> = sent,
        /// Unused; the settings travel in `dockerConfig`.
        linux_parameters: Option<LinuxParameters>,
        /// Unused; the flag travels in `dockerConfig`.
        privileged: Option<bool>,
        /// Unused.
        network_interface_names: Vec<String>,
        /// Containers whose volumes are mounted too.
        volumes_from: Vec<VolumeFrom> = sent,
        /// Everything the container definition has beyond the other members.
        docker_config: Option<DockerConfig>,
        /// Present when `dockerConfig` holds a health check.
        health_check_type: Option<String>,
        /// How the agent authenticates at the image's registry.
        registry_authentication: Option<RegistryAuthenticationData>,
        /// Whose credentials the awslogs driver uses: `ExecutionRole`.
        logs_auth_strategy: Option<String>,
        /// Secrets handed to the container.
        secrets: Vec<Secret>,
        /// Containers that must have reached a condition first.
        depends_on: Vec<ContainerDependency>,
        /// Seconds to wait for the dependencies before giving up.
        start_timeout: Option<i64>,
        /// Seconds between the stop signal and SIGKILL.
        stop_timeout: Option<i64>,
        /// Makes this container the task's log router.
        firelens_configuration: Option<FirelensConfiguration>,
        /// ARN of the container.
        container_arn: Option<String>,
    }

    /// JSON strings for the runtime; [`crate::docker`] reads them.
    pub struct DockerConfig {
        /// Least Docker API version needed, such as `1.24`; containerd agents ignore it.
        version: Option<String>,
        /// JSON of Docker's `Config`, see [`crate::docker::Config`].
        config: Option<String>,
        /// JSON of Docker's `HostConfig`, see [`crate::docker::HostConfig`].
        host_config: Option<String>,
    }

    /// A port of the container and where it is published.
    pub struct PortMapping {
        /// Port in the container.
        container_port: Option<i64>,
        /// Port on the host; 0 or absent is any free one.
        host_port: Option<i64>,
        /// Range of ports as `first-last`.
        container_port_range: Option<String>,
        /// Transport protocol: `tcp`, `udp`.
        protocol: Option<String>,
    }

    /// A volume and where it is mounted.
    pub struct MountPoint {
        /// Name of the volume.
        source_volume: Option<String>,
        /// Path in the container.
        container_path: Option<String>,
        /// Whether the mount is read-only.
        read_only: Option<bool>,
    }

    /// A container whose volumes are mounted too.
    pub struct VolumeFrom {
        /// Name of the container.
        source_container: Option<String>,
        /// Whether the mount is read-only.
        read_only: Option<bool>,
    }

    /// A container that must have reached a condition first.
    pub struct ContainerDependency {
        /// Name of the container that is waited for.
        container_name: Option<String>,
        /// Condition: `START`, `COMPLETE`, `SUCCESS`, `HEALTHY`.
        condition: Option<String>,
    }

    /// When the agent restarts a container by itself.
    pub struct RestartPolicy {
        /// Whether the policy is in force.
        enabled: Option<bool>,
        /// Exit codes after which the container is not restarted.
        ignored_exit_codes: Vec<i64>,
        /// Seconds the container must have run before it is restarted.
        restart_attempt_period: Option<i64>,
    }

    /// A file with variables.
    pub struct EnvironmentFile {
        /// ARN of the S3 object.
        value: Option<String>,
        /// Where the file lies: `s3`.
        r#type: Option<String>,
    }

    /// A secret handed to a container or its log driver.
    pub struct Secret {
        /// Name of the variable or log option that receives the secret.
        name: Option<String>,
        /// ARN or name of the secret or parameter.
        value_from: Option<String>,
        /// Path in the container.
        container_path: Option<String>,
        /// What becomes of the secret: `ENVIRONMENT_VARIABLE`, `MOUNT_POINT`, `BOOTSTRAP`.
        r#type: Option<String>,
        /// Region of the resource, such as `us-west-2`.
        region: Option<String>,
        /// Where the secret lies: `ssm` (Parameter Store) or `asm` (Secrets Manager).
        provider: Option<String>,
        /// Who receives the secret: `CONTAINER`, `LOG_DRIVER`.
        target: Option<String>,
    }

    /// An agent that runs inside a container.
    pub struct ManagedAgent {
        /// Name of the managed agent: `ExecuteCommandAgent`.
        name: Option<String>,
        /// Properties by name.
        properties: BTreeMap<String, String>,
    }

    /// Makes a container the task's log router.
    pub struct FirelensConfiguration {
        /// Log router: `fluentd`, `fluentbit`.
        r#type: Option<String>,
        /// Options by name.
        options: BTreeMap<String, String>,
    }

    /// How the agent authenticates at a registry.
    pub struct RegistryAuthenticationData {
        /// Where the registry's credentials come from: `ecr`, `asm`.
        r#type: Option<String>,
        /// How to authenticate at ECR.
        ecr_auth_data: Option<ECRAuthData>,
        /// Which secret to authenticate with.
        asm_auth_data: Option<ASMAuthData>,
    }

    /// How the agent authenticates at ECR.
    pub struct ECRAuthData {
        /// Account of the registry.
        registry_id: Option<String>,
        /// Region of the resource, such as `us-west-2`.
        region: Option<String>,
        /// URL to use instead of ECR's own.
        endpoint_override: Option<String>,
        /// Whether the execution role authorises the pull.
        use_execution_role: Option<bool>,
    }

    /// The Secrets Manager secret the agent authenticates with.
    pub struct ASMAuthData {
        /// ARN of the Secrets Manager secret or SSM parameter with the credentials.
        credentials_parameter: Option<String>,
        /// Region of the resource, such as `us-west-2`.
        region: Option<String>,
    }

    /// Settings of the Linux kernel for a container.
    pub struct LinuxParameters {
        /// Kernel capabilities.
        capabilities: Option<KernelCapabilities>,
        /// Devices passed into the container.
        devices: Vec<Device>,
        /// Whether an init process reaps children.
        init_process_enabled: Option<bool>,
        /// Size of `/dev/shm` in MiB.
        shared_memory_size: Option<i64>,
    }

    /// Kernel capabilities of a container.
    pub struct KernelCapabilities {
        /// Capabilities added to the default set; `ALL` adds all.
        add: Vec<String> = sent,
        /// Capabilities taken from the default set; `ALL` takes all.
        drop: Vec<String> = sent,
    }

    /// A device passed into a container.
    pub struct Device {
        /// Path on the host.
        host_path: Option<String>,
        /// Path in the container.
        container_path: Option<String>,
        /// What the container may do with the device: `read`, `write`, `mknod`.
        permissions: Vec<String>,
    }
}
