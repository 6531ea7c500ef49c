//! Links, addresses, routes and neighbours: each function is one request, in plain types.
//!
//! Writes are of the replacing kind where the kernel has one, so that doing it twice is doing it once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{
    DecodeError, Emitable, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, Parseable,
};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressScope, CacheInfo,
};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;

use super::{RequestError, Socket};
use crate::fabric::Mac;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;

/// The index of the loopback interface in every namespace.
pub(crate) const LOOPBACK: u32 = 1;

/// A route socket, bound to the namespace of the thread that opened it.
pub(crate) struct Routes(Socket);

/// A veth pair to be made: the host's end here, the other end straight in `namespace`.
pub(crate) struct NewPair<'a> {
    pub host: &'a str,
    pub host_mac: Mac,
    pub task: &'a str,
    pub task_mac: Mac,
    pub mtu: Option<u32>,
    pub namespace: BorrowedFd<'a>,
}

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

/// A link as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub index: u32,
    pub name: String,
    pub up: bool,
    pub veth: bool,
    pub mac: Option<Mac>,
    pub mtu: Option<u32>,
    /// The index of the other end, in that end's namespace.
    pub peer: Option<u32>,
    pub counters: Option<netlink_packet_route::link::Stats64>,
}

/// A route as the kernel has it, of any table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Absent for a default route.
    pub destination: Option<IpAddr>,
    pub prefix: u8,
    /// The outgoing link's index.
    pub link: Option<u32>,
    pub gateway: Option<IpAddr>,
    /// Whether the destination is the host itself.
    pub local: bool,
}

impl Routes {
    pub(crate) fn open() -> Result<Self, RequestError> {
        Socket::open(NETLINK_ROUTE).map(Self)
    }

    /// Every link.
    pub(crate) fn links(&mut self) -> Result<Vec<Link>, RequestError> {
        let answers = self.0.ask(RTM_GETLINK, NLM_F_DUMP, &emit(&LinkMessage::default()))?;
        answers.iter().map(|bytes| Ok(Link::from(decode::<LinkMessage>(bytes)?))).collect()
    }

    /// The link called `name`, if there is one.
    pub(crate) fn link(&mut self, name: &str) -> Result<Option<Link>, RequestError> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        match self.0.ask(RTM_GETLINK, 0, &emit(&message)) {
            Ok(answers) => {
                answers.first().map(|bytes| Ok(Link::from(decode::<LinkMessage>(bytes)?))).transpose()
            }
            Err(error) if error.errno() == Some(Errno::ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes both ends, down, in one message; the peer never appears in the host's namespace.
    pub(crate) fn create_pair(&mut self, pair: &NewPair<'_>) -> Result<(), RequestError> {
        let mut peer = end(pair.task, pair.task_mac, pair.mtu);
        peer.attributes.push(LinkAttribute::NetNsFd(pair.namespace.as_raw_fd()));
        let mut message = end(pair.host, pair.host_mac, pair.mtu);
        message.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]));
        self.0.ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &emit(&message)).map(drop)
    }

    /// Sets the link up.
    pub(crate) fn set_up(&mut self, link: u32) -> Result<(), RequestError> {
        let mut message = LinkMessage::default();
        message.header.index = link;
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        self.0.ask(RTM_NEWLINK, 0, &emit(&message)).map(drop)
    }

    /// Deletes the link called `name`, and with it its peer, addresses, routes and neighbours; says whether it was there.
    pub(crate) fn delete_link(&mut self, name: &str) -> Result<bool, RequestError> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        match self.0.ask(RTM_DELLINK, 0, &emit(&message)) {
            Ok(_) => Ok(true),
            Err(error) if error.errno() == Some(Errno::ENODEV) => Ok(false),
            Err(error) => Err(error),
        }
    }

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

    /// Every route of a family, of every table.
    pub(crate) fn routes(&mut self, family: AddressFamily) -> Result<Vec<Route>, RequestError> {
        let mut message = RouteMessage::default();
        message.header.address_family = family;
        let answers = self.0.ask(RTM_GETROUTE, NLM_F_DUMP, &emit(&message))?;
        answers.iter().map(|bytes| Ok(Route::from(decode::<RouteMessage>(bytes)?))).collect()
    }

    /// Routes `destination` (a single address, or everything of `family_of` where absent) to the link, by `gateway` where given.
    pub(crate) fn set_route(
        &mut self,
        link: u32,
        destination: Option<IpAddr>,
        gateway: Option<IpAddr>,
    ) -> Result<(), RequestError> {
        let any = destination.or(gateway).expect("a route has a destination or a gateway");
        let mut message = RouteMessage::default();
        message.header.address_family = family(any);
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.kind = RouteType::Unicast;
        message.header.scope =
            if gateway.is_none() && any.is_ipv4() { RouteScope::Link } else { RouteScope::Universe };
        if let Some(destination) = destination {
            message.header.destination_prefix_length = width(destination);
            message.attributes.push(RouteAttribute::Destination(RouteAddress::from(destination)));
        }
        message
            .attributes
            .extend(gateway.map(|gateway| RouteAttribute::Gateway(RouteAddress::from(gateway))));
        message.attributes.push(RouteAttribute::Oif(link));
        self.0.ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &emit(&message)).map(drop)
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

/// One end of a pair, down: a peer that is made up has nobody to talk to yet, and the kernel refuses it.
fn end(name: &str, mac: Mac, mtu: Option<u32>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    message.attributes.push(LinkAttribute::Address(mac.0.to_vec()));
    message.attributes.extend(mtu.map(LinkAttribute::Mtu));
    message
}

/// A lifetime that keeps an IPv6 address valid for ever but never preferred as a source.
fn deprecated() -> CacheInfo {
    let mut lifetime = CacheInfo::default();
    lifetime.ifa_valid = u32::MAX;
    lifetime
}

fn emit(message: &impl Emitable) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

fn decode<M: Parseable<[u8]>>(bytes: &[u8]) -> Result<M, RequestError> {
    M::parse(bytes).map_err(|error: DecodeError| RequestError::Garbled(error.to_string()))
}

pub(crate) fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// The prefix length that means one address.
pub(crate) fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BITS as u8,
        IpAddr::V6(_) => Ipv6Addr::BITS as u8,
    }
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

impl From<LinkMessage> for Link {
    fn from(message: LinkMessage) -> Self {
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            up: message.header.flags.contains(LinkFlags::Up),
            veth: false,
            mac: None,
            mtu: None,
            peer: None,
            counters: None,
        };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::Address(bytes) => link.mac = bytes.try_into().ok().map(Mac),
                LinkAttribute::Mtu(mtu) => link.mtu = Some(mtu),
                LinkAttribute::Link(peer) => link.peer = Some(peer),
                LinkAttribute::Stats64(counters) => link.counters = Some(counters),
                LinkAttribute::LinkInfo(infos) => link.veth = infos.contains(&LinkInfo::Kind(InfoKind::Veth)),
                _ => {}
            }
        }
        link
    }
}

impl From<RouteMessage> for Route {
    fn from(message: RouteMessage) -> Self {
        let mut route = Self {
            destination: None,
            prefix: message.header.destination_prefix_length,
            link: None,
            gateway: None,
            local: message.header.kind == RouteType::Local,
        };
        for attribute in message.attributes {
            match attribute {
                RouteAttribute::Destination(address) => route.destination = ip(&address),
                RouteAttribute::Gateway(address) => route.gateway = ip(&address),
                RouteAttribute::Oif(link) => route.link = Some(link),
                _ => {}
            }
        }
        route
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(v4) => Some(IpAddr::V4(*v4)),
        RouteAddress::Inet6(v6) => Some(IpAddr::V6(*v6)),
        _ => None,
    }
}
