//! The shell's order of things with a kill switch: step, save, reply, act; each act ends in an event.
//!
//! At every boundary a copy of world, store and control plane can be taken: what a crash there would leave.

use super::checks;
use super::explore::Plan;
use super::faults::{Fault, believed, damaged};
use super::scenarios::{Message, Scenario};
use super::world::World;
use crate::build::{T0, config, seconds};
use std::collections::{BTreeMap, VecDeque};
use wharf_core::effect::{Effect, Reply};
use wharf_core::event::{Desired, Event, Goal};
use wharf_core::node::Node;
use wharf_core::record::{Change, Record, RecordKey};
use wharf_core::time::Timestamp;
use wharf_protocol::arn::TaskArn;

/// More turns than any scenario needs: what takes longer never settles.
const TURNS_MAX: usize = 600;

/// What the control plane wants of a task in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Run,
    Stop,
    /// Only an interface was announced.
    NoTask,
}

/// Everything that a crash of the agent leaves.
#[derive(Clone)]
pub struct Outside {
    world: World,
    store: BTreeMap<RecordKey, Vec<u8>>,
    /// Messages that were never sent, and those that were and are not acknowledged, in their order.
    unsent: VecDeque<Message>,
    unacknowledged: Vec<Message>,
    manifests: i64,
    /// Effects of saved turns whose end was not saved; only the fault that believes in them looks here.
    begun: Vec<Effect>,
}

impl Outside {
    /// The control plane sends what was not acknowledged once more.
    fn send_again(&mut self) {
        let again: Vec<Message> = self.unacknowledged.drain(..).collect();
        again.into_iter().rev().for_each(|message| self.unsent.push_front(message.at_once()));
    }
}

pub struct Run<'a> {
    plan: &'a Plan<'a>,
    node: Node,
    outside: Outside,
    inbox: VecDeque<(Event, Option<Effect>)>,
    effects: VecDeque<Effect>,
    /// Whether anything outside has changed since the last boundary.
    changed: bool,
    /// What the fault that saves what is in flight takes for begun.
    believed_begun: Vec<Effect>,
    performed: usize,
    /// How many saves succeed before one fails.
    pub saves_to_failure: Option<usize>,
    pub boundaries: Option<Vec<(&'static str, Outside)>>,
}

impl<'a> Run<'a> {
    pub fn first(plan: &'a Plan<'a>) -> Self {
        let Scenario { script, behaviour, .. } = plan.scenario;
        let outside = Outside {
            world: World::new(T0, plan.scenario.specs(), behaviour.clone()),
            store: BTreeMap::new(),
            unsent: script.iter().cloned().collect(),
            unacknowledged: Vec::new(),
            manifests: 0,
            begun: Vec::new(),
        };
        Self::on(plan, Node::new(config()), outside)
    }

    fn on(plan: &'a Plan<'a>, node: Node, outside: Outside) -> Self {
        let (inbox, effects) = (VecDeque::new(), VecDeque::new());
        let believed_begun = Vec::new();
        let (changed, performed, saves_to_failure, boundaries) = (true, 0, None, None);
        Self {
            plan,
            node,
            outside,
            inbox,
            effects,
            changed,
            believed_begun,
            performed,
            saves_to_failure,
            boundaries,
        }
    }

    /// A new agent on what the old one left: restore, look at the runtime, and hear again what was not acknowledged.
    pub fn resumed(plan: &'a Plan<'a>, mut outside: Outside) -> Self {
        outside.world.pass_downtime(plan.downtime);
        if plan.fault == Some(Fault::RandomNames) {
            outside.world.name_suffix.push('x');
        }
        let mut listing = outside.world.listing();
        let records = outside
            .store
            .iter()
            .map(|(key, value)| Record { key: key.clone(), value: damaged(value, plan.fault, &listing) });
        let node = Node::restore(config(), records.collect()).expect("what was saved can be read");
        if plan.fault == Some(Fault::NoRecovery) {
            listing = believed(&node);
        }
        outside.send_again();
        // The control plane sends its manifest on every connection.
        let is_manifest = |message: &&Message| matches!(message.event, Event::ManifestReceived { .. });
        if let Some(manifest) = plan.scenario.script.iter().find(is_manifest)
            && !outside.unsent.iter().any(|message| message.id == manifest.id)
        {
            outside.unsent.push_back(manifest.clone());
        }
        let begun = std::mem::take(&mut outside.begun);
        let mut run = Self::on(plan, node, outside);
        if plan.fault == Some(Fault::PersistedInFlight) {
            run.believed_begun = begun;
        }
        run.inbox.push_back((run.outside.world.observed(listing), None));
        run
    }

    /// Goes on until nothing moves and looks whether everything is as it should be.
    pub fn run_out(&mut self) -> Result<(), String> {
        let end = self.outside.world.now.plus(seconds(120));
        for _ in 0..TURNS_MAX {
            if !self.advance(end) {
                for (task, wish) in self.plan.scenario.wishes() {
                    checks::settled(&mut self.outside.world, &task, wish);
                }
                return self.verdict();
            }
            self.verdict()?;
        }
        Err("it never settles".to_owned())
    }

    fn verdict(&self) -> Result<(), String> {
        self.outside.world.broken_promises.first().map_or(Ok(()), |what| Err(what.clone()))
    }

    /// One thing happens; says whether there was one.
    fn advance(&mut self, end: Timestamp) -> bool {
        if let Some(event) = self.next_event() {
            self.turn(event);
            return true;
        }
        let due = |message: &Message| message.after.is_some_and(|after| after <= self.performed);
        let time_for_a_message = self.outside.unsent.front().is_some_and(due) || self.effects.is_empty();
        if time_for_a_message && let Some(message) = self.outside.unsent.pop_front() {
            self.send(message);
            return true;
        }
        let effect = if self.plan.newest_first { self.effects.pop_back() } else { self.effects.pop_front() };
        if let Some(effect) = effect {
            self.perform(effect);
            return true;
        }
        match self.node.next_wakeup().filter(|at| *at <= end) {
            Some(at) => {
                self.outside.world.now = self.outside.world.now.max(at);
                self.changed = true;
                self.turn((Event::Woken, None));
                true
            }
            None => false,
        }
    }

    fn next_event(&mut self) -> Option<(Event, Option<Effect>)> {
        if self.plan.newest_first { self.inbox.pop_back() } else { self.inbox.pop_front() }
    }

    fn send(&mut self, message: Message) {
        let event = match &message.event {
            // The control plane numbers its manifests.
            Event::ManifestReceived { message_id, tasks, .. } => {
                self.outside.manifests += 1;
                let (message_id, timeline) = (message_id.clone(), self.outside.manifests);
                Event::ManifestReceived { message_id, timeline, tasks: tasks.clone() }
            }
            other => other.clone(),
        };
        self.changed = true;
        if message.id.is_some() {
            self.outside.unacknowledged.push(message);
        }
        self.inbox.push_back((event, None));
    }

    /// The order that everything rests on, unless a fault turns it round.
    fn turn(&mut self, (event, ended): (Event, Option<Effect>)) {
        let fault = self.plan.fault;
        if fault == Some(Fault::LastGoalWins) {
            self.forget_what_runs_again(&event);
        }
        let turn = self.node.step(vec![event], self.outside.world.now);
        self.boundary("before save");
        if !turn.changes.is_empty() && self.save_fails() {
            self.node.take_back(&turn);
            self.outside.send_again();
            return;
        }
        if fault == Some(Fault::AckBeforeSave) {
            self.reply(&turn.replies);
        }
        let wanted = turn.effects.into_iter().filter(|effect| !self.believed_begun.contains(effect));
        let (early, effects): (Vec<_>, Vec<_>) = wanted.partition(|effect| match fault {
            Some(Fault::EffectsBeforeSave) => true,
            Some(Fault::ReportBeforeSave) => matches!(effect, Effect::ReportTask { .. }),
            Some(_) | None => false,
        });
        early.into_iter().for_each(|effect| self.perform(effect));
        self.changed |= !effects.is_empty();
        self.save(turn.changes);
        self.outside.begun.retain(|effect| Some(effect) != ended.as_ref());
        self.outside.begun.extend(effects.iter().cloned());
        self.boundary("after save");
        if fault != Some(Fault::AckBeforeSave) {
            self.reply(&turn.replies);
        }
        self.effects.extend(effects);
    }

    /// Whether this is the one save that fails.
    fn save_fails(&mut self) -> bool {
        let fails = self.saves_to_failure == Some(0);
        self.saves_to_failure = self.saves_to_failure.and_then(|left| left.checked_sub(1));
        fails
    }

    fn save(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.changed = true;
            match change.value {
                Some(value) => self.outside.store.insert(change.key, value),
                None => self.outside.store.remove(&change.key),
            };
            if self.plan.fault == Some(Fault::TornSave) {
                self.boundary("within a save");
            }
        }
    }

    fn reply(&mut self, replies: &[Reply]) {
        for reply in replies {
            match reply {
                Reply::Ack { message_id } => {
                    self.outside.unacknowledged.retain(|message| message.id.as_ref() != Some(message_id));
                }
                Reply::VerifyStops { message_id, candidates } => {
                    let (message_id, tasks) = (message_id.clone(), candidates.clone());
                    self.inbox.push_back((Event::StopsVerified { message_id, tasks }, None));
                }
            }
            self.changed = true;
            self.boundary("after reply");
        }
    }

    fn perform(&mut self, effect: Effect) {
        self.boundary("before effect");
        self.changed |= self.outside.world.begin(&effect);
        self.boundary("within effect");
        if let (Some(Fault::ReportOnce), Effect::ReportTask { report, .. }) = (self.plan.fault, &effect) {
            self.turn((Event::TaskReported { report: report.clone() }, None));
        }
        let mut events = self.outside.world.finish(effect.clone()).into_iter();
        // The first event is the effect's end; others are news from the event stream.
        self.inbox.extend(events.next().map(|end| (end, Some(effect))));
        self.inbox.extend(events.map(|event| (event, None)));
        self.performed += 1;
        self.outside.world.now = self.outside.world.now.plus(std::time::Duration::from_millis(10));
        self.changed = true;
        self.boundary("after effect");
    }

    /// A crash may come here. Where nothing outside has changed since the last boundary, it would be the same crash.
    fn boundary(&mut self, place: &'static str) {
        if let Some(boundaries) = &mut self.boundaries
            && std::mem::take(&mut self.changed)
        {
            boundaries.push((place, self.outside.clone()));
        }
    }

    /// The fault of a control loop that keeps one goal per task: a run that comes late makes the task anew.
    fn forget_what_runs_again(&mut self, event: &Event) {
        let Event::PayloadReceived { goals, .. } = event else { return };
        for goal in goals {
            let Goal::Run(spec) = goal else { continue };
            let stopped = |task: &TaskArn| {
                self.node.tasks().get(task).is_some_and(|task| task.desired() == Desired::Stopped)
                    || self.node.absent().contains_key(task)
            };
            if stopped(&spec.arn) {
                self.outside.store.retain(|key, _| key.id != spec.arn.as_str());
                let records = self.outside.store.iter();
                let records = records.map(|(key, value)| Record { key: key.clone(), value: value.clone() });
                self.node = Node::restore(config(), records.collect()).expect("what was saved can be read");
                let listing = self.outside.world.observed(self.outside.world.listing());
                self.node.step(vec![listing], self.outside.world.now);
            }
        }
    }
}
