//! The request that registers this host, and the same resources for the core. Source: spec 2.3.

use super::attributes;
use super::facts::HostFacts;
use crate::config::Settings;
use std::collections::BTreeSet;
use wharf_core::config::HostResources;
use wharf_core::spec::Protocol;
use wharf_protocol::api::{RegisterContainerInstanceRequest, Resource, Tag};

/// CPU units of one processor.
const UNITS_PER_CPU: u32 = 1024;

/// The host cannot be registered with these settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ECS_RESERVED_MEMORY keeps {reserved} MiB from tasks, but this host has {total} MiB in all")]
pub struct NothingLeft {
    /// What is kept from tasks, in MiB.
    pub reserved: u64,
    /// What there is, in MiB.
    pub total: u64,
}

/// What tasks can have of this host, for the core's admission; the same numbers that are registered.
///
/// # Errors
/// When more memory is kept from tasks than there is.
pub fn host_resources(facts: &HostFacts, settings: &Settings) -> Result<HostResources, NothingLeft> {
    let (reserved, total) = (settings.instance.reserved_memory, facts.memory_mib);
    let memory = total.checked_sub(reserved).ok_or(NothingLeft { reserved, total })?;
    let tcp = settings.instance.reserved_ports.iter().map(|port| (Protocol::Tcp, *port));
    let udp = settings.instance.reserved_ports_udp.iter().map(|port| (Protocol::Udp, *port));
    Ok(HostResources {
        cpu: facts.cpus.saturating_mul(UNITS_PER_CPU),
        memory: u32::try_from(memory).unwrap_or(u32::MAX),
        reserved_ports: tcp.chain(udp).collect(),
    })
}

/// The request that registers these facts; `saved` is the ARN of an earlier registration, which makes this one a re-registration.
///
/// There is no identity document off EC2; empty texts are what the Amazon agent sends there.
pub fn registration(
    facts: &HostFacts,
    settings: &Settings,
    saved: Option<String>,
) -> RegisterContainerInstanceRequest {
    let tag = |(key, value): (&String, &String)| Tag { key: Some(key.clone()), value: Some(value.clone()) };
    RegisterContainerInstanceRequest {
        cluster: settings.control_plane.cluster.clone(),
        instance_identity_document: Some(String::new()),
        instance_identity_document_signature: Some(String::new()),
        total_resources: total_resources(facts, settings),
        attributes: attributes(facts, settings, saved.is_none()),
        container_instance_arn: saved,
        tags: settings.instance.tags.iter().map(tag).collect(),
        ..RegisterContainerInstanceRequest::default()
    }
}

/// How this agent presents itself in HTTP.
pub fn user_agent(facts: &HostFacts) -> String {
    format!("wharf-agent/{} (linux; {})", env!("CARGO_PKG_VERSION"), facts.os_family)
}

/// Always these four, in this order.
fn total_resources(facts: &HostFacts, settings: &Settings) -> Vec<Resource> {
    let memory = facts.memory_mib.saturating_sub(settings.instance.reserved_memory);
    vec![
        integer("CPU", i64::from(facts.cpus) * i64::from(UNITS_PER_CPU)),
        integer("MEMORY", i64::try_from(memory).unwrap_or(i64::MAX)),
        ports("PORTS", &settings.instance.reserved_ports),
        ports("PORTS_UDP", &settings.instance.reserved_ports_udp),
    ]
}

fn integer(name: &str, value: i64) -> Resource {
    let (name, r#type) = (Some(name.to_owned()), Some("INTEGER".to_owned()));
    Resource { name, r#type, integer_value: Some(value), ..Resource::default() }
}

/// Ports that the control plane must not place, each once.
fn ports(name: &str, reserved: &[u16]) -> Resource {
    let reserved: BTreeSet<u16> = reserved.iter().copied().collect();
    let (name, r#type) = (Some(name.to_owned()), Some("STRINGSET".to_owned()));
    let set = reserved.iter().map(ToString::to_string).collect();
    Resource { name, r#type, string_set_value: Some(set), ..Resource::default() }
}
