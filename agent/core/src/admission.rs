//! Who gets the host's resources: first come, first served. Source: features 7.9.
//!
//! A task whose resources are not free waits, and everything behind it waits too; what can never fit is refused at once.
//! Tasks hold their resources from admission until no process of theirs is left, and their addresses until their network is gone.

use crate::config::HostResources;
use crate::event::Desired;
use crate::reason::{Reason, ReasonCode};
use crate::spec::{ContainerSpec, Network, Protocol, TaskSpec};
use crate::task::{Stage, Task};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use wharf_protocol::arn::TaskArn;

/// What a queued task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shortage {
    /// CPU units.
    Cpu,
    /// Memory.
    Memory,
    /// A port of the host.
    Port(Protocol, u16),
    /// An address that another task has, or whose network is still being removed.
    Address(IpAddr),
    /// Its turn: an earlier task waits.
    Turn,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("CPU units"),
            Self::Memory => f.write_str("memory"),
            Self::Port(protocol, port) => write!(f, "host port {port}/{}", protocol.as_str()),
            Self::Address(address) => write!(f, "address {address}"),
            Self::Turn => f.write_str("its turn, behind an earlier task"),
        }
    }
}

/// What a task takes of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Need {
    cpu: u64,
    memory: u64,
    ports: BTreeSet<(Protocol, u16)>,
    addresses: BTreeSet<IpAddr>,
}

impl Need {
    fn of(spec: &TaskSpec) -> Self {
        let sum = |part: fn(&ContainerSpec) -> u32| spec.containers.iter().map(|c| u64::from(part(c))).sum();
        Self {
            cpu: spec.cpu.map_or_else(|| sum(|c| c.cpu), u64::from),
            memory: spec
                .memory
                .map_or_else(|| sum(|c| c.memory_reservation.or(c.memory).unwrap_or(0)), u64::from),
            ports: ports(spec),
            addresses: addresses(spec),
        }
    }

    /// What the task holds now; `None` for one that waits or is over.
    fn held_by(task: &Task) -> Option<Self> {
        match task.stage {
            Stage::Admitted { .. } => Some(Self::of(&task.spec)),
            Stage::Ended { .. } => Some(Self { addresses: addresses(&task.spec), ..Self::default() }),
            Stage::Queued { .. } | Stage::Released { .. } => None,
        }
    }

    fn add(&mut self, other: &Self) {
        self.cpu += other.cpu;
        self.memory += other.memory;
        self.ports.extend(&other.ports);
        self.addresses.extend(&other.addresses);
    }

    /// What is missing on the host when `taken` is taken.
    fn shortage(&self, host: &HostResources, taken: &Self) -> Option<Shortage> {
        if taken.cpu + self.cpu > u64::from(host.cpu) {
            return Some(Shortage::Cpu);
        }
        if taken.memory + self.memory > u64::from(host.memory) {
            return Some(Shortage::Memory);
        }
        let taken_port =
            |port: &&(Protocol, u16)| taken.ports.contains(*port) || host.reserved_ports.contains(*port);
        let port =
            self.ports.iter().find(taken_port).map(|(protocol, port)| Shortage::Port(*protocol, *port));
        port.or_else(|| self.addresses.intersection(&taken.addresses).next().copied().map(Shortage::Address))
    }
}

/// Ports of the host that the task listens on: only with host networking.
fn ports(spec: &TaskSpec) -> BTreeSet<(Protocol, u16)> {
    match spec.network {
        Network::Host => {
            let mappings = spec.containers.iter().flat_map(|container| &container.port_mappings);
            mappings.map(|map| (map.protocol, map.host_port.unwrap_or(map.container_port))).collect()
        }
        Network::Awsvpc(_) | Network::None => BTreeSet::new(),
    }
}

/// Addresses of the task's own interface.
fn addresses(spec: &TaskSpec) -> BTreeSet<IpAddr> {
    match &spec.network {
        Network::Awsvpc(interface) => interface.addresses.iter().copied().collect(),
        Network::Host | Network::None => BTreeSet::new(),
    }
}

/// What a queued task lacks, and which tasks have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The first resource that is missing.
    pub short_of: Shortage,
    /// How much of it the task needs.
    pub needed: u64,
    /// How much of it is free.
    pub free: u64,
    /// The tasks that hold it or stand before.
    pub held_by: Vec<TaskArn>,
}

/// Tasks that a shortfall names; more are counted.
const NAMED: usize = 3;

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { short_of, needed, free, held_by } = self;
        let ids: Vec<&str> = held_by.iter().take(NAMED).map(|arn| arn.id()).collect();
        let more = match held_by.len() - ids.len() {
            0 => String::new(),
            more => format!(" and {more} others"),
        };
        let holders = match ids.len() {
            0 => "no task holds any".to_owned(),
            1 => format!("until task {} ends", ids[0]),
            _ => format!("until one of tasks {}{more} ends", ids.join(", ")),
        };
        match short_of {
            Shortage::Cpu => write!(f, "{needed} CPU units: {free} free {holders}"),
            Shortage::Memory => write!(f, "{needed} MiB of memory: {free} free {holders}"),
            Shortage::Port(protocol, port) => {
                write!(f, "host port {port}/{}: not free {holders}", protocol.as_str())
            }
            Shortage::Address(address) => write!(f, "address {address}: not free {holders}"),
            Shortage::Turn => match ids.first() {
                Some(first) => write!(f, "its turn: task {first} came first and waits too"),
                None => write!(f, "its turn"),
            },
        }
    }
}

/// What the queued task lacks, in full.
pub(crate) fn shortfall(
    tasks: &BTreeMap<TaskArn, Arc<Task>>,
    host: &HostResources,
    task: &Task,
    short_of: Shortage,
) -> Shortfall {
    let need = Need::of(&task.spec);
    let holders: Vec<(&TaskArn, Need)> =
        tasks.iter().filter_map(|(arn, other)| Some((arn, Need::held_by(other)?))).collect();
    let who = |has: &dyn Fn(&Need) -> bool| {
        holders.iter().filter(|(_, need)| has(need)).map(|(arn, _)| (*arn).clone()).collect()
    };
    let left = |of_host: u32, of: fn(&Need) -> u64| {
        u64::from(of_host).saturating_sub(holders.iter().map(|(_, need)| of(need)).sum())
    };
    let (needed, free, held_by) = match short_of {
        Shortage::Cpu => (need.cpu, left(host.cpu, |need| need.cpu), who(&|need| need.cpu > 0)),
        Shortage::Memory => {
            (need.memory, left(host.memory, |need| need.memory), who(&|need| need.memory > 0))
        }
        Shortage::Port(protocol, port) => (1, 0, who(&|need| need.ports.contains(&(protocol, port)))),
        Shortage::Address(address) => (1, 0, who(&|need| need.addresses.contains(&address))),
        Shortage::Turn => {
            let earlier = tasks.values().filter(|other| queued(other).is_some() && other.place < task.place);
            let first = earlier.min_by_key(|other| other.place).map(|other| other.spec.arn.clone());
            (0, 0, first.into_iter().collect())
        }
    };
    Shortfall { short_of, needed, free, held_by }
}

/// What becomes of a queued task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    Admit,
    Wait(Shortage),
    /// It can never fit.
    Refuse(Reason),
}

/// What is to change in the queue, in the order of arrival. Empty when nothing does.
pub(crate) fn plan(tasks: &BTreeMap<TaskArn, Arc<Task>>, host: &HostResources) -> Vec<(TaskArn, Verdict)> {
    let mut taken = Need::default();
    for held in tasks.values().filter_map(|task| Need::held_by(task)) {
        taken.add(&held);
    }
    let mut queue: Vec<(&Arc<Task>, Option<Shortage>)> =
        tasks.values().filter_map(|task| Some((task, queued(task)?))).collect();
    queue.sort_by_key(|(task, _)| task.place);
    let mut verdicts = Vec::new();
    let mut blocked = false;
    for (task, known) in queue {
        let need = Need::of(&task.spec);
        let verdict = match (need.shortage(host, &Need::default()), need.shortage(host, &taken)) {
            (Some(shortage), _) => Verdict::Refuse(unplaceable(&need, host, shortage)),
            (None, _) if blocked => Verdict::Wait(Shortage::Turn),
            (None, Some(shortage)) => Verdict::Wait(shortage),
            (None, None) => Verdict::Admit,
        };
        match &verdict {
            Verdict::Admit => taken.add(&need),
            Verdict::Wait(_) => blocked = true,
            Verdict::Refuse(_) => {}
        }
        if known.map(Verdict::Wait).as_ref() != Some(&verdict) {
            verdicts.push((task.spec.arn.clone(), verdict));
        }
    }
    verdicts
}

/// What a queued task is known to wait for; `None` for one that is not in the queue.
fn queued(task: &Task) -> Option<Option<Shortage>> {
    match &task.stage {
        Stage::Queued { short_of } if task.desired == Desired::Running => Some(*short_of),
        Stage::Queued { .. } | Stage::Admitted { .. } | Stage::Ended { .. } | Stage::Released { .. } => None,
    }
}

fn unplaceable(need: &Need, host: &HostResources, shortage: Shortage) -> Reason {
    let detail = match shortage {
        Shortage::Cpu => format!("task needs {} CPU units and the host has {}", need.cpu, host.cpu),
        Shortage::Memory => {
            format!("task needs {} MiB of memory and the host has {}", need.memory, host.memory)
        }
        Shortage::Port(protocol, port) => {
            format!("task needs host port {port}/{}, which is reserved on this host", protocol.as_str())
        }
        Shortage::Address(address) => {
            format!("task needs the address {address}, which this host cannot give")
        }
        Shortage::Turn => "task waits for its turn".to_owned(),
    };
    Reason::new(ReasonCode::Unplaceable, detail)
}
