//! Routes: the ones we set in the main table, and what is told of any.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};

use super::{RequestError, RouteSocket, decode, emit, family, width};

const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;

/// A route as the kernel has it, of any table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Absent for a default route.
    pub destination: Option<IpAddr>,
    pub prefix: u8,
    /// The outgoing link's index.
    pub link: Option<u32>,
    /// The next hops, several where the route has several paths.
    pub gateways: Vec<IpAddr>,
    /// Whether the destination is the host itself.
    pub local: bool,
}

impl RouteSocket {
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
}

impl From<RouteMessage> for Route {
    fn from(message: RouteMessage) -> Self {
        let mut route = Self {
            destination: None,
            prefix: message.header.destination_prefix_length,
            link: None,
            gateways: Vec::new(),
            local: message.header.kind == RouteType::Local,
        };
        for attribute in message.attributes {
            match attribute {
                RouteAttribute::Destination(address) => route.destination = ip(&address),
                RouteAttribute::Gateway(address) => route.gateways.extend(ip(&address)),
                RouteAttribute::MultiPath(paths) => {
                    let attributes = paths.iter().flat_map(|path| &path.attributes);
                    route.gateways.extend(attributes.filter_map(|attribute| match attribute {
                        RouteAttribute::Gateway(address) => ip(address),
                        _ => None,
                    }));
                }
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
