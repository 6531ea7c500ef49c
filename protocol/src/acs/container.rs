//! A container of a payload's task (spec 3.8).

use crate::SensitiveMap;
use std::collections::BTreeMap;

wire! {
    /// The `Container` shape.
    pub struct Container {
        /// The `command` of the public model.
        command: Vec<String>,
        /// The `cpu` of the public model.
        cpu: Option<i64>,
        /// The `credentialSpecs` of the public model.
        credential_specs: Vec<String>,
        /// The `entryPoint` of the public model.
        entry_point: Vec<String>,
        /// The `environment` of the public model.
        environment: SensitiveMap,
        /// The `environmentFiles` of the public model.
        environment_files: Vec<EnvironmentFile>,
        /// The `essential` of the public model.
        essential: Option<bool>,
        /// The `restartPolicy` of the public model.
        restart_policy: Option<RestartPolicy>,
        /// The `image` of the public model.
        image: Option<String>,
        /// The `links` of the public model.
        links: Vec<String>,
        /// The `memory` of the public model.
        memory: Option<i64>,
        /// The `name` of the public model.
        name: Option<String>,
        /// The `overrides` of the public model.
        #[serde(deserialize_with = "crate::json::text_or_object")]
        overrides: Option<String>,
        /// The `portMappings` of the public model.
        port_mappings: Vec<PortMapping>,
        /// The `managedAgents` of the public model.
        managed_agents: Vec<ManagedAgent>,
        /// The `mountPoints` of the public model.
        mount_points: Vec<MountPoint> = sent,
        /// The `linuxParameters` of the public model.
        linux_parameters: Option<LinuxParameters>,
        /// The `privileged` of the public model.
        privileged: Option<bool>,
        /// The `networkInterfaceNames` of the public model.
        network_interface_names: Vec<String>,
        /// The `volumesFrom` of the public model.
        volumes_from: Vec<VolumeFrom> = sent,
        /// The `dockerConfig` of the public model.
        docker_config: Option<DockerConfig>,
        /// The `healthCheckType` of the public model.
        health_check_type: Option<String>,
        /// The `registryAuthentication` of the public model.
        registry_authentication: Option<RegistryAuthenticationData>,
        /// The `logsAuthStrategy` of the public model.
        logs_auth_strategy: Option<String>,
        /// The `secrets` of the public model.
        secrets: Vec<Secret>,
        /// The `dependsOn` of the public model.
        depends_on: Vec<ContainerDependency>,
        /// The `startTimeout` of the public model.
        start_timeout: Option<i64>,
        /// The `stopTimeout` of the public model.
        stop_timeout: Option<i64>,
        /// The `firelensConfiguration` of the public model.
        firelens_configuration: Option<FirelensConfiguration>,
        /// The `containerArn` of the public model.
        container_arn: Option<String>,
    }

    /// The `DockerConfig` shape.
    pub struct DockerConfig {
        /// The `version` of the public model.
        version: Option<String>,
        /// The `config` of the public model.
        config: Option<String>,
        /// The `hostConfig` of the public model.
        host_config: Option<String>,
    }

    /// The `PortMapping` shape.
    pub struct PortMapping {
        /// The `containerPort` of the public model.
        container_port: Option<i64>,
        /// The `hostPort` of the public model.
        host_port: Option<i64>,
        /// The `containerPortRange` of the public model.
        container_port_range: Option<String>,
        /// The `protocol` of the public model.
        protocol: Option<String>,
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

    /// The `ContainerDependency` shape.
    pub struct ContainerDependency {
        /// The `containerName` of the public model.
        container_name: Option<String>,
        /// The `condition` of the public model.
        condition: Option<String>,
    }

    /// The `RestartPolicy` shape.
    pub struct RestartPolicy {
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

    /// The `Secret` shape.
    pub struct Secret {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `valueFrom` of the public model.
        value_from: Option<String>,
        /// The `containerPath` of the public model.
        container_path: Option<String>,
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `region` of the public model.
        region: Option<String>,
        /// The `provider` of the public model.
        provider: Option<String>,
        /// The `target` of the public model.
        target: Option<String>,
    }

    /// The `ManagedAgent` shape.
    pub struct ManagedAgent {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `properties` of the public model.
        properties: BTreeMap<String, String>,
    }

    /// The `FirelensConfiguration` shape.
    pub struct FirelensConfiguration {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `options` of the public model.
        options: BTreeMap<String, String>,
    }

    /// The `RegistryAuthenticationData` shape.
    pub struct RegistryAuthenticationData {
        /// The `type` of the public model.
        r#type: Option<String>,
        /// The `ecrAuthData` of the public model.
        ecr_auth_data: Option<ECRAuthData>,
        /// The `asmAuthData` of the public model.
        asm_auth_data: Option<ASMAuthData>,
    }

    /// The `ECRAuthData` shape.
    pub struct ECRAuthData {
        /// The `registryId` of the public model.
        registry_id: Option<String>,
        /// The `region` of the public model.
        region: Option<String>,
        /// The `endpointOverride` of the public model.
        endpoint_override: Option<String>,
        /// The `useExecutionRole` of the public model.
        use_execution_role: Option<bool>,
    }

    /// The `ASMAuthData` shape.
    pub struct ASMAuthData {
        /// The `credentialsParameter` of the public model.
        credentials_parameter: Option<String>,
        /// The `region` of the public model.
        region: Option<String>,
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
    }

    /// The `KernelCapabilities` shape.
    pub struct KernelCapabilities {
        /// The `add` of the public model.
        add: Vec<String> = sent,
        /// The `drop` of the public model.
        drop: Vec<String> = sent,
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
}
