//! Wishes that cannot be met: each is refused by name and leaves nothing.

use std::path::Path;

use wharf_cni::fabric::WishError;
use wharf_cni::plan::PlanError;
use wharf_cni::{AddError, Attachment, CheckError, Fabric, ObserveError, netns};

use crate::lab::{Lab, attachment, sees};

/// Adds, expects a refusal, and that the host is as before.
fn refused(lab: &Lab, wish: &Attachment) -> AddError {
    let before = lab.inventory();
    let error = lab.add(&Fabric::default(), wish).unwrap_err();
    assert_eq!(lab.inventory(), before);
    error
}

#[test]
fn a_namespace_that_is_not_there_is_refused() {
    let lab = Lab::new();
    let error = refused(&lab, &attachment("a", Path::new("/run/no/such/namespace"), "10.0.0.5"));
    assert!(
        matches!(error, AddError::Observe(ObserveError::Namespace(netns::RunError::Missing { .. }))),
        "{error}"
    );
}

#[test]
fn an_address_no_task_can_have_is_refused() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    for address in ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "10.0.0.1", "::1", "ff02::1"] {
        let error = refused(&lab, &attachment("a", &namespace, address));
        assert!(matches!(error, AddError::Wish(WishError::Address { .. })), "{address}: {error}");
    }
    let none = Attachment { addresses: Vec::new(), ..attachment("a", &namespace, "10.0.0.5") };
    assert!(matches!(refused(&lab, &none), AddError::Wish(WishError::NoAddress { .. })));
}

#[test]
fn an_address_of_another_task_is_refused_and_the_other_keeps_it() {
    let lab = Lab::new();
    lab.task(&Fabric::default(), "a", "10.0.0.5");
    let error = refused(&lab, &attachment("b", &lab.namespace("b"), "10.0.0.5"));
    assert!(matches!(error, AddError::Plan(PlanError::AddressTaken { .. })), "{error}");
}

#[test]
fn a_gateway_that_is_another_task_is_refused_and_the_other_keeps_it() {
    let lab = Lab::new();
    lab.task(&Fabric::default(), "a", "10.0.0.5");
    let wish = Attachment {
        gateway4: Some("10.0.0.5".parse().unwrap()),
        ..attachment("b", &lab.namespace("b"), "10.0.0.6")
    };
    let error = refused(&lab, &wish);
    assert!(matches!(error, AddError::Plan(PlanError::AddressTaken { .. })), "{error}");
}

#[test]
fn an_address_of_the_host_is_refused() {
    let lab = Lab::new();
    lab.outside();
    let error = refused(&lab, &attachment("a", &lab.namespace("a"), "192.0.2.1"));
    assert!(matches!(error, AddError::Plan(PlanError::AddressIsHosts { .. })), "{error}");
}

#[test]
fn a_gateway_the_host_itself_depends_on_is_refused() {
    let lab = Lab::new();
    lab.outside();
    let paths = ["nexthop", "via", "192.0.2.3", "nexthop", "via", "192.0.2.2"];
    lab.sees("ip", &[&["route", "add", "default"], &paths[..]].concat());
    let wish = Attachment {
        gateway4: Some("192.0.2.2".parse().unwrap()),
        ..attachment("a", &lab.namespace("a"), "192.0.2.5")
    };
    let error = refused(&lab, &wish);
    assert!(matches!(error, AddError::Plan(PlanError::GatewayIsNextHop { .. })), "{error}");
}

#[test]
fn an_interface_that_is_not_ours_is_left_alone() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    sees(&namespace, "ip", &["link", "add", "eth0", "type", "veth", "peer", "name", "other"]);
    let error = refused(&lab, &attachment("a", &namespace, "10.0.0.5"));
    assert!(matches!(error, AddError::Plan(PlanError::InterfaceTaken { .. })), "{error}");
    assert!(sees(&namespace, "ip", &["-br", "link"]).contains("eth0"));
}

#[test]
fn a_change_the_kernel_refuses_halfway_is_undone() {
    let lab = Lab::new();
    // A chain of our table's name that hooks elsewhere: the last step, the masquerade, cannot be made.
    lab.sees(
        "nft",
        &["add table ip wharf; add chain ip wharf postrouting { type filter hook input priority 0; }"],
    );
    let error = refused(&lab, &attachment("a", &lab.namespace("a"), "10.0.0.5"));
    assert!(matches!(error, AddError::Apply(wharf_cni::ApplyError::Masquerade { .. })), "{error}");
}

#[test]
fn check_names_what_is_missing() {
    let lab = Lab::new();
    let fabric = Fabric::default();
    let task = lab.task(&fabric, "a", "10.0.0.5");
    let host = fabric.host_interface("a");
    let check = || lab.check(&fabric, &task);
    check().unwrap();

    lab.sees("ip", &["route", "del", "10.0.0.5/32", "dev", &host]);
    assert!(matches!(check(), Err(CheckError::Missing { side: "host", .. })));
    lab.add(&fabric, &task).unwrap();
    check().unwrap();

    sees(&task.namespace, "ip", &["route", "del", "default"]);
    assert!(matches!(check(), Err(CheckError::Missing { side: "task", .. })));
    lab.add(&fabric, &task).unwrap();

    lab.sees("nft", &["delete", "table", "ip", "wharf"]);
    assert!(matches!(check(), Err(CheckError::NotMasqueraded { .. })));
    lab.add(&fabric, &task).unwrap();
    check().unwrap();

    lab.sees("ip", &["link", "del", &host]);
    assert!(matches!(check(), Err(CheckError::Pair { .. })));
}
