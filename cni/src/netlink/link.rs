//! Links: the veth pairs we make, and what is told of any link.

use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkExtentMask,
    LinkFlags, LinkInfo, LinkMessage, Stats64,
};
use nix::errno::Errno;

use super::{RequestError, RouteSocket, decode, emit};
use crate::fabric::Mac;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;

/// The index of the loopback interface in every namespace.
pub(crate) const LOOPBACK: u32 = 1;

/// A veth pair to be made: the host's end here, the other end straight in `namespace`.
pub(crate) struct NewPair<'a> {
    pub host: &'a str,
    pub host_mac: Mac,
    pub task: &'a str,
    pub task_mac: Mac,
    pub mtu: Option<u32>,
    pub namespace: BorrowedFd<'a>,
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
    pub counters: Option<Stats64>,
}

impl RouteSocket {
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

    /// Keeps the kernel from giving the link IPv6 addresses of its own accord; it must not be up yet. A kernel without IPv6 never would.
    pub(crate) fn refuse_automatic_addresses(&mut self, link: u32) -> Result<(), RequestError> {
        let mut message = LinkMessage::default();
        message.header.index = link;
        let none = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
        message.attributes.push(LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![none])]));
        match self.0.ask(RTM_SETLINK, 0, &emit(&message)) {
            Err(error) if error.errno() == Some(Errno::EAFNOSUPPORT) => Ok(()),
            outcome => outcome.map(drop),
        }
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
}

/// One end of a pair, down: a peer that is made up has nobody to talk to yet, and the kernel refuses it.
fn end(name: &str, mac: Mac, mtu: Option<u32>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    message.attributes.push(LinkAttribute::Address(mac.0.to_vec()));
    message.attributes.extend(mtu.map(LinkAttribute::Mtu));
    message
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
