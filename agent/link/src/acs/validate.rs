//! Which messages the agent acts on: the fields each one must have (spec 3.5).
//!
//! Pure. A message that fails is dropped without an answer; what is returned is for the log only.

use std::time::Duration;
use wharf_protocol::acs::{
    Attachment, AttachmentProperty, ConfirmAttachmentMessage, ElasticNetworkInterface,
    IAMRoleCredentialsMessage, Message,
};

/// How long an attachment is waited for when the message does not say (spec 3.5).
pub const DEFAULT_ATTACHMENT_WAIT: Duration = Duration::from_millis(300_000);

/// A field that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field {0} is missing or wrong")]
pub struct Flaw(pub &'static str);

/// Checks the fields that a message of this type must have.
///
/// # Errors
/// The first field that is missing or wrong; the message is then to be dropped silently.
pub fn check(message: &Message) -> Result<(), Flaw> {
    match message {
        Message::PayloadMessage(m) => {
            ids(&[("messageId", &m.message_id), ("clusterArn", &m.cluster_arn)])?;
            ids(&[("containerInstanceArn", &m.container_instance_arn)])
        }
        Message::IAMRoleCredentialsMessage(m) => check_credentials(m),
        Message::TaskManifestMessage(m) => {
            ids(&[("messageId", &m.message_id)])?;
            require("timeline", m.timeline.is_some())
        }
        Message::TaskStopVerificationAck(m) => ids(&[("messageId", &m.message_id)]),
        Message::AttachTaskNetworkInterfacesMessage(m) => {
            ids(&[("messageId", &m.message_id), ("clusterArn", &m.cluster_arn)])?;
            ids(&[("containerInstanceArn", &m.container_instance_arn), ("taskArn", &m.task_arn)])?;
            check_interfaces(m.wait_timeout_ms, &m.elastic_network_interfaces)
        }
        Message::AttachInstanceNetworkInterfacesMessage(m) => {
            ids(&[("messageId", &m.message_id), ("clusterArn", &m.cluster_arn)])?;
            ids(&[("containerInstanceArn", &m.container_instance_arn)])?;
            check_interfaces(m.wait_timeout_ms, &m.elastic_network_interfaces)
        }
        Message::ConfirmAttachmentMessage(m) => check_attachment(m),
        Message::StageUpdateMessage(_)
        | Message::PerformUpdateMessage(_)
        | Message::HeartbeatMessage(_)
        | Message::CloseMessage(_)
        | Message::ErrorMessage(_)
        | Message::AckRequest(_)
        | Message::NackRequest(_)
        | Message::HeartbeatAckRequest(_)
        | Message::IAMRoleCredentialsAckRequest(_)
        | Message::TaskStopVerificationMessage(_) => Ok(()),
    }
}

fn check_credentials(m: &IAMRoleCredentialsMessage) -> Result<(), Flaw> {
    ids(&[("messageId", &m.message_id), ("taskArn", &m.task_arn)])?;
    let credentials = m.role_credentials.as_ref().ok_or(Flaw("roleCredentials"))?;
    ids(&[("roleCredentials.credentialsId", &credentials.credentials_id)])?;
    require("roleType", matches!(m.role_type.as_deref(), Some("TaskApplication" | "TaskExecution")))
}

fn check_attachment(m: &ConfirmAttachmentMessage) -> Result<(), Flaw> {
    ids(&[("messageId", &m.message_id)])?;
    require("clusterArn", is_arn(&m.cluster_arn))?;
    require("containerInstanceArn", is_arn(&m.container_instance_arn))?;
    let attachment: &Attachment = m.attachment.as_ref().ok_or(Flaw("attachment"))?;
    require("attachment.attachmentArn", is_arn(&attachment.attachment_arn))?;
    let named = |p: &AttachmentProperty| is_set(&p.name) && is_set(&p.value);
    require("attachment.attachmentProperties", attachment.attachment_properties.iter().all(named))
}

fn check_interfaces(wait_ms: Option<i64>, interfaces: &[ElasticNetworkInterface]) -> Result<(), Flaw> {
    require("waitTimeoutMs", wait_ms.is_some_and(|wait| wait > 0))?;
    require("elasticNetworkInterfaces", !interfaces.is_empty())?;
    interfaces.iter().try_for_each(check_interface)
}

/// Checks one interface; payloads carry the same shape, so the agent checks theirs with this too.
///
/// # Errors
/// The first field that is missing or wrong.
pub fn check_interface(eni: &ElasticNetworkInterface) -> Result<(), Flaw> {
    ids(&[("macAddress", &eni.mac_address), ("ec2Id", &eni.ec2_id)])?;
    match (eni.ipv4_addresses.is_empty(), eni.ipv6_addresses.is_empty()) {
        (false, _) => require("subnetGatewayIpv4Address", is_gateway(&eni.subnet_gateway_ipv4_address))?,
        (true, false) => require("subnetGatewayIpv6Address", is_gateway(&eni.subnet_gateway_ipv6_address))?,
        (true, true) => return Err(Flaw("ipv4Addresses")),
    }
    match eni.interface_association_protocol.as_deref() {
        None | Some("" | "default") => Ok(()),
        Some("vlan") => {
            let vlan = eni.interface_vlan_properties.as_ref().ok_or(Flaw("interfaceVlanProperties"))?;
            ids(&[("vlanId", &vlan.vlan_id), ("trunkInterfaceMacAddress", &vlan.trunk_interface_mac_address)])
        }
        Some(_) => Err(Flaw("interfaceAssociationProtocol")),
    }
}

/// `address/prefix`: exactly one slash is all that is asked (spec 3.5).
fn is_gateway(gateway: &Option<String>) -> bool {
    gateway.as_deref().is_some_and(|text| text.matches('/').count() == 1)
}

/// An ARN of any kind: attachments come as `attachment/…` and as `ephemeral-storage/…`.
fn is_arn(field: &Option<String>) -> bool {
    let parts: Vec<&str> = field.as_deref().unwrap_or_default().splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, service, _, _, resource]
        if ![partition, service, resource].contains(&""))
}

fn is_set(field: &Option<String>) -> bool {
    field.as_deref().is_some_and(|text| !text.is_empty())
}

fn ids(fields: &[(&'static str, &Option<String>)]) -> Result<(), Flaw> {
    fields.iter().try_for_each(|(name, field)| require(name, is_set(field)))
}

fn require(field: &'static str, holds: bool) -> Result<(), Flaw> {
    if holds { Ok(()) } else { Err(Flaw(field)) }
}
