//! The host: containers and their processes, networks, the disk.

use crate::history::Who;
use crate::mistake::Mistake;
use crate::scenario::{ContainerPlan, Millis};
use crate::store::Disk;
use crate::world::{Happening, State};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use tokio::sync::mpsc;
use wharf_runtime::{
    CreateContainer, ExitStatus, LogTarget, NetworkNamespace, ObservedContainer, ProcessOptions, Resources,
    RuntimeEvent,
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
    /// Processes that count as dead since they were sent SIGKILL, by copy: a mistake.
    pub killed: BTreeMap<u64, ExitStatus>,
    /// Networks by task id.
    pub networks: BTreeMap<String, BTreeSet<IpAddr>>,
    /// Task cgroups.
    pub cgroups: BTreeSet<String>,
    /// What is written.
    pub disk: Disk,
    /// Where containerd's events go.
    pub events: Option<mpsc::Sender<RuntimeEvent>>,
    /// Whether that was lost once.
    pub data_lost: bool,
    /// Containers of somebody else's in our namespace, with when they came.
    pub strangers: BTreeMap<String, Millis>,
    /// Counts boots.
    pub boot: u32,
    /// The last listing, and the life in which it was made.
    listed: Option<(u64, Vec<ObservedContainer>)>,
    copies: u64,
}

/// A record in containerd, with its process.
#[derive(Debug, Clone)]
pub struct Container {
    /// What it was asked to be.
    pub request: CreateContainer,
    /// Id of its task.
    pub task: String,
    /// Name in the definition.
    pub name: String,
    /// What became of its process.
    pub phase: Phase,
    /// Which process this is; a new one has another number.
    pub copy: u64,
    /// What its process does.
    pub plan: ContainerPlan,
    /// When it was created and started, by the wall clock.
    pub created_at: i64,
    pub started_at: Option<i64>,
    /// When its present process was made, by the wall clock.
    pub made_at: i64,
    /// What the agent noted on it when that process was made in place of another.
    pub restarts: Vec<u8>,
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It waits to be started.
    Created,
    /// It runs since then.
    Running(Millis),
    /// It has ended.
    Exited(ExitStatus),
    /// Nobody knows.
    Vanished,
}

/// What a container has lived through, which no record forgets.
#[derive(Debug, Clone, Default)]
pub struct Lived {
    /// How often its process was started, and how often a new one was made in place of one that had ended.
    pub starts: u32,
    pub renewals: u32,
    /// Live processes just now.
    pub live: u32,
    /// When it was first started.
    pub started: Option<Millis>,
    /// How its last process ended, unless another one followed; `None` inside: nobody could see.
    pub ended: Option<(Millis, Option<i32>)>,
    /// How long its last process ran, by the wall clock.
    pub ran: i64,
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
    /// A new process number.
    pub fn next_copy(&mut self) -> u64 {
        self.copies += 1;
        self.copies
    }

    /// What a container has lived through.
    pub fn lived(&mut self, task: &str, name: &str) -> &mut Lived {
        self.lives.entry((task.to_owned(), name.to_owned())).or_default()
    }

    /// Containers of a task whose process lives.
    pub fn alive(&self, task: &str) -> Vec<&str> {
        let of_task = self.lives.iter().filter(|((id, _), lived)| id == task && lived.live > 0);
        of_task.map(|((_, name), _)| name.as_str()).collect()
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

    /// One of the containers that run.
    pub fn pick_running(&self, pick: u8) -> Option<String> {
        let running: Vec<&String> = self
            .containers
            .iter()
            .filter(|(_, container)| matches!(container.phase, Phase::Running(_)))
            .map(|(id, _)| id)
            .collect();
        running.get(usize::from(pick) % running.len().max(1)).map(|id| (*id).clone())
    }

    /// A boot: processes, namespaces and cgroups are gone.
    pub fn lose_volatile(&mut self, now: Millis) {
        self.boot += 1;
        for container in self.containers.values_mut() {
            container.phase = Phase::Vanished;
        }
        for lived in self.lives.values_mut().filter(|lived| lived.live > 0) {
            lived.live = 0;
            lived.ended = Some((now, None));
        }
        self.networks.clear();
        self.cgroups.clear();
        self.events = None;
    }
}

impl State {
    /// A process ends.
    pub fn process_ends(&mut self, id: &str, copy: u64, code: i32, oom: bool) {
        let (now, wall) = (self.now(), self.wall());
        let Some(container) = self.host.containers.get_mut(id) else { return };
        if container.copy != copy || !matches!(container.phase, Phase::Running(_)) {
            return;
        }
        container.phase = Phase::Exited(ExitStatus { code, at_ms: wall });
        let (task, name) = (container.task.clone(), container.name.clone());
        let ran = wall.saturating_sub(container.started_at.unwrap_or(wall));
        let lived = self.host.lived(&task, &name);
        lived.ran = ran;
        lived.live -= 1;
        lived.ended = Some((now, Some(code)));
        lived.oom |= oom;
        self.say(
            Who::Host,
            format_args!("{id} ends with {code}{}", if oom { ", out of memory" } else { "" }),
        );
        if oom {
            self.plan(0, Happening::Emit { id: id.to_owned(), exit: None });
        }
        let late = self.draw("exit event", 1, 300);
        self.plan(late, Happening::Emit { id: id.to_owned(), exit: Some((code, wall)) });
    }

    /// containerd tells, if it is there and anybody listens.
    pub fn emit(&mut self, id: &str, exit: Option<(i32, i64)>) {
        if self.weather.containerd_down > 0 || self.weather.events_lost > 0 {
            return self.say(Who::Host, format_args!("an event of {id} is lost"));
        }
        let container_id = id.to_owned();
        let event = match exit {
            Some((code, at_ms)) => RuntimeEvent::Exited { container_id, exit: ExitStatus { code, at_ms } },
            None => RuntimeEvent::Oom { container_id },
        };
        self.tell_event(event);
    }

    /// Events flow again.
    pub fn resubscribed(&mut self) {
        if self.weather.containerd_down == 0 {
            self.tell_event(RuntimeEvent::Resubscribed);
        }
    }

    /// containerd stops; processes run on.
    pub fn containerd_goes_down(&mut self) {
        self.tell_event(RuntimeEvent::Disconnected);
    }

    fn tell_event(&mut self, event: RuntimeEvent) {
        if let Some(events) = &self.host.events {
            // Full or gone: the listing finds out.
            drop(events.try_send(event));
        }
    }
}
