//! A network interface as the control plane assigned it, checked. Source: spec 3.5.
//!
//! Stricter than the Amazon agent, which only looks for a slash in the gateway: everything here ends in the kernel or in a
//! task's `resolv.conf`, so it is parsed.

use super::refusal::{Refusal, required};
use ipnet::IpNet;
use std::net::IpAddr;
use wharf_core::spec::Interface;
use wharf_protocol::acs::ElasticNetworkInterface;

/// Reads one interface; `field` says where it stands, e.g. `elasticNetworkInterfaces[0]`.
pub(super) fn convert(field: &str, eni: &ElasticNetworkInterface) -> Result<Interface, Refusal> {
    let at = |name: &str| format!("{field}.{name}");
    required(&at("ec2Id"), &eni.ec2_id)?;
    let mac = mac(&at("macAddress"), required(&at("macAddress"), &eni.mac_address)?)?;
    match eni.interface_association_protocol.as_deref() {
        None | Some("" | "default") => {}
        Some(other) => {
            return Err(Refusal::unsupported(format!("{} {other}", at("interfaceAssociationProtocol"))));
        }
    }
    let v4 = eni.ipv4_addresses.iter().map(|a| (a.primary, &a.private_address));
    let v4 = addresses(&at("ipv4Addresses"), v4, IpAddr::is_ipv4)?;
    let v6 = eni.ipv6_addresses.iter().map(|a| (a.primary, &a.address));
    let v6 = addresses(&at("ipv6Addresses"), v6, IpAddr::is_ipv6)?;
    if v4.is_empty() && v6.is_empty() {
        return Err(Refusal::missing(at("ipv4Addresses")));
    }
    let gateway4 =
        gateway(&at("subnetGatewayIpv4Address"), &eni.subnet_gateway_ipv4_address, !v4.is_empty())?;
    let only_v6 = v4.is_empty();
    let gateway6 = gateway(&at("subnetGatewayIpv6Address"), &eni.subnet_gateway_ipv6_address, only_v6)?;
    for server in &eni.domain_name_servers {
        server
            .parse::<IpAddr>()
            .map_err(|_| Refusal::wrong(at("domainNameServers"), server, "an IP address"))?;
    }
    for name in eni.domain_name.iter().chain(&eni.private_dns_name) {
        if !is_domain_name(name) {
            return Err(Refusal::wrong(at("domainName or privateDnsName"), name, "a domain name"));
        }
    }
    Ok(Interface {
        attachment_arn: eni.attachment_arn.clone().filter(|arn| !arn.is_empty()),
        mac,
        addresses: v4.into_iter().chain(v6).collect(),
        gateway4,
        gateway6,
        dns_servers: eni.domain_name_servers.clone(),
        dns_search: eni.domain_name.clone(),
        private_dns_name: eni.private_dns_name.clone().filter(|name| !name.is_empty()),
    })
}

/// Six hex pairs that one station may have: not a multicast address, not all zero.
fn mac(field: &str, text: &str) -> Result<String, Refusal> {
    let pairs: Vec<&str> = text.split(':').collect();
    let byte = |pair: &&str| (pair.len() == 2).then(|| u8::from_str_radix(pair, 16).ok()).flatten();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    match bytes.as_deref() {
        Some(bytes @ [first, _, _, _, _, _]) if first & 1 == 0 && bytes.iter().any(|b| *b != 0) => {
            Ok(text.to_ascii_lowercase())
        }
        Some(_) | None => Err(Refusal::wrong(field, text, "the hardware address of one station")),
    }
}

/// Addresses with the primary one first.
fn addresses<'a>(
    field: &str,
    assigned: impl Iterator<Item = (Option<bool>, &'a Option<String>)>,
    right_family: fn(&IpAddr) -> bool,
) -> Result<Vec<IpAddr>, Refusal> {
    let mut addresses = Vec::new();
    for (primary, text) in assigned {
        let text = required(field, text)?;
        let address = text.parse().ok().filter(right_family);
        let address = address.ok_or_else(|| Refusal::wrong(field, text, "an address of its family"))?;
        let place = if primary == Some(true) { 0 } else { addresses.len() };
        addresses.insert(place, address);
    }
    Ok(addresses)
}

fn gateway(field: &str, text: &Option<String>, needed: bool) -> Result<Option<IpNet>, Refusal> {
    match text.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => match text.parse() {
            Ok(gateway) => Ok(Some(gateway)),
            Err(_) => {
                Err(Refusal::wrong(field, text, "an address with its subnet's prefix, such as 10.0.2.1/24"))
            }
        },
        None if needed => Err(Refusal::missing(field)),
        None => Ok(None),
    }
}

/// Letters, digits, hyphens, underscores and dots; it is written into files one name a line.
fn is_domain_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    name.len() <= 253 && name.bytes().all(plain)
}
