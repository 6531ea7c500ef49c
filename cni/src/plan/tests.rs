use std::net::Ipv4Addr;

use super::*;
use crate::netlink::Link;
use crate::observe::Claim;

fn wish() -> Attachment {
    Attachment {
        id: "task".into(),
        namespace: "/run/wharf/netns/task".into(),
        interface: "eth0".into(),
        mac: Some([0x0a, 0, 0, 0, 0, 7]),
        addresses: vec!["10.0.0.5".parse().unwrap()],
        gateway4: Some(Ipv4Addr::new(10, 0, 0, 1)),
        gateway6: None,
    }
}

fn link(index: u32, name: &str, mac: Mac, peer: u32) -> Link {
    Link {
        index,
        name: name.into(),
        up: true,
        veth: true,
        mac: Some(mac),
        mtu: Some(1500),
        peer: Some(peer),
        counters: None,
    }
}

/// The world after an ADD of [`wish`].
fn connected() -> Observed {
    Observed {
        host: Some(link(8, &Fabric::default().host_interface("task"), wish().host_mac(), 2)),
        task: Some(link(2, "eth0", wish().task_mac(), 8)),
        task_addresses: wish().addresses,
        ..Observed::default()
    }
}

fn planned(observed: &Observed) -> Result<Plan, PlanError> {
    plan(&Fabric::default(), &wish(), observed)
}

#[test]
fn an_empty_world_gets_everything_in_order() {
    let observed = Observed { not_forwarded: vec![Family::V4], ..Observed::default() };
    let host = Fabric::default().host_interface("task");
    let (host_mac, task_mac) = (wish().host_mac(), "0a:00:00:00:00:07");
    let expected = format!(
        "host: switch on forwarding of IPv4\n\
         host: make {host} ({host_mac}) with peer eth0 ({task_mac}) in /run/wharf/netns/task\n\
         task: set lo up\n\
         task: set eth0 up\n\
         task: address 10.0.0.5 on eth0\n\
         task: neighbour 10.0.0.1 is {host_mac} on eth0\n\
         task: route 10.0.0.1 by eth0\n\
         task: route everything else by 10.0.0.1 on eth0\n\
         host: no automatic addresses on {host}\n\
         host: set {host} up\n\
         host: address 10.0.0.1 on {host}, for that link only\n\
         host: neighbour 10.0.0.5 is {task_mac} on {host}\n\
         host: route 10.0.0.5 by {host}\n\
         host: masquerade 10.0.0.5 for {host}\n"
    );
    assert_eq!(planned(&observed).unwrap().to_string(), expected);
}

#[test]
fn a_right_pair_is_kept() {
    let plan = planned(&connected()).unwrap();
    assert_eq!((plan.remove, plan.create), (None, None));
}

#[test]
fn a_pair_that_differs_is_made_anew() {
    let other_mac = Observed { task: Some(link(2, "eth0", Mac([2; 6]), 8)), ..connected() };
    let other_address = Observed { task_addresses: vec!["10.0.0.9".parse().unwrap()], ..connected() };
    let no_peer = Observed { task: None, ..connected() };
    for observed in [other_mac, other_address, no_peer] {
        let plan = planned(&observed).unwrap();
        assert!(plan.remove.is_some() && plan.create.is_some(), "{observed:?}");
    }
    let wider = Fabric { mtu: Some(9000), ..Fabric::default() };
    assert!(plan(&wider, &wish(), &connected()).unwrap().create.is_some());
}

#[test]
fn conflicts_are_refused_by_name() {
    let address = wish().addresses[0];
    let claimed = |holder| Observed { claims: vec![Claim { address, holder }], ..Observed::default() };
    assert_eq!(planned(&claimed(Holder::Host)), Err(PlanError::AddressIsHosts { address }));
    let interface = "wh000000000000".to_owned();
    assert_eq!(
        planned(&claimed(Holder::Behind { interface: interface.clone() })),
        Err(PlanError::AddressTaken { address, interface })
    );
    let gateway = wish().gateways()[0];
    let hop = Observed { next_hops: vec![gateway], ..Observed::default() };
    assert_eq!(planned(&hop), Err(PlanError::GatewayIsNextHop { gateway }));
    let foreign = Observed { task: Some(link(2, "eth0", Mac([2; 6]), 77)), ..Observed::default() };
    assert!(matches!(planned(&foreign), Err(PlanError::InterfaceTaken { .. })));
}

#[test]
fn only_ipv4_is_masqueraded_and_only_if_wanted() {
    let v6 = Attachment { addresses: vec!["fd00::5".parse().unwrap()], ..wish() };
    assert_eq!(plan(&Fabric::default(), &v6, &Observed::default()).unwrap().masquerade, None);
    let plain = Fabric { masquerade: false, ..Fabric::default() };
    assert_eq!(plan(&plain, &wish(), &Observed::default()).unwrap().masquerade, None);
}

#[test]
fn names_are_derived_within_the_kernels_limit() {
    let fabric = |prefix: &str| Fabric { interface_prefix: prefix.into(), ..Fabric::default() };
    // As `printf task | sha256sum` begins.
    assert_eq!(fabric("wh").host_interface("task"), "wh0ebb429fa86d");
    assert_eq!(fabric("wc12ab").host_interface("task").len(), 15);
    assert!(fabric("wh").owns(&fabric("wh").host_interface("task")));
    assert!(!fabric("wh").owns(&fabric("wx").host_interface("task")));
    assert!(!fabric("wh").owns("wh0") && !fabric("wh").owns("whabcdefabcdeg"));
    for wrong in ["", "eightlng", "a/b", "w h"] {
        assert!(fabric(wrong).validate().is_err(), "{wrong:?}");
    }
}
