//! The host: what containerd holds, what the kernel holds, networks, the disk.

mod events;
mod kernel;

pub use kernel::{Kernel, Kind, Pid, Process, task_cgroup};

use crate::history::Who;
use crate::mistake::Mistake;
use crate::scenario::{ContainerPlan, Millis};
use crate::store::Disk;
use crate::world::{Happening, State};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use tokio::sync::mpsc;
use wharf_runtime::{
    CreateContainer, ExitStatus, LogTarget, NetworkNamespace, ObservedContainer, ObservedState,
    ProcessOptions, Resources, RuntimeEvent,
};

/// Labels that say which container of which task it is.
pub const TASK: &str = "com.amazonaws.ecs.task-arn";
pub const NAME: &str = "com.amazonaws.ecs.container-name";

/// What containerd and the kernel hold.
#[derive(Debug, Default)]
pub struct Host {
    /// Records by id.
    pub containers: BTreeMap<String, Container>,
    /// What became of each container of each task, also after its record is gone. By task id and name.
    pub lives: BTreeMap<(String, String), Lived>,
    /// Processes and cgroups.
    pub kernel: Kernel,
    /// Processes that count as dead for what somebody said of them: a mistake.
    pub believed_dead: BTreeMap<Pid, ExitStatus>,
    /// Networks by task id.
    pub networks: BTreeMap<String, BTreeSet<IpAddr>>,
    /// What is written.
    pub disk: Disk,
    /// Where containerd's events go.
    pub events: Option<mpsc::Sender<RuntimeEvent>>,
    /// Containers whose making by a dead agent containerd undoes only after another making of them.
    pub undoing: BTreeSet<String>,
    /// Whether that was lost once.
    pub data_lost: bool,
    /// Containers of somebody else's in our namespace, with when they came.
    pub strangers: BTreeMap<String, Millis>,
    /// Counts boots.
    pub boot: u32,
    /// The last listing, and the life in which it was made.
    listed: Option<(u64, Vec<ObservedContainer>)>,
}

/// A record in containerd, and what that believes of its process.
#[derive(Debug, Clone)]
pub struct Container {
    /// What it was asked to be.
    pub request: CreateContainer,
    /// Id of its task.
    pub task: String,
    /// Name in the definition.
    pub name: String,
    /// What containerd says of its process.
    pub phase: Phase,
    /// The process that was made last.
    pub pid: Pid,
    /// Its shim answers nobody; it says how the process ended once it does again.
    pub hung: bool,
    pub unsaid: Option<ExitStatus>,
    /// What its process does.
    pub plan: ContainerPlan,
    /// When it was created, by the wall clock as it was then: containerd writes it down.
    pub created_at: i64,
    /// When its process last started. The kernel counts how long that is ago.
    pub started_at: Option<Millis>,
    /// When its present process was made.
    pub made_at: Millis,
    /// The life of the agent in which it was made.
    pub made_by: u64,
    /// What the agent noted on it when that process was made in place of another.
    pub restarts: Vec<u8>,
}

/// What containerd says of a process. It may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It waits to be started.
    Created,
    /// It runs.
    Running,
    /// It has ended.
    Exited(ExitStatus),
    /// Nothing.
    Vanished,
}

/// What a container has lived through, which no record forgets.
#[derive(Debug, Clone, Default)]
pub struct Lived {
    /// How often its process was started, and how often a new one was made in place of one that had ended.
    pub starts: u32,
    pub renewals: u32,
    /// When it was first started.
    pub started: Option<Millis>,
    /// How its last process ended, unless another one followed; `None` inside: nobody could see.
    pub ended: Option<(Millis, Option<i32>)>,
    /// How long its last process ran.
    pub ran: Millis,
    /// Whether the wall clock was set so close to its start or its end that nobody can say how long it ran.
    pub timeless: bool,
    /// Whether no shim saw that end and said so at once.
    pub unseen: bool,
    /// Codes that containerd made up and told under its name.
    pub made_up: BTreeSet<i32>,
    /// Whether the kernel killed it for memory.
    pub oom: bool,
    /// Whether a probe has found it healthy.
    pub healthy: bool,
}

/// Labels of a container of a task.
pub fn labels(task: &str, name: &str) -> BTreeMap<String, String> {
    [(TASK, task), (NAME, name)].map(|(label, value)| (label.to_owned(), value.to_owned())).into()
}

/// A request with nothing in it that the simulated host looks at, but for these.
pub fn request(id: &str, labels: BTreeMap<String, String>) -> CreateContainer {
    CreateContainer {
        id: id.to_owned(),
        labels,
        inscription: Vec::new(),
        image: "registry.example/app:1".to_owned(),
        shim_group: id.to_owned(),
        cgroup_path: format!("/ecs/{id}"),
        network: NetworkNamespace::Host,
        hostname: None,
        process: ProcessOptions::default(),
        mounts: Vec::new(),
        resources: Resources::default(),
        log: LogTarget::Null,
    }
}

impl Host {
    /// What a container has lived through.
    pub fn lived(&mut self, task: &str, name: &str) -> &mut Lived {
        self.lives.entry((task.to_owned(), name.to_owned())).or_default()
    }

    /// The record of a container of a task.
    pub fn container(&self, task: &str, name: &str) -> Option<&Container> {
        self.containers.values().find(|container| container.task == task && container.name == name)
    }

    /// Containers of a task of which a process lives.
    pub fn alive(&self, task: &str) -> BTreeSet<&str> {
        let acts = |(_, process): &(Pid, &Process)| process.acts() && process.task == task;
        self.kernel.all().filter(acts).map(|(_, process)| process.name.as_str()).collect()
    }

    /// Their names, for people.
    pub fn living(&self, task: &str) -> String {
        self.alive(task).into_iter().collect::<Vec<_>>().join(", ")
    }

    /// What is seen of a container through the seam, which believes containerd's word only as far as the kernel agrees.
    pub fn seen(&self, container: &Container) -> ObservedState {
        match container.phase {
            Phase::Exited(exit) => ObservedState::Exited(exit),
            Phase::Vanished => ObservedState::Vanished,
            Phase::Created | Phase::Running if container.hung => ObservedState::Vanished,
            Phase::Created | Phase::Running => {
                match self.kernel.process(container.pid).map(|process| process.kind) {
                    Some(Kind::Waits) => ObservedState::Created,
                    Some(Kind::Runs { .. }) => ObservedState::Running { pid: container.pid },
                    Some(Kind::Left) | None => ObservedState::Vanished,
                }
            }
        }
    }

    /// Whether the agent has listed the containers in this life.
    pub fn has_listed(&self, life: u64) -> bool {
        self.listed.as_ref().is_some_and(|(listed, _)| *listed == life)
    }

    /// The listing that the agent gets: the true one, unless a mistake is put in.
    pub fn remember_listing(
        &mut self,
        truth: Vec<ObservedContainer>,
        mistake: Option<Mistake>,
        life: u64,
    ) -> Vec<ObservedContainer> {
        let told = match (mistake, &self.listed) {
            (Some(Mistake::OldListing), Some((before, listed))) if *before != life => listed.clone(),
            (Some(Mistake::RandomNames), _) => {
                let suffix = format!(".{life}");
                let own = truth.iter().filter(|container| container.id.ends_with(&suffix)).cloned();
                own.map(|c| ObservedContainer { id: c.id.trim_end_matches(&suffix).to_owned(), ..c })
                    .collect()
            }
            _ => truth.clone(),
        };
        self.listed = Some((life, truth));
        told
    }

    /// One of the containers that run, as far as containerd and the kernel agree.
    pub fn pick_running(&self, pick: u8, may: impl Fn(&String) -> bool) -> Option<String> {
        let runs = |container: &Container| matches!(self.seen(container), ObservedState::Running { .. });
        let running = self.containers.iter().filter(|(_, container)| runs(container)).map(|(id, _)| id);
        let running: Vec<&String> = running.filter(|id| may(id)).collect();
        running.get(usize::from(pick) % running.len().max(1)).map(|id| (*id).clone())
    }

    /// A boot: processes, namespaces and cgroups are gone.
    pub fn lose_volatile(&mut self, now: Millis) {
        self.boot += 1;
        for container in self.containers.values_mut() {
            (container.phase, container.hung) = (Phase::Vanished, false);
        }
        let ran = self.kernel.all().filter(|(_, process)| matches!(process.kind, Kind::Runs { .. }));
        for process in ran.map(|(_, process)| process.clone()).collect::<Vec<_>>() {
            let lived = self.lived(&process.task, &process.name);
            (lived.ended, lived.unseen) = (Some((now, None)), true);
        }
        self.kernel.clear();
        self.networks.clear();
        self.undoing.clear();
        self.events = None;
    }
}

impl State {
    /// A process ends. Its shim hears of it, where it has one.
    pub fn process_ends(&mut self, pid: Pid, code: i32, oom: bool) {
        let (now, wall) = (self.now(), self.wall());
        let Some(process) = self.host.kernel.remove(pid) else { return };
        let Process { id, task, name, kind, .. } = &process;
        match kind {
            Kind::Waits => {}
            Kind::Left => return self.say(Who::Host, format_args!("what {id} left behind ends")),
            Kind::Runs { since } => {
                let lived = self.host.lived(task, name);
                lived.ran = now - since;
                lived.ended = Some((now, Some(code)));
                lived.oom |= oom;
                let memory = if oom { ", out of memory" } else { "" };
                self.say(Who::Host, format_args!("{id} ends with {code}{memory}"));
            }
        }
        let seen = self.shim_hears(&process.id, pid, (code, oom), wall);
        // One that was never started has no end that anybody could have missed.
        if matches!(process.kind, Kind::Runs { .. }) {
            self.host.lived(&process.task, &process.name).unseen = !seen;
        }
    }

    /// The shim of a process that has ended says so; a hung one when it hangs no more, one that is dead never. Returns whether it does.
    fn shim_hears(&mut self, id: &str, pid: Pid, (code, oom): (i32, bool), at_ms: i64) -> bool {
        let exit = ExitStatus { code, at_ms };
        let container = self.host.containers.get_mut(id).filter(|container| container.pid == pid);
        let Some(container) =
            container.filter(|found| matches!(found.phase, Phase::Created | Phase::Running))
        else {
            return false;
        };
        if container.hung {
            container.unsaid = Some(exit);
            return false;
        }
        container.phase = Phase::Exited(exit);
        if oom {
            self.plan(0, Happening::Emit { id: id.to_owned(), exit: None });
        }
        self.tell_exit(id, exit);
        true
    }
}
