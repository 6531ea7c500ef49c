//! What a connected task can reach, and as whom it is seen.

use std::net::IpAddr;

use wharf_cni::{Attachment, Fabric, netns};

use crate::lab::{Lab, Server, attachment, call, sees};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn task_reaches_the_host_by_its_gateway() {
    let lab = Lab::new();
    let task = lab.task(&Fabric::default(), "a", "10.0.0.5");
    let server = Server::start(&lab.host, ip("10.0.0.1"), 0);
    assert_eq!(call(&task.namespace, server.address).unwrap(), "10.0.0.5");
    server.finish();
}

#[test]
fn host_reaches_the_task() {
    let lab = Lab::new();
    let task = lab.task(&Fabric::default(), "a", "10.0.0.5");
    let server = Server::start(&task.namespace, ip("10.0.0.5"), 80);
    assert_eq!(call(&lab.host, server.address).unwrap(), "10.0.0.1");
    server.finish();
}

#[test]
fn tasks_reach_each_other_with_their_own_addresses() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let a = lab.task(&fabric, "a", "10.0.0.5");
    let b = lab.task(&fabric, "b", "10.0.0.6");
    let server = Server::start(&b.namespace, ip("10.0.0.6"), 80);
    assert_eq!(call(&a.namespace, server.address).unwrap(), "10.0.0.5");
    server.finish();
}

#[test]
fn outside_a_task_is_seen_with_the_hosts_address() {
    let lab = Lab::new();
    let outside = lab.outside();
    let task = lab.task(&Fabric::default(), "a", "10.0.0.5");
    let server = Server::start(&outside, ip("192.0.2.2"), 80);
    assert_eq!(call(&task.namespace, server.address).unwrap(), "192.0.2.1");
    server.finish();
}

#[test]
fn strict_reverse_path_filters_on_the_host_let_everything_pass() {
    let lab = Lab::new();
    let outside = lab.outside();
    let strict = || std::fs::write("/proc/sys/net/ipv4/conf/all/rp_filter", "1");
    netns::run(&lab.host, strict).unwrap().unwrap();
    let fabric = Fabric::default();
    let a = lab.task(&fabric, "a", "10.0.0.5");
    let b = lab.task(&fabric, "b", "10.0.0.6");
    for (from, to, address, seen_as) in [
        (&a.namespace, &b.namespace, "10.0.0.6", "10.0.0.5"),
        (&a.namespace, &outside, "192.0.2.2", "192.0.2.1"),
        (&lab.host, &a.namespace, "10.0.0.5", "10.0.0.1"),
    ] {
        let server = Server::start(to, ip(address), 80);
        assert_eq!(call(from, server.address).unwrap(), seen_as);
        server.finish();
    }
}

#[test]
fn without_masquerade_a_task_is_seen_outside_with_its_own_address() {
    let lab = Lab::new();
    let outside = lab.outside();
    sees(&outside, "ip", &["route", "add", "10.0.0.0/24", "via", "192.0.2.1"]);
    let task = lab.task(&Fabric { masquerade: false, ..Fabric::default() }, "a", "10.0.0.5");
    let server = Server::start(&outside, ip("192.0.2.2"), 80);
    assert_eq!(call(&task.namespace, server.address).unwrap(), "10.0.0.5");
    assert_eq!(lab.sees("nft", &["list", "ruleset"]), "");
    server.finish();
}

#[test]
fn ipv6_works_beside_ipv4() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let task = |id: &str, v4: &str, v6: &str| {
        let mut wish = attachment(id, &lab.namespace(id), v4);
        wish.addresses.push(ip(v6));
        lab.add(&fabric, &wish).unwrap();
        wish
    };
    let a = task("a", "10.0.0.5", "fd00::5");
    let b = task("b", "10.0.0.6", "fd00::6");
    let server = Server::start(&b.namespace, ip("fd00::6"), 80);
    assert_eq!(call(&a.namespace, server.address).unwrap(), "fd00::5");
    server.finish();
    let server = Server::start(&b.namespace, ip("10.0.0.6"), 80);
    assert_eq!(call(&a.namespace, server.address).unwrap(), "10.0.0.5");
    server.finish();
    let server = Server::start(&a.namespace, ip("fd00::5"), 80);
    call(&lab.host, server.address).unwrap();
    server.finish();
}

#[test]
fn an_ipv6_gateway_may_be_given() {
    let lab = Lab::new();
    let wish = Attachment {
        gateway6: Some("fd00::1".parse().unwrap()),
        ..attachment("a", &lab.namespace("a"), "fd00::5")
    };
    lab.add(&Fabric::default(), &wish).unwrap();
    let server = Server::start(&lab.host, ip("fd00::1"), 0);
    assert_eq!(call(&wish.namespace, server.address).unwrap(), "fd00::5");
    server.finish();
}

#[test]
fn the_task_has_the_interface_and_hardware_address_it_asked_for() {
    let lab = Lab::new();
    let wish =
        Attachment { mac: Some([0x0a, 0, 0, 0, 0, 7]), ..attachment("a", &lab.namespace("a"), "10.0.0.5") };
    let fabric = Fabric { mtu: Some(1400), ..Fabric::default() };
    let attached = lab.add(&fabric, &wish).unwrap();
    let link = sees(&wish.namespace, "ip", &["-o", "link", "show", "eth0"]);
    assert!(
        link.contains("0a:00:00:00:00:07") && link.contains("mtu 1400") && link.contains("state UP"),
        "{link}"
    );
    assert_eq!(attached.host_interface, fabric.host_interface("a"));
    assert!(attached.host_interface.starts_with("wh") && attached.host_interface.len() == 14);
    let host = lab.sees("ip", &["-o", "link", "show", &attached.host_interface]);
    assert!(host.contains(&attached.host_mac.to_string()) && host.contains("mtu 1400"), "{host}");
}

#[test]
fn neighbours_are_fixed_so_nobody_asks_by_arp() {
    let lab = Lab::new();
    let task = lab.task(&Fabric::default(), "a", "10.0.0.5");
    let inside = sees(&task.namespace, "ip", &["neigh", "show", "nud", "permanent"]);
    assert!(inside.contains(&format!("10.0.0.1 dev eth0 lladdr {}", task.host_mac())), "{inside}");
    let outside = lab.sees("ip", &["neigh", "show", "nud", "permanent"]);
    assert!(outside.contains(&format!("lladdr {}", task.task_mac())), "{outside}");
}

#[test]
fn the_nft_program_reads_our_table() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    lab.task(&fabric, "a", "10.0.0.5");
    let table = lab.sees("nft", &["list", "table", "ip", "wharf"]);
    for expected in [
        "type ipv4_addr".to_owned(),
        format!("10.0.0.5 comment \"{}\"", fabric.host_interface("a")),
        "type nat hook postrouting priority srcnat; policy accept;".to_owned(),
        "ip saddr @tasks oifname != \"wh*\" masquerade".to_owned(),
    ] {
        assert!(table.contains(&expected), "{expected} is not in {table}");
    }
}

#[test]
fn counters_tell_what_the_task_received_and_sent() {
    let lab = Lab::new();
    let task = lab.task(&Fabric::default(), "a", "10.0.0.5");
    let read = || lab.on_host(|| wharf_cni::counters::read(&task.namespace)).unwrap();
    let before = read();
    assert_eq!(before.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["eth0"]);
    let server = Server::start(&task.namespace, ip("10.0.0.5"), 80);
    call(&lab.host, server.address).unwrap();
    server.finish();
    let after = read();
    assert!(after[0].rx_packets >= before[0].rx_packets + 3, "{after:?}");
    assert!(after[0].tx_packets >= before[0].tx_packets + 3, "{after:?}");
    assert!(after[0].rx_bytes > before[0].rx_bytes && after[0].tx_bytes > before[0].tx_bytes);
}
