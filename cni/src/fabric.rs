//! The words of a network: the host's [`Fabric`], one task's [`Attachment`], and the names and hardware addresses derived from a task id.
//!
//! Names are derived, never random, so that an effect done twice is done once and anything of ours can be told by its name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The longest name the kernel gives an interface, in bytes.
const MAX_NAME: usize = 15;
/// Hex digits of the id's hash in a host interface's name, fewer where the prefix leaves less room.
const NAME_DIGITS: usize = 12;
/// The longest prefix; it leaves 32 bits of the hash, so that two of a thousand tasks share a name once in ten thousand hosts.
const MAX_PREFIX: usize = 7;
/// The gateway where none is given: link-local, so it collides with no network of the operator's.
const DEFAULT_GATEWAY4: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);
const DEFAULT_GATEWAY6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// How tasks are connected on this host.
///
/// Several fabrics live on one host when neither prefix nor table is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fabric {
    /// The first letters of every host interface, one to seven ASCII letters or digits.
    pub interface_prefix: String,
    /// The name of the nftables table (family `ip`) that masquerades.
    pub table: String,
    /// Whether IPv4 packets that leave for an interface that is not ours take the host's address.
    ///
    /// IPv6 is never masqueraded: a task's IPv6 address is meant to be reachable.
    pub masquerade: bool,
    /// The MTU in bytes of both ends of each pair; the kernel's default (1500) where absent.
    pub mtu: Option<u32>,
}

impl Default for Fabric {
    fn default() -> Self {
        Self { interface_prefix: "wh".into(), table: "wharf".into(), masquerade: true, mtu: None }
    }
}

/// What one task wants: where, and with which addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The task's id; the host interface is named after it.
    pub id: String,
    /// The path of the task's pinned network namespace.
    pub namespace: PathBuf,
    /// The interface's name inside the namespace, such as `eth0`.
    pub interface: String,
    /// The hardware address of that interface; derived from the id where absent.
    pub mac: Option<[u8; 6]>,
    /// The task's addresses, at least one.
    pub addresses: Vec<IpAddr>,
    /// The IPv4 gateway, 169.254.1.1 where absent.
    pub gateway4: Option<Ipv4Addr>,
    /// The IPv6 gateway, fe80::1 where absent.
    pub gateway6: Option<Ipv6Addr>,
}

/// Why a [`Fabric`] or an [`Attachment`] cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// The prefix would not give an interface name.
    #[error("interface prefix {prefix:?} is not one to {MAX_PREFIX} ASCII letters or digits")]
    Prefix {
        /// The prefix as given.
        prefix: String,
    },
    /// The nftables table's name is empty, too long or has odd characters.
    #[error("nftables table name {table:?} is not 1 to 64 ASCII letters, digits, '-' or '_'")]
    Table {
        /// The name as given.
        table: String,
    },
    /// The task's interface name is not one the kernel takes.
    #[error("interface name {name:?} is not 1 to 15 bytes without spaces or slashes")]
    Interface {
        /// The name as given.
        name: String,
    },
    /// There is no address to give.
    #[error("attachment {id} has no address")]
    NoAddress {
        /// The task's id.
        id: String,
    },
    /// The address cannot belong to a task.
    #[error("address {address} cannot belong to a task: it is {why}")]
    Address {
        /// The address as given.
        address: IpAddr,
        /// What it is instead.
        why: &'static str,
    },
    /// The hardware address is a group address.
    #[error("hardware address {mac} is a group address")]
    Mac {
        /// The address as given.
        mac: Mac,
    },
}

/// A hardware address that reads and prints in the usual form, such as `02:00:5e:10:00:01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

/// The text is not six pairs of hex digits joined by colons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a hardware address such as 02:00:5e:10:00:01")]
pub struct MacError(String);

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let pair = |part: &str| (part.len() == 2).then(|| u8::from_str_radix(part, 16).ok()).flatten();
        let bytes: Option<Vec<u8>> = text.split(':').map(pair).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| MacError(text.to_owned()))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl Fabric {
    /// Returns the host interface of the task `id`: the prefix and the first hex digits of the id's SHA-256, 12 of them or as many as fit.
    pub fn host_interface(&self, id: &str) -> String {
        format!("{}{}", self.interface_prefix, &hex(&digest(id))[..self.digits()])
    }

    fn digits(&self) -> usize {
        NAME_DIGITS.min(MAX_NAME.saturating_sub(self.interface_prefix.len()))
    }

    /// Says whether `name` is a host interface of this fabric, for whatever task.
    pub fn owns(&self, name: &str) -> bool {
        name.strip_prefix(&self.interface_prefix)
            .is_some_and(|rest| rest.len() == self.digits() && rest.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    /// Refuses a prefix or table name that the kernel would not take.
    ///
    /// # Errors
    /// [`WishError::Prefix`] or [`WishError::Table`].
    pub fn validate(&self) -> Result<(), WishError> {
        let prefix = &self.interface_prefix;
        if !(1..=MAX_PREFIX).contains(&prefix.len()) || !prefix.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(WishError::Prefix { prefix: prefix.clone() });
        }
        let table = &self.table;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=64).contains(&table.len()) || !table.bytes().all(plain) {
            return Err(WishError::Table { table: table.clone() });
        }
        Ok(())
    }
}

impl Attachment {
    /// The hardware address of the task's end.
    pub fn task_mac(&self) -> Mac {
        Mac(self.mac.unwrap_or_else(|| derived_mac(&self.id, "task")))
    }

    /// The hardware address of the host's end, which is the gateway's for this task.
    pub fn host_mac(&self) -> Mac {
        Mac(derived_mac(&self.id, "host"))
    }

    /// The gateway of an address's family.
    pub fn gateway_for(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(_) => self.gateway4.unwrap_or(DEFAULT_GATEWAY4).into(),
            IpAddr::V6(_) => self.gateway6.unwrap_or(DEFAULT_GATEWAY6).into(),
        }
    }

    /// The gateways in use: one per family that has an address.
    pub fn gateways(&self) -> Vec<IpAddr> {
        let mut gateways: Vec<IpAddr> =
            self.addresses.iter().map(|&address| self.gateway_for(address)).collect();
        gateways.sort();
        gateways.dedup();
        gateways
    }

    /// Refuses an attachment that no host could make.
    ///
    /// # Errors
    /// [`WishError`] names the wrong part.
    pub fn validate(&self) -> Result<(), WishError> {
        let name = &self.interface;
        let odd = |b: u8| b == b'/' || b == b':' || b.is_ascii_whitespace() || b == 0;
        if !(1..=MAX_NAME).contains(&name.len())
            || name.bytes().any(odd)
            || name == "."
            || name == ".."
            || name == "lo"
        {
            return Err(WishError::Interface { name: name.clone() });
        }
        if self.addresses.is_empty() {
            return Err(WishError::NoAddress { id: self.id.clone() });
        }
        let mac = self.task_mac();
        if mac.0[0] & 1 == 1 {
            return Err(WishError::Mac { mac });
        }
        self.addresses.iter().try_for_each(|&address| self.validate_address(address))
    }

    fn validate_address(&self, address: IpAddr) -> Result<(), WishError> {
        let why = if address.is_unspecified() {
            "the unspecified address"
        } else if address.is_loopback() {
            "a loopback address"
        } else if address.is_multicast() {
            "a multicast address"
        } else if address == IpAddr::V4(Ipv4Addr::BROADCAST) {
            "the broadcast address"
        } else if address == self.gateway_for(address) {
            "its own gateway"
        } else {
            return Ok(());
        };
        Err(WishError::Address { address, why })
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A locally administered unicast address, the same for the same task and end on every call.
fn derived_mac(id: &str, end: &str) -> [u8; 6] {
    let hash = digest(&format!("{end}/{id}"));
    [0x02, hash[0], hash[1], hash[2], hash[3], hash[4]]
}
