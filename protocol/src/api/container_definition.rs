//! A container definition: every member of the public model, honoured or not, so that describe gives back what register got.

use super::common::KeyValuePair;
use std::collections::BTreeMap;

wire! {
    /// A container of a task definition.
    pub struct ContainerDefinition {
        /// Name, unique among its siblings.
        name: Option<String>,
        /// Image reference.
        image: Option<String>,
        /// Credentials of a private registry.
        repository_credentials: Option<RepositoryCredentials>,
        /// Processor share in units of 1/1024 processor.
        cpu: Option<i64>,
        /// Hard memory limit in MiB.
        memory: Option<i64>,
        /// Soft memory limit in MiB.
        memory_reservation: Option<i64>,
        /// Links to other containers as `name:alias`, for bridge mode.
        links: Vec<String>,
        /// Ports of the container and where they are published.
        port_mappings: Vec<PortMapping> = sent,
        /// Whether the task stops when this container stops; absent is true.
        essential: Option<bool>,
        /// When the agent restarts the container by itself.
        restart_policy: Option<ContainerRestartPolicy>,
        /// Entry point; absent is the image's own.
        entry_point: Vec<String>,
        /// Arguments to the entry point.
        command: Vec<String>,
        /// Variables.
        environment: Vec<KeyValuePair> = sent,
        /// Files with variables, at most 10.
        environment_files: Vec<EnvironmentFile>,
        /// Volumes and where they are mounted.
        mount_points: Vec<MountPoint> = sent,
        /// Containers whose volumes are mounted too.
        volumes_from: Vec<VolumeFrom> = sent,
        /// Settings of the Linux kernel for the container.
        linux_parameters: Option<LinuxParameters>,
        /// Secrets handed to the container.
        secrets: Vec<Secret>,
        /// Containers that must have reached a condition first.
        depends_on: Vec<ContainerDependency>,
        /// Seconds to wait for the dependencies before giving up.
        start_timeout: Option<i64>,
        /// Seconds between the stop signal and SIGKILL.
        stop_timeout: Option<i64>,
        /// Whether tags are pinned to digests: `enabled`, `disabled`.
        version_consistency: Option<String>,
        /// Host name.
        hostname: Option<String>,
        /// `user`, `user:group`, `uid` or `uid:gid`.
        user: Option<String>,
        /// Working directory of the process.
        working_directory: Option<String>,
        /// Whether the container has no network at all.
        disable_networking: Option<bool>,
        /// Whether the container gets the host's privileges.
        privileged: Option<bool>,
        /// Whether the root file system is mounted read-only.
        readonly_root_filesystem: Option<bool>,
        /// Name servers, at most 3.
        dns_servers: Vec<String>,
        /// Search domains.
        dns_search_domains: Vec<String>,
        /// Lines for the hosts file.
        extra_hosts: Vec<HostEntry>,
        /// Security options such as `no-new-privileges`.
        docker_security_options: Vec<String>,
        /// Whether standard input stays open.
        interactive: Option<bool>,
        /// Whether a terminal is allocated.
        pseudo_terminal: Option<bool>,
        /// Labels of the container.
        docker_labels: BTreeMap<String, String>,
        /// Resource limits of the process.
        ulimits: Vec<Ulimit>,
        /// Where output goes.
        log_configuration: Option<LogConfiguration>,
        /// How the container's health is probed.
        health_check: Option<HealthCheck>,
        /// Kernel parameters of the container's namespaces.
        system_controls: Vec<SystemControl> = sent,
        /// GPUs and accelerators.
        resource_requirements: Vec<ResourceRequirement>,
        /// Makes this container the task's log router.
        firelens_configuration: Option<FirelensConfiguration>,
        /// Credential specifications for group managed service accounts.
        credential_specs: Vec<String>,
    }

    /// Credentials of a private registry.
    pub struct RepositoryCredentials {
        /// ARN of the Secrets Manager secret or SSM parameter with the credentials.
        credentials_parameter: Option<String>,
    }

    /// A port of the container and where it is published.
    pub struct PortMapping {
        /// Port in the container.
        container_port: Option<i64>,
        /// Port on the host; 0 or absent is any free one.
        host_port: Option<i64>,
        /// Transport protocol: `tcp`, `udp`.
        protocol: Option<String>,
        /// Name that Service Connect refers to.
        name: Option<String>,
        /// Protocol inside the connection: `http`, `http2`, `grpc`.
        app_protocol: Option<String>,
        /// Range of ports as `first-last`.
        container_port_range: Option<String>,
    }

    /// When the agent restarts a container by itself.
    pub struct ContainerRestartPolicy {
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

    /// A secret handed to a container or its log driver.
    pub struct Secret {
        /// Name of the variable or log option that receives the secret.
        name: Option<String>,
        /// ARN or name of the secret or parameter.
        value_from: Option<String>,
    }

    /// A container that must have reached a condition first.
    pub struct ContainerDependency {
        /// Name of the container that is waited for.
        container_name: Option<String>,
        /// Condition: `START`, `COMPLETE`, `SUCCESS`, `HEALTHY`.
        condition: Option<String>,
    }

    /// A line for the hosts file.
    pub struct HostEntry {
        /// Host name.
        hostname: Option<String>,
        /// IP address.
        ip_address: Option<String>,
    }

    /// A resource limit of a process.
    pub struct Ulimit {
        /// Name without `RLIMIT_`, such as `nofile` or `nproc`.
        name: Option<String>,
        /// Soft limit; -1 is none.
        soft_limit: Option<i64>,
        /// Hard limit; -1 is none.
        hard_limit: Option<i64>,
    }

    /// Where a container's output goes.
    pub struct LogConfiguration {
        /// Log driver: `json-file`, `syslog`, `journald`, `gelf`, `fluentd`, `awslogs`, `splunk`,
        /// `awsfirelens`.
        log_driver: Option<String>,
        /// Options by name.
        options: BTreeMap<String, String>,
        /// Options whose values are secrets.
        secret_options: Vec<Secret>,
    }

    /// How a container's health is probed.
    pub struct HealthCheck {
        /// `["CMD", …]`, `["CMD-SHELL", "…"]` or `["NONE"]`.
        command: Vec<String>,
        /// Seconds between probes, 5 to 300; absent is 30.
        interval: Option<i64>,
        /// Seconds until a probe counts as failed, 2 to 60; absent is 5.
        timeout: Option<i64>,
        /// Failures in a row that make the container unhealthy, 1 to 10; absent is 3.
        retries: Option<i64>,
        /// Seconds after the start in which failures do not count, 0 to 300; absent is 0.
        start_period: Option<i64>,
    }

    /// A kernel parameter.
    pub struct SystemControl {
        /// Kernel parameter, such as `net.core.somaxconn`.
        namespace: Option<String>,
        /// Value of the kernel parameter.
        value: Option<String>,
    }

    /// GPUs or accelerators of a container.
    pub struct ResourceRequirement {
        /// Number of GPUs, or name of the accelerator.
        value: Option<String>,
        /// Kind of resource: `GPU`, `InferenceAccelerator`, `NeuronDevice`.
        r#type: Option<String>,
        /// How the GPU is shared.
        sharing_strategy: Option<SharingStrategy>,
    }

    /// How a GPU is shared.
    pub struct SharingStrategy {
        /// Share under NVIDIA MPS.
        nvidia_mps: Option<NvidiaMpsAllocation>,
    }

    /// A share of a GPU under NVIDIA MPS.
    pub struct NvidiaMpsAllocation {
        /// GPU memory in MiB.
        memory: Option<i64>,
        /// Most of the GPU's processors it may use, in percent.
        max_compute_percent: Option<i64>,
    }

    /// Makes a container the task's log router.
    pub struct FirelensConfiguration {
        /// Log router: `fluentd`, `fluentbit`.
        r#type: Option<String>,
        /// Options by name.
        options: BTreeMap<String, String>,
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
        /// Temporary file systems.
        tmpfs: Vec<Tmpfs>,
        /// Swap the container may use, in MiB.
        max_swap: Option<i64>,
        /// How readily pages are swapped, 0 to 100.
        swappiness: Option<i64>,
    }

    /// Kernel capabilities of a container.
    pub struct KernelCapabilities {
        /// Capabilities added to the default set; `ALL` adds all.
        add: Vec<String>,
        /// Capabilities taken from the default set; `ALL` takes all.
        drop: Vec<String>,
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

    /// A temporary file system.
    pub struct Tmpfs {
        /// Path in the container.
        container_path: Option<String>,
        /// Size in MiB.
        size: Option<i64>,
        /// Mount options.
        mount_options: Vec<String>,
    }
}
