//! Devices: nothing but the harmless ones, unless asked for or privileged.

use super::SpecError;
use crate::container::Device;
use nix::sys::stat::{SFlag, major, minor};
use oci_spec::runtime::{
    LinuxDevice, LinuxDeviceBuilder, LinuxDeviceCgroup, LinuxDeviceCgroupBuilder, LinuxDeviceType,
};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Character devices that every container may use, as Docker lists them: major, minor (none is any), access.
const ALLOWED: [(i64, Option<i64>); 9] = [
    (1, Some(3)), // null
    (1, Some(5)), // zero
    (1, Some(7)), // full
    (1, Some(8)), // random
    (1, Some(9)), // urandom
    (5, Some(0)), // tty
    (5, Some(1)), // console
    (5, Some(2)), // ptmx
    (136, None),  // pts
];

/// Directories of `/dev` that are file systems of the container's own.
const OWN: [&str; 5] = ["pts", "shm", "fd", "mqueue", ".lxc"];

/// Rules of the device cgroup, in the order in which they hold.
pub(crate) fn default_rules(privileged: bool) -> Vec<LinuxDeviceCgroup> {
    let all = rule(privileged, None, None, None, "rwm");
    if privileged {
        return vec![all];
    }
    let nodes = [LinuxDeviceType::C, LinuxDeviceType::B].map(|typ| rule(true, Some(typ), None, None, "m"));
    let allowed =
        ALLOWED.map(|(major, minor)| rule(true, Some(LinuxDeviceType::C), Some(major), minor, "rwm"));
    std::iter::once(all).chain(nodes).chain(allowed).collect()
}

/// Node and rule of a device that was asked for.
pub(crate) fn passed_in(device: &Device) -> Result<(LinuxDevice, LinuxDeviceCgroup), SpecError> {
    let path = PathBuf::from(&device.container_path);
    let node = node(Path::new(&device.host_path), path)
        .map_err(|source| SpecError::Device { path: device.host_path.clone(), source })?
        .ok_or_else(|| SpecError::NotADevice { path: device.host_path.clone() })?;
    let access = if device.permissions.is_empty() { "rwm" } else { &device.permissions };
    if access.chars().any(|c| !"rwm".contains(c)) {
        return Err(SpecError::DeviceAccess { path: device.host_path.clone(), access: access.to_owned() });
    }
    let rule = rule(true, Some(node.typ()), Some(node.major()), Some(node.minor()), access);
    Ok((node, rule))
}

/// Every device of the host, for a privileged container.
pub(crate) fn of_host() -> Vec<LinuxDevice> {
    let mut found = Vec::new();
    collect(Path::new("/dev"), 0, &mut found);
    found
}

fn collect(directory: &Path, depth: u32, found: &mut Vec<LinuxDevice>) {
    // A device that vanishes while we look, or a directory that cannot be read, is not there.
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            let own = depth == 0 && entry.file_name().to_str().is_some_and(|name| OWN.contains(&name));
            if !own && depth < 4 {
                collect(&path, depth + 1, found);
            }
        } else if !kind.is_symlink() && path != Path::new("/dev/console") {
            found.extend(node(&path, path.clone()).ok().flatten());
        }
    }
}

/// Describes a device node; `None` for other files.
fn node(host: &Path, path: PathBuf) -> std::io::Result<Option<LinuxDevice>> {
    let metadata = std::fs::metadata(host)?;
    let format = SFlag::from_bits_truncate(metadata.mode()) & SFlag::S_IFMT;
    let typ = match format {
        SFlag::S_IFCHR => LinuxDeviceType::C,
        SFlag::S_IFBLK => LinuxDeviceType::B,
        _ => return Ok(None),
    };
    let number = metadata.rdev();
    let signed = |part: u64| i64::try_from(part).unwrap_or(i64::MAX);
    let device = LinuxDeviceBuilder::default()
        .path(path)
        .typ(typ)
        .major(signed(major(number)))
        .minor(signed(minor(number)))
        .file_mode(metadata.mode() & 0o7777)
        .uid(metadata.uid())
        .gid(metadata.gid())
        .build();
    Ok(Some(device.expect("every field is set")))
}

fn rule(
    allow: bool,
    typ: Option<LinuxDeviceType>,
    major: Option<i64>,
    minor: Option<i64>,
    access: &str,
) -> LinuxDeviceCgroup {
    let mut rule = LinuxDeviceCgroupBuilder::default().allow(allow).access(access.to_owned());
    rule = typ.into_iter().fold(rule, |rule, typ| rule.typ(typ));
    rule = major.into_iter().fold(rule, |rule, major| rule.major(major));
    rule = minor.into_iter().fold(rule, |rule, minor| rule.minor(minor));
    rule.build().expect("every mandatory field is set")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_denied_before_anything_is_allowed() {
        let rules = default_rules(false);
        assert!(!rules[0].allow() && rules[0].major().is_none());
        assert!(rules[1..].iter().all(LinuxDeviceCgroup::allow));
        assert!(default_rules(true)[0].allow());
    }

    #[test]
    fn only_devices_can_be_passed_in_and_only_with_known_rights() {
        let device = |host: &str, permissions: &str| Device {
            host_path: host.into(),
            container_path: "/dev/x".into(),
            permissions: permissions.into(),
        };
        let (node, rule) = passed_in(&device("/dev/null", "r")).unwrap();
        assert_eq!((node.major(), node.minor(), rule.access().clone()), (1, 3, Some("r".to_owned())));
        assert!(matches!(passed_in(&device("/etc/passwd", "")), Err(SpecError::NotADevice { .. })));
        assert!(matches!(passed_in(&device("/dev/none", "")), Err(SpecError::Device { .. })));
        assert!(matches!(passed_in(&device("/dev/null", "rx")), Err(SpecError::DeviceAccess { .. })));
    }
}
