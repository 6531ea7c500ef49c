//! Decides, from a wish and the observed world, what has to be done; touches nothing.
//!
//! A [`Plan`] prints as one line per change, which is what `--dry-run` shows.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use crate::fabric::{Attachment, Fabric, Mac};
pub use crate::forwarding::Family;
pub use crate::netlink::Reach;
use crate::observe::{Holder, Observed};

/// All that has to be done to connect a task, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The families whose forwarding has to be switched on.
    pub forward: Vec<Family>,
    /// A host interface of the same name that cannot be used and has to go first.
    pub remove: Option<String>,
    /// The pair to make; absent where the right one is there.
    pub create: Option<Pair>,
    /// What is set inside the task's namespace.
    pub task: Vec<Step>,
    /// What is set on the host.
    pub host: Vec<Step>,
    /// The addresses to masquerade, and the host interface they are noted under.
    pub masquerade: Option<Masquerade>,
}

/// A veth pair to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name of the host's end.
    pub host: String,
    /// Its hardware address.
    pub host_mac: Mac,
    /// The name of the task's end.
    pub task: String,
    /// Its hardware address.
    pub task_mac: Mac,
    /// The MTU of both in bytes, where not the kernel's default.
    pub mtu: Option<u32>,
    /// Where the task's end appears.
    pub namespace: PathBuf,
}

/// Addresses whose packets are masqueraded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masquerade {
    /// The host's end of the task's pair.
    pub interface: String,
    /// The task's IPv4 addresses.
    pub addresses: Vec<Ipv4Addr>,
}

/// One setting on one side; each can be done again without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The kernel gives the link no IPv6 address of its own accord: the host's ends are many, and nobody would use theirs.
    Bare {
        /// The link's name.
        link: String,
    },
    /// The link is set up.
    Up {
        /// The link's name.
        link: String,
    },
    /// The link carries the address, alone in its prefix.
    Address {
        /// The link's name.
        link: String,
        /// The address.
        address: IpAddr,
        /// Where the address is meant to be seen.
        reach: Reach,
    },
    /// The hardware address of a neighbour is fixed.
    Neighbour {
        /// The link's name.
        link: String,
        /// The neighbour.
        address: IpAddr,
        /// Its hardware address.
        mac: Mac,
    },
    /// One address is behind the link.
    Route {
        /// The link's name.
        link: String,
        /// The address.
        destination: IpAddr,
    },
    /// Everything else of the gateway's family is behind the gateway.
    DefaultRoute {
        /// The link's name.
        link: String,
        /// The gateway.
        gateway: IpAddr,
    },
}

/// Why a wish does not fit the world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The host has the address itself.
    #[error("address {address} is the host's own")]
    AddressIsHosts {
        /// The address.
        address: IpAddr,
    },
    /// Another task, or someone else, has the address, which may be the gateway's.
    #[error(
        "address {address} is in use behind interface {interface}; delete that task's network or sweep first"
    )]
    AddressTaken {
        /// The address.
        address: IpAddr,
        /// The interface it is behind.
        interface: String,
    },
    /// Taking the gateway's address would cut the host off.
    #[error("gateway {gateway} is a next hop of this host; give the task's network a gateway of its own")]
    GatewayIsNextHop {
        /// The gateway.
        gateway: IpAddr,
    },
    /// The namespace has an interface of that name from elsewhere.
    #[error("namespace {} has an interface {interface} that is not ours", namespace.display())]
    InterfaceTaken {
        /// The interface.
        interface: String,
        /// The namespace's path.
        namespace: PathBuf,
    },
}

/// Plans the connection of a task.
pub(crate) fn plan(fabric: &Fabric, attachment: &Attachment, observed: &Observed) -> Result<Plan, PlanError> {
    refuse_conflicts(attachment, observed)?;
    let host = fabric.host_interface(&attachment.id);
    let keep = reusable(fabric, attachment, observed);
    let pair = Pair {
        host: host.clone(),
        host_mac: attachment.host_mac(),
        task: attachment.interface.clone(),
        task_mac: attachment.task_mac(),
        mtu: fabric.mtu,
        namespace: attachment.namespace.clone(),
    };
    Ok(Plan {
        forward: observed.not_forwarded.clone(),
        remove: observed.host.as_ref().filter(|_| !keep).map(|link| link.name.clone()),
        create: (!keep).then_some(pair),
        task: task_steps(attachment),
        host: host_steps(&host, attachment),
        masquerade: masquerade(fabric, host, attachment),
    })
}

fn refuse_conflicts(attachment: &Attachment, observed: &Observed) -> Result<(), PlanError> {
    if let Some(claim) = observed.claims.first() {
        let address = claim.address;
        return Err(match &claim.holder {
            Holder::Host => PlanError::AddressIsHosts { address },
            Holder::Behind { interface } => PlanError::AddressTaken { address, interface: interface.clone() },
        });
    }
    if let Some(&gateway) = observed.next_hops.first() {
        return Err(PlanError::GatewayIsNextHop { gateway });
    }
    if observed.task.is_some() && !paired(observed) {
        return Err(PlanError::InterfaceTaken {
            interface: attachment.interface.clone(),
            namespace: attachment.namespace.clone(),
        });
    }
    Ok(())
}

/// Whether the host's link and the task's link are the two ends of one pair.
pub(crate) fn paired(observed: &Observed) -> bool {
    match (&observed.host, &observed.task) {
        (Some(host), Some(task)) => {
            host.veth && task.veth && host.peer == Some(task.index) && task.peer == Some(host.index)
        }
        _ => false,
    }
}

/// Whether the pair that is there is the one that would be made, so that a running task keeps it.
fn reusable(fabric: &Fabric, attachment: &Attachment, observed: &Observed) -> bool {
    let (Some(host), Some(task)) = (&observed.host, &observed.task) else { return false };
    let macs = host.mac == Some(attachment.host_mac()) && task.mac == Some(attachment.task_mac());
    let mtu = fabric.mtu.is_none_or(|mtu| host.mtu == Some(mtu) && task.mtu == Some(mtu));
    let addresses = observed.task_addresses.iter().all(|address| attachment.addresses.contains(address));
    paired(observed) && macs && mtu && addresses
}

fn task_steps(attachment: &Attachment) -> Vec<Step> {
    let link = &attachment.interface;
    let mut steps = vec![Step::Up { link: "lo".into() }, Step::Up { link: link.clone() }];
    for &address in &attachment.addresses {
        steps.push(Step::Address { link: link.clone(), address, reach: Reach::Global });
    }
    for gateway in attachment.gateways() {
        steps.push(Step::Neighbour { link: link.clone(), address: gateway, mac: attachment.host_mac() });
        steps.push(Step::Route { link: link.clone(), destination: gateway });
        steps.push(Step::DefaultRoute { link: link.clone(), gateway });
    }
    steps
}

fn host_steps(host: &str, attachment: &Attachment) -> Vec<Step> {
    let link = || host.to_owned();
    let mut steps = vec![Step::Bare { link: link() }, Step::Up { link: link() }];
    for address in attachment.gateways() {
        steps.push(Step::Address { link: link(), address, reach: Reach::Link });
    }
    for &address in &attachment.addresses {
        steps.push(Step::Neighbour { link: link(), address, mac: attachment.task_mac() });
        steps.push(Step::Route { link: link(), destination: address });
    }
    steps
}

fn masquerade(fabric: &Fabric, interface: String, attachment: &Attachment) -> Option<Masquerade> {
    let v4 = |address: &IpAddr| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    };
    let addresses: Vec<Ipv4Addr> = attachment.addresses.iter().filter_map(v4).collect();
    (fabric.masquerade && !addresses.is_empty()).then_some(Masquerade { interface, addresses })
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for family in &self.forward {
            writeln!(f, "host: switch on forwarding of {family}")?;
        }
        if let Some(name) = &self.remove {
            writeln!(f, "host: remove {name}, which does not fit")?;
        }
        if let Some(pair) = &self.create {
            writeln!(f, "host: make {pair}")?;
        }
        for step in &self.task {
            writeln!(f, "task: {step}")?;
        }
        for step in &self.host {
            writeln!(f, "host: {step}")?;
        }
        if let Some(Masquerade { interface, addresses }) = &self.masquerade {
            let list: Vec<String> = addresses.iter().map(Ipv4Addr::to_string).collect();
            writeln!(f, "host: masquerade {} for {interface}", list.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, host_mac, task, task_mac, mtu, namespace } = self;
        write!(f, "{host} ({host_mac}) with peer {task} ({task_mac}) in {}", namespace.display())?;
        mtu.map_or(Ok(()), |mtu| write!(f, ", mtu {mtu}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare { link } => write!(f, "no automatic addresses on {link}"),
            Self::Up { link } => write!(f, "set {link} up"),
            Self::Address { link, address, reach: Reach::Global } => write!(f, "address {address} on {link}"),
            Self::Address { link, address, reach: Reach::Link } => {
                write!(f, "address {address} on {link}, for that link only")
            }
            Self::Address { link, address, reach: Reach::Host } => {
                write!(f, "address {address} on {link}, for this namespace only")
            }
            Self::Neighbour { link, address, mac } => write!(f, "neighbour {address} is {mac} on {link}"),
            Self::Route { link, destination } => write!(f, "route {destination} by {link}"),
            Self::DefaultRoute { link, gateway } => write!(f, "route everything else by {gateway} on {link}"),
        }
    }
}

#[cfg(test)]
mod tests;
