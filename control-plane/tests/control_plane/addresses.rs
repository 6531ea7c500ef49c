//! Addresses: who holds which, and in what order they are lent.

use std::collections::BTreeSet;
use wharf_control_plane::model::address::{AddressPool, Subnet, SubnetError, mac_of};

fn pool(networks: &[&str]) -> AddressPool {
    let subnets = networks.iter().map(|text| Subnet::parse(text).unwrap()).collect();
    AddressPool::new(subnets, Vec::new()).unwrap()
}

#[test]
fn the_gateway_is_the_first_host_address_and_never_lent() {
    let mut pool = pool(&["s=10.0.0.0/29"]);
    assert_eq!(pool.subnet("s").unwrap().gateway().to_string(), "10.0.0.1");
    let lent: Vec<String> = (0..5).map(|n| pool.lend("s", &format!("t{n}")).unwrap().to_string()).collect();
    assert_eq!(lent, ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
    assert_eq!(pool.lend("s", "one too many"), None, "the broadcast address is not lent either");
}

#[test]
fn an_address_that_came_back_is_lent_again_only_after_all_others() {
    let mut pool = pool(&["s=10.0.0.0/29"]);
    let first = pool.lend("s", "t0").unwrap();
    pool.give_back(first, "t0");
    let next: Vec<_> = (1..5).map(|n| pool.lend("s", &format!("t{n}")).unwrap()).collect();
    assert!(!next.contains(&first));
    assert_eq!(pool.lend("s", "t5"), Some(first));
}

#[test]
fn of_returned_addresses_the_one_that_came_back_longest_ago_is_lent_first() {
    let mut pool = pool(&["s=10.0.0.0/29"]);
    let all: Vec<_> = (0..5).map(|n| pool.lend("s", &format!("t{n}")).unwrap()).collect();
    pool.give_back(all[3], "t3");
    pool.give_back(all[1], "t1");
    assert_eq!(pool.lend("s", "a"), Some(all[3]));
    assert_eq!(pool.lend("s", "b"), Some(all[1]));
}

#[test]
fn only_the_holder_gives_an_address_back() {
    let mut pool = pool(&["s=10.0.0.0/30"]);
    let address = pool.lend("s", "holder").unwrap();
    pool.give_back(address, "somebody else");
    assert_eq!(pool.free(&Subnet::parse("s=10.0.0.0/30").unwrap()), 0);
    pool.give_back(address, "holder");
    pool.give_back(address, "holder");
    assert_eq!(pool.free(&Subnet::parse("s=10.0.0.0/30").unwrap()), 1);
}

#[test]
fn macs_are_local_unicast_and_as_unique_as_the_addresses() {
    let mut pool = pool(&["a=10.0.0.0/29", "b=10.0.1.0/29"]);
    let lent = |pool: &mut AddressPool, subnet: &str| mac_of(pool.lend(subnet, "t").unwrap());
    let macs: BTreeSet<String> = (0..10).map(|n| lent(&mut pool, if n < 5 { "a" } else { "b" })).collect();
    assert_eq!(macs.len(), 10);
    for mac in macs {
        let first = u8::from_str_radix(&mac[..2], 16).unwrap();
        assert_eq!(first & 0b11, 0b10, "{mac} must be locally administered and unicast");
    }
}

#[test]
fn subnets_that_overlap_or_share_a_name_are_refused() {
    let overlap = |texts: [&str; 2]| {
        let subnets = texts.iter().map(|text| Subnet::parse(text).unwrap()).collect();
        matches!(AddressPool::new(subnets, Vec::new()), Err(SubnetError::Overlap { .. }))
    };
    assert!(overlap(["a=10.0.0.0/16", "b=10.0.3.0/24"]));
    assert!(overlap(["a=10.0.0.0/24", "a=10.1.0.0/24"]));
    assert!(!overlap(["a=10.0.0.0/24", "b=10.0.1.0/24"]));
}

#[test]
fn a_subnet_is_a_name_and_a_network_with_room_for_a_task() {
    for text in
        ["", "10.0.0.0/24", "s=10.0.0.0", "s=10.0.0.0/33", "=10.0.0.0/24", "a b=10.0.0.0/24", "s=fd00::/64"]
    {
        assert!(matches!(Subnet::parse(text), Err(SubnetError::Malformed { .. })), "{text}");
    }
    assert!(matches!(Subnet::parse("s=10.0.0.0/31"), Err(SubnetError::TooSmall { .. })));
    assert_eq!(Subnet::parse("s=10.0.0.77/24").unwrap().network.to_string(), "10.0.0.0/24");
}
