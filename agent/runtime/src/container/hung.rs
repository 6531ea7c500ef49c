//! A shim that does not answer: found through its containers, killed, and cleaned up after by containerd.
//!
//! This is the last resort of SIGKILL and of deleting. It takes the other containers of the same shim along; they hang as well.

use super::SHIM_GROUP_LABEL;
use crate::connect::Shared;
use crate::process;
use crate::rpc::{self, QUICK, RpcError};
use containerd_client::services::v1::ListContainersRequest;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;
use wharf_wait::{Wait, blocking};

/// How long a look through `/proc` may take.
const LOOK: Duration = Duration::from_secs(10);

/// Kills the shim of a container when it was the shim, and not containerd, that gave no answer.
pub(super) async fn break_if_silent(shared: &Shared, id: &str, group: &str, error: &RpcError) {
    let silent = matches!(error.code(), None | Some(tonic::Code::DeadlineExceeded));
    if silent && shared.answers().await {
        break_shim(shared, id, group).await;
    }
}

/// Kills the shim of a group, when it can be found.
async fn break_shim(shared: &Shared, id: &str, group: &str) {
    let mut ids = members(shared, group).await.unwrap_or_default();
    ids.push(id.to_owned());
    let (address, namespace) = (shared.config.address.clone(), shared.config.namespace.clone());
    let find = move || {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        process::shims_for(&address, &namespace, &ids)
    };
    kill_shims(id, "it does not answer", find).await;
}

/// Kills the shims that are found in `/proc`, and says why.
pub(super) async fn kill_shims(
    owner: &str,
    why: &'static str,
    find: impl FnOnce() -> Vec<u32> + Send + 'static,
) {
    let looking = Wait::named("a look through /proc for a shim").owner(owner.to_owned()).at_most(LOOK);
    let shims = looking.of(blocking(find)).await.unwrap_or_else(|late| {
        tracing::warn!(owner, %late, "whether there is a shim to kill is not known");
        Vec::new()
    });
    for shim in shims {
        tracing::warn!(shim, owner, why, "killing a shim");
        let Ok(pid) = i32::try_from(shim) else { continue };
        // Gone already is what we want; no permission will show in the next try of what it is in the way of.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// The containers of a group: the shim bears the id of whichever came first.
pub(super) async fn members(shared: &Shared, group: &str) -> Result<Vec<String>, RpcError> {
    let filters = vec![format!("labels.\"{SHIM_GROUP_LABEL}\"=={group:?}")];
    let answer =
        rpc::call("Containers.List", QUICK, shared.containers().list(ListContainersRequest { filters }))
            .await;
    answer.map(|answer| answer.containers.into_iter().map(|container| container.id).collect())
}
