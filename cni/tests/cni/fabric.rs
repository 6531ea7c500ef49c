//! What a connected task can reach, and what remains when it is gone.

use std::net::IpAddr;

use wharf_cni::Fabric;

use crate::lab::{Lab, Server, call};

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
fn del_leaves_nothing() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let before = lab.inventory();
    let task = lab.task(&fabric, "a", "10.0.0.5");
    assert_ne!(lab.inventory(), before);
    lab.on_host(|| wharf_cni::del(&fabric, "a", &task.namespace)).unwrap();
    assert_eq!(lab.inventory(), before);
}
