//! Effects on the control plane: the Submit calls.

use super::World;
use crate::acs::report as wire;
use crate::causes::chain;
use crate::failpoint::failpoint;
use crate::seam::{ControlPlane as _, Outside};
use std::time::Duration;
use wharf_core::event::Event;
use wharf_core::report::{AttachmentReport, TaskReport};
use wharf_link::submit::SubmitOutcome;
use wharf_protocol::api::SubmitTaskStateChangeRequest;
use wharf_wait::{Wait, permit};

/// How long a report waits for the registration before it counts as failed.
const REGISTRATION: Duration = Duration::from_secs(30);

impl<O: Outside> World<O> {
    pub(super) async fn report_task(&self, report: TaskReport, after: Duration) -> Event {
        failpoint!("report.before");
        let outcome = self.submit(|cluster| wire::task_request(cluster, &report), after).await;
        failpoint!("report.taken" if matches!(outcome, Some(SubmitOutcome::Accepted)));
        match outcome {
            Some(SubmitOutcome::Accepted) => Event::TaskReported { report },
            Some(SubmitOutcome::Refused(why)) => {
                tracing::error!(task = %report.task, status = report.status.as_str(), why, "the control plane will not take this state");
                Event::TaskReportRefused { report }
            }
            Some(SubmitOutcome::Failed(error)) => {
                tracing::warn!(task = %report.task, status = report.status.as_str(), error = chain(&error), "the state was not taken");
                Event::TaskReportFailed { task: report.task }
            }
            None => Event::TaskReportFailed { task: report.task },
        }
    }

    pub(super) async fn report_attachment(&self, report: AttachmentReport, after: Duration) -> Event {
        failpoint!("attached.before");
        let outcome = self.submit(|cluster| wire::attachment_request(cluster, &report), after).await;
        failpoint!("attached.taken" if matches!(outcome, Some(SubmitOutcome::Accepted)));
        match outcome {
            Some(SubmitOutcome::Accepted | SubmitOutcome::Refused(_)) => Event::AttachmentReported { report },
            Some(SubmitOutcome::Failed(error)) => {
                tracing::warn!(task = %report.task, error = chain(&error), "ATTACHED was not taken");
                Event::AttachmentReportFailed { task: report.task }
            }
            None => Event::AttachmentReportFailed { task: report.task },
        }
    }

    /// Waits `after` or until the control plane answers again, then submits; `None` when this host is still not registered after [`REGISTRATION`].
    async fn submit(
        &self,
        request: impl FnOnce(&str) -> SubmitTaskStateChangeRequest,
        after: Duration,
    ) -> Option<SubmitOutcome> {
        let wait = async {
            let registered =
                Wait::named("the registration of this host").owner("a report").at_most(REGISTRATION);
            let registered = registered.on(self.api.wait()).await.ok()?.clone();
            registered.healing.rest(after).await;
            Some(registered)
        };
        // Both arms have no state to lose; a stopping agent does not wait for its turn to report.
        let registered = self.stop.run_until_cancelled(wait).await??;
        let turn = Wait::endless("a turn to report", "each report before it has a deadline of its own");
        let _slot = turn.of(permit(&self.reports)).await.expect("the semaphore is never closed");
        let outcome = registered.api.submit_task_state_change(&request(&registered.cluster)).await;
        if matches!(outcome, SubmitOutcome::Accepted) {
            registered.healing.answered();
        }
        Some(outcome)
    }
}
