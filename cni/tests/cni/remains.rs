//! What remains after DEL, after ADD twice, and after a sweep.

use std::path::Path;

use wharf_cni::{Attachment, Fabric, netns};

use crate::lab::{Lab, attachment};

#[test]
fn del_leaves_nothing() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let before = lab.inventory();
    let mut wish = attachment("a", &lab.namespace("a"), "10.0.0.5");
    wish.addresses.push("fd00::5".parse().unwrap());
    lab.add(&fabric, &wish).unwrap();
    assert_ne!(lab.inventory(), before);
    lab.del(&fabric, &wish).unwrap();
    assert_eq!(lab.inventory(), before);
}

#[test]
fn del_of_one_task_leaves_the_other_as_it_was() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    lab.task(&fabric, "a", "10.0.0.5");
    let before = lab.inventory();
    let b = lab.task(&fabric, "b", "10.0.0.6");
    lab.del(&fabric, &b).unwrap();
    assert_eq!(lab.inventory(), before);
}

#[test]
fn del_of_nothing_is_success() {
    let lab = Lab::new();
    let before = lab.inventory();
    lab.del(&Fabric::default(), &attachment("never", Path::new("/no/such/namespace"), "10.0.0.5")).unwrap();
    assert_eq!(lab.inventory(), before);
}

#[test]
fn del_works_when_the_namespace_went_first() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let before = lab.inventory();
    let task = lab.task(&fabric, "a", "10.0.0.5");
    netns::delete(&task.namespace).unwrap();
    lab.del(&fabric, &task).unwrap();
    assert_eq!(lab.inventory(), before);
}

#[test]
fn add_twice_is_add_and_keeps_the_pair() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let task = lab.task(&fabric, "a", "10.0.0.5");
    let before = lab.inventory();
    let again = lab.add(&fabric, &task).unwrap();
    assert_eq!(again.host_mac, task.host_mac());
    assert_eq!(lab.inventory(), before);
}

#[test]
fn add_with_other_addresses_replaces_the_first() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let first = lab.task(&fabric, "a", "10.0.0.5");
    let second = Attachment { addresses: vec!["10.0.0.9".parse().unwrap()], ..first };
    lab.add(&fabric, &second).unwrap();
    lab.check(&fabric, &second).unwrap();
    assert!(!lab.inventory().contains("10.0.0.5"), "{}", lab.inventory());
}

#[test]
fn add_after_the_namespace_was_made_anew_connects_the_new_one() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let old = lab.task(&fabric, "a", "10.0.0.5");
    let new = Attachment { namespace: lab.namespace("again"), ..old };
    lab.add(&fabric, &new).unwrap();
    lab.check(&fabric, &new).unwrap();
}

#[test]
fn sweep_removes_what_nobody_owns_and_counts_it() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let nothing = lab.inventory();
    lab.task(&fabric, "kept", "10.0.0.5");
    let with_one = lab.inventory();
    lab.task(&fabric, "lost", "10.0.0.6");
    lab.task(&fabric, "astray", "10.0.0.7");
    let swept = lab.sweep(&fabric, &["kept"]);
    let mut expected = vec![fabric.host_interface("lost"), fabric.host_interface("astray")];
    expected.sort();
    let mut found = swept.interfaces.clone();
    found.sort();
    assert_eq!((found, swept.masqueraded, swept.table, swept.count()), (expected, 2, false, 4));
    assert_eq!(lab.inventory(), with_one);

    let rest = lab.sweep(&fabric, &[]);
    assert_eq!((rest.interfaces.len(), rest.masqueraded, rest.table), (1, 1, true));
    assert_eq!(lab.inventory(), nothing);
    assert_eq!(lab.sweep(&fabric, &[]).count(), 0);
}

#[test]
fn sweep_mends_the_masquerading_of_kept_tasks_after_a_firewall_reload() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let tasks = [lab.task(&fabric, "a", "10.0.0.5"), lab.task(&fabric, "b", "10.0.0.6")];
    let before = lab.inventory();
    assert_eq!(lab.sweep(&fabric, &["a", "b"]).mended, 0);
    lab.sees("nft", &["flush", "ruleset"]);
    let swept = lab.sweep(&fabric, &["a", "b"]);
    assert_eq!((swept.mended, swept.count()), (2, 0));
    assert_eq!(lab.inventory(), before);
    for task in &tasks {
        lab.check(&fabric, task).unwrap();
    }
}

#[test]
fn sweep_leaves_what_is_not_ours() {
    let lab = Lab::new();
    lab.outside();
    lab.sees("ip", &["link", "add", "wh0", "type", "veth", "peer", "name", "whabcdefabcdeg"]);
    let before = lab.inventory();
    assert_eq!(lab.sweep(&Fabric::default(), &[]).count(), 0);
    assert_eq!(lab.inventory(), before);
}

#[test]
fn a_namespace_is_made_once_and_deleted_once() {
    let lab = Lab::new();
    let path = lab.namespace("deep/down/a");
    assert!(netns::exists(&path));
    netns::create(&path).unwrap();
    netns::delete(&path).unwrap();
    assert!(!netns::exists(&path) && !path.exists());
    netns::delete(&path).unwrap();
}

#[test]
fn work_in_a_namespace_leaves_the_caller_where_it_was() {
    let lab = Lab::new();
    let own = || std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let before = own();
    let inside = netns::run(&lab.host, own).unwrap();
    assert_ne!(inside, before);
    assert_eq!(own(), before);
}
