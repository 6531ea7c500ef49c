//! What an instance offers and what a task takes: cpu units, MiB of memory, host ports.
//!
//! Owns the arithmetic of both; refuses to choose an instance (that is the scheduler's).

use super::error::EcsError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use wharf_protocol::api;

/// What an instance registered with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// CPU units; 1024 are one processor.
    pub cpu: i64,
    /// MiB.
    pub memory: i64,
    /// Host ports that tasks must not take.
    pub reserved: Ports,
}

/// Host ports by protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// TCP ports.
    pub tcp: BTreeSet<u16>,
    /// UDP ports.
    pub udp: BTreeSet<u16>,
}

impl Ports {
    /// Whether a port is in both sets.
    pub fn collide(&self, other: &Self) -> bool {
        !self.tcp.is_disjoint(&other.tcp) || !self.udp.is_disjoint(&other.udp)
    }

    /// Takes the other's ports in too.
    pub fn extend(&mut self, other: &Self) {
        self.tcp.extend(&other.tcp);
        self.udp.extend(&other.udp);
    }
}

/// What a task takes from its instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// CPU units.
    pub cpu: i64,
    /// MiB.
    pub memory: i64,
    /// Host ports.
    pub ports: Ports,
    /// Number of graphics processors.
    pub gpus: usize,
}

impl Capacity {
    /// Reads `totalResources` of a registration (spec 2.3).
    pub fn from_api(resources: &[api::Resource]) -> Result<Self, EcsError> {
        let mut capacity = Self::default();
        for resource in resources {
            match resource.name.as_deref() {
                Some("CPU") => capacity.cpu = integer(resource)?,
                Some("MEMORY") => capacity.memory = integer(resource)?,
                Some("PORTS") => capacity.reserved.tcp = ports(resource)?,
                Some("PORTS_UDP") => capacity.reserved.udp = ports(resource)?,
                Some(_) | None => {} // later kinds of resources are nothing this scheduler places by
            }
        }
        Ok(capacity)
    }

    /// What is left when these tasks have taken theirs; ports of `reserved` are then all that are in use.
    pub fn minus<'a>(&self, taken: impl Iterator<Item = &'a Demand>) -> Self {
        let mut left = self.clone();
        for demand in taken {
            left.cpu = left.cpu.saturating_sub(demand.cpu);
            left.memory = left.memory.saturating_sub(demand.memory);
            left.reserved.extend(&demand.ports);
        }
        left
    }

    /// The four resources as the API shows them.
    pub fn to_api(&self) -> Vec<api::Resource> {
        let number = |name: &str, value: i64| api::Resource {
            name: Some(name.to_owned()),
            r#type: Some("INTEGER".to_owned()),
            integer_value: Some(value),
            ..api::Resource::default()
        };
        let set = |name: &str, ports: &BTreeSet<u16>| api::Resource {
            name: Some(name.to_owned()),
            r#type: Some("STRINGSET".to_owned()),
            string_set_value: Some(ports.iter().map(u16::to_string).collect()),
            ..api::Resource::default()
        };
        let reserved = &self.reserved;
        vec![
            number("CPU", self.cpu),
            number("MEMORY", self.memory),
            set("PORTS", &reserved.tcp),
            set("PORTS_UDP", &reserved.udp),
        ]
    }
}

fn integer(resource: &api::Resource) -> Result<i64, EcsError> {
    let value = resource.integer_value.unwrap_or(0); // zero is left out on the wire
    let name = resource.name.as_deref().unwrap_or_default();
    if value < 0 {
        Err(EcsError::invalid(format!("Resource {name} must not be negative.")))
    } else {
        Ok(value)
    }
}

fn ports(resource: &api::Resource) -> Result<BTreeSet<u16>, EcsError> {
    let texts = resource.string_set_value.iter().flatten();
    let parse =
        |text: &String| text.parse().map_err(|_| EcsError::invalid(format!("{text:?} is not a port.")));
    texts.map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_beyond_every_host_leave_less_than_nothing() {
        let much = Demand { cpu: i64::MAX, memory: i64::MAX, ..Demand::default() };
        let left =
            Capacity { cpu: 1024, memory: 512, ..Capacity::default() }.minus([&much, &much].into_iter());
        assert_eq!((left.cpu, left.memory), (i64::MIN, i64::MIN));
    }
}
