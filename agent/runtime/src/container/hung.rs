//! A shim that does not answer: found through its containers, killed, and cleaned up after by containerd.
//!
//! This is the last resort of SIGKILL and of deleting. It takes the other containers of the same shim along; they hang as well.

use super::SHIM_GROUP_LABEL;
use crate::connect::Shared;
use crate::process;
use crate::rpc::{self, QUICK, RpcError, SLOW};
use containerd_client::services::v1::ListContainersRequest;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wharf_wait::{Wait, blocking};

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
    let looking = Wait::named("a look through /proc for a shim").owner(id.to_owned()).at_most(SLOW);
    let shims = looking.of(blocking(find)).await.unwrap_or_else(|late| {
        tracing::warn!(container = %id, %late, "the shim of a container is not found");
        Vec::new()
    });
    for shim in shims {
        tracing::warn!(shim, container = %id, "killing a shim that does not answer");
        let Ok(pid) = i32::try_from(shim) else { continue };
        // Gone already is what we want; no permission will show in the next try of the delete.
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
