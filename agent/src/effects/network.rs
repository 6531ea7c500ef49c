//! Effects on networks: made, and removed with everything else of the task.

use super::{World, codes};
use crate::failpoint::failpoint;
use crate::seam::{Network, Outside};
use wharf_core::event::Event;
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::spec::Interface;
use wharf_protocol::arn::TaskArn;

impl<O: Outside> World<O> {
    pub(super) async fn prepare_network(&self, task: TaskArn, interface: Option<Interface>) -> Event {
        failpoint!("network.before");
        self.networks.enter(&task).await;
        match self.network.make(&task, interface.as_ref()).await {
            Ok(()) => {
                failpoint!("network.after");
                Event::NetworkReady { task }
            }
            // What stands is left: a task may live on it, and is not to lose its network for an endpoint that does not open. It goes
            // with the task.
            Err(detail) => {
                let code = codes::unless_full(&detail, ReasonCode::ContainerNetworking);
                Event::NetworkFailed { task, reason: Reason::new(code, detail) }
            }
        }
    }

    /// Removes what outlives a task for those who want to look at it.
    pub(super) async fn forget(&self, task: &TaskArn) {
        self.credentials.remove_task(task);
        failpoint!("forget.before");
        let forgotten = self.network.forget(task).await;
        failpoint!("forget.after" if forgotten.is_ok());
        if let Err(left) = forgotten {
            tracing::warn!(%task, left, "volumes and logs of a forgotten task stay");
        }
    }

    pub(super) async fn release_task(&self, task: TaskArn) -> Event {
        failpoint!("release.before");
        let released = self.network.release(&task).await;
        failpoint!("release.after" if released.is_ok());
        match released {
            Ok(()) => {
                self.networks.leave(&task).await;
                Event::TaskReleased { task }
            }
            Err(left) => {
                let reason = Reason::new(ReasonCode::CannotRemoveContainer, left);
                Event::ReleaseFailed { task, reason }
            }
        }
    }
}
