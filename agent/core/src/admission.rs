//! Who gets the host's resources: first come, first served. Source: features 7.9.
//!
//! A task whose resources are not free waits, and everything behind it waits too; what can never fit is refused at once.
//! Tasks hold their resources from admission until no process of theirs is left.

use crate::config::HostResources;
use crate::event::Desired;
use crate::reason::{Reason, ReasonCode};
use crate::spec::{ContainerSpec, Network, Protocol, TaskSpec};
use crate::task::{Stage, Task};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Its turn: an earlier task waits.
    Turn,
}

/// What a task takes of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Need {
    cpu: u64,
    memory: u64,
    ports: BTreeSet<(Protocol, u16)>,
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
        }
    }

    fn add(&mut self, other: &Self) {
        self.cpu += other.cpu;
        self.memory += other.memory;
        self.ports.extend(&other.ports);
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
        self.ports.iter().find(taken_port).map(|(protocol, port)| Shortage::Port(*protocol, *port))
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
    for task in tasks.values().filter(|task| holds(task)) {
        taken.add(&Need::of(&task.spec));
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

/// Whether the task holds host resources.
fn holds(task: &Task) -> bool {
    matches!(task.stage, Stage::Admitted { .. })
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
            let protocol = match protocol {
                Protocol::Tcp => "tcp",
                Protocol::Udp => "udp",
            };
            format!("task needs host port {port}/{protocol}, which is reserved on this host")
        }
        Shortage::Turn => "task waits for its turn".to_owned(),
    };
    Reason::new(ReasonCode::Unplaceable, detail)
}
