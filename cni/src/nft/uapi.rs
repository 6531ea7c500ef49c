//! The numbers that netlink-bindings writes, compared with those of the kernel's header.
//!
//! The expected numbers stand here, so the comparison is made everywhere; where linux-libc-dev is installed they are compared with it too.

use std::collections::BTreeMap;

use netlink_bindings::nftables as nft;

use super::rule::NFTA_LOOKUP_SREG;

const HEADER: &str = "/usr/include/linux/netfilter/nf_tables.h";

/// The number of the first attribute that was pushed.
fn first(push: impl FnOnce(&mut Vec<u8>)) -> u16 {
    let mut bytes = Vec::new();
    push(&mut bytes);
    u16::from_ne_bytes([bytes[2], bytes[3]]) & !(netlink_bindings::utils::NLA_F_NESTED)
}

/// Name in the header, number in the header, number as written.
fn numbers() -> Vec<(&'static str, u16, u16)> {
    let number = |push: &dyn Fn(&mut Vec<u8>)| first(push);
    vec![
        ("NFTA_GEN_ID", 1, number(&|v| drop(nft::PushGenAttrs::new(v).push_id(0)))),
        ("NFTA_TABLE_NAME", 1, number(&|v| drop(nft::PushTableAttrs::new(v).push_name(c"")))),
        ("NFTA_CHAIN_TABLE", 1, number(&|v| drop(nft::PushChainAttrs::new(v).push_table(c"")))),
        ("NFTA_CHAIN_NAME", 3, number(&|v| drop(nft::PushChainAttrs::new(v).push_name(c"")))),
        ("NFTA_CHAIN_HOOK", 4, number(&|v| drop(nft::PushChainAttrs::new(v).nested_hook()))),
        ("NFTA_CHAIN_POLICY", 5, number(&|v| drop(nft::PushChainAttrs::new(v).push_policy(0)))),
        ("NFTA_CHAIN_TYPE", 7, number(&|v| drop(nft::PushChainAttrs::new(v).push_type(c"")))),
        ("NFTA_HOOK_HOOKNUM", 1, number(&|v| drop(nft::PushNftHookAttrs::new(v).push_num(0)))),
        ("NFTA_HOOK_PRIORITY", 2, number(&|v| drop(nft::PushNftHookAttrs::new(v).push_priority(0)))),
        ("NFTA_RULE_TABLE", 1, number(&|v| drop(nft::PushRuleAttrs::new(v).push_table(c"")))),
        ("NFTA_RULE_CHAIN", 2, number(&|v| drop(nft::PushRuleAttrs::new(v).push_chain(c"")))),
        ("NFTA_RULE_EXPRESSIONS", 4, number(&|v| drop(nft::PushRuleAttrs::new(v).nested_expressions()))),
        ("NFTA_LIST_ELEM", 1, number(&|v| drop(nft::PushExprListAttrs::new(v).nested_elem()))),
        ("NFTA_EXPR_NAME", 1, number(&|v| drop(nft::PushExprAttrs::new(v).push_name(c"")))),
        ("NFTA_SET_TABLE", 1, number(&|v| drop(nft::PushSetAttrs::new(v).push_table(c"")))),
        ("NFTA_SET_NAME", 2, number(&|v| drop(nft::PushSetAttrs::new(v).push_name(c"")))),
        ("NFTA_SET_FLAGS", 3, number(&|v| drop(nft::PushSetAttrs::new(v).push_flags(0)))),
        ("NFTA_SET_KEY_TYPE", 4, number(&|v| drop(nft::PushSetAttrs::new(v).push_key_type(0)))),
        ("NFTA_SET_KEY_LEN", 5, number(&|v| drop(nft::PushSetAttrs::new(v).push_key_len(0)))),
        ("NFTA_SET_ID", 10, number(&|v| drop(nft::PushSetAttrs::new(v).push_id(0)))),
        ("NFTA_SET_ELEM_LIST_TABLE", 1, number(&|v| drop(nft::PushSetelemListAttrs::new(v).push_table(c"")))),
        ("NFTA_SET_ELEM_LIST_SET", 2, number(&|v| drop(nft::PushSetelemListAttrs::new(v).push_set(c"")))),
        (
            "NFTA_SET_ELEM_LIST_ELEMENTS",
            3,
            number(&|v| drop(nft::PushSetelemListAttrs::new(v).nested_elements())),
        ),
        ("NFTA_SET_ELEM_KEY", 1, number(&|v| drop(nft::PushSetelemAttrs::new(v).nested_key()))),
        ("NFTA_SET_ELEM_USERDATA", 6, number(&|v| drop(nft::PushSetelemAttrs::new(v).push_userdata(b"")))),
        ("NFTA_DATA_VALUE", 1, number(&|v| drop(nft::PushDataAttrs::new(v).push_value(b"")))),
        ("NFTA_DATA_VERDICT", 2, number(&|v| drop(nft::PushDataAttrs::new(v).nested_verdict()))),
        ("NFTA_VERDICT_CODE", 1, number(&|v| drop(nft::PushVerdictAttrs::new(v).push_code(0)))),
        ("NFTA_PAYLOAD_DREG", 1, number(&|v| drop(nft::PushExprPayloadAttrs::new(v).push_dreg(0)))),
        ("NFTA_PAYLOAD_BASE", 2, number(&|v| drop(nft::PushExprPayloadAttrs::new(v).push_base(0)))),
        ("NFTA_PAYLOAD_OFFSET", 3, number(&|v| drop(nft::PushExprPayloadAttrs::new(v).push_offset(0)))),
        ("NFTA_PAYLOAD_LEN", 4, number(&|v| drop(nft::PushExprPayloadAttrs::new(v).push_len(0)))),
        ("NFTA_META_DREG", 1, number(&|v| drop(nft::PushExprMetaAttrs::new(v).push_dreg(0)))),
        ("NFTA_META_KEY", 2, number(&|v| drop(nft::PushExprMetaAttrs::new(v).push_key(0)))),
        ("NFTA_CMP_SREG", 1, number(&|v| drop(nft::PushExprCmpAttrs::new(v).push_sreg(0)))),
        ("NFTA_CMP_OP", 2, number(&|v| drop(nft::PushExprCmpAttrs::new(v).push_op(0)))),
        ("NFTA_CMP_DATA", 3, number(&|v| drop(nft::PushExprCmpAttrs::new(v).nested_data()))),
        ("NFTA_LOOKUP_SET", 1, number(&|v| drop(nft::PushExprLookupAttrs::new(v).push_set(c"")))),
        ("NFTA_LOOKUP_SREG", 2, NFTA_LOOKUP_SREG),
        ("NFTA_IMMEDIATE_DREG", 1, number(&|v| drop(nft::PushExprImmediateAttrs::new(v).push_dreg(0)))),
        ("NFTA_IMMEDIATE_DATA", 2, number(&|v| drop(nft::PushExprImmediateAttrs::new(v).nested_data()))),
        ("NFTA_NAT_TYPE", 1, number(&|v| drop(nft::PushExprNatAttrs::new(v).push_type(0)))),
        ("NFTA_NAT_FAMILY", 2, number(&|v| drop(nft::PushExprNatAttrs::new(v).push_family(0)))),
        ("NFTA_NAT_REG_PROTO_MIN", 5, number(&|v| drop(nft::PushExprNatAttrs::new(v).push_reg_proto_min(0)))),
        ("NFT_META_IIF", 4, nft::MetaKeys::Iif as u16),
        ("NFT_META_OIFNAME", 7, nft::MetaKeys::Oifname as u16),
        ("NFT_META_L4PROTO", 16, nft::MetaKeys::L4Proto as u16),
        ("NFT_CMP_NEQ", 1, nft::CmpOps::Neq as u16),
        ("NFT_PAYLOAD_NETWORK_HEADER", 1, nft::PayloadBase::NetworkHeader as u16),
        ("NFT_PAYLOAD_TRANSPORT_HEADER", 2, nft::PayloadBase::TransportHeader as u16),
        ("NFT_REG_VERDICT", 0, nft::Registers::RegVerdict as u16),
        ("NFT_REG_1", 1, nft::Registers::Reg1 as u16),
        ("NFT_NAT_DNAT", 1, super::rule::NFT_NAT_DNAT as u16),
    ]
}

#[test]
fn every_number_written_is_the_kernels() {
    for (name, expected, written) in numbers() {
        assert_eq!(written, expected, "{name}");
    }
}

#[test]
fn the_bindings_still_number_the_lookups_source_register_wrongly() {
    let theirs = first(|v| drop(nft::PushExprLookupAttrs::new(v).push_sreg(0)));
    assert_ne!(theirs, NFTA_LOOKUP_SREG, "netlink-bindings is mended: write the lookup with it");
}

#[test]
fn the_expected_numbers_are_those_of_the_installed_header() {
    let Ok(header) = std::fs::read_to_string(HEADER) else { return }; // linux-libc-dev is not installed
    let known = enumerators(&header);
    for (name, expected, _) in numbers() {
        assert_eq!(known.get(name), Some(&u64::from(expected)), "{name}");
    }
}

/// The values of every C enumerator in a header that counts up or is given as a plain number.
fn enumerators(header: &str) -> BTreeMap<&str, u64> {
    let mut known = BTreeMap::new();
    let mut next = 0;
    for line in header.lines().map(str::trim) {
        if line.starts_with("enum ") {
            next = 0;
        }
        let name = line.split([' ', '\t', ',', '=']).next().unwrap_or_default();
        if !name.starts_with("NFT") {
            continue;
        }
        if let Some((_, value)) = line.trim_end_matches(',').split_once('=') {
            let value = value.trim();
            let hex = value.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
            next = value.parse().ok().or(hex).unwrap_or(next);
        }
        known.insert(name, next);
        next += 1;
    }
    known
}
