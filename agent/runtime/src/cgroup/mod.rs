//! Task cgroups and what they count, on cgroup v1 and v2.
//!
//! Owns the cgroup above a task's containers: made with the task's limits before any container, removed after the last
//! one, since the runtime removes only those of containers. Reads usage of any cgroup, and ends the processes of one. Refuses systemd's slices: paths
//! below the mount are ours (`/ecs/<task>` by default), and no other cgroup is touched.

mod hierarchy;
mod occupants;
mod task;
mod usage;
mod usage_v1;
mod usage_v2;

pub use hierarchy::{CgroupRoot, CgroupVersion, InvalidPath};
pub use task::{CgroupError, CpuLimit, TaskLimits};
pub use usage::{Usage, UsageError};
