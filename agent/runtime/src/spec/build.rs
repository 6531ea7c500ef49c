//! The spec put together.

use super::host::Host;
use super::user::ResolvedUser;
use super::{capability, device, mount, rlimit, seccomp};
use crate::container::{CreateContainer, LogTarget, NetworkNamespace, ProcessOptions, Resources};
use crate::image::ImageConfig;
use oci_spec::runtime::{
    Capability, Linux, LinuxBuilder, LinuxCapabilitiesBuilder, LinuxCpuBuilder, LinuxMemoryBuilder,
    LinuxNamespace, LinuxNamespaceBuilder, LinuxNamespaceType, LinuxPidsBuilder, LinuxResources,
    LinuxResourcesBuilder, Process, ProcessBuilder, RootBuilder, Spec, SpecBuilder, User, UserBuilder,
};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Puts containers with the same value under one shim.
const SHIM_GROUP: &str = "io.containerd.runc.v2.group";
/// What Docker sets where an image sets none.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// What cannot be made into a spec. The words are Docker's where Docker has some.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Neither the request nor the image says what to run.
    #[error("no command specified")]
    NoCommand,
    /// containerd's shim copies terminals to programs only.
    #[error("a terminal needs a log target that is a program")]
    TerminalLog,
    /// The working directory is relative.
    #[error("the working directory {directory:?} is invalid, it needs to be an absolute path")]
    WorkingDirectory {
        /// What was asked for.
        directory: String,
    },
    /// A mount's target is relative.
    #[error("invalid mount target {target:?}: it needs to be an absolute path")]
    MountTarget {
        /// What was asked for.
        target: String,
    },
    /// No such capability.
    #[error("{name:?} is no capability")]
    Capability {
        /// What was asked for.
        name: String,
    },
    /// No such limit.
    #[error("{name:?} is no resource limit")]
    Ulimit {
        /// What was asked for.
        name: String,
    },
    /// A soft limit above its hard one.
    #[error("soft limit of {name} is above its hard limit")]
    UlimitOrder {
        /// Name of the limit.
        name: String,
    },
    /// A device that is not there.
    #[error("cannot pass in device {path}")]
    Device {
        /// Path on the host.
        path: String,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// A file that is no device.
    #[error("{path} is not a device node")]
    NotADevice {
        /// Path on the host.
        path: String,
    },
    /// Rights that devices do not have.
    #[error("access {access:?} of device {path} is not made of r, w and m")]
    DeviceAccess {
        /// Path on the host.
        path: String,
        /// What was asked for.
        access: String,
    },
}

/// Everything that goes into a spec.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) request: &'a CreateContainer,
    pub(crate) image: &'a ImageConfig,
    pub(crate) user: &'a ResolvedUser,
    pub(crate) host: Host,
}

/// Makes the spec.
pub(crate) fn build(wanted: &Wanted<'_>) -> Result<Spec, SpecError> {
    let request = wanted.request;
    let options = &request.process;
    if options.tty && !matches!(request.log, LogTarget::Binary { .. }) {
        return Err(SpecError::TerminalLog);
    }
    let available = wanted.host.capabilities;
    let capabilities =
        capability::granted(options.privileged, &options.cap_add, &options.cap_drop, available)?;
    let root = RootBuilder::default().path("rootfs").readonly(options.readonly_root).build();
    let annotations = HashMap::from([(SHIM_GROUP.to_owned(), request.shim_group.clone())]);
    let spec = SpecBuilder::default()
        .version("1.0.2")
        .root(root.expect("every field is set"))
        .process(process(wanted, &capabilities)?)
        .mounts(mount::all(request)?)
        .annotations(annotations)
        .linux(linux(wanted, &capabilities)?);
    let mut spec = spec.build().expect("every mandatory field is set");
    // Not by the builder: it has a host name of its own where none is given.
    spec.set_hostname(request.hostname.clone());
    Ok(spec)
}

fn process(wanted: &Wanted<'_>, capabilities: &HashSet<Capability>) -> Result<Process, SpecError> {
    let (options, image) = (&wanted.request.process, wanted.image);
    let directory = [options.working_directory.as_deref().unwrap_or(""), &image.working_dir, "/"];
    let directory = directory.into_iter().find(|directory| !directory.is_empty()).unwrap_or("/");
    if !Path::new(directory).is_absolute() {
        return Err(SpecError::WorkingDirectory { directory: directory.to_owned() });
    }
    let held = capabilities.clone();
    // Inheritable and ambient stay empty (CVE-2022-24769); a process that is not root keeps none over exec.
    let sets = LinuxCapabilitiesBuilder::default()
        .bounding(held.clone())
        .effective(held.clone())
        .permitted(held)
        .inheritable(HashSet::new())
        .ambient(HashSet::new())
        .build();
    let limits: Result<Vec<_>, _> =
        options.ulimits.iter().map(|limit| rlimit::limit(&limit.name, limit.soft, limit.hard)).collect();
    let process = ProcessBuilder::default()
        .terminal(options.tty)
        .user(user(wanted.user))
        .args(arguments(options, image)?)
        .env(environment(wanted.request, image))
        .cwd(directory)
        .capabilities(sets.expect("every field is set"))
        .rlimits(limits?)
        .no_new_privileges(options.no_new_privileges)
        // Said out loud: the process would inherit the shim's protection from the OOM killer.
        .oom_score_adj(0)
        .build();
    Ok(process.expect("every mandatory field is set"))
}

fn user(resolved: &ResolvedUser) -> User {
    UserBuilder::default()
        .uid(resolved.uid)
        .gid(resolved.gid)
        .additional_gids(resolved.additional_gids.clone())
        .build()
        .expect("every mandatory field is set")
}

/// Docker's rule: an entry point of one's own also drops the image's command.
fn arguments(options: &ProcessOptions, image: &ImageConfig) -> Result<Vec<String>, SpecError> {
    let given = options.entry_point.as_ref().filter(|words| !words.is_empty());
    let (entry_point, default_command): (&[String], &[String]) = match given {
        Some(entry_point) => (entry_point, &[]),
        None => (&image.entrypoint, &image.cmd),
    };
    let command = options.command.as_deref().filter(|words| !words.is_empty()).unwrap_or(default_command);
    let arguments: Vec<String> = entry_point.iter().chain(command).cloned().collect();
    if arguments.is_empty() { Err(SpecError::NoCommand) } else { Ok(arguments) }
}

/// Docker's variables, then the image's, then the request's; a later one replaces an earlier one of the same name. The request's
/// defaults come last, all of them or none.
fn environment(request: &CreateContainer, image: &ImageConfig) -> Vec<String> {
    let mut lines = vec![PATH.to_owned()];
    lines.extend(request.hostname.iter().map(|name| format!("HOSTNAME={name}")));
    if request.process.tty {
        lines.push("TERM=xterm".to_owned());
    }
    let name = |line: &str| line.split('=').next().unwrap_or_default().to_owned();
    let asked = request.process.env.iter().map(|(name, value)| format!("{name}={value}"));
    for line in image.env.iter().cloned().chain(asked) {
        match lines.iter_mut().find(|other| name(other) == name(&line)) {
            Some(other) => *other = line,
            None => lines.push(line),
        }
    }
    let defaults = &request.process.env_defaults;
    if !defaults.iter().any(|(default, _)| lines.iter().any(|line| name(line) == default)) {
        lines.extend(defaults.iter().map(|(name, value)| format!("{name}={value}")));
    }
    lines
}

fn linux(wanted: &Wanted<'_>, capabilities: &HashSet<Capability>) -> Result<Linux, SpecError> {
    let request = wanted.request;
    let options = &request.process;
    let mut devices = if options.privileged { device::of_host() } else { Vec::new() };
    let mut rules = device::default_rules(options.privileged);
    for asked in &options.devices {
        let (node, rule) = device::passed_in(asked)?;
        devices.push(node);
        rules.push(rule);
    }
    let linux = LinuxBuilder::default()
        .namespaces(namespaces(request, wanted.host))
        .cgroups_path(&request.cgroup_path)
        .resources(resources(&request.resources, rules, wanted.host))
        .devices(devices)
        .sysctl(sysctls(request));
    let linux = if options.privileged {
        linux.masked_paths(Vec::new()).readonly_paths(Vec::new())
    } else {
        linux
            .masked_paths(MASKED.map(str::to_owned).to_vec())
            .readonly_paths(READ_ONLY.map(str::to_owned).to_vec())
            .seccomp(seccomp::default_filter(capabilities))
    };
    Ok(linux.build().expect("every mandatory field is set"))
}

fn namespaces(request: &CreateContainer, host: Host) -> Vec<LinuxNamespace> {
    use LinuxNamespaceType as Type;
    let own = |typ| LinuxNamespaceBuilder::default().typ(typ).build().expect("every mandatory field is set");
    let mut namespaces: Vec<_> =
        [Type::Pid, Type::Ipc, Type::Uts, Type::Mount].into_iter().map(own).collect();
    if let NetworkNamespace::Path(path) = &request.network {
        let joined = LinuxNamespaceBuilder::default().typ(Type::Network).path(path.clone()).build();
        namespaces.push(joined.expect("every field is set"));
    }
    // As Docker does: of one's own on v2 only, where the hierarchy would else show the host's paths.
    if host.cgroup_v2 && !request.process.privileged {
        namespaces.push(own(Type::Cgroup));
    }
    namespaces
}

fn sysctls(request: &CreateContainer) -> HashMap<String, String> {
    let mut sysctls = HashMap::new();
    if matches!(request.network, NetworkNamespace::Path(_)) {
        // Docker's defaults: who is not root may serve port 80 and use ping in a network of its own.
        sysctls.insert("net.ipv4.ip_unprivileged_port_start".to_owned(), "0".to_owned());
        sysctls.insert("net.ipv4.ping_group_range".to_owned(), "0 2147483647".to_owned());
    }
    sysctls.extend(request.process.sysctls.clone());
    sysctls
}

fn resources(
    wanted: &Resources,
    rules: Vec<oci_spec::runtime::LinuxDeviceCgroup>,
    host: Host,
) -> LinuxResources {
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut resources = LinuxResourcesBuilder::default().devices(rules);
    if let Some(shares) = wanted.cpu_shares {
        let cpu = LinuxCpuBuilder::default().shares(shares).build();
        resources = resources.cpu(cpu.expect("every mandatory field is set"));
    }
    if wanted.memory_limit.is_some() || wanted.memory_reservation.is_some() {
        let mut memory = LinuxMemoryBuilder::default();
        if let Some(limit) = wanted.memory_limit {
            memory = memory.limit(signed(limit));
            if host.swap_accounting {
                // Docker's default: as much swap as memory.
                memory = memory.swap(signed(limit).saturating_mul(2));
            }
        }
        memory = wanted
            .memory_reservation
            .into_iter()
            .fold(memory, |memory, soft| memory.reservation(signed(soft)));
        resources = resources.memory(memory.build().expect("every mandatory field is set"));
    }
    if let Some(limit) = wanted.pids {
        let pids = LinuxPidsBuilder::default().limit(signed(limit)).build();
        resources = resources.pids(pids.expect("every field is set"));
    }
    resources.build().expect("every mandatory field is set")
}
