//! A container as a payload carries it (spec 3.8): what the wire has a field for; the rest goes into [`super::docker`].

use super::docker;
use crate::model::Model;
use wharf_protocol::{SensitiveMap, acs, api};

/// Makes the payload's container from its definition, in which overrides are laid already.
pub fn container(
    model: &Model,
    document: &api::TaskDefinition,
    definition: &api::ContainerDefinition,
    arn: &str,
) -> acs::Container {
    let logs = definition.log_configuration.as_ref().and_then(|logs| logs.log_driver.as_deref());
    let by_execution_role = document.execution_role_arn.is_some() && logs == Some("awslogs");
    acs::Container {
        command: definition.command.clone(),
        cpu: definition.cpu,
        credential_specs: definition.credential_specs.clone(),
        entry_point: definition.entry_point.clone(),
        environment: environment(definition),
        environment_files: definition.environment_files.iter().map(environment_file).collect(),
        essential: Some(definition.essential.unwrap_or(true)),
        restart_policy: definition.restart_policy.as_ref().map(restart_policy),
        image: definition.image.clone(),
        links: definition.links.clone(),
        memory: definition.memory,
        name: definition.name.clone(),
        overrides: Some("{}".to_owned()), // never empty: that would make the whole task invalid (spec 3.8)
        port_mappings: definition.port_mappings.iter().map(port_mapping).collect(),
        mount_points: definition.mount_points.iter().map(mount_point).collect(),
        volumes_from: definition.volumes_from.iter().map(volume_from).collect(),
        docker_config: Some(docker::config(document, definition)),
        health_check_type: definition.health_check.as_ref().map(|_| "docker".to_owned()),
        registry_authentication: registry_authentication(model, definition),
        logs_auth_strategy: by_execution_role.then(|| "ExecutionRole".to_owned()),
        secrets: secrets(model, definition),
        depends_on: definition.depends_on.iter().map(dependency).collect(),
        start_timeout: definition.start_timeout,
        stop_timeout: definition.stop_timeout,
        firelens_configuration: definition.firelens_configuration.as_ref().map(|given| {
            acs::FirelensConfiguration { r#type: given.r#type.clone(), options: given.options.clone() }
        }),
        container_arn: Some(arn.to_owned()),
        ..acs::Container::default()
    }
}

/// The environment as a map, with the variable that tells programs where they run (spec 7).
fn environment(definition: &api::ContainerDefinition) -> SensitiveMap {
    let given = definition.environment.iter();
    let pairs = given.filter_map(|pair| Some((pair.name.clone()?, pair.value.clone().unwrap_or_default())));
    let mut environment: SensitiveMap = pairs.collect();
    environment.entry("AWS_EXECUTION_ENV".to_owned()).or_insert_with(|| "AWS_ECS_EC2".to_owned());
    environment
}

fn environment_file(file: &api::EnvironmentFile) -> acs::EnvironmentFile {
    acs::EnvironmentFile { value: file.value.clone(), r#type: file.r#type.clone() }
}

fn restart_policy(policy: &api::ContainerRestartPolicy) -> acs::RestartPolicy {
    acs::RestartPolicy {
        enabled: policy.enabled,
        ignored_exit_codes: policy.ignored_exit_codes.clone(),
        restart_attempt_period: policy.restart_attempt_period,
    }
}

fn port_mapping(port: &api::PortMapping) -> acs::PortMapping {
    acs::PortMapping {
        container_port: port.container_port,
        host_port: port.host_port,
        container_port_range: port.container_port_range.clone(),
        protocol: port.protocol.clone(),
    }
}

fn mount_point(mount: &api::MountPoint) -> acs::MountPoint {
    acs::MountPoint {
        source_volume: mount.source_volume.clone(),
        container_path: mount.container_path.clone(),
        read_only: Some(mount.read_only.unwrap_or(false)),
    }
}

fn volume_from(from: &api::VolumeFrom) -> acs::VolumeFrom {
    acs::VolumeFrom {
        source_container: from.source_container.clone(),
        read_only: Some(from.read_only.unwrap_or(false)),
    }
}

fn dependency(dependency: &api::ContainerDependency) -> acs::ContainerDependency {
    acs::ContainerDependency {
        container_name: dependency.container_name.clone(),
        condition: dependency.condition.clone(),
    }
}

fn registry_authentication(
    model: &Model,
    definition: &api::ContainerDefinition,
) -> Option<acs::RegistryAuthenticationData> {
    let parameter = definition.repository_credentials.as_ref()?.credentials_parameter.clone()?;
    let region = region_of(&parameter).unwrap_or(&model.policy.region).to_owned();
    Some(acs::RegistryAuthenticationData {
        r#type: Some("asm".to_owned()),
        asm_auth_data: Some(acs::ASMAuthData {
            credentials_parameter: Some(parameter),
            region: Some(region),
        }),
        ..acs::RegistryAuthenticationData::default()
    })
}

/// Secrets for the environment and for the log driver, with where they come from spelled out.
fn secrets(model: &Model, definition: &api::ContainerDefinition) -> Vec<acs::Secret> {
    let make = |secret: &api::Secret, kind: &str, target: &str| {
        let from = secret.value_from.clone().unwrap_or_default();
        let provider = if from.starts_with("arn:aws:secretsmanager:") { "asm" } else { "ssm" };
        acs::Secret {
            name: secret.name.clone(),
            r#type: Some(kind.to_owned()),
            region: Some(region_of(&from).unwrap_or(&model.policy.region).to_owned()),
            provider: Some(provider.to_owned()),
            target: Some(target.to_owned()),
            value_from: Some(from),
            ..acs::Secret::default()
        }
    };
    let logs = definition.log_configuration.iter().flat_map(|logs| &logs.secret_options);
    let own = definition.secrets.iter().map(|secret| make(secret, "ENVIRONMENT_VARIABLE", "CONTAINER"));
    own.chain(logs.map(|secret| make(secret, "BOOTSTRAP", "LOG_DRIVER"))).collect()
}

/// The region part of an ARN; `None` for anything else.
fn region_of(text: &str) -> Option<&str> {
    text.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}
