//! The kernel's side of the host: processes and cgroups.
//!
//! It knows nothing of containerd, and keeps what that forgets: a process lives until it ends or is killed, and a cgroup stays until it
//! is removed, whatever anybody says of them.

use crate::mistake::Mistake;
use crate::scenario::Millis;
use crate::world::State;
use std::collections::{BTreeMap, BTreeSet};

/// A process number; a new process has another one.
pub type Pid = u32;

/// Processes and cgroups.
#[derive(Debug, Default)]
pub struct Kernel {
    living: BTreeMap<Pid, Process>,
    /// Paths of cgroups.
    pub cgroups: BTreeSet<String>,
    last: Pid,
}

/// A process that lives.
#[derive(Debug, Clone)]
pub struct Process {
    /// Id of the container that it was made for.
    pub id: String,
    /// Id of its task, and the container's name in the definition.
    pub task: String,
    pub name: String,
    /// The cgroup that it is in.
    pub cgroup: String,
    pub kind: Kind,
}

/// What a process is to its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The main process, which waits to be started.
    Waits,
    /// The main process, which runs since then.
    Runs { since: Millis },
    /// What stays when the main process ends, until it is killed.
    Left,
}

/// Above every cgroup of ours.
const ROOT: &str = "/ecs/";

/// The cgroup of a task.
pub fn task_cgroup(task: &str) -> String {
    format!("{ROOT}{task}")
}

impl Kernel {
    /// A process begins.
    pub fn begin(&mut self, process: Process) -> Pid {
        self.last += 1;
        self.cgroups.insert(process.cgroup.clone());
        self.living.insert(self.last, process);
        self.last
    }

    /// A process, while it lives.
    pub fn process(&self, pid: Pid) -> Option<&Process> {
        self.living.get(&pid)
    }

    /// A process that waited runs; where it is said to leave another one behind, that begins with it.
    pub fn run(&mut self, pid: Pid, since: Millis, leaves: bool) {
        let Some(process) = self.living.get_mut(&pid) else { return };
        process.kind = Kind::Runs { since };
        if leaves {
            let left = Process { kind: Kind::Left, ..process.clone() };
            self.begin(left);
        }
    }

    /// A process is gone.
    pub fn remove(&mut self, pid: Pid) -> Option<Process> {
        self.living.remove(&pid)
    }

    /// Processes of a cgroup and of those below it.
    pub fn within(&self, cgroup: &str) -> impl Iterator<Item = (Pid, &Process)> {
        let inside = move |path: &str| {
            path.strip_prefix(cgroup).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.living
            .iter()
            .filter(move |(_, process)| inside(&process.cgroup))
            .map(|(pid, process)| (*pid, process))
    }

    /// Everything that lives.
    pub fn all(&self) -> impl Iterator<Item = (Pid, &Process)> {
        self.living.iter().map(|(pid, process)| (*pid, process))
    }

    /// What of a container does something: its main process, and what an earlier one has left behind.
    pub fn of(&self, task: &str, name: &str) -> usize {
        self.living
            .values()
            .filter(|process| process.acts() && process.task == task && process.name == name)
            .count()
    }

    /// Removes a cgroup with those below it; not while a process is in one. Says whether it is gone.
    pub fn remove_cgroup(&mut self, cgroup: &str) -> bool {
        if self.within(cgroup).next().is_some() {
            return false;
        }
        let below = format!("{cgroup}/");
        self.cgroups.retain(|path| path != cgroup && !path.starts_with(&below));
        true
    }

    /// Ids of tasks that have a cgroup.
    pub fn tasks(&self) -> BTreeSet<String> {
        let names = self.cgroups.iter().filter_map(|path| path.strip_prefix(ROOT)?.split('/').next());
        names.map(str::to_owned).collect()
    }

    /// A boot.
    pub fn clear(&mut self) {
        self.living.clear();
        self.cgroups.clear();
    }
}

impl Process {
    /// Whether it does anything: one that waits to be started does not.
    pub fn acts(&self) -> bool {
        match self.kind {
            Kind::Runs { .. } | Kind::Left => true,
            Kind::Waits => false,
        }
    }
}

impl State {
    /// Everything in a cgroup is killed.
    pub fn kill_cgroup(&mut self, cgroup: &str) {
        let found: Vec<Pid> = self.host.kernel.within(cgroup).map(|(pid, _)| pid).collect();
        found.into_iter().for_each(|pid| self.process_ends(pid, 137, false));
    }

    /// What the kernel says of a cgroup, as far as the agent looks: not under a mistake that does not ask it.
    pub fn occupants(&self, cgroup: &str) -> Vec<(Pid, Kind)> {
        if self.mistake == Some(Mistake::KernelNotAsked) {
            return Vec::new();
        }
        let counts = |(pid, _): &(Pid, &Process)| !self.host.believed_dead.contains_key(pid);
        self.host.kernel.within(cgroup).filter(counts).map(|(pid, process)| (pid, process.kind)).collect()
    }
}
