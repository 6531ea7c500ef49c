//! What is in flight and what rests before it is tried again. Never saved: after a restart nothing is in flight.
//!
//! Effects run in lanes, one at a time each: two acts on one container never overlap.

use crate::config::{Backoff, Limits};
use crate::effect::{Effect, StopSignal};
use crate::event::{ContainerRef, Exit};
use crate::reason::Reason;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf_protocol::arn::TaskArn;

/// What at most one effect at a time may work on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    Network(TaskArn),
    Container(ContainerRef),
    Probe(ContainerRef),
    Report(TaskArn),
    Attachment(TaskArn),
}

/// The kinds of effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// `PrepareNetwork`.
    Prepare,
    /// `ReleaseTask`.
    Release,
    /// `PullImage`.
    Pull,
    /// `CreateContainer`.
    Create,
    /// `StartContainer`.
    Start,
    /// `RenewContainer`.
    Renew,
    /// `InspectContainer`.
    Inspect,
    /// `SignalContainer` with the polite signal.
    Ask,
    /// `SignalContainer` with SIGKILL.
    Kill,
    /// `DeleteContainer`.
    Delete,
    /// `ProbeHealth`.
    Probe,
    /// `ReportTask`.
    Report,
    /// `ReportAttachment`.
    Attach,
}

impl Act {
    /// What it is, in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "making the network",
            Self::Release => "releasing the task",
            Self::Pull => "pulling the image",
            Self::Create => "creating",
            Self::Start => "starting",
            Self::Renew => "making a new process",
            Self::Ask => "sending the stop signal",
            Self::Kill => "sending SIGKILL",
            Self::Delete => "removing",
            Self::Probe => "the health check",
            Self::Report => "telling the control plane",
            Self::Inspect => "looking what became of a start",
            Self::Attach => "telling that the interface is attached",
        }
    }

    fn of(effect: &Effect) -> Self {
        match effect {
            Effect::PrepareNetwork { .. } => Self::Prepare,
            Effect::ReleaseTask { .. } => Self::Release,
            Effect::PullImage { .. } => Self::Pull,
            Effect::CreateContainer { .. } => Self::Create,
            Effect::StartContainer { .. } => Self::Start,
            Effect::RenewContainer { .. } => Self::Renew,
            Effect::InspectContainer { .. } => Self::Inspect,
            Effect::SignalContainer { signal: StopSignal::Polite(_), .. } => Self::Ask,
            Effect::SignalContainer { signal: StopSignal::Kill, .. } => Self::Kill,
            Effect::DeleteContainer { .. } => Self::Delete,
            Effect::ProbeHealth { .. } => Self::Probe,
            Effect::ReportTask { .. } => Self::Report,
            Effect::ReportAttachment { .. } => Self::Attach,
        }
    }
}

impl Lane {
    fn of(effect: &Effect) -> Self {
        match effect {
            Effect::PrepareNetwork { task, .. } | Effect::ReleaseTask { task } => Self::Network(task.clone()),
            Effect::PullImage { container, .. }
            | Effect::CreateContainer { container, .. }
            | Effect::StartContainer { container }
            | Effect::RenewContainer { container, .. }
            | Effect::InspectContainer { container }
            | Effect::SignalContainer { container, .. }
            | Effect::DeleteContainer { container } => Self::Container(container.clone()),
            Effect::ProbeHealth { container, .. } => Self::Probe(container.clone()),
            Effect::ReportTask { report, .. } => Self::Report(report.task.clone()),
            Effect::ReportAttachment { report, .. } => Self::Attachment(report.task.clone()),
        }
    }

    fn task(&self) -> &TaskArn {
        match self {
            Self::Network(task) | Self::Report(task) | Self::Attachment(task) => task,
            Self::Container(container) | Self::Probe(container) => &container.task,
        }
    }
}

/// An effect under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flight {
    pub(crate) act: Act,
    pub(crate) since: Timestamp,
    /// An exit that was heard of during a start: whose it is, the answer to the start says.
    pub(crate) exit: Option<Exit>,
}

impl Flight {
    /// Whether it changes nothing of what the runtime holds.
    pub(crate) fn is_signal(&self) -> bool {
        matches!(self.act, Act::Ask | Act::Kill)
    }
}

/// A wait before an act is tried again.
#[derive(Debug, Clone, Copy)]
struct Rest {
    act: Act,
    attempt: u32,
    until: Timestamp,
}

/// An act that the runtime was not there for, from its first try until the runtime has answered it.
#[derive(Debug)]
pub(crate) struct Delay {
    act: Act,
    /// When the first of these tries began.
    pub(crate) since: Timestamp,
    /// What the last try met.
    pub(crate) reason: Reason,
    /// A start was asked for and not answered: it may have been done.
    unsure: bool,
    /// Since when its next try waits for its turn, which is no fault of the act.
    waits: Option<Timestamp>,
}

/// Everything under way or resting.
#[derive(Debug, Default)]
pub(crate) struct Work {
    flying: BTreeMap<Lane, Flight>,
    resting: BTreeMap<Lane, Rest>,
    delayed: BTreeMap<Lane, Delay>,
    /// How often in a row the runtime has undone the making of a container.
    undone: BTreeMap<ContainerRef, u32>,
}

impl Work {
    /// Marks the effect as under way.
    pub(crate) fn begin(&mut self, effect: &Effect, now: Timestamp) {
        let lane = Lane::of(effect);
        if let Some(delay) = self.delayed.get_mut(&lane) {
            let waited = delay.waits.take().map_or(Duration::ZERO, |at| now.since(at));
            delay.since = delay.since.plus(waited);
        }
        self.flying.insert(lane, Flight { act: Act::of(effect), since: now, exit: None });
    }

    /// It is not the turn of the effect: the time until it is begun does not count as its own.
    pub(crate) fn wait_for_turn(&mut self, effect: &Effect, now: Timestamp) {
        if let Some(delay) = self.delayed.get_mut(&Lane::of(effect)) {
            delay.waits.get_or_insert(now);
        }
    }

    /// The effect in this lane ended; says which it was.
    pub(crate) fn end(&mut self, lane: &Lane) -> Option<Flight> {
        self.flying.remove(lane)
    }

    /// Keeps an exit until the answer to the start that is under way; says whether one is.
    pub(crate) fn keep_exit(&mut self, container: &ContainerRef, exit: Exit) -> bool {
        let flight = self.flying.get_mut(&Lane::Container(container.clone()));
        let start = flight.filter(|flight| flight.act == Act::Start);
        start.map(|flight| flight.exit = Some(exit)).is_some()
    }

    /// The effect was never begun.
    pub(crate) fn forget(&mut self, effect: &Effect) {
        self.flying.remove(&Lane::of(effect));
    }

    /// What is under way in this lane.
    pub(crate) fn flight(&self, lane: &Lane) -> Option<Flight> {
        self.flying.get(lane).copied()
    }

    /// Containers whose image is pulled or made into one, each with the begin of that.
    pub(crate) fn using_images(&self) -> impl Iterator<Item = (&ContainerRef, Timestamp)> {
        self.flying.iter().filter_map(|(lane, flight)| {
            let on_image = matches!(flight.act, Act::Pull | Act::Create);
            let (Lane::Container(container), true) = (lane, on_image) else { return None };
            Some((container, flight.since))
        })
    }

    /// The tasks of which a container is being made.
    pub(crate) fn makings(&self) -> BTreeSet<&TaskArn> {
        let makes = |(_, flight): &(&Lane, &Flight)| matches!(flight.act, Act::Create | Act::Renew);
        self.flying.iter().filter(makes).map(|(lane, _)| lane.task()).collect()
    }

    /// Whether this very act is under way on the container.
    pub(crate) fn is_flying(&self, container: &ContainerRef, act: Act) -> bool {
        self.flying.get(&Lane::Container(container.clone())).is_some_and(|flight| flight.act == act)
    }

    /// Whether the act may begin: its lane is free and it does not rest.
    pub(crate) fn may(&self, lane: &Lane, act: Act, now: Timestamp) -> bool {
        !self.flying.contains_key(lane) && self.resting(lane, act).is_none_or(|rest| rest.until <= now)
    }

    /// When the act may be tried again; `None` when it did not fail.
    pub(crate) fn rests_until(&self, lane: &Lane, act: Act) -> Option<Timestamp> {
        self.resting(lane, act).map(|rest| rest.until)
    }

    /// The runtime has undone the making of the container; says how often by now.
    pub(crate) fn undone(&mut self, container: &ContainerRef) -> u32 {
        let times = self.undone.entry(container.clone()).or_insert(0);
        *times += 1;
        *times
    }

    /// The container was started: what was undone of it before is over.
    pub(crate) fn stands(&mut self, container: &ContainerRef) {
        self.undone.remove(container);
    }

    fn resting(&self, lane: &Lane, act: Act) -> Option<&Rest> {
        self.resting.get(lane).filter(|rest| rest.act == act)
    }

    /// Lets the act rest before the next try; says how many tries there were.
    pub(crate) fn rest(&mut self, lane: Lane, act: Act, backoff: &Backoff, now: Timestamp) -> u32 {
        let attempt = self.resting(&lane, act).map_or(1, |rest| rest.attempt.saturating_add(1));
        let until = now.plus(backoff.delay(lane.task().as_str(), attempt));
        self.resting.insert(lane, Rest { act, attempt, until });
        attempt
    }

    /// The act succeeded or no longer matters: the next failure is the first again.
    pub(crate) fn refresh(&mut self, lane: &Lane) {
        self.resting.remove(lane);
        self.delayed.remove(lane);
    }

    /// The runtime was not there for this try of the act, which began at `since`.
    pub(crate) fn delay(&mut self, lane: Lane, act: Act, reason: Reason, since: Timestamp) {
        let before = self.delayed.get(&lane).filter(|delay| delay.act == act);
        let since = before.map_or(since, |delay| delay.since);
        self.delayed.insert(lane, Delay { act, since, reason, unsure: act == Act::Start, waits: None });
    }

    /// The tries of this act that the runtime was not there for.
    pub(crate) fn delayed(&self, lane: &Lane, act: Act) -> Option<&Delay> {
        self.delayed.get(lane).filter(|delay| delay.act == act)
    }

    /// Since when the act is tried, over all its tries; `None` also while it waits for its turn.
    pub(crate) fn tried_since(&self, lane: &Lane, act: Act) -> Option<Timestamp> {
        let flight = self.flying.get(lane).filter(|flight| flight.act == act);
        match self.delayed(lane, act) {
            Some(delay) => Some(delay.since).filter(|_| delay.waits.is_none()),
            None => flight.map(|flight| flight.since),
        }
    }

    /// Whether its process may run although nobody has said so: a start is under way, or was not answered.
    pub(crate) fn may_have_started(&self, container: &ContainerRef) -> bool {
        self.is_flying(container, Act::Start) || self.is_unsure(container)
    }

    /// Whether a start of the container was not answered.
    pub(crate) fn is_unsure(&self, container: &ContainerRef) -> bool {
        self.delayed(&Lane::Container(container.clone()), Act::Start).is_some_and(|delay| delay.unsure)
    }

    /// The container was looked at and had not been started. The time since the first try goes on.
    pub(crate) fn make_sure(&mut self, container: &ContainerRef) {
        if let Some(delay) = self.delayed.get_mut(&Lane::Container(container.clone())) {
            delay.unsure = false;
        }
    }

    /// The runtime answers: what rests because of it may be tried at once. SIGKILL keeps its rhythm.
    pub(crate) fn hurry(&mut self, now: Timestamp) {
        for (lane, rest) in &mut self.resting {
            if matches!(lane, Lane::Container(_) | Lane::Probe(_)) && rest.act != Act::Kill {
                rest.until = rest.until.min(now);
            }
        }
    }

    /// The wall clock was set by so many milliseconds.
    pub(crate) fn move_along(&mut self, ms: i64) {
        let flights = self.flying.values_mut().map(|flight| &mut flight.since);
        let rests = self.resting.values_mut().map(|rest| &mut rest.until);
        let delays = self
            .delayed
            .values_mut()
            .flat_map(|delay| [&mut delay.since].into_iter().chain(&mut delay.waits));
        flights.chain(rests).chain(delays).for_each(|instant| *instant = instant.moved(ms));
    }

    /// Drops every rest of a task whose record is dropped.
    pub(crate) fn drop_task(&mut self, task: &TaskArn) {
        self.resting.retain(|lane, _| lane.task() != task);
        self.delayed.retain(|lane, _| lane.task() != task);
        self.undone.retain(|container, _| container.task != *task);
    }

    /// When acts are overdue, counted from their first try.
    pub(crate) fn deadlines(&self, limits: &Limits) -> impl Iterator<Item = Timestamp> {
        let flights = self.flying.values().map(|flight| (flight.act, flight.since));
        let tried = self.delayed.values().filter(|delay| delay.waits.is_none());
        let delays = tried.map(|delay| (delay.act, delay.since));
        flights.chain(delays).filter_map(|(act, since)| {
            let limit = match act {
                Act::Prepare => limits.network,
                Act::Create | Act::Renew => limits.create,
                Act::Start => limits.start,
                // A pull is bounded from admission on; the others are tried again until they are done.
                Act::Pull
                | Act::Inspect
                | Act::Release
                | Act::Ask
                | Act::Kill
                | Act::Delete
                | Act::Probe
                | Act::Report
                | Act::Attach => {
                    return None;
                }
            };
            Some(since.plus(limit))
        })
    }

    /// The ends of all rests.
    pub(crate) fn wakeups(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.resting.values().map(|rest| rest.until)
    }
}
