//! Whether the host forwards packets between interfaces, which the routed fabric needs.
//!
//! Switched on when off, never switched off: nobody can tell who else relies on it. `/proc/sys/net` is that of the calling thread's namespace.

use std::fmt;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

const IPV6_CONF: &str = "/proc/sys/net/ipv6/conf";

/// An address family that can be forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    pub(crate) fn switch(self) -> &'static Path {
        Path::new(match self {
            Self::V4 => "/proc/sys/net/ipv4/ip_forward",
            Self::V6 => "/proc/sys/net/ipv6/conf/all/forwarding",
        })
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Says whether the host forwards this family; a family that the kernel lacks is not forwarded.
pub(crate) fn is_on(family: Family) -> bool {
    fs::read_to_string(family.switch()).is_ok_and(|value| value.trim() != "0")
}

/// Switches forwarding on.
///
/// A host that forwards IPv6 stops listening to router advertisements unless told otherwise, and would lose a default route it got by
/// them; so interfaces that listen now (`accept_ra` 1) are told to go on listening (2).
pub(crate) fn switch_on(family: Family) -> io::Result<()> {
    if family == Family::V6 {
        keep_router_advertisements()?;
    }
    fs::write(family.switch(), "1")
}

fn keep_router_advertisements() -> io::Result<()> {
    for interface in fs::read_dir(IPV6_CONF)? {
        let setting = interface?.path().join("accept_ra");
        match fs::read_to_string(&setting) {
            Ok(value) if value.trim() == "1" => fs::write(&setting, "2")?,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {} // the interface went away
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
