//! From a launch request to tasks: everything between "run this" and a row per task.

use super::Model;
use super::address::{Subnet, mac_of};
use super::definition::{Definition, demand, with_overrides};
use super::error::EcsError;
use super::instance::Instance;
use super::task::{AttachmentStatus, Container, Grant, Interface, LastStatus, Launch, Moments, Task};
use super::turn::Turn;
use crate::scheduler::{self, Candidate, Refused, Wish};
use wharf_protocol::api;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

/// A checked launch: what to run and on what terms.
#[derive(Debug)]
pub struct Order {
    /// Name of the cluster.
    pub cluster: String,
    /// What to run.
    pub definition: Definition,
    /// The definition with the overrides laid over it.
    pub effective: api::TaskDefinition,
    /// What the caller gave along.
    pub launch: Launch,
    /// Subnets to take an address from; empty unless the network mode is awsvpc.
    pub subnets: Vec<String>,
    /// What it asks of an instance.
    pub wish: Wish,
}

impl Order {
    /// Checks that the definition can be launched this way.
    pub fn new(
        model: &Model,
        cluster: &str,
        named: Option<&str>,
        network: Option<&api::NetworkConfiguration>,
        launch: Launch,
    ) -> Result<Self, EcsError> {
        let named = named.filter(|text| !text.is_empty());
        let named = named.ok_or_else(|| EcsError::client("taskDefinition can not be blank."))?;
        let definition =
            model.definition(named).ok_or_else(|| EcsError::client("TaskDefinition not found."))?;
        if !definition.is_active() {
            return Err(EcsError::client("TaskDefinition is inactive"));
        }
        let effective = with_overrides(&definition.document, &launch.overrides)?;
        let subnets = subnets(model, &effective, network)?;
        let wish = Wish {
            demand: demand(&effective),
            attributes: effective.requires_attributes.clone(),
            ..Wish::default()
        };
        Ok(Self {
            cluster: cluster.to_owned(),
            definition: definition.clone(),
            effective,
            launch,
            subnets,
            wish,
        })
    }

    fn needs_address(&self) -> bool {
        !self.subnets.is_empty()
    }
}

/// The subnets of an awsvpc launch; refuses a launch that names none, or an unknown one, or should not name any.
fn subnets(
    model: &Model,
    document: &api::TaskDefinition,
    network: Option<&api::NetworkConfiguration>,
) -> Result<Vec<String>, EcsError> {
    let given = network.and_then(|network| network.awsvpc_configuration.as_ref());
    match (document.network_mode.as_deref() == Some("awsvpc"), given) {
        (false, None) => Ok(Vec::new()),
        (false, Some(_)) => Err(EcsError::invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        )),
        (true, None) => Err(EcsError::invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        )),
        (true, Some(given)) if given.subnets.is_empty() => {
            Err(EcsError::invalid("subnets can not be empty."))
        }
        (true, Some(given)) if given.assign_public_ip.as_deref() == Some("ENABLED") => {
            Err(EcsError::invalid("Assign public IP is not supported for this launch type."))
        }
        (true, Some(given)) => match given.subnets.iter().find(|id| model.addresses.subnet(id).is_none()) {
            Some(unknown) => Err(EcsError::invalid(format!(
                "Error retrieving subnet information for [{unknown}]: The subnet ID '{unknown}' does not exist \
                 (ErrorCode: InvalidSubnetID.NotFound)"
            ))),
            None => Ok(given.subnets.clone()),
        },
    }
}

/// Reasons against the instances, as a response lists them.
pub type Failures = Vec<api::Failure>;

/// One failure entry.
pub fn failure(arn: &str, reason: &str) -> api::Failure {
    api::Failure { arn: Some(arn.to_owned()), reason: Some(reason.to_owned()), detail: None }
}

impl Model {
    /// Launches one task where the scheduler likes it best.
    pub fn launch_anywhere(&mut self, order: &Order, turn: &mut Turn) -> Result<TaskArn, Failures> {
        let candidates = self.candidates(order);
        if order.needs_address() && !self.has_address(order) {
            return Err(refusals(&candidates, order, Some(Refused::Eni)));
        }
        let chosen = scheduler::choose(candidates.clone(), &order.wish, |count| turn.below(count));
        match chosen.map(|candidate| candidate.instance.arn.clone()) {
            Some(instance) => Ok(self.create(order, instance, turn)),
            None => Err(refusals(&candidates, order, None)),
        }
    }

    /// Launches one task on the named instance.
    pub fn launch_on(&mut self, order: &Order, named: &str, turn: &mut Turn) -> Result<TaskArn, Failures> {
        let Some(instance) = self.instance(&order.cluster, named) else {
            let path = format!("container-instance/{}/{named}", order.cluster);
            let arn = if named.starts_with("arn:") { named.to_owned() } else { self.arn(&path) };
            return Err(vec![failure(&arn, "MISSING")]);
        };
        let candidate = self.candidate(instance, &order.launch.group);
        let fits = scheduler::admits(&candidate, &order.wish);
        let fits = fits.and(if order.needs_address() && !self.has_address(order) {
            Err(Refused::Eni)
        } else {
            Ok(())
        });
        let arn = instance.arn.clone();
        match fits {
            Ok(()) => Ok(self.create(order, arn, turn)),
            Err(refused) => Err(vec![failure(arn.as_str(), refused.as_str())]),
        }
    }

    fn candidates<'a>(&'a self, order: &Order) -> Vec<Candidate<'a>> {
        let group = &order.launch.group;
        self.instances_of(&order.cluster).map(|instance| self.candidate(instance, group)).collect()
    }

    fn candidate<'a>(&'a self, instance: &'a Instance, group: &str) -> Candidate<'a> {
        Candidate {
            instance,
            connected: self.live.is_connected(&instance.arn),
            left: self.remaining(instance),
            group_tasks: self.tasks_on(&instance.arn).filter(|task| task.launch.group == group).count(),
            tasks: self.tasks_on(&instance.arn).count(),
        }
    }

    fn has_address(&self, order: &Order) -> bool {
        let subnets = order.subnets.iter().filter_map(|id| self.addresses.subnet(id));
        subnets.map(|subnet| self.addresses.free(subnet)).any(|free| free > 0)
    }

    /// Makes the task's row. Room and an address were found in this same turn, so nothing can fail any more.
    fn create(&mut self, order: &Order, instance: ContainerInstanceArn, turn: &mut Turn) -> TaskArn {
        let id = turn.id();
        let path = format!("{}/{id}", order.cluster);
        let arn = TaskArn::build(&self.policy.region, &self.policy.account, &path)
            .expect("cluster names are checked when clusters are made, and ids are hexadecimal");
        let interface = self.interface(order, &id, turn);
        let containers = order.effective.container_definitions.iter().map(|definition| {
            let name = definition.name.clone().unwrap_or_default();
            Container::new(name, self.arn(&format!("container/{path}/{}", turn.uuid())))
        });
        let containers = containers.collect();
        self.tasks.put(Task {
            arn: arn.clone(),
            cluster: order.cluster.clone(),
            definition: order.definition.revision.clone(),
            instance,
            launch: order.launch.clone(),
            demand: order.wish.demand.clone(),
            status: if interface.is_some() { LastStatus::Provisioning } else { LastStatus::Pending },
            stop: None,
            handed_over: false,
            containers,
            interface,
            task_role: Grant::of(order.effective.task_role_arn.as_deref(), turn),
            execution_role: Grant::of(order.effective.execution_role_arn.as_deref(), turn),
            moments: Moments {
                created: turn.now,
                pull_started: None,
                pull_stopped: None,
                started: None,
                execution_stopped: None,
                stopped: None,
            },
            version: 1,
        });
        arn
    }

    /// Lends an address from the named subnet that has most left.
    fn interface(&mut self, order: &Order, task: &str, turn: &mut Turn) -> Option<Interface> {
        let named = order.subnets.iter().filter_map(|id| self.addresses.subnet(id));
        let subnet: Subnet = named.max_by_key(|subnet| self.addresses.free(subnet))?.clone();
        let address = self.addresses.lend(&subnet.id, task)?;
        Some(Interface {
            attachment: turn.uuid(),
            status: AttachmentStatus::Precreated,
            deadline: None,
            gateway: subnet.gateway(),
            prefix_len: subnet.network.prefix_len(),
            subnet: subnet.id,
            eni: format!("eni-{}", turn.short_id(17)),
            mac: mac_of(address),
            address,
        })
    }
}

fn refusals(candidates: &[Candidate<'_>], order: &Order, otherwise: Option<Refused>) -> Failures {
    let reason = |candidate: &Candidate<'_>| scheduler::admits(candidate, &order.wish).err().or(otherwise);
    let failures = candidates.iter().filter_map(|candidate| {
        reason(candidate).map(|refused| failure(candidate.instance.arn.as_str(), refused.as_str()))
    });
    failures.collect()
}
