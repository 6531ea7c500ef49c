//! Subnets and the addresses in them.
//!
//! Owns which address is lent to which task, for good: a lease outlives the process. Refuses overlapping subnets, so an address
//! (and the MAC made from it) names one interface in the whole installation.

use super::table::{Record, Table};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// Why a subnet cannot be configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    /// The text is not `<id>=<ipv4 network>`.
    #[error("{text:?} is not a subnet: write <id>=<network>, for example subnet-1=10.99.0.0/24")]
    Malformed {
        /// The text that was given.
        text: String,
    },
    /// The network has no room for a gateway and a task.
    #[error("subnet {id} is too small: a network of /30 or wider holds a gateway and a task")]
    TooSmall {
        /// The subnet's name.
        id: String,
    },
    /// Two subnets share addresses or a name.
    #[error("subnets {first} and {second} overlap or bear the same name")]
    Overlap {
        /// The one that was configured first.
        first: String,
        /// The one that collides with it.
        second: String,
    },
}

/// A named network from which tasks get their addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// The name that `awsvpcConfiguration.subnets` uses.
    pub id: String,
    /// The network; its first host address is the gateway.
    pub network: Ipv4Net,
}

impl Subnet {
    /// Reads `<id>=<network>`.
    pub fn parse(text: &str) -> Result<Self, SubnetError> {
        let malformed = || SubnetError::Malformed { text: text.to_owned() };
        let (id, network) = text.split_once('=').ok_or_else(malformed)?;
        let network: Ipv4Net = network.parse().map_err(|_| malformed())?;
        if id.is_empty() || id.contains(char::is_whitespace) {
            return Err(malformed());
        }
        if network.prefix_len() > 30 {
            return Err(SubnetError::TooSmall { id: id.to_owned() });
        }
        Ok(Self { id: id.to_owned(), network: network.trunc() })
    }

    /// The address that routes for the subnet: the first host address.
    pub fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.network.network()) + 1)
    }

    fn first(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.gateway()) + 1)
    }
}

/// Whether an address is lent, and if not, when it came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holding {
    /// Lent to the task of this id.
    Lent {
        /// The task's id.
        task: String,
    },
    /// Given back; a lower number was given back longer ago.
    Returned {
        /// Position in the order of returns.
        order: u64,
    },
}

/// One address that was lent at least once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    address: Ipv4Addr,
    holding: Holding,
}

impl Record for Lease {
    const TABLE: &'static str = "lease";
    type Key = Ipv4Addr;
    fn key(&self) -> Ipv4Addr {
        self.address
    }
}

/// All subnets and what is lent from them.
#[derive(Debug)]
pub struct AddressPool {
    subnets: Vec<Subnet>,
    pub(super) leases: Table<Lease>,
    returns: u64,
}

impl AddressPool {
    /// A pool over disjoint subnets that remembers earlier leases.
    pub fn new(subnets: Vec<Subnet>, leases: Vec<Lease>) -> Result<Self, SubnetError> {
        for (n, second) in subnets.iter().enumerate() {
            let collides = |first: &&Subnet| {
                let [a, b] = [first.network, second.network];
                first.id == second.id || a.contains(&b) || b.contains(&a)
            };
            if let Some(first) = subnets[..n].iter().find(collides) {
                return Err(SubnetError::Overlap { first: first.id.clone(), second: second.id.clone() });
            }
        }
        let order = |lease: &Lease| match lease.holding {
            Holding::Returned { order } => order,
            Holding::Lent { .. } => 0,
        };
        let returns = leases.iter().map(order).max().unwrap_or(0);
        Ok(Self { subnets, leases: Table::loaded(leases), returns })
    }

    /// The configured subnets.
    pub fn subnets(&self) -> &[Subnet] {
        &self.subnets
    }

    /// The subnet of that name.
    pub fn subnet(&self, id: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.id == id)
    }

    /// Lends an address of the subnet: one never used before, else the one that came back longest ago. `None` when all are lent.
    ///
    /// The order matters: the kernel and other hosts remember an address (ARP, conntrack) for a while after its task is gone.
    pub fn lend(&mut self, subnet: &str, task: &str) -> Option<Ipv4Addr> {
        let subnet = self.subnet(subnet)?.clone();
        let address = self.unused(&subnet).or_else(|| self.longest_returned(&subnet))?;
        self.leases.put(Lease { address, holding: Holding::Lent { task: task.to_owned() } });
        Some(address)
    }

    /// Takes back what the task holds; nothing when it holds nothing.
    pub fn give_back(&mut self, address: Ipv4Addr, task: &str) {
        let lent_to_it =
            |lease: &Lease| matches!(&lease.holding, Holding::Lent { task: holder } if holder == task);
        if self.leases.get(&address).is_some_and(lent_to_it) {
            self.returns += 1;
            self.leases.put(Lease { address, holding: Holding::Returned { order: self.returns } });
        }
    }

    /// How many addresses of the subnet can still be lent.
    pub fn free(&self, subnet: &Subnet) -> usize {
        let hosts = 2usize.pow(u32::from(32 - subnet.network.prefix_len())) - 3;
        let lent = self.used(subnet).filter(|lease| matches!(lease.holding, Holding::Lent { .. })).count();
        hosts.saturating_sub(lent)
    }

    fn used(&self, subnet: &Subnet) -> impl DoubleEndedIterator<Item = &Lease> {
        self.leases.between(subnet.first(), subnet.network.broadcast())
    }

    /// Addresses are first lent in ascending order, so the unused ones follow the highest used one.
    fn unused(&self, subnet: &Subnet) -> Option<Ipv4Addr> {
        let highest = self.used(subnet).map(|lease| lease.address).next_back();
        let next = highest.map_or(subnet.first(), |address| Ipv4Addr::from(u32::from(address) + 1));
        (next < subnet.network.broadcast()).then_some(next)
    }

    fn longest_returned(&self, subnet: &Subnet) -> Option<Ipv4Addr> {
        let returned = self.used(subnet).filter_map(|lease| match lease.holding {
            Holding::Returned { order } => Some((order, lease.address)),
            Holding::Lent { .. } => None,
        });
        returned.min().map(|(_, address)| address)
    }
}

/// The MAC of the interface that has this address: locally administered, unicast, unique because the address is.
pub fn mac_of(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("0a:58:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

impl std::str::FromStr for Subnet {
    type Err = SubnetError;
    fn from_str(text: &str) -> Result<Self, SubnetError> {
        Self::parse(text)
    }
}
