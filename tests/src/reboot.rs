//! A reboot as far as one kernel can play it: every process, mount, link, table and cgroup of the host is gone, and so is what lies
//! in boot-scoped directories; containerd's records and the agent's data stay.

use crate::leaks;
use crate::world::Host;
use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

impl Host {
    /// Takes away what a reboot takes and starts containerd again. The agent has to be dead, and containerd the host's own.
    pub fn reboot(&mut self) -> Result<()> {
        // 0 is what containerd says of a process that it does not know, and the kernel takes it for the tests themselves.
        let containers: Vec<u32> =
            self.tasks().into_values().map(|(pid, _)| pid).filter(|pid| *pid > 0).collect();
        self.own_containerd().kill()?;
        let shims = leaks::shims(&self.scope()).into_keys();
        for pid in shims.chain(containers) {
            // One that has ended with its shim is no matter.
            let _ = kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL);
        }
        let (state, run) = (self.containerd().dir().join("state"), self.dir().join("run"));
        for dir in [state, run] {
            leaks::unmount_below(&dir);
            remove(&dir)?;
        }
        let scope = self.scope();
        // Without a table, or with none any more, there is nothing to delete.
        Command::new("nft").args(["delete", "table", "ip", scope.table]).stderr(Stdio::null()).status()?;
        for cgroup in leaks::cgroups(scope.cgroup_root).iter().rev() {
            remove_cgroup(Path::new(cgroup))?;
        }
        self.own_containerd().start_again()
    }
}

/// The kernel lets go of a cgroup some moments after its last process.
fn remove_cgroup(dir: &Path) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(5);
    while let Err(error) = std::fs::remove_dir(dir) {
        ensure!(Instant::now() < end, "cannot remove {}: {error}", dir.display());
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn remove(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}
