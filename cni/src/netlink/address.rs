//! Addresses on links, and the fixed hardware addresses of neighbours.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressScope, CacheInfo,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};

use super::{RequestError, RouteSocket, decode, emit, family, width};
use crate::fabric::Mac;

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;

/// Where an address is meant to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everywhere: the task's own address.
    Global,
    /// On this link only: the gateway's address at the host's end. Never chosen as a source towards elsewhere.
    Link,
    /// Inside this namespace only: the endpoint's address.
    Host,
}

impl RouteSocket {
    /// The addresses on a link, with their prefix lengths.
    pub(crate) fn addresses(&mut self, link: u32) -> Result<Vec<(IpAddr, u8)>, RequestError> {
        let answers = self.0.ask(RTM_GETADDR, NLM_F_DUMP, &emit(&AddressMessage::default()))?;
        let mut found = Vec::new();
        for bytes in &answers {
            let message: AddressMessage = decode(bytes)?;
            let address = message.attributes.iter().find_map(|attribute| match attribute {
                AddressAttribute::Address(address) => Some(*address),
                _ => None,
            });
            if message.header.index == link {
                found.extend(address.map(|address| (address, message.header.prefix_len)));
            }
        }
        Ok(found)
    }

    /// Puts `address` on the link as /32 or /128, without waiting for duplicate address detection.
    pub(crate) fn set_address(
        &mut self,
        link: u32,
        address: IpAddr,
        reach: Reach,
    ) -> Result<(), RequestError> {
        let mut message = AddressMessage::default();
        message.header.family = family(address);
        message.header.prefix_len = width(address);
        message.header.index = link;
        message.header.scope = match reach {
            Reach::Global => AddressScope::Universe,
            Reach::Link => AddressScope::Link,
            Reach::Host => AddressScope::Host,
        };
        message.attributes.push(AddressAttribute::Local(address));
        message.attributes.push(AddressAttribute::Address(address));
        if address.is_ipv6() {
            message
                .attributes
                .push(AddressAttribute::Flags(AddressFlags::Nodad | AddressFlags::Noprefixroute));
        }
        if address.is_ipv6() && reach != Reach::Global {
            message.attributes.push(AddressAttribute::CacheInfo(deprecated()));
        }
        self.0.ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &emit(&message)).map(drop)
    }

    /// The permanent neighbour entries of a link.
    pub(crate) fn neighbours(&mut self, link: u32) -> Result<Vec<(IpAddr, Mac)>, RequestError> {
        let answers = self.0.ask(RTM_GETNEIGH, NLM_F_DUMP, &emit(&NeighbourMessage::default()))?;
        let mut found = Vec::new();
        for bytes in &answers {
            let message: NeighbourMessage = decode(bytes)?;
            if message.header.ifindex == link && message.header.state == NeighbourState::Permanent {
                found.extend(neighbour(&message));
            }
        }
        Ok(found)
    }

    /// Fixes the hardware address of `address` on the link, so that it is never asked for.
    pub(crate) fn set_neighbour(&mut self, link: u32, address: IpAddr, mac: Mac) -> Result<(), RequestError> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        message.header.ifindex = link;
        message.header.state = NeighbourState::Permanent;
        let destination = match address {
            IpAddr::V4(address) => NeighbourAddress::Inet(address),
            IpAddr::V6(address) => NeighbourAddress::Inet6(address),
        };
        message.attributes.push(NeighbourAttribute::Destination(destination));
        message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
        self.0.ask(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &emit(&message)).map(drop)
    }
}

/// A lifetime that keeps an IPv6 address valid for ever but never preferred as a source.
fn deprecated() -> CacheInfo {
    let mut lifetime = CacheInfo::default();
    lifetime.ifa_valid = u32::MAX;
    lifetime
}

fn neighbour(message: &NeighbourMessage) -> Option<(IpAddr, Mac)> {
    let mut address = None;
    let mut mac = None;
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => address = Some(IpAddr::V4(*v4)),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => address = Some(IpAddr::V6(*v6)),
            NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.as_slice().try_into().ok().map(Mac),
            _ => {}
        }
    }
    address.zip(mac)
}
