//! The strings of `dockerConfig`, read, and the keys in them that nobody would honour. Source: spec 5.

use super::refusal::Refusal;
use serde_json::{Map, Value};
use wharf_core::spec::Network;
use wharf_protocol::acs;
use wharf_protocol::docker::{Config, HostConfig};
use wharf_protocol::json;

/// Keys of `Config` that are honoured, in lower case.
const CONFIG: &[&str] = &[
    "cmd",
    "entrypoint",
    "env",
    "healthcheck",
    "hostname",
    "image",
    "labels",
    "openstdin",
    "stopsignal",
    "tty",
    "user",
    "workingdir",
];

/// Keys of `Config` that change nothing here: who attaches, what the image exposes, and a grace period that the task
/// definition's own always overrides.
const CONFIG_IDLE: &[&str] = &[
    "argsescaped",
    "attachstderr",
    "attachstdin",
    "attachstdout",
    "exposedports",
    "stdinonce",
    "stoptimeout",
];

/// Keys of `HostConfig` that are honoured, in lower case.
const HOST: &[&str] = &[
    "capadd",
    "capdrop",
    "cpushares",
    "devices",
    "extrahosts",
    "init",
    "logconfig",
    "memory",
    "memoryreservation",
    "networkmode",
    "privileged",
    "readonlyrootfs",
    "securityopt",
    "shmsize",
    "sysctls",
    "tmpfs",
    "ulimits",
];

/// Keys of `HostConfig` that change nothing here: the size of a console that nobody has.
const HOST_IDLE: &[&str] = &["consolesize"];

/// Both strings, read.
#[derive(Debug, Default)]
pub(super) struct DockerConfig {
    pub config: Config,
    pub host: HostConfig,
}

impl DockerConfig {
    /// Reads both strings; what is absent or empty is `{}`.
    pub(super) fn read(container: &str, strings: Option<&acs::DockerConfig>) -> Result<Self, Refusal> {
        let Some(strings) = strings else { return Ok(Self::default()) };
        let config = Source { container, field: "config", honoured: CONFIG, idle: CONFIG_IDLE };
        let host = Source { container, field: "hostConfig", honoured: HOST, idle: HOST_IDLE };
        let is_set = |text: &&String| !text.trim().is_empty();
        Ok(Self {
            config: match strings.config.as_ref().filter(is_set) {
                Some(text) => {
                    config.read(text, Config::parse).map_err(|problem| Refusal::Config { problem })?
                }
                None => Config::default(),
            },
            host: match strings.host_config.as_ref().filter(is_set) {
                Some(text) => {
                    host.read(text, HostConfig::parse).map_err(|problem| Refusal::HostConfig { problem })?
                }
                None => HostConfig::default(),
            },
        })
    }

    /// The task decides about the network; a container that asks for another one than host or none is refused, because Docker
    /// would have given it that.
    pub(super) fn check_network(&self, container: &str, network: &Network) -> Result<(), Refusal> {
        let asked = self.host.network_mode.as_deref().unwrap_or_default();
        let fits = match network {
            Network::Awsvpc(_) => true,
            Network::Host => matches!(asked, "" | "default" | "host"),
            Network::None => matches!(asked, "" | "default" | "none"),
        };
        if fits {
            return Ok(());
        }
        let problem = format!(
            "container {container}: hostConfig.NetworkMode {asked:?} is not the network mode of the task"
        );
        Err(Refusal::HostConfig { problem })
    }
}

/// One of the strings.
struct Source<'a> {
    container: &'a str,
    field: &'static str,
    honoured: &'static [&'static str],
    idle: &'static [&'static str],
}

impl Source<'_> {
    /// Reads the string; an error never repeats it, because it may hold secrets.
    fn read<T>(&self, text: &str, parse: fn(&str) -> Result<T, json::JsonError>) -> Result<T, String> {
        let Self { container, field, .. } = self;
        let unreadable =
            |what: String| format!("container {container}: dockerConfig.{field} cannot be read: {what}");
        let keys: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| unreadable("not a JSON object".to_owned()))?;
        let known = |key: &str| {
            let key = key.to_ascii_lowercase();
            self.honoured.contains(&key.as_str()) || self.idle.contains(&key.as_str())
        };
        if let Some((key, _)) = keys.iter().find(|(key, value)| !known(key) && !says_nothing(value)) {
            return Err(format!("container {container}: {field}.{key} is not supported by this agent yet"));
        }
        parse(text).map_err(|error| unreadable(error.to_string()))
    }
}

/// Whether a value asks for nothing: Docker's own zero values, at any depth.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.values().all(says_nothing),
    }
}
