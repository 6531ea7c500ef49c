//! What is seen of a container while it goes: its memory and its last lines, for people who ask why it stopped.

use super::Places;
use crate::last_lines;
use std::io::ErrorKind;
use wharf_core::event::Remains;
use wharf_protocol::arn::TaskArn;
use wharf_runtime::cgroup::{CgroupRoot, Usage};

/// Peak memory and limit of a container, and whether that was too little, as far as its cgroup is there.
pub(crate) fn memory(cgroups: &CgroupRoot, places: &Places, task: &TaskArn, container: &str) -> Remains {
    let usage = |path: String| cgroups.usage(&path).ok();
    let own = usage(places.container_cgroup(task, container));
    let limit = |usage: &Usage| usage.memory_limit;
    Remains {
        peak_memory: own.as_ref().and_then(|usage| usage.memory_max),
        memory_limit: own
            .as_ref()
            .and_then(limit)
            .or_else(|| usage(places.cgroup(task)).as_ref().and_then(limit)),
        out_of_memory: own.as_ref().and_then(|usage| usage.oom_kills).is_some_and(|kills| kills > 0),
        last_lines: Vec::new(),
    }
}

/// The last lines of a container, from the file of its logger.
pub(crate) fn last_lines(places: &Places, task: &TaskArn, container: &str) -> Vec<String> {
    let path = places.log(task, container);
    last_lines::read(&path).unwrap_or_else(|error| {
        if error.kind() != ErrorKind::NotFound {
            tracing::debug!(path = %path.display(), %error, "the last lines cannot be read");
        }
        Vec::new()
    })
}
