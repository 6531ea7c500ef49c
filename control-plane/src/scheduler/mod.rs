//! Which instance a task goes to. Pure: candidates in, a choice or the reasons against each out.
//!
//! Owns ECS's reason codes for failures and its placement constraints and strategies. Refuses to change anything.

mod expression;
mod strategy;

pub use expression::{Expression, ExpressionError};
pub use strategy::Strategy;

use crate::model::instance::{Instance, InstanceStatus};
use crate::model::resources::{Capacity, Demand};
use wharf_protocol::api;

/// An instance as the scheduler sees it.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// The instance.
    pub instance: &'a Instance,
    /// Whether its agent is connected.
    pub connected: bool,
    /// What is left of it.
    pub left: Capacity,
    /// Number of tasks of the same group on it.
    pub group_tasks: usize,
    /// Number of tasks on it.
    pub tasks: usize,
}

/// What a task asks of an instance.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Resources.
    pub demand: Demand,
    /// Attributes that must be there.
    pub attributes: Vec<api::Attribute>,
    /// At most one task of the group on an instance.
    pub distinct_instance: bool,
    /// Expressions that must hold.
    pub member_of: Vec<Expression>,
    /// Order of preference.
    pub strategies: Vec<Strategy>,
}

/// Why an instance cannot take a task, in ECS's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is draining or deregistered.
    Inactive,
    /// Its agent is not connected.
    Agent,
    /// It lacks a required attribute.
    Attribute,
    /// A placement constraint does not hold.
    MemberOf,
    /// The group has a task there already.
    DistinctInstance,
    /// Too little CPU.
    Cpu,
    /// Too little memory.
    Memory,
    /// A host port is taken.
    Ports,
    /// Too few graphics processors.
    Gpu,
    /// No free address, in any of the subnets.
    Eni,
}

impl Refused {
    /// The code in `failures[].reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "INACTIVE",
            Self::Agent => "AGENT",
            Self::Attribute => "ATTRIBUTE",
            Self::MemberOf => "MemberOf placement constraint unsatisfied.",
            Self::DistinctInstance => "DistinctInstance placement constraint unsatisfied.",
            Self::Cpu => "RESOURCE:CPU",
            Self::Memory => "RESOURCE:MEMORY",
            Self::Ports => "RESOURCE:PORTS",
            Self::Gpu => "RESOURCE:GPU",
            Self::Eni => "RESOURCE:ENI",
        }
    }
}

/// Whether the instance can take the task; the first reason against it counts.
pub fn admits(candidate: &Candidate<'_>, wish: &Wish) -> Result<(), Refused> {
    let Candidate { instance, left, .. } = candidate;
    if instance.status != InstanceStatus::Active {
        return Err(Refused::Inactive);
    }
    if !candidate.connected {
        return Err(Refused::Agent);
    }
    if !wish.attributes.iter().all(|attribute| has(instance, attribute)) {
        return Err(Refused::Attribute);
    }
    if !wish.member_of.iter().all(|expression| expression.holds(candidate)) {
        return Err(Refused::MemberOf);
    }
    if wish.distinct_instance && candidate.group_tasks > 0 {
        return Err(Refused::DistinctInstance);
    }
    let Demand { cpu, memory, ports, gpus } = &wish.demand;
    if *cpu > left.cpu {
        return Err(Refused::Cpu);
    }
    if *memory > left.memory {
        return Err(Refused::Memory);
    }
    if ports.collide(&left.reserved) {
        return Err(Refused::Ports);
    }
    if *gpus > 0 {
        return Err(Refused::Gpu); // instances do not offer any to this scheduler yet
    }
    Ok(())
}

/// The best instance by the wish's strategies; of equals, the one `pick` names (given how many there are).
pub fn choose<'a>(
    candidates: Vec<Candidate<'a>>,
    wish: &Wish,
    pick: impl FnOnce(usize) -> usize,
) -> Option<Candidate<'a>> {
    let mut best: Vec<_> =
        candidates.into_iter().filter(|candidate| admits(candidate, wish).is_ok()).collect();
    for strategy in &wish.strategies {
        best = strategy.narrow(best);
    }
    if best.is_empty() {
        return None;
    }
    let index = pick(best.len()) % best.len();
    Some(best.swap_remove(index))
}

/// A required attribute without a value only has to be there.
fn has(instance: &Instance, required: &api::Attribute) -> bool {
    let Some(name) = &required.name else { return true };
    match (instance.attributes.get(name), &required.value) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(value), Some(wanted)) => value.as_ref() == Some(wanted),
    }
}
