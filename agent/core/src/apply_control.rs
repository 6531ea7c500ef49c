//! What the control plane says: payloads, interfaces, manifests. Source: spec 3.5.
//!
//! Everything may come twice, late or in another order; a task never runs again once it was to stop.

use crate::attachment::Attachment;
use crate::effect::Reply;
use crate::event::{Desired, Goal};
use crate::node::Node;
use crate::note::Note;
use crate::order;
use crate::reason::{Reason, ReasonCode};
use crate::record::{Absent, RecordKey};
use crate::spec::{AttachmentSpec, Network, TaskSpec};
use crate::task::{Task, TaskNetwork, network_of};
use crate::work::{Act, Lane};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wharf_protocol::arn::TaskArn;

impl Node {
    /// The order of the tasks matters only for the queue: nothing is decided before all are heard, so what a stop frees is
    /// free for a run before it. A refused task keeps the payload unacknowledged.
    pub(crate) fn payload_received(&mut self, message_id: String, sequence: Option<i64>, goals: Vec<Goal>) {
        if let Some(sequence) = sequence {
            self.raise_timeline(sequence);
        }
        let refused = goals.iter().any(|goal| matches!(goal, Goal::Refuse(..)));
        for goal in goals {
            match goal {
                Goal::Stop(task) => self.stop_wanted(task),
                Goal::Run(spec) => self.run_wanted(*spec),
                Goal::Refuse(task, reason) => self.refuse(task, reason),
            }
        }
        if !refused {
            self.draft.replies.push(Reply::Ack { message_id });
        }
    }

    fn run_wanted(&mut self, spec: TaskSpec) {
        let arn = spec.arn.clone();
        if self.tasks.contains_key(&arn) || self.absent.contains_key(&arn) {
            return self.draft.ignore("run of a known task", arn);
        }
        if self.history.contains_key(&arn) {
            // It stopped long ago, and what stopped never runs again.
            return self.answer_for_absent(arn, None);
        }
        let refusal = validate(&spec).err();
        let place = self.next_place();
        let network = self.claim_network(&spec);
        let mut task = Task::new(Arc::new(spec), network, place, self.now);
        if let Some(reason) = refusal {
            task.want_stopped(reason);
        }
        self.draft.before(&arn, None);
        self.tasks.insert(arn, Arc::new(task));
    }

    /// The network for a new task: the one that was announced ahead of it, with all that was done for it, or its own. An
    /// announcement is over in any case: left to lapse, it would have the task's things removed.
    fn claim_network(&mut self, spec: &TaskSpec) -> Option<TaskNetwork> {
        let Some(Attachment { mut network, .. }) = self.attachments.remove(&spec.arn) else {
            return network_of(&spec.network);
        };
        self.draft.dirty.insert(RecordKey::attachment(&spec.arn));
        let lane = Lane::Network(spec.arn.clone());
        self.work.refresh(&lane);
        match spec.network {
            Network::Host | Network::None => network_of(&spec.network),
            Network::Awsvpc(_) => {
                // It may just be lapsing: what is being torn down is not there, and is made again when that has ended.
                network.ready &= self.work.flight(&lane).is_none_or(|flight| flight.act != Act::Release);
                Some(network)
            }
        }
    }

    fn stop_wanted(&mut self, arn: TaskArn) {
        if let Some(task) = self.task_mut(&arn) {
            task.want_stopped(asked("with a payload"));
        } else {
            self.answer_for_absent(arn, None);
        }
    }

    fn refuse(&mut self, arn: TaskArn, reason: Reason) {
        self.draft.notes.push(Note::TaskRefused { task: arn.clone(), reason: reason.clone() });
        // What runs here is not stopped by a payload that cannot be read; STOPPED would be a lie.
        let runs = self.tasks.contains_key(&arn) || self.orphans.keys().any(|orphan| orphan.task == arn);
        if !runs {
            self.answer_for_absent(arn, Some(reason));
        }
    }

    /// The task is not known here and never will be: STOPPED is said once, and its interface is not waited with.
    pub(crate) fn answer_for_absent(&mut self, arn: TaskArn, reason: Option<Reason>) {
        if self.absent.contains_key(&arn) {
            return;
        }
        if let Some(attachment) = self.attachments.get_mut(&arn) {
            attachment.expires_at = attachment.expires_at.min(self.now);
            self.draft.dirty.insert(RecordKey::attachment(&arn));
        }
        self.draft.dirty.insert(RecordKey::task(&arn));
        let remains = self.orphans.keys().any(|orphan| orphan.task == arn);
        self.absent.insert(arn, Absent { reason, since: self.now, told: false, remains });
    }

    pub(crate) fn interface_assigned(&mut self, message_id: String, spec: AttachmentSpec) {
        self.draft.replies.push(Reply::Ack { message_id });
        let arn = &spec.task;
        let known = self.tasks.contains_key(arn)
            || self.absent.contains_key(arn)
            || self.attachments.contains_key(arn)
            // The message of a task that is over, come once more: its address may be another's by now.
            || self.history.contains_key(arn);
        if known || spec.expires_at <= self.now {
            return self.draft.ignore("interface that is known or has lapsed", arn);
        }
        self.draft.dirty.insert(RecordKey::attachment(arn));
        self.attachments.insert(spec.task.clone(), Attachment::new(spec));
    }

    /// A manifest never starts a task, and stops none before the control plane has confirmed it.
    pub(crate) fn manifest_received(
        &mut self,
        message_id: String,
        timeline: i64,
        wanted: &BTreeMap<TaskArn, Desired>,
    ) {
        if timeline <= self.manifest.timeline {
            return self.draft.ignore("manifest with an old timeline", message_id);
        }
        self.raise_timeline(timeline);
        self.manifest.message_id = Some(message_id.clone());
        let unwanted = |task: &&Arc<Task>| {
            task.desired == Desired::Running && wanted.get(&task.spec.arn) != Some(&Desired::Running)
        };
        let mut candidates: BTreeSet<TaskArn> =
            self.tasks.values().filter(unwanted).map(|task| task.spec.arn.clone()).collect();
        // Of what runs here unknown, the control plane alone can say that it is to go.
        let orphans = self.orphans.keys().map(|orphan| &orphan.task);
        candidates.extend(orphans.filter(|arn| wanted.get(arn) != Some(&Desired::Running)).cloned());
        let candidates: Vec<TaskArn> = candidates.into_iter().collect();
        self.draft.replies.push(Reply::Ack { message_id: message_id.clone() });
        if !candidates.is_empty() {
            self.draft.replies.push(Reply::VerifyStops { message_id, candidates });
        }
    }

    pub(crate) fn stops_verified(&mut self, message_id: &str, tasks: Vec<TaskArn>) {
        if self.manifest.message_id.as_deref() != Some(message_id) {
            return self.draft.ignore("verification of another manifest's stops", message_id);
        }
        self.manifest.message_id = None;
        self.draft.dirty.insert(RecordKey::node());
        for arn in tasks {
            match self.task_mut(&arn) {
                Some(task) => {
                    task.want_stopped(asked("by leaving it out of its manifest, and confirmed that"))
                }
                None => self.answer_for_absent(arn, None),
            }
        }
    }

    fn raise_timeline(&mut self, to: i64) {
        if to > self.manifest.timeline {
            self.manifest.timeline = to;
            self.draft.dirty.insert(RecordKey::node());
        }
    }
}

/// The control plane wants the task to stop.
fn asked(how: &str) -> Reason {
    Reason::new(ReasonCode::StoppedByControlPlane, format!("the control plane asked for it {how}"))
}

/// What can be known to be wrong with a definition before anything is done.
fn validate(spec: &TaskSpec) -> Result<(), Reason> {
    if spec.containers.is_empty() {
        return Err(Reason::new(ReasonCode::UnrecognizedTask, "task has no containers"));
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = spec.containers.iter().find(|container| !names.insert(&container.name)) {
        let detail = format!("task has two containers named {}", twice.name);
        return Err(Reason::new(ReasonCode::UnrecognizedTask, detail));
    }
    order::validate(spec)
}
