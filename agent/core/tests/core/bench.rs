//! A node on the bench: stepped by hand, saved and started again.

use crate::build::run;
use crate::build::{T0, arn, borne, config, listed, seen, success};
use std::collections::BTreeMap;
use std::time::Duration;
use wharf_core::attachment::Attachment;
use wharf_core::config::NodeConfig;
use wharf_core::container::Container;
use wharf_core::effect::{Effect, Reply};
use wharf_core::event::{ContainerRef, Event, Observation};
use wharf_core::node::{Node, Turn};
use wharf_core::note::Note;
use wharf_core::record::{Record, RecordKey};
use wharf_core::spec::TaskSpec;
use wharf_core::task::Task;
use wharf_core::time::Timestamp;

/// A node with its clock, its store and what it asked for so far.
pub struct Bench {
    pub node: Node,
    pub now: Timestamp,
    pub config: NodeConfig,
    pub store: BTreeMap<RecordKey, Vec<u8>>,
    pub notes: Vec<Note>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(config())
    }

    pub fn with(config: NodeConfig) -> Self {
        Self { node: Node::new(config.clone()), now: T0, config, store: BTreeMap::new(), notes: vec![] }
    }

    /// Steps one event and saves what changed. Whatever happened, the node never wants to be woken for what is past: the
    /// shell would spin.
    pub fn turn(&mut self, event: Event) -> Turn {
        let turn = self.node.step(vec![event], self.now);
        assert!(self.node.next_wakeup().is_none_or(|at| at > self.now), "the shell would spin");
        for change in &turn.changes {
            match &change.value {
                Some(value) => self.store.insert(change.key.clone(), value.clone()),
                None => self.store.remove(&change.key),
            };
        }
        self.notes.extend(turn.notes.clone());
        turn
    }

    /// The effects of one event.
    pub fn on(&mut self, event: Event) -> Vec<Effect> {
        self.turn(event).effects
    }

    /// The replies to one event.
    pub fn replies(&mut self, event: Event) -> Vec<Reply> {
        self.turn(event).replies
    }

    /// The effects of time passing.
    pub fn after(&mut self, wait: Duration) -> Vec<Effect> {
        self.now = self.now.plus(wait);
        self.on(Event::Woken)
    }

    /// Answers everything that is asked for with success, again and again, until nothing is. Returns all that was asked.
    pub fn succeed(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut all = effects.clone();
        let mut open = effects;
        while !open.is_empty() {
            let effect = open.remove(0);
            let more = self.on(success(&effect, self.now));
            all.extend(more.clone());
            open.extend(more);
        }
        all
    }

    /// Runs the task until nothing more is asked for.
    pub fn up(&mut self, spec: TaskSpec) {
        let effects = self.on(run(spec));
        self.succeed(effects);
    }

    /// Restarts the agent from what was saved; the runtime shows these containers.
    pub fn restart(&mut self, containers: &[(ContainerRef, Observation)]) -> Vec<Effect> {
        let records = self.store.iter().map(|(key, value)| Record { key: key.clone(), value: value.clone() });
        self.node = Node::restore(self.config.clone(), records.collect()).unwrap();
        self.on(seen(containers, true))
    }

    /// Restarts the agent with nothing saved; containers bear the definition of their task.
    pub fn restart_without_state(
        &mut self,
        containers: &[(ContainerRef, Observation)],
        spec: &TaskSpec,
    ) -> Vec<Effect> {
        self.store.clear();
        self.node = Node::restore(self.config.clone(), vec![]).unwrap();
        self.on(listed(containers, borne(containers, spec), true))
    }

    pub fn task(&self, id: &str) -> &Task {
        &self.node.tasks()[&arn(id)]
    }

    pub fn container(&self, task: &str, name: &str) -> &Container {
        self.task(task).container(name).unwrap()
    }

    pub fn attachment(&self, task: &str) -> Option<&Attachment> {
        self.node.attachments().get(&arn(task))
    }
}
