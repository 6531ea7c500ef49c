//! Does what a plan says, step by step, and names the step that failed. Undoing is the caller's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;

use crate::fabric::Fabric;
use crate::failpoint::failpoint;
use crate::forwarding::{self, Family};
use crate::netlink::{NewPair, RequestError, RouteSocket};
use crate::netns;
use crate::nft::masquerade;
use crate::plan::{Pair, Plan, Step};

/// Why a plan could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The task's namespace went away or could not be entered.
    #[error(transparent)]
    Namespace(#[from] netns::RunError),
    /// Forwarding could not be switched on.
    #[error("cannot switch on forwarding of {family} (is /proc/sys read-only?)")]
    Forwarding {
        /// The family.
        family: Family,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel refused a step.
    #[error("cannot {step}")]
    Step {
        /// The step, as the plan prints it.
        step: String,
        /// What the kernel said.
        source: RequestError,
    },
    /// The nftables table could not be changed.
    #[error("cannot masquerade in nftables table {table}")]
    Masquerade {
        /// The table's name.
        table: String,
        /// What the kernel said.
        source: RequestError,
    },
}

/// Makes room and the pair, on the calling thread's namespace. The last step makes all or nothing, so a failure leaves nothing new.
pub(crate) fn make(plan: &Plan) -> Result<(), ApplyError> {
    for &family in &plan.forward {
        forwarding::switch_on(family).map_err(|source| ApplyError::Forwarding { family, source })?;
    }
    let mut host = RouteSocket::open().map_err(at("open a netlink socket on the host"))?;
    if let Some(name) = &plan.remove {
        host.delete_link(name).map_err(at(format!("remove {name}")))?;
    }
    plan.create.as_ref().map_or(Ok(()), |pair| create(&mut host, pair))
}

/// Sets everything on both ends of the pair, which is there.
pub(crate) fn configure(fabric: &Fabric, plan: &Plan, namespace: &Path) -> Result<(), ApplyError> {
    netns::run(namespace, || {
        let mut task = RouteSocket::open().map_err(at("open a netlink socket in the task's namespace"))?;
        set_all(&mut task, &plan.task)
    })??;
    failpoint!("network.task-end-set");
    let mut host = RouteSocket::open().map_err(at("open a netlink socket on the host"))?;
    set_all(&mut host, &plan.host)?;
    failpoint!("network.host-end-set");
    let Some(wanted) = &plan.masquerade else { return Ok(()) };
    masquerade::hold(fabric, &wanted.interface, &wanted.addresses)
        .map_err(|source| ApplyError::Masquerade { table: fabric.table.clone(), source })
}

fn create(host: &mut RouteSocket, pair: &Pair) -> Result<(), ApplyError> {
    let path = &pair.namespace;
    let open = |source| netns::RunError::Open { path: path.clone(), source };
    let namespace = File::open(path).map_err(open)?;
    let new = NewPair {
        host: &pair.host,
        host_mac: pair.host_mac,
        task: &pair.task,
        task_mac: pair.task_mac,
        mtu: pair.mtu,
        namespace: namespace.as_fd(),
    };
    host.create_pair(&new).map_err(at(format!("make {pair}")))
}

fn set_all(routes: &mut RouteSocket, steps: &[Step]) -> Result<(), ApplyError> {
    let mut links = BTreeMap::new();
    steps.iter().try_for_each(|step| set(routes, &mut links, step).map_err(at(step)))
}

fn set(routes: &mut RouteSocket, links: &mut BTreeMap<String, u32>, step: &Step) -> Result<(), RequestError> {
    match step {
        Step::Bare { link } => {
            let index = index(routes, links, link)?;
            routes.refuse_automatic_addresses(index)
        }
        Step::Up { link } => {
            let index = index(routes, links, link)?;
            routes.set_up(index)
        }
        Step::Address { link, address, reach } => {
            let index = index(routes, links, link)?;
            routes.set_address(index, *address, *reach)
        }
        Step::Neighbour { link, address, mac } => {
            let index = index(routes, links, link)?;
            routes.set_neighbour(index, *address, *mac)
        }
        Step::Route { link, destination } => {
            let index = index(routes, links, link)?;
            routes.set_route(index, Some(*destination), None)
        }
        Step::DefaultRoute { link, gateway } => {
            let index = index(routes, links, link)?;
            routes.set_route(index, None, Some(*gateway))
        }
    }
}

/// The index of the link called `name`, asked for once.
fn index(
    routes: &mut RouteSocket,
    links: &mut BTreeMap<String, u32>,
    name: &str,
) -> Result<u32, RequestError> {
    if let Some(&index) = links.get(name) {
        return Ok(index);
    }
    let missing =
        || RequestError::Refused { errno: Errno::ENODEV, explanation: Some(format!("no link {name}")) };
    let index = routes.link(name)?.ok_or_else(missing)?.index;
    links.insert(name.to_owned(), index);
    Ok(index)
}

fn at(step: impl ToString) -> impl FnOnce(RequestError) -> ApplyError {
    move |source| ApplyError::Step { step: step.to_string(), source }
}
