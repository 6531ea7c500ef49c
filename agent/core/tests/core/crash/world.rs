//! A host in a few lines: what the runtime holds, which networks stand, what the control plane took.
//!
//! It does what effects ask, says how they ended, and writes down every broken promise it sees.

use crate::build::{image, reason, seconds};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf_core::effect::{Effect, StopSignal};
use wharf_core::event::{ContainerRef, Event, Exit, Observation};
use wharf_core::reason::ReasonCode;
use wharf_core::report::TaskReport;
use wharf_core::spec::{Condition, Network, TaskSpec};
use wharf_core::task::runtime_id;
use wharf_core::time::Timestamp;
use wharf_protocol::arn::TaskArn;

/// How the things of a scenario behave, by container name.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// Images that cannot be pulled, until the agent was down once.
    pub broken_images: BTreeSet<&'static str>,
    /// Containers that cannot be created.
    pub broken_creation: BTreeSet<&'static str>,
    /// Containers that cannot be started.
    pub broken_start: BTreeSet<&'static str>,
    /// Networks cannot be made.
    pub broken_network: bool,
    /// How many reports fail before one is taken.
    pub lost_reports: u32,
    /// Processes that ignore SIGTERM.
    pub deaf: BTreeSet<&'static str>,
    /// Processes that end by themselves as soon as they have started, with this exit code.
    pub short_lived: BTreeMap<&'static str, i32>,
    /// The same for their first processes only: their exit codes, in order.
    pub first_ends: BTreeMap<&'static str, Vec<i32>>,
}

/// A container as the runtime holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A record without a process: half made, half removed, or left by a reboot.
    Record,
    Created,
    Running,
    Exited(Exit),
}

/// What really happened to a container.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    pub started: bool,
    /// When its present process started.
    started_at: Option<Timestamp>,
    /// Processes that were started, and that were made in place of others.
    starts: usize,
    pub renewals: usize,
    pub healthy: bool,
    /// How its present process ended, or the last one.
    pub exit: Option<Exit>,
    /// It had run and was destroyed while nobody looked: how it ended cannot be known.
    pub harmed: bool,
    /// It was destroyed, whether or not it had run.
    pub disturbed: bool,
    asked_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct World {
    pub now: Timestamp,
    pub specs: BTreeMap<TaskArn, TaskSpec>,
    pub behaviour: Behaviour,
    pub things: BTreeMap<String, (ContainerRef, Thing)>,
    pub networks: BTreeSet<TaskArn>,
    pub truth: BTreeMap<ContainerRef, Truth>,
    /// Tasks of which an effect failed as the scenario wants it.
    pub failed: BTreeSet<TaskArn>,
    /// Reports that the control plane took.
    pub taken: Vec<TaskReport>,
    /// Tasks whose interface was reported ATTACHED.
    pub attached: BTreeSet<TaskArn>,
    pub broken_promises: Vec<String>,
    /// How often the host was started.
    pub boot: u32,
    /// Part of every name; something only when names are random.
    pub name_suffix: String,
}

impl World {
    pub fn new(now: Timestamp, specs: BTreeMap<TaskArn, TaskSpec>, behaviour: Behaviour) -> Self {
        Self {
            now,
            specs,
            behaviour,
            things: BTreeMap::new(),
            networks: BTreeSet::new(),
            truth: BTreeMap::new(),
            failed: BTreeSet::new(),
            taken: Vec::new(),
            attached: BTreeSet::new(),
            broken_promises: Vec::new(),
            boot: 1,
            name_suffix: String::new(),
        }
    }

    /// What a listing by label shows.
    pub fn listing(&self) -> BTreeMap<ContainerRef, Observation> {
        let show = |thing: &Thing| match thing {
            Thing::Record => Observation::Vanished,
            Thing::Created => Observation::Created,
            Thing::Running => Observation::Running { pid: 1, since: None },
            Thing::Exited(exit) => Observation::Exited(*exit),
        };
        self.things.values().map(|(container, thing)| (container.clone(), show(thing))).collect()
    }

    /// What the shell tells a starting node of this listing. The store is never lost here, so nobody asks what containers bear.
    pub fn observed(&self, containers: BTreeMap<ContainerRef, Observation>) -> Event {
        Event::Observed { containers, found: BTreeMap::new(), boot: self.boot.to_string(), recovery: true }
    }

    /// Whether a process of this container runs.
    pub fn runs(&self, container: &ContainerRef) -> bool {
        self.copies(container).any(|thing| thing == Thing::Running)
    }

    /// Whether the runtime holds anything of the task.
    pub fn holds(&self, task: &TaskArn) -> bool {
        self.things.values().any(|(container, _)| container.task == *task)
    }

    fn copies(&self, container: &ContainerRef) -> impl Iterator<Item = Thing> {
        self.things.values().filter(move |(other, _)| other == container).map(|(_, thing)| *thing)
    }

    fn name(&self, container: &ContainerRef) -> String {
        format!("{}{}", runtime_id(&container.task, &container.container), self.name_suffix)
    }

    pub fn promise(&mut self, kept: bool, what: impl FnOnce() -> String) {
        if !kept {
            self.broken_promises.push(what());
        }
    }

    /// The first half of an effect: what stands if the agent dies in its middle. Says whether that is anything.
    pub fn begin(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::CreateContainer { container, .. } => {
                self.things.entry(self.name(container)).or_insert((container.clone(), Thing::Record));
                true
            }
            Effect::DeleteContainer { container } => self.end(container, 137).is_some(),
            Effect::RenewContainer { container, .. } => self.clear_away(container),
            Effect::PrepareNetwork { .. }
            | Effect::ReleaseTask { .. }
            | Effect::PullImage { .. }
            | Effect::StartContainer { .. }
            | Effect::InspectContainer { .. }
            | Effect::SignalContainer { .. }
            | Effect::ProbeHealth { .. }
            | Effect::ReportTask { .. }
            | Effect::ReportAttachment { .. } => false,
        }
    }

    /// The second half: the effect is done and these events tell of it.
    pub fn finish(&mut self, effect: Effect) -> Vec<Event> {
        match effect {
            Effect::PrepareNetwork { task, .. } => vec![self.prepare(task)],
            Effect::ReleaseTask { task } => {
                self.promise(!self.holds(&task), || format!("{task} was released while it had containers"));
                self.networks.remove(&task);
                vec![Event::TaskReleased { task }]
            }
            Effect::PullImage { container, .. } => vec![self.pull(container)],
            Effect::CreateContainer { container, .. } => vec![self.create(container)],
            Effect::StartContainer { container } => self.start(container),
            Effect::RenewContainer { container, .. } => vec![self.renew(container)],
            Effect::InspectContainer { container } => {
                let seen = self.listing().get(&container).copied();
                vec![Event::ContainerInspected { container, seen }]
            }
            Effect::SignalContainer { container, signal } => self.signal(container, &signal),
            Effect::DeleteContainer { container } => vec![self.delete(container)],
            Effect::ProbeHealth { container, .. } => {
                let exit_code = self.runs(&container).then_some(0);
                self.truth.entry(container.clone()).or_default().healthy |= exit_code == Some(0);
                vec![Event::HealthProbed { container, exit_code, output: String::new() }]
            }
            Effect::ReportTask { report, after } => vec![self.report(report, after)],
            Effect::ReportAttachment { report, .. } => {
                self.attached.insert(report.task.clone());
                vec![Event::AttachmentReported { report }]
            }
        }
    }

    fn report(&mut self, report: TaskReport, after: Duration) -> Event {
        self.now = self.now.plus(after);
        if self.behaviour.lost_reports > 0 {
            self.behaviour.lost_reports -= 1;
            return Event::TaskReportFailed { task: report.task };
        }
        super::checks::report(self, &report);
        self.taken.push(report.clone());
        Event::TaskReported { report }
    }

    fn prepare(&mut self, task: TaskArn) -> Event {
        if self.behaviour.broken_network {
            self.failed.insert(task.clone());
            return Event::NetworkFailed { task, reason: reason(ReasonCode::ContainerNetworking) };
        }
        self.networks.insert(task.clone());
        Event::NetworkReady { task }
    }

    fn pull(&mut self, container: ContainerRef) -> Event {
        if self.behaviour.broken_images.contains(container.container.as_str()) {
            self.failed.insert(container.task.clone());
            return Event::ImageFailed { container, reason: reason(ReasonCode::CannotPullContainer) };
        }
        Event::ImageReady { container, image: image() }
    }

    fn create(&mut self, container: ContainerRef) -> Event {
        let name = self.name(&container);
        let networked = !matches!(self.specs[&container.task].network, Network::Host);
        let stands = !networked || self.networks.contains(&container.task);
        self.promise(stands, || format!("{container:?} was created without its network"));
        self.condition_holds(&container, "created");
        if self.behaviour.broken_creation.contains(container.container.as_str()) {
            self.things.remove(&name);
            self.failed.insert(container.task.clone());
            return Event::CreateFailed { container, reason: reason(ReasonCode::CannotCreateContainer) };
        }
        let thing = self.things.entry(name).or_insert((container.clone(), Thing::Record));
        if thing.1 == Thing::Record {
            thing.1 = Thing::Created;
        }
        Event::ContainerCreated { container }
    }

    fn start(&mut self, container: ContainerRef) -> Vec<Event> {
        self.condition_holds(&container, "started");
        let name = self.name(&container);
        let other = self.runs(&container);
        let before = self.truth.get(&container).is_some_and(|truth| truth.starts > truth.renewals);
        self.promise(!other, || format!("{container:?} was started while a copy ran"));
        self.promise(!before, || format!("{container:?} was started twice"));
        let broken = self.behaviour.broken_start.contains(container.container.as_str());
        let Some((_, thing)) =
            self.things.get_mut(&name).filter(|(_, thing)| *thing == Thing::Created && !broken)
        else {
            self.failed.insert(container.task.clone());
            return vec![Event::StartFailed { container, reason: reason(ReasonCode::CannotStartContainer) }];
        };
        *thing = Thing::Running;
        let (now, name) = (self.now, container.container.as_str());
        let truth = self.truth.entry(container.clone()).or_default();
        let first_ends = self.behaviour.first_ends.get(name).and_then(|codes| codes.get(truth.starts));
        (truth.started, truth.started_at) = (true, Some(now));
        // What became of the process before is over.
        (truth.exit, truth.harmed) = (None, false);
        truth.starts += 1;
        let started = Event::ContainerStarted { container: container.clone(), at: now };
        let short = first_ends.or(self.behaviour.short_lived.get(name)).copied();
        std::iter::once(started).chain(short.and_then(|code| self.end(&container, code))).collect()
    }

    /// The old process goes, if it has ended as its policy wants it. Says whether anything changed.
    fn clear_away(&mut self, container: &ContainerRef) -> bool {
        let name = self.name(container);
        let Some((_, Thing::Exited(exit))) = self.things.get(&name).cloned() else { return false };
        let truth = self.truth.entry(container.clone()).or_default().clone();
        let ran = exit.at.since(truth.started_at.unwrap_or_default());
        let spec = self.specs[&container.task].containers.iter().find(|c| c.name == container.container);
        let policy = spec.and_then(|spec| spec.restart.as_ref());
        let may = policy
            .is_some_and(|policy| ran >= policy.period && !policy.ignored_exit_codes.contains(&exit.code));
        self.promise(may, || format!("{container:?} is started again after {ran:?} and {exit:?}"));
        self.promise(truth.asked_at.is_none(), || {
            format!("{container:?} was asked to stop, and starts again")
        });
        self.things.insert(name, (container.clone(), Thing::Record));
        true
    }

    fn renew(&mut self, container: ContainerRef) -> Event {
        let name = self.name(&container);
        let other = self.runs(&container);
        self.promise(!other, || format!("{container:?} was made anew while a copy ran"));
        let Some((_, thing)) = self.things.get_mut(&name) else {
            return Event::RenewFailed { container, reason: reason(ReasonCode::CannotStartContainer) };
        };
        if *thing == Thing::Record {
            *thing = Thing::Created;
            self.truth.entry(container.clone()).or_default().renewals += 1;
        }
        Event::ContainerRenewed { container }
    }

    /// The process ends, and the runtime's event stream says so.
    fn end(&mut self, container: &ContainerRef, code: i32) -> Option<Event> {
        let exit = Exit { code, at: self.now };
        let name = self.name(container);
        let (_, thing) = self.things.get_mut(&name).filter(|(_, thing)| *thing == Thing::Running)?;
        *thing = Thing::Exited(exit);
        self.truth.entry(container.clone()).or_default().exit = Some(exit);
        Some(Event::ContainerExited { container: container.clone(), exit })
    }

    fn signal(&mut self, container: ContainerRef, signal: &StopSignal) -> Vec<Event> {
        let now = self.now;
        let truth = self.truth.entry(container.clone()).or_default();
        let code = match signal {
            StopSignal::Polite(_) => {
                truth.asked_at.get_or_insert(now);
                (!self.behaviour.deaf.contains(container.container.as_str())).then_some(143)
            }
            StopSignal::Kill => {
                // Thirty seconds of patience, and two downtimes of five in which nobody could kill.
                let late = truth.asked_at.is_some_and(|asked| now.since(asked) > seconds(41));
                self.promise(!late, || format!("{container:?} was killed later than its stop timeout"));
                Some(137)
            }
        };
        let exited = code.and_then(|code| self.end(&container, code));
        std::iter::once(Event::SignalSent { container }).chain(exited).collect()
    }

    fn delete(&mut self, container: ContainerRef) -> Event {
        let thing = self.things.remove(&self.name(&container));
        let exit = thing.and_then(|(_, thing)| match thing {
            Thing::Exited(exit) => Some(exit),
            Thing::Record | Thing::Created | Thing::Running => None,
        });
        Event::ContainerDeleted { container, exit, remains: None }
    }

    /// A container that depends on others is neither created nor started before their conditions hold.
    fn condition_holds(&mut self, container: &ContainerRef, done: &str) {
        let Some(spec) = self.specs.get(&container.task) else { return };
        let depends_on =
            spec.containers.iter().find(|c| c.name == container.container).map(|c| c.depends_on.clone());
        for dependency in depends_on.unwrap_or_default() {
            let on = ContainerRef { task: container.task.clone(), container: dependency.container };
            let truth = self.truth.get(&on).cloned().unwrap_or_default();
            let holds = match dependency.condition {
                Condition::Start => truth.started,
                Condition::Complete => truth.exit.is_some(),
                Condition::Success => truth.exit.is_some_and(|exit| exit.code == 0),
                Condition::Healthy => truth.healthy,
            };
            self.promise(holds, || {
                format!("{container:?} was {done} before its condition on {} held", on.container)
            });
        }
    }
}
