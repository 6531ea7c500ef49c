//! From values by key to [`Settings`], with the checks that need more than one key.

use super::error::{ConfigError, Origin, Warning};
use super::settings::{
    AwsCredentials, ControlPlane, Features, HostRoots, Instance, Logging, PullBehavior, RegistryAuth,
    Runtime, Settings, TaskDefaults,
};
use super::value::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use wharf_protocol::Secret;
use wharf_protocol::arn::ClusterArn;

/// Log drivers of the Amazon ECS agent (features section 2).
const KNOWN_DRIVERS: &[&str] = &[
    "json-file",
    "none",
    "syslog",
    "journald",
    "gelf",
    "fluentd",
    "awslogs",
    "splunk",
    "logentries",
    "sumologic",
    "awsfirelens",
];

/// Log drivers that this version has.
const OFFERED_DRIVERS: &[&str] = &["json-file", "none"];

/// The values that were read, and what was found about them.
pub(super) struct Builder<'a> {
    pub values: &'a BTreeMap<&'static str, Value>,
    pub origins: BTreeMap<&'static str, Origin>,
    pub warnings: &'a mut Vec<Warning>,
    pub errors: &'a mut Vec<ConfigError>,
}

impl Builder<'_> {
    /// Builds the settings; `None` when something was missing or wrong, which then stands in `errors`.
    pub(super) fn settings(&mut self) -> Option<Settings> {
        let (region, credentials) = (self.region(), self.credentials());
        let (registry_auth, logging_drivers) = (self.registry_auth(), self.logging_drivers());
        let (Some(region), true) = (region, self.errors.is_empty()) else { return None };
        Some(Settings {
            control_plane: self.control_plane(region, credentials),
            roots: self.roots(),
            instance: self.instance(),
            features: self.features(logging_drivers),
            tasks: self.tasks(),
            runtime: self.runtime(registry_auth),
            log: self.logging(),
        })
    }

    fn control_plane(&self, region: String, credentials: Option<AwsCredentials>) -> ControlPlane {
        ControlPlane {
            cluster: self.text("ECS_CLUSTER"),
            region,
            backend_host: self.text("ECS_BACKEND_HOST"),
            acs_endpoint: self.text("ECS_AGENT_ENDPOINT"),
            telemetry_endpoint: self.text("ECS_TELEMETRY_ENDPOINT"),
            credentials,
            credential_profile: self.word("ECS_ALTERNATE_CREDENTIAL_PROFILE"),
        }
    }

    fn roots(&self) -> HostRoots {
        HostRoots {
            data_dir: self.path("ECS_DATADIR"),
            run_dir: self.path("WHARF_RUN_DIR"),
            cgroup_root: self.path("WHARF_CGROUP_ROOT"),
            logger: self.path("WHARF_LOGGER"),
            interface_prefix: self.word("WHARF_INTERFACE_PREFIX"),
            nft_table: self.word("WHARF_NFT_TABLE"),
            introspection: self.socket("WHARF_INTROSPECTION_LISTEN"),
        }
    }

    fn instance(&self) -> Instance {
        Instance {
            attributes: self.map("ECS_INSTANCE_ATTRIBUTES"),
            tags: self.map("ECS_CONTAINER_INSTANCE_TAGS"),
            reserved_ports: self.ports("ECS_RESERVED_PORTS"),
            reserved_ports_udp: self.ports("ECS_RESERVED_PORTS_UDP"),
            reserved_memory: self.number("ECS_RESERVED_MEMORY"),
            os_family: self.text("ECS_DETAILED_OS_FAMILY"),
            external: self.flag("ECS_EXTERNAL"),
        }
    }

    fn features(&self, logging_drivers: Vec<String>) -> Features {
        Features {
            logging_drivers,
            task_eni: self.flag("ECS_ENABLE_TASK_ENI"),
            task_cpu_mem_limit: self.flag("ECS_ENABLE_TASK_CPU_MEM_LIMIT"),
            task_iam_role: self.flag("ECS_ENABLE_TASK_IAM_ROLE"),
            privileged: !self.flag("ECS_DISABLE_PRIVILEGED"),
            health_check: !self.flag("ECS_DISABLE_DOCKER_HEALTH_CHECK"),
        }
    }

    fn tasks(&self) -> TaskDefaults {
        TaskDefaults {
            stop_timeout: self.duration("ECS_CONTAINER_STOP_TIMEOUT"),
            start_timeout: self.duration("ECS_CONTAINER_START_TIMEOUT"),
            create_timeout: self.duration("ECS_CONTAINER_CREATE_TIMEOUT"),
            cleanup_wait: self.duration("ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION"),
            stories_age: self.duration("WHARF_STOPPED_TASKS_AGE"),
            stories_kept: usize::try_from(self.number("WHARF_STOPPED_TASKS_KEPT")).unwrap_or(usize::MAX),
            unknown_wait: (self.word("WHARF_UNKNOWN_CONTAINERS") == "remove")
                .then(|| self.duration("WHARF_UNKNOWN_CONTAINERS_WAIT")),
            metadata_rate: self.rate("ECS_TASK_METADATA_RPS_LIMIT"),
            metrics: !self.flag("ECS_DISABLE_METRICS"),
        }
    }

    fn runtime(&self, registry_auth: BTreeMap<String, RegistryAuth>) -> Runtime {
        let pull_behavior = match self.word("ECS_IMAGE_PULL_BEHAVIOR").as_str() {
            "always" => PullBehavior::Always,
            "once" => PullBehavior::Once,
            "prefer-cached" => PullBehavior::PreferCached,
            _ => PullBehavior::Default,
        };
        Runtime {
            address: self.path("WHARF_CONTAINERD_ADDRESS"),
            namespace: self.word("WHARF_CONTAINERD_NAMESPACE"),
            snapshotter: self.word("WHARF_SNAPSHOTTER"),
            wait: self.duration("WHARF_CONTAINERD_WAIT"),
            pull_behavior,
            pull_timeout: self.duration("ECS_IMAGE_PULL_TIMEOUT"),
            image_quarantine: self.duration("WHARF_IMAGE_QUARANTINE"),
            pull_inactivity: self.duration("ECS_IMAGE_PULL_INACTIVITY_TIMEOUT"),
            insecure_registries: self.list("WHARF_INSECURE_REGISTRIES"),
            registry_auth,
        }
    }

    fn logging(&self) -> Logging {
        let level = match self.word("ECS_LOGLEVEL").as_str() {
            "crit" | "error" => "error",
            "warn" => "warn",
            "debug" => "debug",
            _ => "info",
        };
        Logging { level, json: self.word("ECS_LOG_OUTPUT_FORMAT") == "json" }
    }

    /// `AWS_DEFAULT_REGION`, else `AWS_REGION`, else the region in the ARN of the cluster.
    fn region(&mut self) -> Option<String> {
        let of_cluster = || {
            let arn = ClusterArn::parse(&self.text("ECS_CLUSTER")?).ok()?;
            Some(arn.region().to_owned()).filter(|region| !region.is_empty())
        };
        let region = self.text("AWS_DEFAULT_REGION").or_else(|| self.text("AWS_REGION")).or_else(of_cluster);
        if region.is_none() {
            let hint = "requests are signed for a region; set it, or give ECS_CLUSTER as an ARN";
            self.errors.push(ConfigError::Missing { key: "AWS_DEFAULT_REGION", hint });
        }
        region
    }

    fn credentials(&mut self) -> Option<AwsCredentials> {
        let secret = |key| self.secret(key).cloned();
        match (self.text("AWS_ACCESS_KEY_ID"), secret("AWS_SECRET_ACCESS_KEY")) {
            (Some(access_key_id), Some(secret_access_key)) => {
                let session_token = secret("AWS_SESSION_TOKEN");
                return Some(AwsCredentials { access_key_id, secret_access_key, session_token });
            }
            (None, None) => {}
            (Some(_), None) => self.errors.push(ConfigError::Missing {
                key: "AWS_SECRET_ACCESS_KEY",
                hint: "AWS_ACCESS_KEY_ID is set, and one is of no use without the other",
            }),
            (None, Some(_)) => self.errors.push(ConfigError::Missing {
                key: "AWS_ACCESS_KEY_ID",
                hint: "AWS_SECRET_ACCESS_KEY is set, and one is of no use without the other",
            }),
        }
        None
    }

    /// The drivers that this version has; others that ECS knows are warned of, unknown ones are errors.
    fn logging_drivers(&mut self) -> Vec<String> {
        const KEY: &str = "ECS_AVAILABLE_LOGGING_DRIVERS";
        let Some(Value::List(drivers)) = self.values.get(KEY) else { return Vec::new() };
        let origin = self.origin(KEY);
        let mut offered = Vec::new();
        for driver in drivers {
            if OFFERED_DRIVERS.contains(&driver.as_str()) {
                offered.push(driver.clone());
            } else if KNOWN_DRIVERS.contains(&driver.as_str()) {
                let part = driver.clone();
                self.warnings.push(Warning::NotOffered { key: KEY, part, origin: origin.clone() });
            } else {
                let expected = format!("names of log drivers: {}", KNOWN_DRIVERS.join(", "));
                let (key, value) = (KEY.to_owned(), format!("{driver:?}"));
                self.errors.push(ConfigError::WrongValue { key, value, origin: origin.clone(), expected });
            }
        }
        offered
    }

    pub(super) fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }
}

/// Typed access. A key that has a default always has a value, of the form its table row says; a row that breaks this
/// breaks every start of the agent and the first test, hence the panics.
impl Builder<'_> {
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let Value::Text(text) = self.values.get(key)? else { mistyped(key) };
        Some(text.clone())
    }

    pub(super) fn secret(&self, key: &str) -> Option<&Secret> {
        let Value::Secret(secret) = self.values.get(key)? else { mistyped(key) };
        Some(secret)
    }

    fn word(&self, key: &str) -> String {
        self.text(key).unwrap_or_else(|| mistyped(key))
    }

    fn path(&self, key: &str) -> PathBuf {
        let Some(Value::Path(path)) = self.values.get(key) else { mistyped(key) };
        path.clone()
    }

    fn flag(&self, key: &str) -> bool {
        let Some(Value::Bool(flag)) = self.values.get(key) else { mistyped(key) };
        *flag
    }

    fn number(&self, key: &str) -> u64 {
        let Some(Value::Number(number)) = self.values.get(key) else { mistyped(key) };
        *number
    }

    fn duration(&self, key: &str) -> Duration {
        let Some(Value::Duration(duration)) = self.values.get(key) else { mistyped(key) };
        *duration
    }

    fn socket(&self, key: &str) -> SocketAddr {
        let Some(Value::Socket(address)) = self.values.get(key) else { mistyped(key) };
        *address
    }

    fn rate(&self, key: &str) -> (u32, u32) {
        let Some(Value::Rate(rate, burst)) = self.values.get(key) else { mistyped(key) };
        (*rate, *burst)
    }

    fn ports(&self, key: &str) -> Vec<u16> {
        let Some(Value::Ports(ports)) = self.values.get(key) else { mistyped(key) };
        ports.clone()
    }

    fn list(&self, key: &str) -> Vec<String> {
        let Some(Value::List(list)) = self.values.get(key) else { mistyped(key) };
        list.clone()
    }

    fn map(&self, key: &str) -> BTreeMap<String, String> {
        let Some(Value::Map(map)) = self.values.get(key) else { mistyped(key) };
        map.clone()
    }
}

fn mistyped(key: &str) -> ! {
    unreachable!("the table gives {key} another form or no default")
}
