//! Every setting there is: name, name in the native file, form, default, meaning, and whether Wharf honours it.
//!
//! Owns the table and nothing else. Source of names and defaults: features section 20.1; where Wharf's default differs, the
//! meaning says so.

use super::value::{Floor, Kind};

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Name as environment variable, in the env file and for `--set`.
    pub name: &'static str,
    /// Name in `agent.toml`; only settings that have an effect there have one.
    pub toml: Option<&'static str>,
    /// Form of its value.
    pub kind: Kind,
    /// The default as text; empty where there is none.
    pub default: &'static str,
    /// Meaning, in one sentence.
    pub doc: &'static str,
    /// Whether it has an effect.
    pub status: Status,
}

/// Whether a setting has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It has the effect its meaning says.
    Honoured,
    /// It has its effect only as flag or environment variable, because it says which files to read.
    Bootstrap,
    /// The HTTP client reads it from the environment itself, so it has its effect only there.
    Environment,
    /// Known from the Amazon ECS agent and not built yet; setting it is a warning with this reason.
    NotYet(&'static str),
    /// Known from the Amazon ECS agent and without meaning here; setting it is a warning with this reason.
    Ignored(&'static str),
}

const fn key(
    name: &'static str,
    toml: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, toml: Some(toml), kind, default, doc, status: Status::Honoured }
}

const fn environment(name: &'static str, doc: &'static str) -> Key {
    // A proxy's address may hold a password.
    Key { name, toml: None, kind: Kind::Secret, default: "", doc, status: Status::Environment }
}

const fn bootstrap(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key { name, toml: None, kind: Kind::Path, default, doc, status: Status::Bootstrap }
}

/// A key that is accepted in any form, so that an existing `ecs.config` keeps working, and warned of.
const fn not_yet(name: &'static str, why: &'static str) -> Key {
    Key { name, toml: None, kind: Kind::Text, default: "", doc: why, status: Status::NotYet(why) }
}

const fn ignored(name: &'static str, why: &'static str) -> Key {
    Key { name, toml: None, kind: Kind::Text, default: "", doc: why, status: Status::Ignored(why) }
}

const DOCKER: &str = "there is no Docker here; see WHARF_CONTAINERD_ADDRESS";
const AGENT_CONTAINER: &str = "Wharf's agent is a service of systemd, not a container";
const IN_PROCESS: &str = "task networks are made in process";
const JOURNAL: &str = "the agent logs to standard error, which systemd keeps in its journal";
const WINDOWS: &str = "only Windows has it";
const NO_GPU: &str = "accelerators are not supported yet";
const NO_GMSA: &str = "gMSA is not supported yet";
const NO_CLEANUP: &str = "images are not cleaned up yet";
const NO_UPDATES: &str = "packages update Wharf; update messages are not handled";

/// The settings, in the order in which `wharf-agent config` prints them.
pub const KEYS: &[Key] = &[
    bootstrap("WHARF_CONFIG", "/etc/wharf/agent.toml", "path of the native configuration file"),
    bootstrap("WHARF_ECS_CONFIG", "/etc/ecs/ecs.config", "path of the env file with ECS_* settings"),
    // ---- the control plane ----
    key(
        "ECS_CLUSTER",
        "cluster",
        Kind::Text,
        "",
        "name or ARN of the cluster to join; `default` when not set",
    ),
    key("ECS_BACKEND_HOST", "backend_host", Kind::Url, "", "ECS API endpoint in place of the region's"),
    key(
        "ECS_AGENT_ENDPOINT",
        "agent_endpoint",
        Kind::Url,
        "",
        "ACS endpoint in place of the one DiscoverPollEndpoint names",
    ),
    key(
        "ECS_TELEMETRY_ENDPOINT",
        "telemetry_endpoint",
        Kind::Url,
        "",
        "TCS endpoint in place of the one DiscoverPollEndpoint names",
    ),
    key(
        "AWS_DEFAULT_REGION",
        "region",
        Kind::Name(64),
        "",
        "region to sign for and to call; else AWS_REGION, else that of a cluster ARN",
    ),
    key("AWS_REGION", "fallback_region", Kind::Name(64), "", "used when AWS_DEFAULT_REGION is not set"),
    key("AWS_ACCESS_KEY_ID", "access_key_id", Kind::Text, "", "access key of the agent's own credentials"),
    key(
        "AWS_SECRET_ACCESS_KEY",
        "secret_access_key",
        Kind::Secret,
        "",
        "secret of the agent's own credentials",
    ),
    key("AWS_SESSION_TOKEN", "session_token", Kind::Secret, "", "session token of temporary credentials"),
    key(
        "ECS_ALTERNATE_CREDENTIAL_PROFILE",
        "credential_profile",
        Kind::Text,
        "default",
        "profile of /root/.aws/credentials that is used when no access key is set; without the file, the role of the EC2 instance",
    ),
    environment("HTTP_PROXY", "proxy for http:// endpoints"),
    environment("HTTPS_PROXY", "proxy for https:// endpoints"),
    environment("NO_PROXY", "hosts that are called without a proxy"),
    // ---- this host ----
    key("ECS_DATADIR", "data_dir", Kind::Path, "/var/lib/wharf", "durable state; one agent per directory"),
    key(
        "WHARF_RUN_DIR",
        "run_dir",
        Kind::Path,
        "/run/wharf",
        "state that ends with the boot: namespaces, resolv.conf, sockets",
    ),
    key(
        "WHARF_CONTAINERD_ADDRESS",
        "containerd_address",
        Kind::Path,
        "/run/containerd/containerd.sock",
        "socket of containerd",
    ),
    key(
        "WHARF_CONTAINERD_NAMESPACE",
        "containerd_namespace",
        Kind::Name(76),
        "wharf",
        "containerd namespace that holds everything of this agent",
    ),
    key("WHARF_SNAPSHOTTER", "snapshotter", Kind::Name(64), "overlayfs", "containerd snapshotter"),
    key(
        "WHARF_CGROUP_ROOT",
        "cgroup_root",
        Kind::Path,
        "/ecs",
        "cgroup, below the mount point, that holds the tasks' cgroups",
    ),
    key(
        "WHARF_INTERFACE_PREFIX",
        "interface_prefix",
        Kind::Name(3),
        "wh",
        "begins the name of every host-side interface of this agent",
    ),
    key("WHARF_NFT_TABLE", "nft_table", Kind::Name(31), "wharf", "name of the nftables table on the host"),
    key(
        "WHARF_LOGGER",
        "logger",
        Kind::Path,
        "/usr/libexec/wharf/wharf-logger",
        "program that captures the output of containers",
    ),
    key(
        "WHARF_CONTAINERD_WAIT",
        "containerd_wait",
        Kind::Duration(Floor::None),
        "1m",
        "how long the start waits for containerd to answer before the agent ends with an error",
    ),
    key(
        "WHARF_INTROSPECTION_LISTEN",
        "introspection_listen",
        Kind::Socket,
        "127.0.0.1:51678",
        "where operators of this host ask what runs; it asks nobody who they are, so keep it on loopback",
    ),
    // ---- what is registered ----
    key(
        "ECS_RESERVED_PORTS",
        "reserved_ports",
        Kind::Ports,
        "[22,2375,2376,51678,51679]",
        "TCP ports that tasks must not use",
    ),
    key(
        "ECS_RESERVED_PORTS_UDP",
        "reserved_ports_udp",
        Kind::Ports,
        "[]",
        "UDP ports that tasks must not use",
    ),
    key(
        "ECS_RESERVED_MEMORY",
        "reserved_memory",
        Kind::Number(0, 65_535),
        "0",
        "MiB of memory kept from tasks",
    ),
    key(
        "ECS_INSTANCE_ATTRIBUTES",
        "instance_attributes",
        Kind::Map,
        "{}",
        "custom attributes, sent with the first registration",
    ),
    key(
        "ECS_CONTAINER_INSTANCE_TAGS",
        "container_instance_tags",
        Kind::Map,
        "{}",
        "tags of the container instance",
    ),
    key(
        "ECS_AVAILABLE_LOGGING_DRIVERS",
        "logging_drivers",
        Kind::List,
        "[\"json-file\",\"none\"]",
        "log drivers to announce",
    ),
    key(
        "ECS_DETAILED_OS_FAMILY",
        "os_family",
        Kind::Text,
        "",
        "attribute ecs.os-type-detailed; from /etc/os-release when not set",
    ),
    key("ECS_EXTERNAL", "external", Kind::Bool, "false", "ECS Anywhere: announce an external instance"),
    key(
        "ECS_ENABLE_TASK_ENI",
        "task_eni",
        Kind::Bool,
        "true",
        "offer awsvpc tasks (the Amazon agent alone defaults to false)",
    ),
    key("ECS_ENABLE_TASK_CPU_MEM_LIMIT", "task_cpu_mem_limit", Kind::Bool, "true", "offer limits per task"),
    key(
        "ECS_ENABLE_TASK_IAM_ROLE",
        "task_iam_role",
        Kind::Bool,
        "true",
        "offer task roles (the Amazon agent alone defaults to false)",
    ),
    key(
        "ECS_DISABLE_PRIVILEGED",
        "disable_privileged",
        Kind::Bool,
        "false",
        "withhold privileged containers, and refuse them",
    ),
    key(
        "ECS_DISABLE_DOCKER_HEALTH_CHECK",
        "disable_health_check",
        Kind::Bool,
        "false",
        "withhold container health checks",
    ),
    // ---- how tasks are run ----
    key(
        "ECS_CONTAINER_STOP_TIMEOUT",
        "stop_timeout",
        Kind::Duration(Floor::Raise("1s")),
        "30s",
        "time between SIGTERM and SIGKILL where the definition names none",
    ),
    key(
        "ECS_CONTAINER_START_TIMEOUT",
        "start_timeout",
        Kind::Duration(Floor::Raise("45s")),
        "3m",
        "longest time a start may take",
    ),
    key(
        "ECS_CONTAINER_CREATE_TIMEOUT",
        "create_timeout",
        Kind::Duration(Floor::Raise("1m")),
        "4m",
        "longest time a create may take",
    ),
    key(
        "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION",
        "task_cleanup_wait",
        Kind::Duration(Floor::Reset("1s")),
        "3h",
        "time a stopped task's record, volumes and logs are kept; then its story is left",
    ),
    key(
        "WHARF_STOPPED_TASKS_AGE",
        "stopped_tasks_age",
        Kind::Duration(Floor::None),
        "168h",
        "time the story of a stopped task is kept for `wharf-agent explain`",
    ),
    key(
        "WHARF_STOPPED_TASKS_KEPT",
        "stopped_tasks_kept",
        Kind::Number(0, 10_000),
        "1000",
        "most stories of stopped tasks that are kept; the oldest go first",
    ),
    key(
        "WHARF_UNKNOWN_CONTAINERS",
        "unknown_containers",
        Kind::OneOf(&["remove", "keep"]),
        "remove",
        "what becomes of containers in the agent's containerd namespace that belong to no task anybody knows",
    ),
    key(
        "WHARF_UNKNOWN_CONTAINERS_WAIT",
        "unknown_containers_wait",
        Kind::Duration(Floor::None),
        "1h",
        "time from their first sight to their removal",
    ),
    key(
        "ECS_TASK_METADATA_RPS_LIMIT",
        "metadata_rps_limit",
        Kind::Rate,
        "40,60",
        "requests a second and burst of a task's metadata endpoint",
    ),
    key("ECS_DISABLE_METRICS", "disable_metrics", Kind::Bool, "false", "send no metrics of tasks"),
    // ---- images ----
    key(
        "ECS_IMAGE_PULL_BEHAVIOR",
        "image_pull_behavior",
        Kind::OneOf(&["default", "always", "once", "prefer-cached"]),
        "default",
        "when images are pulled although they are there",
    ),
    key(
        "ECS_IMAGE_PULL_TIMEOUT",
        "image_pull_timeout",
        Kind::Duration(Floor::None),
        "2h",
        "longest time a pull may take",
    ),
    key(
        "ECS_IMAGE_PULL_INACTIVITY_TIMEOUT",
        "image_pull_inactivity_timeout",
        Kind::Duration(Floor::Raise("1m")),
        "1m",
        "longest silence of a registry before a transfer is tried again",
    ),
    key(
        "WHARF_IMAGE_QUARANTINE",
        "image_quarantine",
        Kind::Duration(Floor::None),
        "24h",
        "time that an image which crashes containerd is kept out; 0 keeps none out and forgets those that were",
    ),
    key(
        "WHARF_INSECURE_REGISTRIES",
        "insecure_registries",
        Kind::List,
        "[]",
        "registries, host or host:port, that are spoken to in plain HTTP; those on loopback always are",
    ),
    key(
        "ECS_ENGINE_AUTH_TYPE",
        "engine_auth_type",
        Kind::OneOf(&["docker", "dockercfg"]),
        "",
        "form of ECS_ENGINE_AUTH_DATA",
    ),
    key("ECS_ENGINE_AUTH_DATA", "engine_auth_data", Kind::Secret, "", "credentials of registries, JSON"),
    // ---- the agent's own log ----
    key(
        "ECS_LOGLEVEL",
        "log_level",
        Kind::OneOf(&["crit", "error", "warn", "info", "debug"]),
        "info",
        "least severe line that is logged",
    ),
    key(
        "ECS_LOG_OUTPUT_FORMAT",
        "log_format",
        Kind::OneOf(&["logfmt", "json"]),
        "logfmt",
        "form of log lines",
    ),
    // ---- known from the Amazon ECS agent, not built yet ----
    not_yet("ECS_MANIFEST_PULL_TIMEOUT", "ECS_IMAGE_PULL_TIMEOUT alone bounds a pull"),
    not_yet("ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT", "images are always pulled up front"),
    not_yet("ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION_JITTER", "clean-up is not spread yet"),
    not_yet("ECS_DISABLE_IMAGE_CLEANUP", NO_CLEANUP),
    not_yet("ECS_IMAGE_CLEANUP_INTERVAL", NO_CLEANUP),
    not_yet("ECS_IMAGE_MINIMUM_CLEANUP_AGE", NO_CLEANUP),
    not_yet("NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE", NO_CLEANUP),
    not_yet("ECS_NUM_IMAGES_DELETE_PER_CYCLE", NO_CLEANUP),
    not_yet("NONECS_NUM_CONTAINERS_DELETE_PER_CYCLE", NO_CLEANUP),
    not_yet("ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP", NO_CLEANUP),
    not_yet("ECS_EXCLUDE_UNTRACKED_IMAGE", NO_CLEANUP),
    not_yet(
        "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST",
        "tasks with host networking have no credentials endpoint yet",
    ),
    not_yet("ECS_ENABLE_HIGH_DENSITY_ENI", "trunk interfaces are not supported yet"),
    not_yet("ECS_AWSVPC_BLOCK_IMDS", "blocking the instance metadata service is not supported yet"),
    not_yet("ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES", "additional routes are not supported yet"),
    not_yet("ECS_CGROUP_CPU_PERIOD", "the period is always 100ms"),
    not_yet("ECS_TASK_PIDS_LIMIT", "a limit of processes per task is not supported yet"),
    not_yet("ECS_PROPAGATE_TASK_MEMORY_LIMIT_CGROUPV2", "task limits are not copied to containers yet"),
    not_yet("ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM", "tags of the EC2 instance are not read yet"),
    not_yet("ECS_INSTANCE_IP_COMPATIBILITY", "endpoints are called by the address family that resolves"),
    not_yet("ECS_EXCLUDE_IPV6_PORTBINDING", "bridge mode, which binds ports, is not supported yet"),
    not_yet("ECS_DYNAMIC_HOST_PORT_RANGE", "bridge mode, which binds ports, is not supported yet"),
    not_yet("ECS_ENABLE_CONTAINER_METADATA", "the metadata file is not written yet"),
    not_yet("ECS_DISABLE_TASK_METADATA_AZ", "the availability zone is always served"),
    not_yet("ECS_SHARED_VOLUME_MATCH_FULL_CONFIG", "shared volumes are not supported yet"),
    not_yet("ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE", "the awslogs driver is not supported yet"),
    not_yet("ECS_AUDIT_LOGFILE", "credential requests are logged to the agent's own log"),
    not_yet("ECS_AUDIT_LOGFILE_DISABLED", "credential requests are logged to the agent's own log"),
    not_yet("ECS_SELINUX_CAPABLE", "SELinux labels are not supported yet"),
    not_yet("ECS_APPARMOR_CAPABLE", "AppArmor profiles are not supported yet"),
    not_yet("ECS_ENABLE_GPU_SUPPORT", NO_GPU),
    not_yet("ECS_NVIDIA_RUNTIME", NO_GPU),
    not_yet("ECS_ENABLE_INF_SUPPORT", NO_GPU),
    not_yet("ECS_ENABLE_SPOT_INSTANCE_DRAINING", "spot notices are not watched yet"),
    not_yet("ECS_WARM_POOLS_CHECK", "warm pools are not supported yet"),
    not_yet("ECS_EBSTA_SUPPORTED", "EBS volumes are not supported yet"),
    not_yet("ECS_VOLUME_PLUGIN_CAPABILITIES", "volume plugins are not supported yet"),
    not_yet("ECS_GMSA_SUPPORTED", NO_GMSA),
    not_yet("ECS_DOMAIN_JOINED_LINUX_INSTANCE", NO_GMSA),
    not_yet("CREDENTIALS_FETCHER_HOST", NO_GMSA),
    not_yet("CREDENTIALS_FETCHER_HOST_DIR", NO_GMSA),
    not_yet("CREDENTIALS_FETCHER_SECRET_NAME_FOR_DOMAINLESS_GMSA", NO_GMSA),
    not_yet("ECS_ENABLE_FIRELENS_ASYNC", "FireLens is not supported yet"),
    not_yet("ECS_ENABLE_RUNTIME_STATS", "runtime statistics are not offered yet"),
    not_yet("ECS_ENABLE_PROMETHEUS_METRICS", "Prometheus metrics are not offered yet"),
    not_yet("AWS_USE_FIPS_ENDPOINT", "FIPS endpoints are not chosen yet; name one with ECS_BACKEND_HOST"),
    not_yet("ECS_AGENT_CONFIG_FILE_PATH", "the JSON file is not read; use agent.toml"),
    not_yet("ECS_AGENT_HEALTHCHECK_HOST", "the agent's health is asked with `wharf-agent health`"),
    not_yet("ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS", "see WHARF_INTROSPECTION_LISTEN"),
    not_yet("ECS_OFFHOST_INTROSPECTION_INTERFACE_NAME", "see WHARF_INTROSPECTION_LISTEN"),
    // ---- known from the Amazon ECS agent, without meaning here ----
    ignored("DOCKER_HOST", DOCKER),
    ignored("ECS_INIT_DOCKER_LOG_FILE_SIZE", DOCKER),
    ignored("ECS_INIT_DOCKER_LOG_FILE_NUM", DOCKER),
    ignored("ECS_CHECKPOINT", "state is always kept"),
    ignored("ECS_HOST_DATA_DIR", AGENT_CONTAINER),
    ignored("ECS_AGENT_LABELS", AGENT_CONTAINER),
    ignored("ECS_AGENT_APPARMOR_PROFILE", AGENT_CONTAINER),
    ignored("ECS_AGENT_PID_NAMESPACE_HOST", AGENT_CONTAINER),
    ignored("ECS_AGENT_RUN_PRIVILEGED", AGENT_CONTAINER),
    ignored("ECS_LOG_DRIVER", AGENT_CONTAINER),
    ignored("ECS_LOG_OPTS", AGENT_CONTAINER),
    ignored("ECS_LOGLEVEL_ON_INSTANCE", JOURNAL),
    ignored("ECS_LOGFILE", JOURNAL),
    ignored("ECS_LOG_ROLLOVER_TYPE", JOURNAL),
    ignored("ECS_LOG_MAX_FILE_SIZE_MB", JOURNAL),
    ignored("ECS_LOG_MAX_ROLL_COUNT", JOURNAL),
    ignored("ECS_UPDATES_ENABLED", NO_UPDATES),
    ignored("ECS_UPDATE_DOWNLOAD_DIR", NO_UPDATES),
    ignored("ECS_POLL_METRICS", "cgroups are always read directly"),
    ignored("ECS_POLLING_METRICS_WAIT_DURATION", "cgroups are always read directly"),
    ignored("ECS_CNI_PLUGINS_PATH", IN_PROCESS),
    ignored("ECS_CNI_LOGLEVEL", IN_PROCESS),
    ignored("ECS_CNI_LOG_FILE", IN_PROCESS),
    ignored("VPC_CNI_LOG_FILE", IN_PROCESS),
    ignored("IPAM_DB_PATH", "the control plane assigns addresses"),
    ignored("ECS_PAUSE_LABELS", "there are no pause containers"),
    ignored("ECS_CGROUP_PATH", "cgroups are found through /proc/self/mountinfo"),
    ignored(
        "ECS_SKIP_LOCALHOST_TRAFFIC_FILTER",
        "route_localnet is never set, so there is nothing to filter",
    ),
    ignored("ECS_FSX_WINDOWS_FILE_SERVER_SUPPORTED", WINDOWS),
    ignored("ECS_ENABLE_CPU_UNBOUNDED_WINDOWS_WORKAROUND", WINDOWS),
    ignored("ECS_ENABLE_MEMORY_UNBOUNDED_WINDOWS_WORKAROUND", WINDOWS),
];
