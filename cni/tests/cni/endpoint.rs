//! The endpoint inside a task's namespace.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use wharf_cni::{Fabric, endpoint};

use crate::lab::{Lab, Server, call, sees};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
const PUBLIC: SocketAddr = SocketAddr::new(IpAddr::V4(ADDRESS), 80);
const PORT: u16 = 51679;

#[test]
fn port_80_of_the_endpoint_reaches_the_listener() {
    let lab = Lab::new();
    let task = lab.namespace("a");
    let listener = lab.on_host(|| endpoint::open(&task, ADDRESS, PORT)).unwrap();
    assert_eq!(listener.local_addr().unwrap(), SocketAddr::new(IpAddr::V4(ADDRESS), PORT));
    let server = Server::on(listener);
    assert_eq!(call(&task, PUBLIC).unwrap(), ADDRESS.to_string());
    server.finish();
}

#[test]
fn an_application_may_have_port_80_itself() {
    let lab = Lab::new();
    let task = lab.task(&Fabric::default(), "a", "10.0.0.5");
    let application = Server::start(&task.namespace, IpAddr::V4(Ipv4Addr::UNSPECIFIED), 80);
    let listener = lab.on_host(|| endpoint::open(&task.namespace, ADDRESS, PORT)).unwrap();
    let agent = Server::on(listener);
    assert_eq!(call(&task.namespace, PUBLIC).unwrap(), ADDRESS.to_string());
    agent.finish();
    assert_eq!(call(&lab.host, "10.0.0.5:80".parse().unwrap()).unwrap(), "10.0.0.1");
    application.finish();
}

#[test]
fn every_task_has_the_same_address_and_its_own_listener() {
    let lab = Lab::new();
    let (a, b) = (lab.namespace("a"), lab.namespace("b"));
    let for_a = Server::on(lab.on_host(|| endpoint::open(&a, ADDRESS, PORT)).unwrap());
    let for_b = Server::on(lab.on_host(|| endpoint::open(&b, ADDRESS, PORT)).unwrap());
    call(&b, PUBLIC).unwrap();
    for_b.finish();
    call(&a, PUBLIC).unwrap();
    for_a.finish();
}

#[test]
fn opening_again_after_a_crash_works_and_changes_the_port() {
    let lab = Lab::new();
    let task = lab.namespace("a");
    drop(lab.on_host(|| endpoint::open(&task, ADDRESS, PORT)).unwrap());
    drop(lab.on_host(|| endpoint::open(&task, ADDRESS, PORT)).unwrap());
    let server = Server::on(lab.on_host(|| endpoint::open(&task, ADDRESS, PORT + 1)).unwrap());
    call(&task, PUBLIC).unwrap();
    server.finish();
    assert_eq!(sees(&task, "nft", &["list", "ruleset"]).matches("dnat to").count(), 1);
}

#[test]
fn a_second_agent_for_the_same_task_is_told_that_the_port_is_in_use() {
    let lab = Lab::new();
    let task = lab.namespace("a");
    let _first = lab.on_host(|| endpoint::open(&task, ADDRESS, PORT)).unwrap();
    let second = lab.on_host(|| endpoint::open(&task, ADDRESS, PORT));
    assert!(matches!(second, Err(endpoint::OpenError::Listen { .. })), "{second:?}");
}

#[test]
fn nobody_outside_the_task_reaches_its_endpoint() {
    let lab = Lab::new();
    let task = lab.task(&Fabric::default(), "a", "10.0.0.5");
    let _listener = lab.on_host(|| endpoint::open(&task.namespace, ADDRESS, PORT)).unwrap();
    // The host is made to try as hard as it can: a route to the address by the task's interface, with a source that has a way back.
    let host = Fabric::default().host_interface("a");
    let way = ["via", "10.0.0.5", "dev", &host, "onlink", "src", "10.0.0.1"];
    lab.sees("ip", &[&["route", "add", "169.254.170.2/32"], &way[..]].concat());
    for port in [80, PORT] {
        let target = SocketAddr::new(IpAddr::V4(ADDRESS), port);
        let tried = wharf_cni::netns::run(&lab.host, || {
            std::net::TcpStream::connect_timeout(&target, Duration::from_millis(300))
        });
        assert!(tried.unwrap().is_err(), "port {port} answered");
    }
}
