//! What goes back: results and errors in the form of the call's version (CNI specification, section 5).

use std::error::Error;
use std::fmt;
use std::io;

use crate::plan::{Plan, PlanError};
use crate::{AddError, Attached, Attachment, CheckError, Fabric, ObserveError, netns};
use serde_json::{Map, Value, json};

use super::Version;

/// What a call is answered with when it succeeds.
pub enum Answer {
    Nothing,
    Json(Value),
    /// For people: the answer to `--dry-run`.
    Plan(Box<Plan>),
}

/// Why a call fails, with the specification's code.
#[derive(Debug)]
pub struct Failure {
    pub code: u32,
    pub message: String,
    pub details: String,
}

/// A failure in the words of a version; prints as the JSON that CNI wants.
pub struct Refusal(Version, Failure);

/// Codes of the specification, and of our own from 100 on.
mod code {
    pub const VERSION: u32 = 1;
    pub const UNKNOWN_CONTAINER: u32 = 3;
    pub const ENVIRONMENT: u32 = 4;
    pub const IO: u32 = 5;
    pub const UNDECODABLE: u32 = 6;
    pub const CONFIG: u32 = 7;
    pub const TRY_AGAIN: u32 = 11;
    pub const UNAVAILABLE: u32 = 50;
    /// The kernel refused a change.
    pub const KERNEL: u32 = 100;
    /// The container's network is not as ADD made it.
    pub const CHECK: u32 = 101;
    /// Something of ours could not be removed.
    pub const LEFT: u32 = 102;
    /// The plugin that assigns addresses failed without saying how.
    pub const IPAM: u32 = 103;
}

impl Failure {
    fn new(code: u32, message: impl Into<String>, details: &dyn fmt::Display) -> Self {
        Self { code, message: message.into(), details: details.to_string() }
    }

    pub fn version(named: &str) -> Self {
        let known = Version::ALL.map(|version| version.to_string()).join(", ");
        Self::new(
            code::VERSION,
            format!("CNI version {named:?} is not supported"),
            &format!("supported: {known}"),
        )
    }

    pub fn environment(message: String) -> Self {
        Self::new(code::ENVIRONMENT, message, &"")
    }

    pub fn io(message: impl Into<String>, error: &io::Error) -> Self {
        Self::new(code::IO, message, error)
    }

    pub fn undecodable(message: impl Into<String>, error: &dyn fmt::Display) -> Self {
        Self::new(code::UNDECODABLE, message, error)
    }

    pub fn config(message: impl Into<String>, error: &dyn fmt::Display) -> Self {
        Self::new(code::CONFIG, message, error)
    }

    pub fn ipam(message: impl Into<String>, error: &dyn fmt::Display) -> Self {
        Self::new(code::IPAM, message, error)
    }

    pub fn unavailable(error: &dyn Error) -> Self {
        Self::new(code::UNAVAILABLE, "this host cannot connect containers", &chain(error))
    }

    pub fn left(error: &dyn Error) -> Self {
        Self::new(code::LEFT, "not everything could be removed", &chain(error))
    }

    /// Both failures as one; the first gives the code.
    pub fn and(mut self, other: Self) -> Self {
        self.details = format!("{}; {}: {}", self.details, other.message, other.details);
        self
    }

    pub fn speaking(self, version: Version) -> Refusal {
        Refusal(version, self)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(version, Failure { code, message, details }) = self;
        let body =
            json!({ "cniVersion": version.to_string(), "code": code, "msg": message, "details": details });
        write!(f, "{body}")
    }
}

impl From<AddError> for Failure {
    fn from(error: AddError) -> Self {
        let code = match &error {
            AddError::Wish(_) => code::CONFIG,
            AddError::Observe(error) => observe_code(error),
            AddError::Plan(PlanError::AddressTaken { .. }) => code::TRY_AGAIN,
            AddError::Plan(_) => code::CONFIG,
            AddError::Apply(_) => code::KERNEL,
        };
        Self::new(code, "cannot connect the container", &chain(&error))
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        let code = match &error {
            CheckError::Wish(_) => code::CONFIG,
            CheckError::Observe(error) => observe_code(error),
            CheckError::Plan(_)
            | CheckError::Pair { .. }
            | CheckError::Missing { .. }
            | CheckError::NotForwarded { .. }
            | CheckError::NotMasqueraded { .. } => code::CHECK,
            CheckError::Read { .. } => code::KERNEL,
        };
        Self::new(code, "the container's network is not as it was made", &chain(&error))
    }
}

fn observe_code(error: &ObserveError) -> u32 {
    match error {
        ObserveError::Namespace(netns::RunError::Missing { .. }) => code::UNKNOWN_CONTAINER,
        ObserveError::Namespace(_) => code::IO,
        ObserveError::Task(_) | ObserveError::Host(_) => code::KERNEL,
    }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Answer {
    /// The answer to VERSION.
    pub fn versions(spoken: Version) -> Self {
        let supported = Version::ALL.map(|version| version.to_string());
        Self::Json(json!({ "cniVersion": spoken.to_string(), "supportedVersions": supported }))
    }
}

/// The result of an ADD; its second interface is the container's.
pub fn result(version: Version, fabric: &Fabric, wish: &Attachment, made: &Attached, dns: &Value) -> Value {
    let mtu = fabric.mtu.filter(|_| version >= Version::V1_1_0);
    let interface = |name: &str, mac: String, sandbox: Option<String>| {
        let mut interface = Map::from_iter([("name".into(), json!(name)), ("mac".into(), json!(mac))]);
        interface.extend(sandbox.map(|path| ("sandbox".into(), json!(path))));
        interface.extend(mtu.map(|mtu| ("mtu".into(), json!(mtu))));
        Value::Object(interface)
    };
    let namespace = wish.namespace.display().to_string();
    let ip = |address: &std::net::IpAddr| {
        let (family, width) = if address.is_ipv4() { ("4", 32) } else { ("6", 128) };
        let mut ip = json!({ "address": format!("{address}/{width}"), "gateway": wish.gateway_for(*address), "interface": 1 });
        if version < Version::V1_0_0 {
            ip["version"] = json!(family);
        }
        ip
    };
    let route = |gateway: &std::net::IpAddr| json!({ "dst": if gateway.is_ipv4() { "0.0.0.0/0" } else { "::/0" }, "gw": gateway });
    json!({
        "cniVersion": version.to_string(),
        "interfaces": [
            interface(&made.host_interface, made.host_mac.to_string(), None),
            interface(&wish.interface, made.task_mac.to_string(), Some(namespace)),
        ],
        "ips": wish.addresses.iter().map(ip).collect::<Vec<_>>(),
        "routes": wish.gateways().iter().map(route).collect::<Vec<_>>(),
        "dns": if dns.is_null() { json!({}) } else { dns.clone() },
    })
}
