//! What a task has on the host besides its containers: namespace, interface, endpoint, files, cgroup.

use std::collections::BTreeSet;
use std::fmt;
use wharf_core::event::{ContainerRef, Remains};
use wharf_core::spec::{Interface, TaskSpec};
use wharf_protocol::arn::TaskArn;
use wharf_runtime::cgroup::CgroupError;

/// Makes and removes the ground on which a task's containers stand. Everything may be repeated: making what is there is fine, and
/// so is removing what is not. Failures are one line for the reason that is reported.
pub trait Network: fmt::Debug + Send + Sync + 'static {
    /// Makes namespace, interface, files and endpoint.
    fn make(
        &self,
        task: &TaskArn,
        interface: Option<&Interface>,
    ) -> impl Future<Output = Result<(), String>> + Send;

    /// Removes endpoint, interface and namespace.
    fn unmake(&self, task: &TaskArn) -> impl Future<Output = Result<(), String>> + Send;

    /// Has a cgroup with the task's limits, where tasks get one.
    fn limit(&self, task: &TaskSpec) -> impl Future<Output = Result<(), CgroupError>> + Send;

    /// Removes what [`Network::unmake`] removes, generated files and the cgroup; goes on after a failure and names each.
    fn release(&self, task: &TaskArn) -> impl Future<Output = Result<(), String>> + Send;

    /// What is seen of the memory of a container that is about to be deleted: its cgroup goes with it.
    fn memory(&self, container: &ContainerRef) -> Remains;

    /// The last lines of a container that was deleted: its logger has ended by then.
    fn last_lines(&self, container: &ContainerRef) -> Vec<String>;

    /// Removes what outlives a task for those who want to look at it: volumes and logs.
    fn forget(&self, task: &TaskArn) -> impl Future<Output = Result<(), String>> + Send;

    /// Removes networks that bear our names and belong to none of the known tasks.
    fn sweep(&self, known: &BTreeSet<String>) -> impl Future<Output = ()> + Send;

    /// Removes cgroups, files, volumes and logs of other than the known tasks. Only at the start, when nothing else runs.
    fn sweep_remains(&self, known: &BTreeSet<String>) -> impl Future<Output = ()> + Send;

    /// Ends what is served for tasks, when the agent ends.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
