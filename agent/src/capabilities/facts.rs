//! What the kernel and the distribution say about this host.
//!
//! Owns a handful of files under `/proc`, `/sys` and `/etc`, and what they mean. Refuses conclusions: those are `super::registration`'s.

use std::fs;
use std::path::{Path, PathBuf};

/// The host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// Processors that are online.
    pub cpus: u32,
    /// `MemTotal` in MiB, rounded down.
    pub memory_mib: u64,
    /// ECS's word for the processors: `x86_64`, `arm64` or `i386`.
    pub architecture: String,
    /// `<id>_<version>` of /etc/os-release, e.g. `debian_12`; `LINUX` where that says nothing.
    pub os_family: String,
    /// Differs after every boot.
    pub boot_id: String,
}

/// Looks at this host.
///
/// # Errors
/// When `/proc` or `/sys` is not what it is on every Linux.
pub fn read_host_facts() -> Result<HostFacts, FactsError> {
    HostFacts::read(Path::new("/"))
}

/// Why the host could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file does not say what it says on every Linux.
    #[error("{} does not tell {what}", .path.display())]
    Silent {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
}

impl HostFacts {
    /// Looks at the host whose root directory is `root`, normally `/`.
    pub fn read(root: &Path) -> Result<Self, FactsError> {
        let meminfo = "proc/meminfo";
        let online = "sys/devices/system/cpu/online";
        let boot_id = read(root, "proc/sys/kernel/random/boot_id")?.trim().to_owned();
        let silent = |path: &str, what| FactsError::Silent { path: root.join(path), what };
        let memory = memory_mib(&read(root, meminfo)?);
        let cpus = count(&read(root, online)?);
        Ok(Self {
            cpus: cpus.ok_or_else(|| silent(online, "which processors are online"))?,
            memory_mib: memory.ok_or_else(|| silent(meminfo, "how much memory there is"))?,
            architecture: architecture(std::env::consts::ARCH).to_owned(),
            // Absent in the smallest of images, and nothing depends on it.
            os_family: read(root, "etc/os-release")
                .map_or_else(|_| UNKNOWN_OS.to_owned(), |text| os_family(&text)),
            boot_id,
        })
    }
}

/// What the Amazon agent says when it does not know.
const UNKNOWN_OS: &str = "LINUX";

fn read(root: &Path, path: &str) -> Result<String, FactsError> {
    let path = root.join(path);
    fs::read_to_string(&path).map_err(|source| FactsError::Unreadable { path, source })
}

/// `MemTotal:       16384000 kB`.
fn memory_mib(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024)
}

/// The size of a set such as `0-3,8,10-11`.
fn count(ranges: &str) -> Option<u32> {
    let size = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    };
    ranges.trim().split(',').map(size).try_fold(0_u32, |sum, size| sum.checked_add(size?))
}

fn architecture(rust: &str) -> &str {
    match rust {
        "aarch64" => "arm64",
        "x86" => "i386",
        other => other,
    }
}

fn os_family(os_release: &str) -> String {
    let value = |name: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
    };
    match (value("ID"), value("VERSION_ID")) {
        (Some(id), Some(version)) => format!("{id}_{version}"),
        (Some(id), None) => id,
        (None, _) => UNKNOWN_OS.to_owned(),
    }
}
