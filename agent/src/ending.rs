//! Whether a container has ended: containerd says so, and the kernel decides.
//!
//! Everything that says of a container that it has ended comes through here before the node hears of it: exits, listings, and looks at a
//! single container. An end is believed when no process is left in the container's cgroup. While its main process lives, the container
//! runs, whatever containerd has lost; what a main process has left behind is killed first, for it could go on serving.

use crate::causes::chain;
use crate::effects::Places;
use crate::observe::observation;
use crate::seam::Runtime;
use wharf_core::event::{ContainerRef, Observation};
use wharf_runtime::cgroup::CgroupError;

/// What is true of a container that is shown like this; `None` is not at all.
pub(crate) async fn believed<R: Runtime>(
    (runtime, places): (&R, &Places),
    container: &ContainerRef,
    shown: Option<Observation>,
) -> Option<Observation> {
    match shown {
        Some(Observation::Created | Observation::Running { .. }) => shown,
        Some(Observation::Exited(_) | Observation::Vanished) | None => {
            let living = living(runtime, places, container).await;
            if let Some(seen) = living {
                tracing::warn!(task = %container.task, container = container.container, ?shown, ?seen,
                    "containerd has lost this container, which lives");
            }
            living.or(shown)
        }
    }
}

/// What lives of it. A process that cannot be killed is one that runs.
async fn living<R: Runtime>(runtime: &R, places: &Places, container: &ContainerRef) -> Option<Observation> {
    let cgroup = places.container_cgroup(&container.task, &container.container);
    match runtime.survivor(&cgroup).await {
        Ok(survivor) => survivor.map(observation),
        Err(CgroupError::Busy { processes, .. }) => {
            processes.first().map(|pid| Observation::Running { pid: *pid, since: None })
        }
        Err(error) => {
            tracing::warn!(error = chain(&error), "cannot look into a cgroup; containerd is believed");
            None
        }
    }
}
