//! Mounts of a container: what every container has, then what was asked for.

use super::SpecError;
use crate::container::{CreateContainer, Mount};
use oci_spec::runtime::{Mount as SpecMount, MountBuilder};
use std::path::Path;

/// Docker's default size of `/dev/shm`.
const SHM_SIZE: u64 = 64 << 20;

/// All mounts, in the order in which they are made.
pub(crate) fn all(request: &CreateContainer) -> Result<Vec<SpecMount>, SpecError> {
    let mut wanted: Vec<SpecMount> = Vec::new();
    for (target, options) in &request.process.tmpfs {
        wanted.push(tmpfs(target, options)?);
    }
    for mount in &request.mounts {
        wanted.push(bind(mount)?);
    }
    // Outer before inner, or the outer one would hide it. The sort is stable: equals stay as given.
    wanted.sort_by_key(|mount| mount.destination().components().count());
    let replaced = |mount: &SpecMount| wanted.iter().any(|other| other.destination() == mount.destination());
    let mut mounts = defaults(request);
    mounts.retain(|mount| !replaced(mount));
    mounts.append(&mut wanted);
    Ok(mounts)
}

fn defaults(request: &CreateContainer) -> Vec<SpecMount> {
    let access = if request.process.privileged { "rw" } else { "ro" };
    let size = format!("size={}", request.process.shm_size.unwrap_or(SHM_SIZE));
    vec![
        mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", access]),
        mount("/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", access]),
        mount("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", &size]),
    ]
}

fn tmpfs(target: &str, options: &str) -> Result<SpecMount, SpecError> {
    absolute(target)?;
    let given = options.split(',').map(str::trim).filter(|option| !option.is_empty());
    let options: Vec<&str> = ["noexec", "nosuid", "nodev"].into_iter().chain(given).collect();
    Ok(mount(target, "tmpfs", "tmpfs", &options))
}

fn bind(wanted: &Mount) -> Result<SpecMount, SpecError> {
    absolute(&wanted.target.to_string_lossy())?;
    let access = if wanted.read_only { "ro" } else { "rw" };
    let (target, source) = (wanted.target.to_string_lossy(), wanted.source.to_string_lossy());
    Ok(mount(&target, "bind", &source, &["rbind", "rprivate", access]))
}

fn absolute(target: &str) -> Result<(), SpecError> {
    if Path::new(target).is_absolute() {
        Ok(())
    } else {
        Err(SpecError::MountTarget { target: target.to_owned() })
    }
}

fn mount(target: &str, kind: &str, source: &str, options: &[&str]) -> SpecMount {
    MountBuilder::default()
        .destination(target)
        .typ(kind)
        .source(source)
        .options(options.iter().map(ToString::to_string).collect::<Vec<_>>())
        .build()
        .expect("every mandatory field is set")
}
