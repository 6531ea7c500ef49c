//! Expressions, the parts of a rule, as data. Each works on one register: load something, compare it, act.
//!
//! netlink-bindings 0.3.5 numbers some attributes wrongly (lookup, and the high ones of chains, rules and set elements). Of those only the
//! lookup's source register is needed; it is written by hand below. `uapi.rs` compares every number in use
//! with the kernel's header.

use netlink_bindings::nftables::{CmpOps, MetaKeys, PayloadBase, PushExprListAttrs, Registers};
use netlink_bindings::traits::Pusher;
use netlink_bindings::utils::push_header;

/// The verdict that lets a packet pass.
pub(crate) const ACCEPT: u32 = 1;
const DROP: u32 = 0;
/// `NFTA_LOOKUP_SREG`, which the bindings call 3.
pub(super) const NFTA_LOOKUP_SREG: u16 = 2;
pub(super) const NFT_NAT_DNAT: u32 = 1;
const NFPROTO_IPV4: u32 = 2;

/// One step of a rule; a comparison that fails ends the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expression<'a> {
    /// Loads the packet's source address.
    SourceAddress,
    /// Loads the packet's destination address.
    DestinationAddress,
    /// Loads the TCP or UDP destination port.
    DestinationPort,
    /// Loads the number of the transport protocol.
    Protocol,
    /// Loads the index of the interface the packet came in by.
    InputIndex,
    /// Loads the name of the interface the packet goes out by.
    OutputInterface,
    /// Goes on only if what was loaded begins with these bytes.
    Is(&'a [u8]),
    /// Goes on only if what was loaded does not begin with these bytes.
    IsNot(&'a [u8]),
    /// Goes on only if what was loaded is in the set.
    IsIn(&'a str),
    /// Rewrites the source to the outgoing interface's address.
    Masquerade,
    /// Rewrites the destination port, leaving the address.
    ToPort(u16),
    /// Drops the packet.
    Drop,
}

/// Appends an expression to a rule's list.
pub(crate) fn push<P: Pusher>(
    list: PushExprListAttrs<P>,
    expression: &Expression<'_>,
) -> PushExprListAttrs<P> {
    match *expression {
        Expression::SourceAddress => load(list, PayloadBase::NetworkHeader, 12, 4),
        Expression::DestinationAddress => load(list, PayloadBase::NetworkHeader, 16, 4),
        Expression::DestinationPort => load(list, PayloadBase::TransportHeader, 2, 2),
        Expression::Protocol => meta(list, MetaKeys::L4Proto),
        Expression::InputIndex => meta(list, MetaKeys::Iif),
        Expression::OutputInterface => meta(list, MetaKeys::Oifname),
        Expression::Is(bytes) => compare(list, CmpOps::Eq, bytes),
        Expression::IsNot(bytes) => compare(list, CmpOps::Neq, bytes),
        Expression::IsIn(set) => lookup(list, set),
        Expression::Masquerade => list.nested_elem().push_name(c"masq").end_nested(),
        Expression::ToPort(port) => to_port(list, port),
        Expression::Drop => drop_packet(list),
    }
}

const REGISTER: u32 = Registers::Reg1 as u32;

fn load<P: Pusher>(
    list: PushExprListAttrs<P>,
    base: PayloadBase,
    offset: u32,
    length: u32,
) -> PushExprListAttrs<P> {
    list.nested_elem()
        .nested_data_payload()
        .push_dreg(REGISTER)
        .push_base(base as u32)
        .push_offset(offset)
        .push_len(length)
        .end_nested()
        .end_nested()
}

fn meta<P: Pusher>(list: PushExprListAttrs<P>, key: MetaKeys) -> PushExprListAttrs<P> {
    list.nested_elem().nested_data_meta().push_dreg(REGISTER).push_key(key as u32).end_nested().end_nested()
}

fn compare<P: Pusher>(list: PushExprListAttrs<P>, op: CmpOps, bytes: &[u8]) -> PushExprListAttrs<P> {
    list.nested_elem()
        .nested_data_cmp()
        .push_sreg(REGISTER)
        .push_op(op as u32)
        .nested_data()
        .push_value(bytes)
        .end_nested()
        .end_nested()
        .end_nested()
}

fn lookup<P: Pusher>(list: PushExprListAttrs<P>, set: &str) -> PushExprListAttrs<P> {
    let mut lookup = list.nested_elem().nested_data_lookup().push_set_bytes(set.as_bytes());
    push_header(lookup.as_vec_mut(), NFTA_LOOKUP_SREG, 4);
    lookup.as_vec_mut().extend(REGISTER.to_be_bytes());
    lookup.end_nested().end_nested()
}

fn to_port<P: Pusher>(list: PushExprListAttrs<P>, port: u16) -> PushExprListAttrs<P> {
    list.nested_elem()
        .nested_data_immediate()
        .push_dreg(REGISTER)
        .nested_data()
        .push_value(&port.to_be_bytes())
        .end_nested()
        .end_nested()
        .end_nested()
        .nested_elem()
        .nested_data_nat()
        .push_type(NFT_NAT_DNAT)
        .push_family(NFPROTO_IPV4)
        .push_reg_proto_min(REGISTER)
        .end_nested()
        .end_nested()
}

fn drop_packet<P: Pusher>(list: PushExprListAttrs<P>) -> PushExprListAttrs<P> {
    list.nested_elem()
        .nested_data_immediate()
        .push_dreg(Registers::RegVerdict as u32)
        .nested_data()
        .nested_verdict()
        .push_code(DROP)
        .end_nested()
        .end_nested()
        .end_nested()
        .end_nested()
}
