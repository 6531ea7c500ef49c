//! ADD: connects a task. Twice is once; a failure leaves nothing of what this call made.

use crate::apply::{self, ApplyError};
use crate::del;
use crate::fabric::{Attachment, Fabric, Mac, WishError};
use crate::failpoint::failpoint;
use crate::observe::{self, ObserveError};
use crate::plan::{self, Plan, PlanError};

/// What an ADD made, or found made already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The host's end of the task's pair.
    pub host_interface: String,
    /// Its hardware address, which is also the gateway's for the task.
    pub host_mac: Mac,
    /// The hardware address of the task's end.
    pub task_mac: Mac,
}

/// Why a task could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The wish itself is wrong.
    #[error(transparent)]
    Wish(#[from] WishError),
    /// The host or the namespace could not be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// The wish does not fit what is there.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A change failed; what this call had made was removed again.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Says what [`add()`] would do, changing nothing.
///
/// # Errors
/// [`AddError`], but for [`AddError::Apply`].
pub fn dry_run(fabric: &Fabric, attachment: &Attachment) -> Result<Plan, AddError> {
    fabric.validate()?;
    attachment.validate()?;
    let observed = observe::observe(fabric, attachment)?;
    Ok(plan::plan(fabric, attachment, &observed)?)
}

/// Connects a task on the calling thread; see [`crate::add()`].
///
/// # Errors
/// [`AddError`].
pub fn add(fabric: &Fabric, attachment: &Attachment) -> Result<Attached, AddError> {
    let plan = dry_run(fabric, attachment)?;
    tracing::debug!(id = attachment.id, %plan, "adding");
    apply::make(&plan)?;
    failpoint!("network.pair-made");
    if let Err(error) = apply::configure(fabric, &plan, &attachment.namespace) {
        undo(fabric, attachment, &plan);
        return Err(error.into());
    }
    Ok(Attached {
        host_interface: fabric.host_interface(&attachment.id),
        host_mac: attachment.host_mac(),
        task_mac: attachment.task_mac(),
    })
}

/// Removes what a failed ADD made. A pair that was there before stays: its task may be running.
fn undo(fabric: &Fabric, attachment: &Attachment, plan: &Plan) {
    if plan.create.is_none() {
        return;
    }
    if let Err(error) = del::del(fabric, &attachment.id, &attachment.namespace) {
        tracing::warn!(id = attachment.id, %error, "a failed add could not be undone; the next sweep will try again");
    }
}
