//! A cgroup of a test's own: a bound on what some processes of it, and those they start, may take of one resource.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Bytes of memory.
    Memory,
    /// Processes and threads.
    Pids,
}

/// A cgroup with a bound; removed when dropped, after its processes.
#[derive(Debug)]
pub struct Bound {
    dir: PathBuf,
    resource: Resource,
    unified: bool,
}

impl Bound {
    /// Makes one without a bound yet.
    pub fn on(resource: Resource) -> Result<Self> {
        let controller = match resource {
            Resource::Memory => "memory",
            Resource::Pids => "pids",
        };
        let root = Path::new("/sys/fs/cgroup");
        let unified = root.join("cgroup.controllers").exists();
        if unified {
            fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"))?;
        }
        let name = format!("wharf-bound-{}", uuid::Uuid::new_v4().simple());
        let dir = if unified { root.join(name) } else { root.join(controller).join(name) };
        fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self { dir, resource, unified })
    }

    /// Takes a process in; what it has already is not counted where the kernel does not count it.
    pub fn enter(&self, pid: u32) -> Result<()> {
        Ok(fs::write(self.dir.join("cgroup.procs"), pid.to_string())?)
    }

    /// Sets the bound; `None` is none.
    pub fn limit(&self, most: Option<u64>) -> Result<()> {
        let file = match (self.resource, self.unified) {
            (Resource::Memory, false) => "memory.limit_in_bytes",
            (Resource::Memory, true) => "memory.max",
            (Resource::Pids, _) => "pids.max",
        };
        let none = if file == "memory.limit_in_bytes" { "-1" } else { "max" };
        let value = most.map_or(none.to_owned(), |most| most.to_string());
        Ok(fs::write(self.dir.join(file), value)?)
    }

    /// How many processes and threads it holds.
    pub fn count(&self) -> Result<u64> {
        Ok(fs::read_to_string(self.dir.join("pids.current"))?.trim().parse()?)
    }

    /// How often the kernel killed a process of it for memory.
    pub fn kills(&self) -> Result<u64> {
        self.counted(if self.unified { "memory.events" } else { "memory.oom_control" }, "oom_kill ")
    }

    /// How often the kernel refused it a process or a thread.
    pub fn refusals(&self) -> Result<u64> {
        self.counted("pids.events", "max ")
    }

    fn counted(&self, file: &str, what: &str) -> Result<u64> {
        let text = fs::read_to_string(self.dir.join(file))?;
        let count = text.lines().find_map(|line| line.strip_prefix(what));
        Ok(count.with_context(|| format!("the kernel does not count {what}in {file}"))?.trim().parse()?)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // A killed process leaves its cgroup a moment after its end; one that lives on goes back to the root.
        let end = Instant::now() + Duration::from_secs(5);
        while fs::remove_dir(&self.dir).is_err() && Instant::now() < end {
            let root = if self.unified { Some(Path::new("/sys/fs/cgroup")) } else { self.dir.parent() };
            let inside = fs::read_to_string(self.dir.join("cgroup.procs")).unwrap_or_default();
            for pid in inside.lines() {
                let _ = root.map(|root| fs::write(root.join("cgroup.procs"), pid));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
