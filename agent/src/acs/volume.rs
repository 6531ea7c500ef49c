//! Volumes and the mounts of them. Source: features 5.

use super::refusal::{Refusal, required, unused};
use std::collections::BTreeMap;
use wharf_core::spec::{MountPoint, Volume};
use wharf_protocol::acs;

/// The volumes of a task by name.
pub(super) fn convert(volumes: &[acs::Volume]) -> Result<BTreeMap<String, Volume>, Refusal> {
    let mut converted = BTreeMap::new();
    for volume in volumes {
        let name = required("volumes[].name", &volume.name)?;
        // The name is a directory of the task.
        if name.contains(['/', '\0']) || name.starts_with('.') {
            return Err(Refusal::wrong(
                "volumes[].name",
                name,
                "a name without '/' that does not begin with '.'",
            ));
        }
        let field = format!("volumes[{name}]");
        if converted.insert(name.to_owned(), one(&field, volume)?).is_some() {
            return Err(Refusal::wrong("volumes[].name", name, "a name that no other volume has"));
        }
    }
    Ok(converted)
}

fn one(field: &str, volume: &acs::Volume) -> Result<Volume, Refusal> {
    match volume.r#type.as_deref() {
        None | Some("" | "host") => {}
        Some(other @ ("docker" | "efs" | "fsxWindowsFileServer" | "ebs" | "logDriverOutput")) => {
            return Err(Refusal::unsupported(format!("{field}.type {other}")));
        }
        Some(other) => return Err(Refusal::wrong(format!("{field}.type"), other, "host")),
    }
    unused(format!("{field}.dockerVolumeConfiguration"), volume.docker_volume_configuration.is_some())?;
    unused(format!("{field}.efsVolumeConfiguration"), volume.efs_volume_configuration.is_some())?;
    unused(format!("{field}.ebsVolumeConfiguration"), volume.ebs_volume_configuration.is_some())?;
    let fsx = volume.fsx_windows_file_server_volume_configuration.is_some();
    unused(format!("{field}.fsxWindowsFileServerVolumeConfiguration"), fsx)?;
    unused(
        format!("{field}.logDriverVolumeConfiguration"),
        volume.log_driver_volume_configuration.is_some(),
    )?;
    let host = volume.host.as_ref().ok_or_else(|| Refusal::missing(format!("{field}.host")))?;
    match host.source_path.as_deref().unwrap_or_default() {
        "" => Ok(Volume::Task),
        path if is_plain_path(path) => Ok(Volume::Host { path: path.to_owned() }),
        path => {
            Err(Refusal::wrong(format!("{field}.host.sourcePath"), path, "an absolute path without '..'"))
        }
    }
}

/// The mounts of a container; each has to name a volume of the task and a path.
pub(super) fn mounts(
    container: &str,
    mounts: &[acs::MountPoint],
    volumes: &BTreeMap<String, Volume>,
) -> Result<Vec<MountPoint>, Refusal> {
    let one = |mount: &acs::MountPoint| {
        let volume = mount.source_volume.as_deref().unwrap_or_default();
        let path = mount.container_path.as_deref().unwrap_or_default();
        let refuse = |what: &str| Refusal::Mount { problem: format!("container {container} mounts {what}") };
        if !volumes.contains_key(volume) {
            return Err(refuse(&format!("volume {volume:?}, which the task does not have")));
        }
        if !is_plain_path(path) {
            return Err(refuse(&format!(
                "volume {volume:?} at {path:?}, which is not an absolute path without '..'"
            )));
        }
        let read_only = mount.read_only.unwrap_or(false);
        Ok(MountPoint { volume: volume.to_owned(), container_path: path.to_owned(), read_only })
    };
    mounts.iter().map(one).collect()
}

/// Absolute, without `..` and without what cannot be part of a path.
pub(super) fn is_plain_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains('\0') && path.split('/').all(|part| part != "..")
}
