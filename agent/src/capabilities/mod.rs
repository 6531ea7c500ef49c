//! What this host announces that it can do: one table, with the reason for everything it does not announce.
//!
//! Owns truthfulness: a control plane places a task here because of these names, so a name stands in the answer only when this
//! version does what it says. Order and names: features section 2. Also owns the registration request around them
//! ([`registration`]) and the look at the host ([`read_host_facts`]), the only part that touches the world.

mod facts;
mod registration;

pub use facts::{FactsError, HostFacts, read_host_facts};
pub use registration::{NothingLeft, host_resources, registration, user_agent};

use crate::config::Settings;
use wharf_protocol::api::Attribute;

/// A name of features section 2 and when it is announced.
#[derive(Debug)]
pub struct Capability {
    /// The attribute's name; for [`Offer::EachDriver`] what stands before the driver's.
    pub name: &'static str,
    /// When it is announced.
    pub offer: Offer,
}

/// When a capability is announced.
#[derive(Debug)]
pub enum Offer {
    /// Always.
    Always,
    /// When the settings say so.
    When(fn(&Settings) -> bool),
    /// One for each log driver in the settings.
    EachDriver,
    /// Never in this version, for this reason.
    Withheld(&'static str),
}

use Offer::{Always, EachDriver, When, Withheld};

const NO_AWS_CALLS: &str = "the agent calls no AWS service but ECS yet";
const NO_ECR: &str = "tokens for ECR are not fetched yet";
const NO_FIRELENS: &str = "FireLens is not built yet";
const NO_TRUNK: &str = "trunk interfaces are not supported yet";
const NO_VOLUME_DRIVERS: &str = "volumes are directories of the host or of the task";
const NO_ACCELERATOR: &str = "accelerators are not supported yet";
const NO_GMSA: &str = "gMSA is not built yet";
const NO_MESH: &str = "proxies beside the application are not set up yet";
const NO_EBS: &str = "EBS volumes are not attached yet";
const UNKNOWN_PLACE: &str = "nothing off EC2 tells the host's VPC";

/// Awsvpc is offered unless it is switched off; ECS knows no awsvpc on external instances.
const TASK_ENI: Offer = When(|settings| settings.features.task_eni && !settings.instance.external);

const fn row(name: &'static str, offer: Offer) -> Capability {
    Capability { name, offer }
}

/// Every capability, in the order in which the Amazon ECS agent sends them.
pub const CAPABILITIES: &[Capability] = &[
    row("ecs.capability.private-registry-authentication.secretsmanager", Withheld(NO_AWS_CALLS)),
    row("ecs.capability.secrets.ssm.environment-variables", Withheld(NO_AWS_CALLS)),
    row("ecs.capability.secrets.ssm.bootstrap.log-driver", Withheld(NO_AWS_CALLS)),
    row("ecs.capability.ecr-endpoint", Withheld(NO_ECR)),
    row("ecs.capability.secrets.asm.environment-variables", Withheld(NO_AWS_CALLS)),
    row("ecs.capability.secrets.asm.bootstrap.log-driver", Withheld(NO_AWS_CALLS)),
    row("ecs.capability.container-ordering", Always),
    row("ecs.capability.full-sync", Always),
    row("ecs.capability.env-files.s3", Withheld(NO_AWS_CALLS)),
    row("ecs.capability.network.container-port-range", Withheld("no network mode here publishes ports yet")),
    row("ecs.capability.container-restart-policy", Always),
    row("com.amazonaws.ecs.capability.privileged-container", When(|settings| settings.features.privileged)),
    // There is no Docker here. A control plane derives these from the fields of a task definition, so they say "what that version of
    // Docker's API could express is understood"; what is not is refused by name. 1.26, 1.27 and 1.31 do not exist as attributes.
    row("com.amazonaws.ecs.capability.docker-remote-api.1.17", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.18", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.19", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.20", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.21", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.22", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.23", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.24", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.25", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.28", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.29", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.30", Always),
    row("com.amazonaws.ecs.capability.docker-remote-api.1.32", Always),
    row("com.amazonaws.ecs.capability.logging-driver.", EachDriver),
    row("com.amazonaws.ecs.capability.selinux", Withheld("SELinux labels are not set yet")),
    row("com.amazonaws.ecs.capability.apparmor", Withheld("AppArmor profiles are not set yet")),
    row("com.amazonaws.ecs.capability.task-iam-role", When(|settings| settings.features.task_iam_role)),
    row(
        "com.amazonaws.ecs.capability.task-iam-role-network-host",
        Withheld("tasks with host networking have no credentials endpoint yet"),
    ),
    row("ecs.capability.task-cpu-mem-limit", When(|settings| settings.features.task_cpu_mem_limit)),
    row("ecs.capability.increased-task-cpu-limit", When(|settings| settings.features.task_cpu_mem_limit)),
    row("ecs.capability.task-eni", TASK_ENI),
    row("ecs.capability.task-eni.ipv6", TASK_ENI),
    row(CNI_VERSION, TASK_ENI),
    row(
        "ecs.capability.task-eni-block-instance-metadata",
        Withheld("the instance metadata service is not blocked in task namespaces yet"),
    ),
    row("ecs.capability.task-eni-trunking", Withheld(NO_TRUNK)),
    row("ecs.capability.branch-cni-plugin-version", Withheld(NO_TRUNK)),
    row("com.amazonaws.ecs.capability.ecr-auth", Withheld(NO_ECR)),
    row("ecs.capability.execution-role-ecr-pull", Withheld(NO_ECR)),
    row("ecs.capability.container-health-check", When(|settings| settings.features.health_check)),
    row("ecs.capability.execution-role-awslogs", Withheld("the awslogs driver is not built yet")),
    row("ecs.capability.docker-plugin.local", Withheld(NO_VOLUME_DRIVERS)),
    row("ecs.capability.gpu-driver-version", Withheld(NO_ACCELERATOR)),
    row(
        "ecs.capability.pid-ipc-namespace-sharing",
        Withheld("every container has PID and IPC namespaces of its own"),
    ),
    row("ecs.capability.aws-appmesh", Withheld(NO_MESH)),
    row("ecs.capability.task-eia", Withheld(NO_ACCELERATOR)),
    row("ecs.capability.task-eia.optimized-cpu", Withheld(NO_ACCELERATOR)),
    row("ecs.capability.firelens.fluentd", Withheld(NO_FIRELENS)),
    row("ecs.capability.firelens.fluentbit", Withheld(NO_FIRELENS)),
    row("com.amazonaws.ecs.capability.logging-driver.awsfirelens", Withheld(NO_FIRELENS)),
    row("ecs.capability.logging-driver.awsfirelens.log-driver-buffer-limit", Withheld(NO_FIRELENS)),
    row("ecs.capability.firelens.non-root-user", Withheld(NO_FIRELENS)),
    row("ecs.capability.efs", Withheld(NO_VOLUME_DRIVERS)),
    row("ecs.capability.storage.s3-files", Withheld(NO_VOLUME_DRIVERS)),
    row("ecs.capability.firelens.options.config.file", Withheld(NO_FIRELENS)),
    row("ecs.capability.firelens.options.config.s3", Withheld(NO_FIRELENS)),
    row("ecs.capability.gmsa", Withheld(NO_GMSA)),
    row("ecs.capability.gmsa-domainless", Withheld(NO_GMSA)),
    row("ecs.capability.efsAuth", Withheld(NO_VOLUME_DRIVERS)),
    row("ecs.capability.execute-command", Withheld("ECS Exec is not built yet")),
    row("ecs.capability.service-connect-v1", Withheld(NO_MESH)),
    row("ecs.capability.storage.ebs-task-volume-attach", Withheld(NO_EBS)),
    row("ecs.capability.storage.ebsta-non-root-user", Withheld(NO_EBS)),
    row("ecs.capability.external", When(|settings| settings.instance.external)),
    row("ecs.capability.fault-injection", Withheld("faults are not injected yet")),
    row("ecs.capability.ipv6-only", Withheld("whether a host without IPv4 works has not been shown yet")),
    row("ecs.vpc-id", Withheld(UNKNOWN_PLACE)),
    row("ecs.subnet-id", Withheld(UNKNOWN_PLACE)),
];

/// The one capability with a value: `<source>-<version>` of what makes task networks.
const CNI_VERSION: &str = "ecs.capability.cni-plugin-version";

/// The attributes to register: custom ones (with the first registration only), capabilities, the operating system.
pub fn attributes(facts: &HostFacts, settings: &Settings, first: bool) -> Vec<Attribute> {
    let custom = settings.instance.attributes.iter().filter(|_| first);
    let custom = custom.map(|(name, value)| {
        attribute(name, Some(value).filter(|value| !value.is_empty()).map(String::as_str))
    });
    let capabilities = CAPABILITIES.iter().flat_map(|capability| announced(capability, settings));
    custom.chain(capabilities).chain(system(facts, settings)).collect()
}

fn announced(capability: &Capability, settings: &Settings) -> Vec<Attribute> {
    let Capability { name, offer } = capability;
    let value = (*name == CNI_VERSION).then_some(concat!("wharf-", env!("CARGO_PKG_VERSION")));
    match offer {
        Always => vec![attribute(name, value)],
        When(offered) if offered(settings) => vec![attribute(name, value)],
        EachDriver => {
            let drivers = settings.features.logging_drivers.iter();
            drivers.map(|driver| attribute(&format!("{name}{driver}"), None)).collect()
        }
        When(_) | Withheld(_) => Vec::new(),
    }
}

/// What EC2's identity document would say of the machine is said here, because none is sent.
fn system(facts: &HostFacts, settings: &Settings) -> [Attribute; 4] {
    let detailed = settings.instance.os_family.as_ref().unwrap_or(&facts.os_family);
    [
        attribute("ecs.os-type", Some("linux")),
        attribute("ecs.os-family", Some("LINUX")),
        attribute("ecs.os-type-detailed", Some(detailed)),
        attribute("ecs.cpu-architecture", Some(&facts.architecture)),
    ]
}

fn attribute(name: &str, value: Option<&str>) -> Attribute {
    Attribute { name: Some(name.to_owned()), value: value.map(str::to_owned), ..Attribute::default() }
}
