//! A shim that can never serve: containerd broke off its start, and took away the directory in which it was about to open its log.
//!
//! It waits for ever for a reader of that log, and keeps the socket on which the next shim of its group would listen: that one is then
//! not started, and whatever containerd asks of the group goes unanswered. containerd does not know of it, so nobody else ends it.
//!
//! One whose start was broken off a moment later has its log and serves. The next create in its group takes it; where none comes, nobody
//! ends that one either.

use super::hung;
use super::make::LONG_CREATE;
use crate::connect::Shared;
use crate::process;
use crate::rpc::RpcError;
use std::pin::pin;
use wharf_wait::Wait;

/// Waits for the answer to a request for a process, and ends the forsaken shims that hold it up.
pub(super) async fn ended_beside<T>(shared: &Shared, owner: &str, request: impl Future<Output = T>) -> T {
    let mut request = pin!(request);
    loop {
        let look = async {
            let pause = Wait::named("a look for a shim that holds up a create").owner(owner.to_owned());
            pause.pause(LONG_CREATE).await;
            shared.end_forsaken(owner).await;
        };
        // Cancellation: the request lives on from round to round; a look that is dropped is begun anew, and what it has killed is dead.
        tokio::select! {
            answer = &mut request => return answer,
            () = look => {}
        }
    }
}

/// True where the shim went before it answered, as it does when it is ended.
pub(super) fn lost_its_shim(error: &RpcError) -> bool {
    error.message().contains("ttrpc: closed")
}

impl Shared {
    /// Kills every forsaken shim of our namespace.
    pub(crate) async fn end_forsaken(&self, owner: &str) {
        let (address, namespace) = (self.config.address.clone(), self.config.namespace.clone());
        let find = move || {
            let shims = process::shims(&address, &namespace).into_iter().map(|(shim, _)| shim);
            shims.filter(|shim| process::is_forsaken(*shim)).collect()
        };
        hung::kill_shims(owner, "it can never serve: its start was broken off", find).await;
    }

    /// Kills the shim of a container that is being removed and of which containerd knows no task, where it serves nobody. One that
    /// serves others of its group is left to them.
    pub(super) async fn end_unused(&self, id: &str, group: &str) {
        let others = hung::members(self, group).await;
        if !others.is_ok_and(|others| others.iter().all(|other| other == id)) {
            return;
        }
        let (address, namespace) = (self.config.address.clone(), self.config.namespace.clone());
        let container = id.to_owned();
        let find = move || {
            let shims = process::shims_for(&address, &namespace, &[&container]).into_iter();
            let unused =
                |shim: &u32| process::has_lost_its_directory(*shim) && process::children(*shim).is_empty();
            shims.filter(unused).collect()
        };
        hung::kill_shims(id, "it serves nobody: what it was started for was broken off", find).await;
    }
}
