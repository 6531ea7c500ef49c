//! The commands. Each turns a call into the library's words and back.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use crate::fabric::Mac;
use crate::plan::Plan;
use crate::{Attachment, add as library_add, check as library_check, del as library_del};
use serde_json::Value;

use super::config::Config;
use super::environment::{Environment, Subject};
use super::seen::Seen;
use super::{Failure, Version, answer, ipam};

/// Connects a container. Addresses assigned for a connection that then fails are given back.
pub fn add(environment: &Environment, config: &Config, input: &[u8]) -> Result<Value, Failure> {
    let (subject, mac) = (environment.subject()?, config.wished_mac(environment)?);
    let namespace = environment.namespace()?;
    let assigned = assign(environment, config, input)?;
    let connected = connect(config, attachment(config, &subject, &namespace, mac, &assigned), &assigned);
    match (connected, &config.ipam) {
        (Err(failure), Some(kind)) => Err(give_back(environment, kind, input, failure)),
        (connected, _) => connected,
    }
}

fn connect(config: &Config, wish: Attachment, assigned: &Seen) -> Result<Value, Failure> {
    let made = library_add::add(&config.fabric, &wish)?;
    let dns = if assigned.dns.is_null() { &config.dns } else { &assigned.dns };
    Ok(answer::result(config.version, &config.fabric, &wish, &made, dns))
}

fn give_back(environment: &Environment, kind: &str, input: &[u8], failure: Failure) -> Failure {
    match ipam::delegate(environment, kind, "DEL", input) {
        Ok(_) => failure,
        Err(second) => failure.and(second),
    }
}

/// What an ADD would do. An assigning plugin cannot be asked without assigning, so its networks cannot be tried dry.
pub fn dry_run(environment: &Environment, config: &Config) -> Result<Box<Plan>, Failure> {
    if config.ipam.is_some() {
        return Err(Failure::config(
            "a network with ipam cannot be tried dry",
            &"asking for an address assigns it",
        ));
    }
    let (subject, mac) = (environment.subject()?, config.wished_mac(environment)?);
    let assigned = Seen::of_addresses(config.static_addresses(environment)?);
    let wish = attachment(config, &subject, &environment.namespace()?, mac, &assigned);
    Ok(Box::new(library_add::dry_run(&config.fabric, &wish)?))
}

/// Disconnects a container; both our part and the assigned addresses are tried, whatever fails first.
pub fn del(environment: &Environment, config: &Config, input: &[u8]) -> Result<(), Failure> {
    let subject = environment.subject()?;
    let namespace = environment.namespace_if_known().unwrap_or_default();
    let ours =
        library_del::del(&config.fabric, &subject.id(), &namespace).map_err(|error| Failure::left(&error));
    both(ours, delegate_if_any(environment, config, "DEL", input))
}

/// Compares a container's network with the result of its ADD.
pub fn check(environment: &Environment, config: &Config, input: &[u8]) -> Result<(), Failure> {
    if config.version < Version::V0_4_0 {
        return Err(Failure::version(&config.version.to_string()));
    }
    let subject = environment.subject()?;
    let namespace = environment.namespace()?;
    let missing = || Failure::config("CHECK needs prevResult", &"the result of the ADD");
    let seen = Seen::parse(config.prev_result.as_ref().ok_or_else(missing)?)?;
    let made = seen.inside.iter().find(|(name, _)| *name == subject.interface);
    let (_, mac) =
        made.ok_or_else(|| Failure::config("prevResult lacks the interface", &subject.interface))?;
    library_check::check(&config.fabric, &attachment(config, &subject, &namespace, *mac, &seen))?;
    delegate_if_any(environment, config, "CHECK", input)
}

/// Removes what belongs to no container that the runtime still knows, of this network alone.
pub fn gc(environment: &Environment, config: &Config, input: &[u8]) -> Result<(), Failure> {
    require_1_1(config)?;
    let missing =
        || Failure::config("GC needs cni.dev/valid-attachments", &"an empty list removes everything");
    let valid = config.valid_attachments.as_ref().ok_or_else(missing)?;
    let keep: BTreeSet<String> = valid.iter().map(Subject::id).collect();
    let ours = crate::sweep::sweep(&config.fabric, &keep).map_err(|error| Failure::left(&error));
    both(ours.map(drop), delegate_if_any(environment, config, "GC", input))
}

/// Says whether an ADD could be served.
pub fn status(environment: &Environment, config: &Config, input: &[u8]) -> Result<(), Failure> {
    require_1_1(config)?;
    crate::status::status(&config.fabric).map_err(|error| Failure::unavailable(&error))?;
    delegate_if_any(environment, config, "STATUS", input)
}

fn require_1_1(config: &Config) -> Result<(), Failure> {
    if config.version < Version::V1_1_0 { Err(Failure::version(&config.version.to_string())) } else { Ok(()) }
}

/// The addresses: from the assigning plugin where there is one.
fn assign(environment: &Environment, config: &Config, input: &[u8]) -> Result<Seen, Failure> {
    let Some(kind) = &config.ipam else {
        return config.static_addresses(environment).map(Seen::of_addresses);
    };
    let result = ipam::delegate(environment, kind, "ADD", input)?;
    Seen::parse(&result).map_err(|failure| give_back(environment, kind, input, failure))
}

fn delegate_if_any(
    environment: &Environment,
    config: &Config,
    command: &str,
    input: &[u8],
) -> Result<(), Failure> {
    config.ipam.as_ref().map_or(Ok(()), |kind| ipam::delegate(environment, kind, command, input).map(drop))
}

fn both(first: Result<(), Failure>, second: Result<(), Failure>) -> Result<(), Failure> {
    match (first, second) {
        (Err(first), Err(second)) => Err(first.and(second)),
        (first, second) => first.and(second),
    }
}

fn attachment(
    config: &Config,
    subject: &Subject,
    namespace: &Path,
    mac: Option<Mac>,
    assigned: &Seen,
) -> Attachment {
    let gateways =
        || config.gateway.into_iter().chain(assigned.ips.iter().filter_map(|(_, gateway)| *gateway));
    Attachment {
        id: subject.id(),
        namespace: namespace.to_owned(),
        interface: subject.interface.clone(),
        mac: mac.map(|mac| mac.0),
        addresses: assigned.ips.iter().map(|(address, _)| *address).collect(),
        gateway4: gateways().find_map(|gateway| match gateway {
            IpAddr::V4(gateway) => Some(gateway),
            IpAddr::V6(_) => None,
        }),
        gateway6: config.gateway6.or_else(|| {
            gateways().find_map(|gateway| match gateway {
                IpAddr::V6(gateway) => Some(gateway),
                IpAddr::V4(_) => None,
            })
        }),
    }
}
