//! What an instance must be able to do to run a definition: `requiresAttributes`, which the scheduler holds against the attributes
//! agents register (features section 2).
//!
//! ECS also asks for versions of Docker's remote API. Wharf's hosts have no Docker, so these are not asked for.

use std::collections::BTreeSet;
use wharf_protocol::api;

const ECS: &str = "ecs.capability.";
const DOCKER: &str = "com.amazonaws.ecs.capability.";

/// The attributes, in the order of their names.
pub fn attributes(document: &api::TaskDefinition) -> Vec<api::Attribute> {
    let mut names = BTreeSet::new();
    task(document, &mut names);
    for container in &document.container_definitions {
        features(container, &mut names);
        outside_services(container, &mut names);
    }
    for volume in &document.volumes {
        if volume.efs_volume_configuration.is_some() {
            names.insert(format!("{ECS}efs"));
        }
        if let Some(docker) = &volume.docker_volume_configuration {
            let driver = docker.driver.as_deref().unwrap_or("local").replace(':', ".");
            names.insert(format!("{ECS}docker-plugin.{driver}"));
        }
    }
    names.into_iter().map(|name| api::Attribute { name: Some(name), ..api::Attribute::default() }).collect()
}

fn task(document: &api::TaskDefinition, names: &mut BTreeSet<String>) {
    let mut when = |condition: bool, name: String| {
        if condition {
            names.insert(name);
        }
    };
    let mode = document.network_mode.as_deref();
    when(mode == Some("awsvpc"), format!("{ECS}task-eni"));
    when(document.task_role_arn.is_some() && mode != Some("host"), format!("{DOCKER}task-iam-role"));
    when(
        document.task_role_arn.is_some() && mode == Some("host"),
        format!("{DOCKER}task-iam-role-network-host"),
    );
    let shared = document.pid_mode.is_some() || document.ipc_mode.is_some();
    when(shared, format!("{ECS}pid-ipc-namespace-sharing"));
    when(document.proxy_configuration.is_some(), format!("{ECS}aws-appmesh"));
    when(document.enable_fault_injection == Some(true), format!("{ECS}fault-injection"));
}

fn features(container: &api::ContainerDefinition, names: &mut BTreeSet<String>) {
    let mut when = |condition: bool, name: String| {
        if condition {
            names.insert(name);
        }
    };
    when(container.privileged == Some(true), format!("{DOCKER}privileged-container"));
    when(container.health_check.is_some(), format!("{ECS}container-health-check"));
    when(!container.depends_on.is_empty(), format!("{ECS}container-ordering"));
    let timeouts = container.start_timeout.is_some() || container.stop_timeout.is_some();
    when(timeouts, format!("{ECS}container-ordering"));
    let restarts = container.restart_policy.as_ref().is_some_and(|policy| policy.enabled == Some(true));
    when(restarts, format!("{ECS}container-restart-policy"));
    let ranges = container.port_mappings.iter().any(|port| port.container_port_range.is_some());
    when(ranges, format!("{ECS}network.container-port-range"));
    if let Some(driver) = container.log_configuration.as_ref().and_then(|log| log.log_driver.as_deref()) {
        names.insert(format!("{DOCKER}logging-driver.{driver}"));
    }
    if let Some(kind) =
        container.firelens_configuration.as_ref().and_then(|firelens| firelens.r#type.as_deref())
    {
        names.insert(format!("{ECS}firelens.{kind}"));
    }
}

fn outside_services(container: &api::ContainerDefinition, names: &mut BTreeSet<String>) {
    if container.repository_credentials.is_some() {
        names.insert(format!("{ECS}private-registry-authentication.secretsmanager"));
    }
    if !container.environment_files.is_empty() {
        names.insert(format!("{ECS}env-files.s3"));
    }
    let bootstrap = container.log_configuration.iter().flat_map(|log| &log.secret_options);
    let all = container.secrets.iter().map(|secret| (secret, "environment-variables"));
    for (secret, target) in all.chain(bootstrap.map(|secret| (secret, "bootstrap.log-driver"))) {
        let from = secret.value_from.as_deref().unwrap_or_default();
        let provider = if from.starts_with("arn:aws:secretsmanager:") { "asm" } else { "ssm" };
        names.insert(format!("{ECS}secrets.{provider}.{target}"));
    }
}
