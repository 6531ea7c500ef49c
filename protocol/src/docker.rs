//! The strings inside a container's `dockerConfig`: JSON of Docker's `Config` and `HostConfig` (spec section 5).
//!
//! Owns the keys that Wharf can honour; other keys are ignored. Every member is an `Option`, because the strings are laid over what the
//! agent has built: a key that is present wins even when empty, a key that is absent leaves the agent's value.

use crate::json::{self, JsonError};
use crate::{Secret, SensitiveMap};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

wire! {
    in "PascalCase";

    /// Docker's `Config`: what runs in the container.
    pub struct Config {
        /// Host name inside the container.
        hostname: Option<String>,
        /// NIS domain name inside the container.
        domainname: Option<String>,
        /// `user`, `user:group`, `uid` or `uid:gid`.
        user: Option<String>,
        /// Whether a terminal is allocated.
        tty: Option<bool>,
        /// Whether standard input stays open.
        open_stdin: Option<bool>,
        /// Variables as `NAME=value`.
        env: Option<Vec<Secret>>,
        /// Arguments to the entry point; a single string counts as a list of one.
        #[serde(deserialize_with = "one_or_many")]
        cmd: Option<Vec<String>>,
        /// Entry point; a single string counts as a list of one.
        #[serde(deserialize_with = "one_or_many")]
        entrypoint: Option<Vec<String>>,
        /// Image reference.
        image: Option<String>,
        /// How to probe the container; required when `healthCheckType` is `docker`.
        health_check: Option<HealthCheck>,
        /// Working directory of the process.
        working_dir: Option<String>,
        /// Whether the container has no network at all.
        network_disabled: Option<bool>,
        /// Labels of the container.
        labels: Option<BTreeMap<String, String>>,
        /// Signal that asks the process to stop, such as `SIGTERM`.
        stop_signal: Option<String>,
        /// Seconds between the stop signal and SIGKILL.
        stop_timeout: Option<i64>,
    }

    /// How a container's health is probed.
    pub struct HealthCheck {
        /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", "…"]`.
        test: Option<Vec<String>>,
        /// Nanoseconds between probes; 0 is the default of 30 s.
        interval: Option<i64>,
        /// Nanoseconds until a probe counts as failed; 0 is the default of 30 s.
        timeout: Option<i64>,
        /// Nanoseconds after the start in which failures do not count.
        start_period: Option<i64>,
        /// Nanoseconds between probes during the start period.
        start_interval: Option<i64>,
        /// Failures in a row that make the container unhealthy; 0 is the default of 3.
        retries: Option<i64>,
    }

    /// Docker's `HostConfig`: how the container meets the host.
    pub struct HostConfig {
        /// Bind mounts as `source:destination[:options]`.
        binds: Option<Vec<String>>,
        /// Where output goes.
        log_config: Option<LogConfig>,
        /// `bridge`, `host`, `none` or `awsvpc`; the task's own `networkMode` decides.
        network_mode: Option<String>,
        /// Containers whose volumes are mounted, as `name[:ro]`.
        volumes_from: Option<Vec<String>>,
        /// Capabilities added to the default set, with or without `CAP_`.
        cap_add: Option<Vec<String>>,
        /// Capabilities taken from the default set; `ALL` takes all.
        cap_drop: Option<Vec<String>>,
        /// Name servers.
        dns: Option<Vec<String>>,
        /// Resolver options.
        dns_options: Option<Vec<String>>,
        /// Search domains.
        dns_search: Option<Vec<String>>,
        /// Lines for the hosts file as `host:address`.
        extra_hosts: Option<Vec<String>>,
        /// Groups, by name or number, that the process also belongs to.
        group_add: Option<Vec<String>>,
        /// Links to other containers as `container:alias`.
        links: Option<Vec<String>>,
        /// Adjustment of the kernel's out-of-memory score, -1000 to 1000.
        oom_score_adj: Option<i64>,
        /// Whether the container gets every capability and device.
        privileged: Option<bool>,
        /// Whether the root file system is mounted read-only.
        readonly_rootfs: Option<bool>,
        /// Security options such as `no-new-privileges`, `apparmor=…`, `seccomp=…`, `label=…`.
        security_opt: Option<Vec<String>>,
        /// Temporary file systems: path to mount options, such as `size=64m,mode=1777`.
        tmpfs: Option<BTreeMap<String, String>>,
        /// Size of `/dev/shm` in bytes.
        shm_size: Option<i64>,
        /// Kernel parameters of the container's namespaces.
        sysctls: Option<BTreeMap<String, String>>,
        /// Name of the low-level runtime.
        runtime: Option<String>,
        /// Paths hidden from the container.
        masked_paths: Option<Vec<String>>,
        /// Paths that are read-only in the container.
        readonly_paths: Option<Vec<String>>,
        /// Whether an init process reaps children.
        init: Option<bool>,
        /// Relative share of processor time, 2 to 262144.
        cpu_shares: Option<i64>,
        /// Period of the processor quota in microseconds.
        cpu_period: Option<i64>,
        /// Processor time per period in microseconds.
        cpu_quota: Option<i64>,
        /// Processors the container may use, such as `0-2,4`.
        cpuset_cpus: Option<String>,
        /// Memory nodes the container may use.
        cpuset_mems: Option<String>,
        /// Processor limit in billionths of a processor.
        nano_cpus: Option<i64>,
        /// Devices passed into the container.
        devices: Option<Vec<Device>>,
        /// Hard memory limit in bytes; 0 is none.
        memory: Option<i64>,
        /// Soft memory limit in bytes.
        memory_reservation: Option<i64>,
        /// Limit of memory and swap together in bytes; -1 is none.
        memory_swap: Option<i64>,
        /// How readily pages are swapped, 0 to 100; -1 leaves the host's setting.
        memory_swappiness: Option<i64>,
        /// Whether the out-of-memory killer spares the container.
        oom_kill_disable: Option<bool>,
        /// Limit of processes and threads; 0 and -1 are none.
        pids_limit: Option<i64>,
        /// Resource limits of the process.
        ulimits: Option<Vec<Ulimit>>,
    }

    /// Where a container's output goes.
    pub struct LogConfig {
        /// Name of the log driver.
        r#type: Option<String>,
        /// Options of the log driver; they may hold tokens.
        config: Option<SensitiveMap>,
    }

    /// A device passed into a container.
    pub struct Device {
        /// Path on the host.
        path_on_host: Option<String>,
        /// Path in the container.
        path_in_container: Option<String>,
        /// Any of `r`, `w` and `m`.
        cgroup_permissions: Option<String>,
    }

    /// A resource limit of a process.
    pub struct Ulimit {
        /// Name without `RLIMIT_`, such as `nofile`.
        name: Option<String>,
        /// Soft limit; -1 is none.
        soft: Option<i64>,
        /// Hard limit; -1 is none.
        hard: Option<i64>,
    }
}

impl Config {
    /// Reads the string `dockerConfig.config`.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        json::from_str(text)
    }

    /// The string `dockerConfig.config`.
    pub fn to_text(&self) -> String {
        json::to_string(self)
    }
}

impl HostConfig {
    /// Reads the string `dockerConfig.hostConfig`.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        json::from_str(text)
    }

    /// The string `dockerConfig.hostConfig`.
    pub fn to_text(&self) -> String {
        json::to_string(self)
    }
}

/// Docker takes a lone string where it wants a list of words.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(word) => Ok(Some(vec![word])),
        words => json::from_value(words).map(Some).map_err(serde::de::Error::custom),
    }
}
