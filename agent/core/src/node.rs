//! The node: every task of the host, and the one way to move it.
//!
//! ```text
//! step = apply (fold the events into the state) + settle (what follows by itself) + plan (what is still to be done)
//! ```
//! A restored node only listens until it was told what the runtime holds; from then on it acts.

use crate::admission::{self, Verdict};
use crate::attachment::Attachment;
use crate::config::NodeConfig;
use crate::draft::{Closed, Draft};
use crate::effect::{Effect, Reply};
use crate::event::{ContainerRef, Event};
use crate::journal::{Happening, Journal, Moment};
use crate::note::Note;
use crate::plan;
use crate::record::{self, Absent, Change, Manifest, Record, RecordKey, RestoreError, Restored, Table};
use crate::settle::{self, Context};
use crate::story::Story;
use crate::task::{Stage, Task};
use crate::time::Timestamp;
use crate::work::Work;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wharf_protocol::arn::TaskArn;

/// What a step asks of the shell, in this order: save, reply, act.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Turn {
    /// Records to write, all or none of them.
    pub changes: Vec<Change>,
    /// What to answer once they are saved.
    pub replies: Vec<Reply>,
    /// What to do after that.
    pub effects: Vec<Effect>,
    /// What to log.
    pub notes: Vec<Note>,
}

/// Every task, interface and resource of one host.
#[derive(Debug)]
pub struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) tasks: BTreeMap<TaskArn, Arc<Task>>,
    pub(crate) absent: BTreeMap<TaskArn, Absent>,
    pub(crate) attachments: BTreeMap<TaskArn, Attachment>,
    pub(crate) manifest: Manifest,
    /// What each task went through.
    pub(crate) journals: BTreeMap<TaskArn, Journal>,
    /// Tasks of which only the story is left, with their end; the stories themselves are in the store alone.
    pub(crate) history: BTreeMap<TaskArn, Timestamp>,
    /// Stories that may not be saved yet.
    pub(crate) retiring: BTreeMap<TaskArn, Story>,
    pub(crate) work: Work,
    /// Containers of the last listing whose task nobody knows, each with when it was first listed.
    pub(crate) orphans: BTreeMap<ContainerRef, Timestamp>,
    /// Containers that the last listing did not show; a second one makes it true.
    pub(crate) missing: BTreeSet<ContainerRef>,
    /// Whether the runtime's state was seen since the start; nothing is decided before.
    pub(crate) recovered: bool,
    /// Whether the runtime's events have stopped since it was last seen.
    pub(crate) runtime_is_lost: bool,
    /// Records whose saving failed.
    pub(crate) unsaved: BTreeSet<RecordKey>,
    pub(crate) now: Timestamp,
    pub(crate) draft: Draft,
}

impl Node {
    /// A node that knows nothing and whose runtime holds nothing of ours.
    pub fn new(config: NodeConfig) -> Self {
        Self {
            config,
            tasks: BTreeMap::new(),
            absent: BTreeMap::new(),
            attachments: BTreeMap::new(),
            manifest: Manifest::default(),
            journals: BTreeMap::new(),
            history: BTreeMap::new(),
            retiring: BTreeMap::new(),
            work: Work::default(),
            orphans: BTreeMap::new(),
            missing: BTreeSet::new(),
            recovered: true,
            runtime_is_lost: false,
            unsaved: BTreeSet::new(),
            now: Timestamp::default(),
            draft: Draft::default(),
        }
    }

    /// The node that was saved. It decides nothing until `Event::Observed` with `recovery` was stepped.
    pub fn restore(config: NodeConfig, records: Vec<Record>) -> Result<Self, RestoreError> {
        let mut node = Self { recovered: false, ..Self::new(config) };
        for record in records {
            match record::decode(record)? {
                Restored::Task(task) => {
                    node.tasks.insert(task.spec.arn.clone(), Arc::new(task));
                }
                Restored::Absent(arn, absent) => {
                    node.absent.insert(arn, absent);
                }
                Restored::Attachment(arn, attachment) => {
                    node.attachments.insert(arn, attachment);
                }
                Restored::Manifest(manifest) => node.manifest = manifest,
                Restored::Journal(arn, journal) => {
                    node.journals.insert(arn, journal);
                }
                Restored::Past(arn, story) => {
                    node.history.insert(arn, story.ended_at.unwrap_or(story.received_at));
                }
            }
        }
        Ok(node)
    }

    /// Takes in what happened and says what is to be done about it. `now` is the wall clock's time.
    pub fn step(&mut self, events: Vec<Event>, now: Timestamp) -> Turn {
        self.now = now;
        // What was not taken back is saved.
        let unsaved = &self.unsaved;
        self.retiring.retain(|arn, _| unsaved.contains(&RecordKey::history(arn)));
        for event in events {
            self.apply(event);
        }
        let mut effects = Vec::new();
        if self.recovered {
            self.lapse_quarantine();
            self.settle();
            self.end_unknown();
            self.retire();
            effects = self.plan();
        }
        let (changes, notes) = self.close_draft();
        Turn { changes, replies: std::mem::take(&mut self.draft.replies), effects, notes }
    }

    /// Takes back a turn whose changes could not be saved, and of which nothing else was done either: its effects are
    /// planned again and its changes are in the next turn again. Its replies are lost, so their messages come again.
    pub fn take_back(&mut self, turn: &Turn) {
        self.forget_in_flight(&turn.effects);
        self.unsaved.extend(turn.changes.iter().map(|change| change.key.clone()));
    }

    /// Learns that these effects were never begun; they are planned again in the next step.
    pub fn forget_in_flight(&mut self, effects: &[Effect]) {
        for effect in effects {
            self.work.forget(effect);
        }
    }

    /// Every task by ARN. Values are shared and never change in place: a clone is a snapshot.
    pub fn tasks(&self) -> &BTreeMap<TaskArn, Arc<Task>> {
        &self.tasks
    }

    /// Interfaces that wait for their task.
    pub fn attachments(&self) -> &BTreeMap<TaskArn, Attachment> {
        &self.attachments
    }

    /// Tasks that never ran here and are only answered for.
    pub fn absent(&self) -> &BTreeMap<TaskArn, Absent> {
        &self.absent
    }

    /// The manifest's high-water mark.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What a task went through, as far as it was recorded.
    pub fn journal(&self, arn: &TaskArn) -> Option<&Journal> {
        self.journals.get(arn)
    }

    /// Tasks of which only the story is left, with their end.
    pub fn history(&self) -> &BTreeMap<TaskArn, Timestamp> {
        &self.history
    }

    /// Whether the runtime's state was seen since the start.
    pub fn is_recovered(&self) -> bool {
        self.recovered
    }

    /// The place behind every task in the order of arrival.
    pub(crate) fn next_place(&self) -> u64 {
        self.tasks.values().map(|task| task.place + 1).max().unwrap_or(0)
    }

    pub(crate) fn context(&self) -> Context<'_> {
        let quarantine = &self.manifest.quarantine;
        Context { config: &self.config, work: &self.work, quarantine, now: self.now }
    }

    /// The task, to be changed: its record is compared and saved at the end of the step.
    pub(crate) fn task_mut(&mut self, arn: &TaskArn) -> Option<&mut Task> {
        let task = self.tasks.get_mut(arn)?;
        self.draft.before(arn, Some(task));
        Some(Arc::make_mut(task))
    }

    /// Applies every consequence until none is left, then lets the queue move, and so on.
    fn settle(&mut self) {
        loop {
            let consequences: Vec<_> = self
                .tasks
                .iter()
                .filter_map(|(arn, task)| Some((arn.clone(), settle::next(task, self.context())?)))
                .collect();
            let now = self.now;
            if !consequences.is_empty() {
                for (arn, consequence) in consequences {
                    if let Some(task) = self.task_mut(&arn) {
                        consequence.apply(task, now);
                    }
                }
                continue;
            }
            let verdicts = admission::plan(&self.tasks, &self.config.host);
            if verdicts.is_empty() {
                return;
            }
            let pull_by = now.plus(self.config.limits.pull);
            for (arn, verdict) in verdicts {
                let Some(task) = self.task_mut(&arn) else { continue };
                match verdict {
                    Verdict::Admit => task.stage = Stage::Admitted { at: now, pull_by },
                    Verdict::Wait(shortage) => task.stage = Stage::Queued { short_of: Some(shortage) },
                    Verdict::Refuse(reason) => task.want_stopped(reason),
                }
            }
        }
    }

    /// Every effect that is due, marked as under way.
    fn plan(&mut self) -> Vec<Effect> {
        let context = self.context();
        let tasks = self.tasks.values().flat_map(|task| plan::plan_task(task, context));
        let attachments = self.attachments.iter().flat_map(|(arn, a)| plan::plan_attachment(arn, a, context));
        let absent =
            self.absent.iter().flat_map(|(arn, a)| plan::plan_absent(arn, a, &self.orphans, context));
        let mut effects: Vec<Effect> = tasks.chain(attachments).chain(absent).collect();
        self.take_turns(&mut effects);
        self.bound_makings(&mut effects);
        for effect in &effects {
            self.work.begin(effect, self.now);
            if let Effect::PullImage { container, .. } = effect {
                self.note_pull(container);
            }
        }
        effects
    }

    /// What changed in this step, with what is to be logged of it.
    fn close_draft(&mut self) -> (Vec<Change>, Vec<Note>) {
        let Closed { mut changes, notes, moments } = self.draft.close(&self.tasks, self.now);
        self.remember(moments);
        let mut others = std::mem::take(&mut self.draft.dirty);
        others.append(&mut self.unsaved);
        others.retain(|key| changes.iter().all(|change| change.key != *key));
        changes.extend(others.into_iter().map(|key| Change { value: self.encode(&key), key }));
        (changes, notes)
    }

    /// Once for each container: a turn that is taken back and a restart begin the same pull again.
    fn note_pull(&mut self, ContainerRef { task, container }: &ContainerRef) {
        let begun = Happening::PullBegun { container: container.clone() };
        let noted = |journal: &Journal| journal.moments().iter().any(|moment| moment.what == begun);
        if !self.journals.get(task).is_some_and(noted) {
            self.draft.happened(task, begun);
        }
    }

    /// Adds moments to the journals of the tasks that are known.
    fn remember(&mut self, moments: Vec<(TaskArn, Moment)>) {
        for (arn, moment) in moments {
            if self.tasks.contains_key(&arn) {
                self.draft.dirty.insert(RecordKey::journal(&arn));
                self.journals.entry(arn).or_default().add([moment]);
            }
        }
    }

    fn encode(&self, key: &RecordKey) -> Option<Vec<u8>> {
        let arn = || TaskArn::parse(&key.id).expect("records of tasks are named after them");
        match key.table {
            Table::Node => Some(record::encode(&self.manifest)),
            Table::Journals => self.journals.get(&arn()).map(record::encode),
            Table::History => self.retiring.get(&arn()).map(record::encode),
            Table::Attachments => self.attachments.get(&arn()).map(record::encode),
            Table::Tasks => {
                let task = self.tasks.get(&arn()).map(|task| record::encode_task(task));
                task.or_else(|| self.absent.get(&arn()).map(record::encode_absent))
            }
        }
    }
}
