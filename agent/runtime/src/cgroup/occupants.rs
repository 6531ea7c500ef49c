//! The processes of a cgroup: listed, and ended.

use super::hierarchy::relative;
use super::{CgroupError, CgroupRoot, CgroupVersion};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;
use wharf_wait::Wait;

const PAUSE: Duration = Duration::from_millis(20);

impl CgroupRoot {
    /// Lists the processes of a cgroup and those below it, over all hierarchies; a missing one has none.
    pub fn processes(&self, path: &str) -> Result<Vec<u32>, CgroupError> {
        let relative = relative(path)?;
        let mut processes = Vec::new();
        for hierarchy in self.list_hierarchies()? {
            let directory = hierarchy.join(&relative);
            collect(&directory, &mut processes).map_err(|source| CgroupError::Directory {
                verb: "list",
                path: directory,
                source,
            })?;
        }
        processes.sort_unstable();
        processes.dedup();
        Ok(processes)
    }

    /// Tells whether no process is left in a cgroup and those below it.
    pub fn is_empty(&self, path: &str) -> Result<bool, CgroupError> {
        Ok(self.processes(path)?.is_empty())
    }

    /// Kills every process of a cgroup and those below it, frozen ones too, and waits until none is left, at most `patience` long.
    ///
    /// Returns those that there were; a missing cgroup has none.
    pub async fn end_processes(&self, path: &str, patience: Duration) -> Result<BTreeSet<u32>, CgroupError> {
        let relative = relative(path)?;
        let deadline = Instant::now() + patience;
        let mut ended = BTreeSet::new();
        loop {
            let found = self.processes(path)?;
            if found.is_empty() {
                return Ok(ended);
            }
            if Instant::now() >= deadline {
                return Err(CgroupError::busy(path, found));
            }
            ended.extend(found);
            self.kill(path, &relative)?;
            Wait::named("killed processes to end").owner(format!("cgroup {path}")).pause(PAUSE).await;
        }
    }

    /// Sends SIGKILL to all of them at once, as far as the kernel can.
    fn kill(&self, path: &str, relative: &Path) -> Result<(), CgroupError> {
        if self.version() == CgroupVersion::V2
            && write(&self.mount().join(relative).join("cgroup.kill"), "1").is_ok()
        {
            return Ok(());
        }
        let freezer = self.freezer(relative);
        // A frozen process cannot fork, and its number is not used again.
        freezer.iter().for_each(Freezer::freeze);
        let killed = self.processes(path).map(|processes| processes.into_iter().for_each(send_kill));
        // A frozen process of v1 does not die. It may have been frozen by somebody else, and below.
        freezer.iter().for_each(Freezer::thaw);
        killed
    }

    fn freezer(&self, relative: &Path) -> Option<Freezer> {
        let (hierarchy, file, frozen, thawed) = match self.version() {
            CgroupVersion::V1 => (self.controller("freezer")?, "freezer.state", "FROZEN", "THAWED"),
            CgroupVersion::V2 => (self.mount().to_owned(), "cgroup.freeze", "1", "0"),
        };
        Some(Freezer { directory: hierarchy.join(relative), file, frozen, thawed })
    }
}

/// What stops and resumes the processes of a cgroup. What cannot be written is no matter: a cgroup that is not there, or a process
/// that will show as still there.
struct Freezer {
    directory: PathBuf,
    file: &'static str,
    frozen: &'static str,
    thawed: &'static str,
}

impl Freezer {
    fn freeze(&self) {
        let _ = write(&self.directory.join(self.file), self.frozen);
    }

    fn thaw(&self) {
        self.thaw_below(&self.directory);
    }

    fn thaw_below(&self, directory: &Path) {
        let _ = write(&directory.join(self.file), self.thawed);
        let below = fs::read_dir(directory).into_iter().flatten().flatten();
        below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).for_each(|entry| {
            self.thaw_below(&entry.path());
        });
    }
}

/// Writes to a file that the kernel has, or has not.
fn write(file: &Path, value: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(file)?.write_all(value.as_bytes())
}

/// One that is gone already is what we want; one that may not be killed shows as still there.
fn send_kill(pid: u32) {
    // The kernel shows a process of a namespace that we do not see as 0, and to signal 0 would be to signal ourselves.
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 1 && pid.cast_unsigned() != std::process::id());
    let _ = pid.map(|pid| kill(Pid::from_raw(pid), Signal::SIGKILL));
}

fn collect(directory: &Path, processes: &mut Vec<u32>) -> io::Result<()> {
    let gone = |error: &io::Error| {
        error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(nix::libc::ENODEV)
    };
    // The threads of a threaded cgroup belong to processes that are listed above it.
    let threaded = |error: &io::Error| error.raw_os_error() == Some(nix::libc::EOPNOTSUPP);
    let text = match fs::read_to_string(directory.join("cgroup.procs")) {
        Err(error) if gone(&error) => return Ok(()),
        Err(error) if threaded(&error) => String::new(),
        other => other?,
    };
    processes.extend(text.lines().filter_map(|line| line.trim().parse::<u32>().ok()));
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), processes)?;
        }
    }
    Ok(())
}
