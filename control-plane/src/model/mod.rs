//! What the control plane knows: clusters, task definitions, instances, tasks, addresses; and what it wants to say to agents.
//!
//! Pure: no sockets, no clock, no store, no tokio. Time and random numbers come in with a [`turn::Turn`]; rows that changed and
//! messages that are due are taken out by the owner, which saves the first before it sends the second.

pub mod address;
pub mod agenda;
pub mod cluster;
pub mod credentials;
pub mod definition;
pub mod delivery;
pub mod error;
pub mod instance;
pub mod launch;
pub mod live;
pub mod resources;
pub mod session;
pub mod table;
pub mod tags;
pub mod task;
pub mod time;
pub mod turn;

use address::{AddressPool, Lease, Subnet, SubnetError};
use cluster::Cluster;
use definition::{Definition, Reference, Revision};
use error::EcsError;
use instance::{Instance, InstanceStatus};
use live::Live;
use resources::Capacity;
use std::time::Duration;
use table::{Change, Table};
use task::Task;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

/// Where this control plane stands and how patient it is.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Region in every ARN.
    pub region: String,
    /// Account in every ARN.
    pub account: String,
    /// How long an agent may take to attach an interface (spec 3.5, `waitTimeoutMs`).
    pub attach_timeout: Duration,
    /// How long a stopped task can be described.
    pub stopped_retention: Duration,
    /// Wait before an unacknowledged message is sent again; doubles each time.
    pub resend_first: Duration,
    /// The longest such wait.
    pub resend_longest: Duration,
    /// How long role credentials live; they are renewed at half of it.
    pub credentials_lifetime: Duration,
    /// Most tasks one RunTask call starts.
    pub most_tasks_per_call: i64,
    /// Resolvers that tasks with an address of their own are told.
    pub dns_servers: Vec<String>,
}

impl Policy {
    /// ECS's habits in this region and account.
    pub fn new(region: &str, account: &str) -> Self {
        Self {
            region: region.to_owned(),
            account: account.to_owned(),
            attach_timeout: Duration::from_secs(180),
            stopped_retention: Duration::from_secs(3600),
            resend_first: Duration::from_secs(5),
            resend_longest: Duration::from_secs(60),
            credentials_lifetime: Duration::from_secs(6 * 3600),
            most_tasks_per_call: 10,
            dns_servers: Vec::new(),
        }
    }
}

/// Every row, as the store has them.
#[derive(Debug, Default)]
pub struct Rows {
    /// Clusters.
    pub clusters: Vec<Cluster>,
    /// Task definitions.
    pub definitions: Vec<Definition>,
    /// Container instances.
    pub instances: Vec<Instance>,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Addresses that were lent at least once.
    pub leases: Vec<Lease>,
}

/// The one value that holds everything.
#[derive(Debug)]
pub struct Model {
    /// Names and patience.
    pub policy: Policy,
    /// Clusters by name.
    pub clusters: Table<Cluster>,
    /// Task definitions by family and revision.
    pub definitions: Table<Definition>,
    /// Container instances by ARN.
    pub instances: Table<Instance>,
    /// Tasks by ARN.
    pub tasks: Table<Task>,
    /// Subnets and leases.
    pub addresses: AddressPool,
    /// What is true only while the process lives: sessions, health, timers.
    pub live: Live,
}

impl Model {
    /// A model over saved rows; every task is looked at in the first turn.
    pub fn new(policy: Policy, subnets: Vec<Subnet>, rows: Rows) -> Result<Self, SubnetError> {
        let mut live = Live::default();
        for task in &rows.tasks {
            live.agenda.now(task.arn.clone());
            live.seen.insert(task.arn.clone(), task.status);
        }
        Ok(Self {
            policy,
            clusters: Table::loaded(rows.clusters),
            definitions: Table::loaded(rows.definitions),
            instances: Table::loaded(rows.instances),
            tasks: Table::loaded(rows.tasks),
            addresses: AddressPool::new(subnets, rows.leases)?,
            live,
        })
    }

    /// Takes out the rows that have to be written before anything of this turn is heard outside.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        self.clusters.take_changes(&mut changes);
        self.definitions.take_changes(&mut changes);
        self.instances.take_changes(&mut changes);
        self.tasks.take_changes(&mut changes);
        self.addresses.leases.take_changes(&mut changes);
        changes
    }

    /// An ARN of this region and account.
    pub fn arn(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.policy.region, self.policy.account)
    }

    /// The active cluster that a request names by name or ARN; `default` when it names none.
    pub fn cluster(&self, named: Option<&str>) -> Result<&Cluster, EcsError> {
        let name = cluster_name(named);
        let found = self.clusters.get(&name.to_owned()).filter(|cluster| cluster.active);
        found.ok_or(EcsError::ClusterNotFound)
    }

    /// The instance of the cluster that a request names by id or ARN.
    pub fn instance(&self, cluster: &str, named: &str) -> Option<&Instance> {
        let arn = ContainerInstanceArn::parse(named).or_else(|_| {
            let Policy { region, account, .. } = &self.policy;
            ContainerInstanceArn::build(region, account, &format!("{cluster}/{named}"))
        });
        self.instances.get(&arn.ok()?).filter(|instance| instance.cluster == cluster)
    }

    /// The task of the cluster that a request names by id or ARN.
    pub fn task(&self, cluster: &str, named: &str) -> Option<&Task> {
        let arn = TaskArn::parse(named).or_else(|_| {
            let Policy { region, account, .. } = &self.policy;
            TaskArn::build(region, account, &format!("{cluster}/{named}"))
        });
        self.tasks.get(&arn.ok()?).filter(|task| task.cluster == cluster)
    }

    /// The definition that a request names in any of the three forms.
    pub fn definition(&self, named: &str) -> Option<&Definition> {
        match Reference::parse(named)? {
            Reference::Exact(revision) => self.definitions.get(&revision),
            Reference::Latest(family) => self.family(&family).rfind(|definition| definition.is_active()),
        }
    }

    /// All revisions of a family, the oldest first.
    pub fn family(&self, family: &str) -> impl DoubleEndedIterator<Item = &Definition> + use<'_> {
        let revision = |number| Revision { family: family.to_owned(), number };
        self.definitions.between(revision(0), revision(u32::MAX))
    }

    /// The tasks of an instance that are not over.
    pub fn tasks_on(&self, instance: &ContainerInstanceArn) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |task| task.instance == *instance && !task.is_stopped())
    }

    /// What is left of an instance.
    pub fn remaining(&self, instance: &Instance) -> Capacity {
        instance.capacity.minus(self.tasks_on(&instance.arn).map(|task| &task.demand))
    }

    /// Instances of a cluster that are not deregistered.
    pub fn instances_of(&self, cluster: &str) -> impl Iterator<Item = &Instance> {
        let registered = |instance: &&Instance| instance.status != InstanceStatus::Inactive;
        self.instances.iter().filter(move |instance| instance.cluster == cluster).filter(registered)
    }

    /// Refuses an operation on an instance that is not there.
    pub fn missing_instance() -> EcsError {
        EcsError::invalid("Referenced container instance was not found.")
    }
}

/// The name in a cluster's ARN, or the text itself; `default` for none.
pub fn cluster_name(named: Option<&str>) -> &str {
    let named = named.filter(|text| !text.is_empty()).unwrap_or("default");
    named.rsplit_once(":cluster/").map_or(named, |(_, name)| name)
}
