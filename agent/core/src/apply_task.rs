//! Ends of effects on whole tasks: network, release, reports.

use crate::journal::Happening;
use crate::node::Node;
use crate::note::Note;
use crate::reason::Reason;
use crate::record::RecordKey;
use crate::report::{AttachmentReport, Status, TaskReport};
use crate::settle::has_processes;
use crate::task::{Stage, Task, TaskNetwork};
use crate::work::{Act, Lane};
use wharf_protocol::arn::TaskArn;

impl Node {
    pub(crate) fn network_ready(&mut self, arn: &TaskArn) {
        let lane = Lane::Network(arn.clone());
        self.work.end(&lane);
        self.work.refresh(&lane);
        if !self.set_network_ready(arn) {
            self.draft.ignore("network", arn);
        }
    }

    /// A task that has nothing yet fails with its network. What lives is not killed for an endpoint that does not open,
    /// and an interface that waits for its task has time: both are tried again.
    pub(crate) fn network_failed(&mut self, arn: TaskArn, reason: Reason) {
        let lane = Lane::Network(arn.clone());
        self.work.end(&lane);
        let lives = self.tasks.get(&arn).is_some_and(|task| has_processes(task));
        if lives || self.attachments.contains_key(&arn) {
            self.retry(lane, Act::Prepare, Some(reason));
        } else if let Some(task) = self.task_mut(&arn) {
            task.want_stopped(reason);
        } else {
            self.draft.ignore("network failure", arn);
        }
    }

    pub(crate) fn task_released(&mut self, arn: &TaskArn) {
        let lane = Lane::Network(arn.clone());
        self.work.end(&lane);
        self.work.refresh(&lane);
        if self.attachments.get(arn).is_some_and(|attachment| attachment.has_lapsed(self.now)) {
            self.attachments.remove(arn);
            self.draft.dirty.insert(RecordKey::attachment(arn));
            self.draft.notes.push(Note::AttachmentLapsed { task: arn.clone() });
            return;
        }
        if let Some(absent) = self.absent.get_mut(arn) {
            absent.remains = false;
            self.draft.dirty.insert(RecordKey::task(arn));
            return;
        }
        if let Some(task) = self.task_mut(arn)
            && let Stage::Ended { at } = task.stage
        {
            task.stage = Stage::Released { ended_at: at };
        }
    }

    pub(crate) fn release_failed(&mut self, arn: TaskArn, reason: Reason) {
        let lane = Lane::Network(arn);
        self.work.end(&lane);
        self.retry(lane, Act::Release, Some(reason));
    }

    pub(crate) fn task_reported(&mut self, report: &TaskReport) {
        let lane = Lane::Report(report.task.clone());
        self.work.end(&lane);
        self.work.refresh(&lane);
        if let Some(task) = self.task_mut(&report.task) {
            task.note_told(report);
        } else if let Some(absent) = self.absent.get_mut(&report.task) {
            absent.told |= report.status == Status::Stopped;
            self.draft.dirty.insert(RecordKey::task(&report.task));
        } else {
            self.draft.ignore("report taken", &report.task);
        }
    }

    pub(crate) fn task_report_refused(&mut self, report: TaskReport) {
        self.task_reported(&report);
        self.draft.happened(&report.task, Happening::ReportRefused { status: report.status });
        self.draft.notes.push(Note::ReportRefused { report });
    }

    pub(crate) fn task_report_failed(&mut self, arn: TaskArn) {
        let lane = Lane::Report(arn);
        self.work.end(&lane);
        self.retry(lane, Act::Report, None);
    }

    pub(crate) fn attachment_reported(&mut self, report: &AttachmentReport) {
        let lane = Lane::Attachment(report.task.clone());
        self.work.end(&lane);
        self.work.refresh(&lane);
        let is_it = |network: &TaskNetwork| {
            network.interface.as_ref().and_then(|interface| interface.attachment_arn.as_ref())
                == Some(&report.attachment_arn)
        };
        let arn = &report.task;
        if let Some(attachment) = self.attachments.get_mut(arn).filter(|a| is_it(&a.network)) {
            attachment.network.attached = true;
            self.draft.dirty.insert(RecordKey::attachment(arn));
        } else if let Some(network) = self.task_mut(arn).and_then(|t| t.network.as_mut()).filter(|n| is_it(n))
        {
            network.attached = true;
        } else {
            self.draft.ignore("attachment report taken", arn);
        }
    }

    pub(crate) fn attachment_report_failed(&mut self, arn: TaskArn) {
        let lane = Lane::Attachment(arn);
        self.work.end(&lane);
        self.retry(lane, Act::Attach, None);
    }

    /// Marks a task's network as standing; says whether there is one that is still wanted.
    fn set_network_ready(&mut self, arn: &TaskArn) -> bool {
        if let Some(attachment) = self.attachments.get_mut(arn) {
            attachment.network.ready = true;
            return true;
        }
        match self.task_mut(arn) {
            Some(Task {
                network: Some(network),
                stage: Stage::Queued { .. } | Stage::Admitted { .. },
                ..
            }) => {
                network.ready = true;
                true
            }
            Some(_) | None => false,
        }
    }
}
