//! A container definition: every member of the public model, honoured or not, so that describe gives back what register got.

use super::common::KeyValuePair;
use std::collections::BTreeMap;

wire! {
    /// The `ContainerDefinition` shape.
    pub struct ContainerDefinition {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `image` of the public model.
        image: Option<String>,
        /// The `repositoryCredentials` of the public model.
        repository_credentials: Option<RepositoryCredentials>,
        /// The `cpu` of the public model.
        cpu: Option<i64>,
        /// The `memory` of the public model.
        memory: Option<i64>,
        /// The `memoryReservation` of the public model.
        memory_reservation: Option<i64>,
        /// The `links` of the public model.
        links: Vec<String>,
        /// The `portMappings` of the public model.
        port_mappings: Vec<PortMapping> = sent,
        /// The `essential` of the public model.
        essential: Option<bool>,
        /// The `restartPolicy` of the public model.
        restart_policy: Option<ContainerRestartPolicy>,
        /// The `entryPoint` of the public model.
        entry_point: Vec<String>,
        /// The `command` of the public model.
        command: Vec<String>,
        /// The `environment` of the public model.
        environment: Vec<KeyValuePair> = sent,
        /// The `environmentFiles` of the public model.
        environment_files: Vec<EnvironmentFile>,
        /// The `mountPoints` of the public model.
        mount_points: Vec<MountPoint> = sent,
        /// The `volumesFrom` of the public model.
        volumes_from: Vec<VolumeFrom> = sent,
        /// The `linuxParameters` of the public model.
        linux_parameters: Option<LinuxParameters>,
        /// The `secrets` of the public model.
        secrets: Vec<Secret>,
        /// The `dependsOn` of the public model.
        depends_on: Vec<ContainerDependency>,
        /// The `startTimeout` of the public model.
        start_timeout: Option<i64>,
        /// The `stopTimeout` of the public model.
        stop_timeout: Option<i64>,
        /// The `versionConsistency` of the public model.
        version_consistency: Option<String>,
        /// The `hostname` of the public model.
        hostname: Option<String>,
        /// The `user` of the public model.
        user: Option<String>,
        /// The `workingDirectory` of the public model.
        working_directory: Option<String>,
        /// The `disableNetworking` of the public model.
        disable_networking: Option<bool>,
        /// The `privileged` of the public model.
        privileged: Option<bool>,
        /// The `readonlyRootFilesystem` of the public model.
        readonly_root_filesystem: Option<bool>,
        /// The `dnsServers` of the public model.
        dns_servers: Vec<String>,
        /// The `dnsSearchDomains` of the public model.
        dns_search_domains: Vec<String>,
        /// The `extraHosts` of the public model.
        extra_hosts: Vec<HostEntry>,
        /// The `dockerSecurityOptions` of the public model.
        docker_security_options: Vec<String>,
        /// The `interactive` of the public model.
        interactive: Option<bool>,
        /// The `pseudoTerminal` of the public model.
        pseudo_terminal: Option<bool>,
        /// The `dockerLabels` of the public model.
        docker_labels: BTreeMap<String, String>,
        /// The `ulimits` of the public model.
        ulimits: Vec<Ulimit>,
        /// The `logConfiguration` of the public model.
        log_configuration: Option<LogConfiguration>,
        /// The `healthCheck` of the public model.
        health_check: Option<HealthCheck>,
        /// The `systemControls` of the public model.
        system_controls: Vec<SystemControl> = sent,
        /// The `resourceRequirements` of the public model.
        resource_requirements: Vec<ResourceRequirement>,
        /// The `firelensConfiguration` of the public model.
        firelens_configuration: Option<FirelensConfiguration>,
        /// The `credentialSpecs` of the public model.
        credential_specs: Vec<String>,
    }

    /// The `RepositoryCredentials` shape.
    pub struct RepositoryCredentials {
        /// The `credentialsParameter` of the public model.
        credentials_parameter: Option<String>,
    }

    /// The `PortMapping` shape.
    pub struct PortMapping {
        /// The `containerPort` of the public model.
        container_port: Option<i64>,
        /// The `hostPort` of the public model.
        host_port: Option<i64>,
        /// The `protocol` of the public model.
        protocol: Option<String>,
        /// The `name` of the public model.
        name: Option<String>,
        /// The `appProtocol` of the public model.
        app_protocol: Option<String>,
        /// The `containerPortRange` of the public model.
        container_port_range: Option<String>,
    }

    /// The `ContainerRestartPolicy` shape.
    pub struct ContainerRestartPolicy {
        /// The `enabled` of the public model.
        enabled: Option<bool>,
        /// The `ignoredExitCodes` of the public model.
        ignored_exit_codes: Vec<i64>,
        /// The `restartAttemptPeriod` of the public model.
        restart_attempt_period: Option<i64>,
    }

    /// The `EnvironmentFile` shape.
    pub struct EnvironmentFile {
        /// The `value` of the public model.
        value: Option<String>,
        /// The `type` of the public model.
        r#type: Option<String>,
    }

    /// The `MountPoint` shape.
    pub struct MountPoint {
        /// The `sourceVolume` of the public model.
        source_volume: Option<String>,
        /// The `containerPath` of the public model.
        container_path: Option<String>,
        /// The `readOnly` of the public model.
        read_only: Option<bool>,
    }

    /// The `VolumeFrom` shape.
    pub struct VolumeFrom {
        /// The `sourceContainer` of the public model.
        source_container: Option<String>,
        /// The `readOnly` of the public model.
        read_only: Option<bool>,
    }

    /// The `Secret` shape.
    pub struct Secret {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `valueFrom` of the public model.
        value_from: Option<String>,
    }

    /// The `ContainerDependency` shape.
    pub struct ContainerDependency {
        /// The `containerName` of the public model.
        container_name: Option<String>,
        /// The `condition` of the public model.
        condition: Option<String>,
    }

    /// The `HostEntry` shape.
    pub struct HostEntry {
        /// The `hostname` of the public model.
        hostname: Option<String>,
        /// The `ipAddress` of the public model.
        ip_address: Option<String>,
    }

    /// The `Ulimit` shape.
    pub struct Ulimit {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `softLimit` of the public model.
        soft_limit: Option<i64>,
        /// The `hardLimit` of the public model.
        hard_limit: Option<i64>,
    }

    /// The `LogConfiguration` shape.
    pub struct LogConfiguration {
        /// The `logDriver` of the public model.
        log_driver: Option<String>,
        /// The `options` of the public model.
        options: BTreeMap<String, String>,
        /// The `secretOptions` of the public model.
        secret_options: Vec<Secret>,
    }

    /// The `HealthCheck` shape.
    pub struct HealthCheck {
        /// The `command` of the public model.
        command: Vec<String>,
        /// The `interval` of the public model.
        interval: Option<i64>,
        /// The `timeout` of the public model.
        timeout: Option<i64>,
        /// The `retries` of the public model.
        retries: Option<i64>,
        /// The `startPeriod` of the public model.
        start_period: Option<i64>,
    }

    /// The `SystemControl` shape.
    pub struct SystemControl {
        /// The `namespace` of the public model.
        namespace: Option<String>,
        /// The `value` of the public model.
        value: Option<String>,
    }

    /// The `ResourceRequirement` shape.
    pub struct ResourceRequirement {
        /// The `value` of the public model.
        value: Option<String>,
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `sharingStrategy` of the public model.
        sharing_strategy: Option<SharingStrategy>,
    }

    /// The `SharingStrategy` shape.
    pub struct SharingStrategy {
        /// The `nvidiaMps` of the public model.
        nvidia_mps: Option<NvidiaMpsAllocation>,
    }

    /// The `NvidiaMpsAllocation` shape.
    pub struct NvidiaMpsAllocation {
        /// The `memory` of the public model.
        memory: Option<i64>,
        /// The `maxComputePercent` of the public model.
        max_compute_percent: Option<i64>,
    }

    /// The `FirelensConfiguration` shape.
    pub struct FirelensConfiguration {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `options` of the public model.
        options: BTreeMap<String, String>,
    }

    /// The `LinuxParameters` shape.
    pub struct LinuxParameters {
        /// The `capabilities` of the public model.
        capabilities: Option<KernelCapabilities>,
        /// The `devices` of the public model.
        devices: Vec<Device>,
        /// The `initProcessEnabled` of the public model.
        init_process_enabled: Option<bool>,
        /// The `sharedMemorySize` of the public model.
        shared_memory_size: Option<i64>,
        /// The `tmpfs` of the public model.
        tmpfs: Vec<Tmpfs>,
        /// The `maxSwap` of the public model.
        max_swap: Option<i64>,
        /// The `swappiness` of the public model.
        swappiness: Option<i64>,
    }

    /// The `KernelCapabilities` shape.
    pub struct KernelCapabilities {
        /// The `add` of the public model.
        add: Vec<String>,
        /// The `drop` of the public model.
        drop: Vec<String>,
    }

    /// The `Device` shape.
    pub struct Device {
        /// The `hostPath` of the public model.
        host_path: Option<String>,
        /// The `containerPath` of the public model.
        container_path: Option<String>,
        /// The `permissions` of the public model.
        permissions: Vec<String>,
    }

    /// The `Tmpfs` shape.
    pub struct Tmpfs {
        /// The `containerPath` of the public model.
        container_path: Option<String>,
        /// The `size` of the public model.
        size: Option<i64>,
        /// The `mountOptions` of the public model.
        mount_options: Vec<String>,
    }
}
