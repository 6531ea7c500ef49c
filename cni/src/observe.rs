//! What the kernel holds before an ADD or a CHECK, as plain values for the plan. Reading only.

use std::net::IpAddr;

use crate::fabric::{Attachment, Fabric};
use crate::forwarding::{self, Family};
use crate::netlink::{Link, RequestError, Route, RouteSocket, family, width};
use crate::netns;

/// What matters of the world for one attachment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    /// The host's end, by its name.
    pub host: Option<Link>,
    /// The link that has the task interface's name inside the namespace.
    pub task: Option<Link>,
    /// The addresses on that link, without automatic link-local ones.
    pub task_addresses: Vec<IpAddr>,
    /// Wanted addresses, gateways among them, that belong to someone else on this host.
    pub claims: Vec<Claim>,
    /// Wanted gateways that the host itself uses as next hops.
    pub next_hops: Vec<IpAddr>,
    /// Families in use that the host does not forward.
    pub not_forwarded: Vec<Family>,
}

/// A wanted address that someone else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub address: IpAddr,
    pub holder: Holder,
}

/// Who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The host: the address is on one of its interfaces.
    Host,
    /// Whoever is behind this interface.
    Behind { interface: String },
}

/// Why the world could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// The task's namespace could not be entered.
    #[error(transparent)]
    Namespace(#[from] netns::RunError),
    /// The kernel did not tell about the task's namespace.
    #[error("cannot read the interfaces of the task's namespace")]
    Task(#[source] RequestError),
    /// The kernel did not tell about the host.
    #[error("cannot read the host's interfaces and routes")]
    Host(#[source] RequestError),
}

/// Reads both sides.
pub(crate) fn observe(fabric: &Fabric, attachment: &Attachment) -> Result<Observed, ObserveError> {
    let task = netns::run(&attachment.namespace, || read_task(&attachment.interface))?;
    let (task, task_addresses) = task.map_err(ObserveError::Task)?;
    let host = read_host(fabric, attachment).map_err(ObserveError::Host)?;
    Ok(Observed { task, task_addresses, ..host })
}

fn read_task(interface: &str) -> Result<(Option<Link>, Vec<IpAddr>), RequestError> {
    let mut routes = RouteSocket::open()?;
    let Some(link) = routes.link(interface)? else { return Ok((None, Vec::new())) };
    let mut addresses: Vec<IpAddr> =
        routes.addresses(link.index)?.into_iter().map(|(address, _)| address).collect();
    addresses.retain(|address| !is_link_local6(*address));
    Ok((Some(link), addresses))
}

fn read_host(fabric: &Fabric, attachment: &Attachment) -> Result<Observed, RequestError> {
    let mut routes = RouteSocket::open()?;
    let host = routes.link(&fabric.host_interface(&attachment.id))?;
    let own = host.as_ref().map(|link| link.index);
    let mut observed = Observed { host, ..Observed::default() };
    for gateway in attachment.gateways() {
        let table = routes.routes(family(gateway))?;
        if !is_link_local6(gateway) && table.iter().any(|route| route.gateways.contains(&gateway)) {
            observed.next_hops.push(gateway);
        }
        // That the host has the gateway's address is meant; that someone else has it is not.
        let ours = |address: &&IpAddr| address.is_ipv4() == gateway.is_ipv4();
        let wanted = attachment.addresses.iter().filter(ours).map(|&address| (address, true));
        for (address, not_the_hosts) in wanted.chain([(gateway, false)]) {
            let taken = |route: &&Route| claims(route, address, own) && (not_the_hosts || !route.local);
            if let Some(route) = table.iter().find(taken) {
                observed.claims.push(Claim { address, holder: holder(&mut routes, route)? });
            }
        }
        let family = Family::of(gateway);
        if !forwarding::is_on(family) {
            observed.not_forwarded.push(family);
        }
    }
    Ok(observed)
}

/// Whether a route is exactly for `address` and not our own.
fn claims(route: &Route, address: IpAddr, own: Option<u32>) -> bool {
    let exact = route.destination == Some(address) && route.prefix == width(address);
    exact && (route.local || route.link.is_none() || route.link != own)
}

fn holder(routes: &mut RouteSocket, route: &Route) -> Result<Holder, RequestError> {
    if route.local {
        return Ok(Holder::Host);
    }
    let index = route.link.unwrap_or_default();
    let link = routes.links()?.into_iter().find(|link| link.index == index);
    let interface = link.map_or_else(|| format!("number {index}"), |link| link.name);
    Ok(Holder::Behind { interface })
}

fn is_link_local6(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}
