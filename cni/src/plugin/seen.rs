//! Reading results: the one of an earlier ADD, which CHECK gets back, and the one of a plugin that assigns addresses.

use std::net::IpAddr;

use crate::fabric::Mac;
use serde::Deserialize;
use serde_json::Value;

use super::Failure;
use super::config::{address, mac};

/// What of a result matters here.
pub struct Seen {
    /// The addresses with their gateways.
    pub ips: Vec<(IpAddr, Option<IpAddr>)>,
    /// The interfaces inside a namespace, with their hardware addresses.
    pub inside: Vec<(String, Option<Mac>)>,
    pub dns: Value,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    interfaces: Vec<RawInterface>,
    #[serde(default)]
    ips: Vec<RawIp>,
    #[serde(default)]
    dns: Value,
}

#[derive(Deserialize)]
struct RawInterface {
    name: String,
    #[serde(default)]
    mac: String,
    #[serde(default)]
    sandbox: String,
}

#[derive(Deserialize)]
struct RawIp {
    address: String,
    gateway: Option<IpAddr>,
}

impl Seen {
    /// What is seen where the configuration itself gives the addresses.
    pub fn of_addresses(addresses: Vec<IpAddr>) -> Self {
        let ips = addresses.into_iter().map(|address| (address, None)).collect();
        Self { ips, inside: Vec::new(), dns: Value::Null }
    }

    /// Reads a result of any version we speak.
    pub fn parse(result: &Value) -> Result<Self, Failure> {
        let raw = Raw::deserialize(result)
            .map_err(|error| Failure::undecodable("a result cannot be read", &error))?;
        let ips = raw.ips.iter().map(|ip| Ok((address(&ip.address)?, ip.gateway)));
        let inside =
            raw.interfaces.iter().filter(|interface| !interface.sandbox.is_empty()).map(|interface| {
                Ok((interface.name.clone(), mac(Some(interface.mac.as_str()).filter(|mac| !mac.is_empty()))?))
            });
        Ok(Self {
            ips: ips.collect::<Result<_, Failure>>()?,
            inside: inside.collect::<Result<_, Failure>>()?,
            dns: raw.dns,
        })
    }
}
