//! The network's configuration, as it comes on standard input.
//!
//! Keys of our own: `addresses`, `gateway`, `gateway6`, `mac`, `mtu`, `masquerade`, `interfacePrefix`, `table`. Addresses come from, in this
//! order: the plugin named in `ipam`, `runtimeConfig.ips`, `IP` in `CNI_ARGS`, `addresses`. Keys of others are ignored, as CNI asks.

use std::net::{IpAddr, Ipv6Addr};

use crate::Fabric;
use crate::fabric::Mac;
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::environment::{Environment, Subject};
use super::{Failure, Version};

/// What the names of a network's interfaces begin with where the configuration does not say; the agent's own begin with `wh`.
const PREFIX: &str = "wc";
/// Hex digits of the network name's hash behind that, so that two networks never sweep each other.
const NETWORK_BYTES: usize = 2;

/// A configuration that can be meant.
pub struct Config {
    pub version: Version,
    pub fabric: Fabric,
    pub addresses: Vec<IpAddr>,
    pub gateway: Option<IpAddr>,
    pub gateway6: Option<Ipv6Addr>,
    pub mac: Option<Mac>,
    /// The file name of the plugin that assigns addresses.
    pub ipam: Option<String>,
    pub dns: Value,
    pub runtime_addresses: Vec<IpAddr>,
    pub runtime_mac: Option<Mac>,
    pub prev_result: Option<Value>,
    pub valid_attachments: Option<Vec<Subject>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    #[serde(default)]
    name: String,
    #[serde(default)]
    addresses: Vec<String>,
    gateway: Option<IpAddr>,
    gateway6: Option<Ipv6Addr>,
    mac: Option<String>,
    mtu: Option<u32>,
    masquerade: Option<bool>,
    interface_prefix: Option<String>,
    table: Option<String>,
    ipam: Option<RawIpam>,
    #[serde(default)]
    dns: Value,
    #[serde(default)]
    runtime_config: RawRuntime,
    prev_result: Option<Value>,
    #[serde(rename = "cni.dev/valid-attachments")]
    valid_attachments: Option<Vec<RawAttachment>>,
}

#[derive(Deserialize)]
struct RawIpam {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Default, Deserialize)]
struct RawRuntime {
    #[serde(default)]
    ips: Vec<String>,
    mac: Option<String>,
}

#[derive(Deserialize)]
struct RawAttachment {
    #[serde(rename = "containerID")]
    container: String,
    #[serde(rename = "ifname")]
    interface: String,
}

impl Config {
    pub fn parse(input: &[u8]) -> Result<Self, Failure> {
        let value: Value = serde_json::from_slice(input)
            .map_err(|error| Failure::undecodable("the configuration is not JSON", &error))?;
        let named = value.get("cniVersion").and_then(Value::as_str).unwrap_or("0.1.0");
        let version = Version::named(named).ok_or_else(|| Failure::version(named))?;
        let raw: Raw = serde_json::from_value(value)
            .map_err(|error| Failure::config("the configuration has a key of the wrong type", &error))?;
        Self::from_raw(version, raw)
    }

    fn from_raw(version: Version, raw: Raw) -> Result<Self, Failure> {
        if raw.name.is_empty() {
            return Err(Failure::config("the configuration has no name", &"every network has one"));
        }
        let subject = |raw: RawAttachment| Subject { container: raw.container, interface: raw.interface };
        Ok(Self {
            version,
            fabric: fabric(&raw)?,
            addresses: addresses(&raw.addresses)?,
            gateway: raw.gateway,
            gateway6: raw.gateway6,
            mac: mac(raw.mac.as_deref())?,
            ipam: raw.ipam.and_then(|ipam| ipam.kind),
            dns: raw.dns,
            runtime_addresses: addresses(&raw.runtime_config.ips)?,
            runtime_mac: mac(raw.runtime_config.mac.as_deref())?,
            prev_result: raw.prev_result,
            valid_attachments: raw.valid_attachments.map(|list| list.into_iter().map(subject).collect()),
        })
    }

    /// The addresses where no other plugin assigns them.
    pub fn static_addresses(&self, environment: &Environment) -> Result<Vec<IpAddr>, Failure> {
        if !self.runtime_addresses.is_empty() {
            return Ok(self.runtime_addresses.clone());
        }
        match environment.argument("IP") {
            Some(list) => list.split(',').map(address).collect(),
            None => Ok(self.addresses.clone()),
        }
    }

    /// The wished hardware address, the runtime's before the configuration's.
    pub fn wished_mac(&self, environment: &Environment) -> Result<Option<Mac>, Failure> {
        let argument = mac(environment.argument("MAC"))?;
        Ok(self.runtime_mac.or(argument).or(self.mac))
    }
}

/// The fabric of this network alone: prefix and table follow from its name where they are not given.
fn fabric(raw: &Raw) -> Result<Fabric, Failure> {
    let network: String =
        Sha256::digest(&raw.name)[..NETWORK_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
    let interface_prefix = raw.interface_prefix.clone().unwrap_or_else(|| format!("{PREFIX}{network}"));
    let table = raw.table.clone().unwrap_or_else(|| format!("wharf-{interface_prefix}"));
    let fabric = Fabric { interface_prefix, table, masquerade: raw.masquerade.unwrap_or(true), mtu: raw.mtu };
    fabric.validate().map_err(|error| Failure::config("the network's names cannot be used", &error))?;
    Ok(fabric)
}

fn addresses(list: &[String]) -> Result<Vec<IpAddr>, Failure> {
    list.iter().map(|text| address(text)).collect()
}

/// Reads an address with or without a prefix length; the fabric routes each address alone, so the length says nothing here.
pub fn address(text: &str) -> Result<IpAddr, Failure> {
    let parsed = text.parse::<IpNet>().map(|net| net.addr()).or_else(|_| text.parse::<IpAddr>());
    parsed.map_err(|error| Failure::config(format!("{text:?} is not an address"), &error))
}

pub fn mac(text: Option<&str>) -> Result<Option<Mac>, Failure> {
    text.map(str::parse).transpose().map_err(|error| Failure::config("a hardware address is wrong", &error))
}
