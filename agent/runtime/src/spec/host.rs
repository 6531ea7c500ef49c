//! What a spec depends on besides the request: facts about the host, looked at once per connection.

use std::path::{Path, PathBuf};

/// What a spec depends on besides the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Host {
    /// The unified cgroup hierarchy is the only one.
    pub(crate) cgroup_v2: bool,
    /// Containers' swap is counted, so it can be limited.
    pub(crate) swap_accounting: bool,
    /// A bit for each capability that containerd has and can hand on to a container.
    pub(crate) capabilities: u64,
}

impl Host {
    /// Looks at the host; `daemon` is the process id of containerd, where it is known.
    pub(crate) fn observe(daemon: Option<i32>) -> Self {
        let root = Path::new("/sys/fs/cgroup");
        let cgroup_v2 = root.join("cgroup.controllers").exists();
        let own = Path::new("/proc/self/status").to_owned();
        let status = daemon.map_or(own, |pid| Path::new("/proc").join(pid.to_string()).join("status"));
        let status = std::fs::read_to_string(status).unwrap_or_default();
        Self {
            cgroup_v2,
            swap_accounting: if cgroup_v2 {
                own_cgroup_v2(root).is_some_and(|own| own.join("memory.swap.max").exists())
            } else {
                root.join("memory/memory.memsw.limit_in_bytes").exists()
            },
            // Unknown: all are tried, and the runtime says which one it cannot give.
            capabilities: bounding_set(&status).unwrap_or(u64::MAX),
        }
    }
}

/// The cgroup of this process: that of the root has no limits, so it cannot tell which there are.
fn own_cgroup_v2(root: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(root.join(path))
}

fn bounding_set(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounding_set_is_read_in_hex() {
        assert_eq!(bounding_set("CapEff:\t0\nCapBnd:\t000001fffeffffff\n"), Some(0x1ff_feff_ffff));
        assert_eq!(bounding_set("Name:\tx\n"), None);
    }
}
