//! What the control plane has yet to be told of a task: derived from what is known and what it took. Source: spec 2.5.
//!
//! Reports of a task never go back, are sent one at a time, and a report counts only once it was taken.

use crate::container::Container;
use crate::phase::Phase;
use crate::record::Absent;
use crate::report::{ContainerReport, Status, TaskReport};
use crate::spec::ContainerSpec;
use crate::task::{Stage, Task, runtime_id};
use crate::time::Timestamp;
use std::time::Duration;
use wharf_protocol::arn::TaskArn;

/// Longest reason on the wire, in characters.
const REASON_MAX: usize = 1024;

/// A change that lies further ahead than this is of a clock that was set back since.
const AHEAD: Duration = Duration::from_secs(60);

impl Task {
    /// The report that is due now.
    pub(crate) fn report_due(&self, hold: Duration, now: Timestamp) -> Option<TaskReport> {
        let status = self.status_to_tell()?;
        let is_due = |at: Timestamp| at <= now || at > now.plus(hold).plus(AHEAD);
        let news = Some(status) > self.told || self.changes_due_at(hold).is_some_and(is_due);
        news.then(|| self.report(status))
    }

    /// When changes of containers alone are due; `None` when there are none to tell.
    pub(crate) fn changes_due_at(&self, hold: Duration) -> Option<Timestamp> {
        if matches!(self.told, None | Some(Status::Stopped)) {
            return None;
        }
        let untold = self.containers.iter().filter(|container| has_news(container));
        untold.filter_map(Container::since).min().map(|since| since.plus(hold))
    }

    /// The next status to tell. A task that ran says RUNNING before it says STOPPED, however short it was; one of which nobody knows
    /// whether it ran does not.
    fn status_to_tell(&self) -> Option<Status> {
        let status = self.status()?;
        let skipped_running =
            status == Status::Stopped && self.has_run() && self.told < Some(Status::Running);
        Some(if skipped_running { Status::Running } else { status })
    }

    fn report(&self, status: Status) -> TaskReport {
        let stopped = status == Status::Stopped;
        let reason = self
            .reason
            .as_ref()
            .filter(|reason| stopped && reason.code.is_told())
            .map(|reason| cut(&reason.to_string()));
        let news = self.pairs().filter(|(_, container)| has_news(container));
        let images = || self.containers.iter().filter_map(Container::image);
        let pulling = !stopped && self.containers.iter().any(|c| matches!(c.phase(), Phase::Pending));
        TaskReport {
            task: self.spec.arn.clone(),
            status,
            reason: reason.unwrap_or_default(),
            containers: news.filter_map(|pair| self.container_report(pair)).collect(),
            pull_started_at: images().filter_map(|image| image.pull_started_at).min(),
            pull_stopped_at: images().filter_map(|image| image.pull_stopped_at).max().filter(|_| !pulling),
            execution_stopped_at: self.execution_stopped_at(),
        }
    }

    fn container_report(&self, (spec, container): (&ContainerSpec, &Container)) -> Option<ContainerReport> {
        let stopped = container.stopped();
        Some(ContainerReport {
            name: spec.name.clone(),
            status: container.status()?,
            runtime_id: container.created_at().map(|_| runtime_id(&self.spec.arn, &spec.name)),
            image_digest: container.image().and_then(|image| image.digest.clone()),
            exit_code: stopped.and_then(|stopped| stopped.exit_code),
            reason: stopped
                .and_then(|stopped| stopped.reason.as_ref())
                .map(|reason| cut(&reason.to_string())),
        })
    }

    /// When the record may be dropped; `None` while the task lives, is not released or STOPPED was not taken.
    pub(crate) fn droppable_at(&self, retention: Duration) -> Option<Timestamp> {
        match self.stage {
            Stage::Released { ended_at } if self.told == Some(Status::Stopped) && self.is_gone() => {
                Some(ended_at.plus(retention))
            }
            Stage::Queued { .. } | Stage::Admitted { .. } | Stage::Ended { .. } | Stage::Released { .. } => {
                None
            }
        }
    }

    /// The control plane took this report: exactly what it says is told, whatever is known by now.
    pub(crate) fn note_told(&mut self, report: &TaskReport) {
        self.told = self.told.max(Some(report.status));
        for told in &report.containers {
            let container = self.containers.iter_mut().find(|container| container.name() == told.name);
            if let Some(container) = container {
                container.told = container.told.max(Some(told.status));
            }
        }
    }
}

impl Absent {
    /// STOPPED for a task of which nothing is or will be here.
    pub(crate) fn report(&self, task: &TaskArn) -> TaskReport {
        TaskReport {
            task: task.clone(),
            status: Status::Stopped,
            reason: self.reason.as_ref().map(|reason| cut(&reason.to_string())).unwrap_or_default(),
            containers: Vec::new(),
            pull_started_at: None,
            pull_stopped_at: None,
            execution_stopped_at: None,
        }
    }
}

fn has_news(container: &Container) -> bool {
    container.status() > container.told
}

fn cut(text: &str) -> String {
    text.chars().take(REASON_MAX).collect()
}
