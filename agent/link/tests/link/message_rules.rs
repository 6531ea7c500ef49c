//! Which ACS messages are acted on: the required fields of spec 3.5.

use crate::peer::{CLUSTER, INSTANCE};
use serde_json::{Value, json};
use wharf_link::acs::validate::check;
use wharf_protocol::acs::{self, Decoded};

fn verdict(kind: &str, message: &Value) -> Result<(), &'static str> {
    let frame = json!({"type": kind, "message": message}).to_string();
    match acs::decode(&frame).unwrap() {
        Decoded::Message(message) => check(&message).map_err(|flaw| flaw.0),
        Decoded::Unknown { type_name } => panic!("{type_name} is unknown"),
    }
}

/// The message is accepted, and dropped when any of `fields` is absent or empty.
fn needs(kind: &str, message: &Value, fields: &[&str]) {
    assert_eq!(verdict(kind, message), Ok(()), "{kind} as it is");
    for field in fields {
        let pointer = format!("/{}", field.replace('.', "/"));
        for nothing in [Value::Null, empty_like(message.pointer(&pointer).unwrap())] {
            let mut without = message.clone();
            *without.pointer_mut(&pointer).unwrap() = nothing.clone();
            assert!(verdict(kind, &without).is_err(), "{kind} with {field} = {nothing}");
        }
    }
}

fn empty_like(value: &Value) -> Value {
    match value {
        Value::String(_) => json!(""),
        Value::Array(_) => json!([]),
        Value::Number(_) => json!(0),
        other => panic!("no empty {other}"),
    }
}

fn eni() -> Value {
    json!({"macAddress": "02:00:00:00:00:01", "ec2Id": "eni-1", "attachmentArn": "arn:1",
           "ipv4Addresses": [{"privateAddress": "10.0.0.2", "primary": true}],
           "subnetGatewayIpv4Address": "10.0.0.1/24"})
}

fn attach() -> Value {
    json!({"messageId": "m", "clusterArn": CLUSTER, "containerInstanceArn": INSTANCE, "taskArn": "arn:t",
           "waitTimeoutMs": 300_000, "elasticNetworkInterfaces": [eni()]})
}

fn attach_with(change: impl Fn(&mut Value)) -> Result<(), &'static str> {
    let mut message = attach();
    change(&mut message["elasticNetworkInterfaces"][0]);
    verdict("AttachTaskNetworkInterfacesMessage", &message)
}

#[test]
fn a_payload_needs_its_three_ids() {
    let payload =
        json!({"messageId": "m", "clusterArn": CLUSTER, "containerInstanceArn": INSTANCE, "tasks": []});
    needs("PayloadMessage", &payload, &["messageId", "clusterArn", "containerInstanceArn"]);
}

#[test]
fn credentials_need_a_task_an_id_and_a_known_role_type() {
    let message = json!({"messageId": "m", "taskArn": "arn:t", "roleType": "TaskApplication",
                         "roleCredentials": {"credentialsId": "c"}});
    let fields = ["messageId", "taskArn", "roleType", "roleCredentials.credentialsId"];
    needs("IAMRoleCredentialsMessage", &message, &fields);
    let mut other = message.clone();
    other["roleType"] = json!("TaskExecution");
    assert_eq!(verdict("IAMRoleCredentialsMessage", &other), Ok(()));
    other["roleType"] = json!("Somebody");
    assert_eq!(verdict("IAMRoleCredentialsMessage", &other), Err("roleType"));
    other["roleCredentials"] = Value::Null;
    assert_eq!(verdict("IAMRoleCredentialsMessage", &other), Err("roleCredentials"));
}

#[test]
fn a_manifest_needs_an_id_and_a_timeline() {
    let message = json!({"messageId": "m", "timeline": 1, "tasks": []});
    needs("TaskManifestMessage", &message, &["messageId"]);
    assert_eq!(verdict("TaskManifestMessage", &json!({"messageId": "m"})), Err("timeline"));
}

#[test]
fn a_stop_verification_needs_the_manifests_id() {
    needs("TaskStopVerificationAck", &json!({"messageId": "m", "stopTasks": []}), &["messageId"]);
}

#[test]
fn attaching_interfaces_needs_ids_a_wait_and_an_interface() {
    let fields =
        ["messageId", "clusterArn", "containerInstanceArn", "waitTimeoutMs", "elasticNetworkInterfaces"];
    needs("AttachTaskNetworkInterfacesMessage", &attach(), &[&fields[..], &["taskArn"]].concat());
    needs("AttachInstanceNetworkInterfacesMessage", &attach(), &fields);
}

#[test]
fn one_bad_interface_drops_the_message() {
    let mut message = attach();
    message["elasticNetworkInterfaces"] = json!([eni(), {"macAddress": "02:00:00:00:00:02"}]);
    assert!(verdict("AttachTaskNetworkInterfacesMessage", &message).is_err());
}

#[test]
fn an_interface_needs_a_mac_an_id_and_a_gateway_with_prefix() {
    for field in ["macAddress", "ec2Id", "subnetGatewayIpv4Address"] {
        assert_eq!(attach_with(|eni| eni[field] = json!("")), Err(field));
    }
    for gateway in ["10.0.0.1", "10.0.0.1/24/1"] {
        let verdict = attach_with(|eni| eni["subnetGatewayIpv4Address"] = json!(gateway));
        assert_eq!(verdict, Err("subnetGatewayIpv4Address"), "{gateway}");
    }
}

#[test]
fn an_interface_may_be_ipv6_only() {
    let ipv6_only = |eni: &mut Value| {
        eni["ipv4Addresses"] = json!([]);
        eni["subnetGatewayIpv4Address"] = Value::Null;
        eni["ipv6Addresses"] = json!([{"address": "fd00::2"}]);
        eni["subnetGatewayIpv6Address"] = json!("fd00::1/64");
    };
    assert_eq!(attach_with(ipv6_only), Ok(()));
    let without_gateway = |eni: &mut Value| {
        ipv6_only(eni);
        eni["subnetGatewayIpv6Address"] = Value::Null;
    };
    assert_eq!(attach_with(without_gateway), Err("subnetGatewayIpv6Address"));
    assert_eq!(attach_with(|eni| eni["ipv4Addresses"] = json!([])), Err("ipv4Addresses"));
}

#[test]
fn association_protocols_are_default_and_vlan_with_its_properties() {
    let protocol =
        |name: &'static str| attach_with(move |eni| eni["interfaceAssociationProtocol"] = json!(name));
    assert_eq!(protocol("default"), Ok(()));
    assert_eq!(protocol("vlan"), Err("interfaceVlanProperties"));
    assert_eq!(protocol("tunnel"), Err("interfaceAssociationProtocol"));
    assert_eq!(protocol("veth"), Err("interfaceAssociationProtocol"));
    let vlan = |properties: Value| {
        attach_with(move |eni| {
            eni["interfaceAssociationProtocol"] = json!("vlan");
            eni["interfaceVlanProperties"] = properties.clone();
        })
    };
    assert_eq!(vlan(json!({"vlanId": "7", "trunkInterfaceMacAddress": "02:00:00:00:00:09"})), Ok(()));
    assert_eq!(vlan(json!({"vlanId": "7"})), Err("trunkInterfaceMacAddress"));
}

#[test]
fn confirming_an_attachment_needs_arns_and_whole_properties() {
    let message = json!({"messageId": "m", "clusterArn": CLUSTER, "containerInstanceArn": INSTANCE,
        "attachment": {"attachmentArn": "arn:aws:ecs:eu-west-1:111122223333:attachment/a",
                       "attachmentProperties": [{"name": "volumeId", "value": "vol-1"}]}});
    let fields = ["messageId", "clusterArn", "containerInstanceArn", "attachment.attachmentArn"];
    needs("ConfirmAttachmentMessage", &message, &fields);
    for arn in ["arn:aws:ecs:eu-west-1:111122223333:ephemeral-storage/a", "arn:aws:ec2:::volume/vol-1"] {
        let mut other = message.clone();
        other["attachment"]["attachmentArn"] = json!(arn);
        assert_eq!(verdict("ConfirmAttachmentMessage", &other), Ok(()), "{arn}");
    }
    let mut hollow = message.clone();
    hollow["attachment"]["attachmentProperties"] = json!([{"name": "volumeId", "value": ""}]);
    assert_eq!(verdict("ConfirmAttachmentMessage", &hollow), Err("attachment.attachmentProperties"));
    hollow["attachment"]["attachmentArn"] = json!("vol-1");
    assert_eq!(verdict("ConfirmAttachmentMessage", &hollow), Err("attachment.attachmentArn"));
}

#[test]
fn a_heartbeat_is_never_dropped() {
    assert_eq!(verdict("HeartbeatMessage", &json!({})), Ok(()));
}
