//! Capabilities: Docker's fourteen, and what is added or taken.

use super::SpecError;
use oci_spec::runtime::Capability;
use std::collections::HashSet;

/// What Docker gives an unprivileged container.
const DEFAULT: [Capability; 14] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fsetid,
    Capability::Fowner,
    Capability::Mknod,
    Capability::NetRaw,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setfcap,
    Capability::Setpcap,
    Capability::NetBindService,
    Capability::SysChroot,
    Capability::Kill,
    Capability::AuditWrite,
];

/// All of Linux, in the kernel's order of numbers.
const ALL: [Capability; 41] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::DacReadSearch,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setpcap,
    Capability::LinuxImmutable,
    Capability::NetBindService,
    Capability::NetBroadcast,
    Capability::NetAdmin,
    Capability::NetRaw,
    Capability::IpcLock,
    Capability::IpcOwner,
    Capability::SysModule,
    Capability::SysRawio,
    Capability::SysChroot,
    Capability::SysPtrace,
    Capability::SysPacct,
    Capability::SysAdmin,
    Capability::SysBoot,
    Capability::SysNice,
    Capability::SysResource,
    Capability::SysTime,
    Capability::SysTtyConfig,
    Capability::Mknod,
    Capability::Lease,
    Capability::AuditWrite,
    Capability::AuditControl,
    Capability::Setfcap,
    Capability::MacOverride,
    Capability::MacAdmin,
    Capability::Syslog,
    Capability::WakeAlarm,
    Capability::BlockSuspend,
    Capability::AuditRead,
    Capability::Perfmon,
    Capability::Bpf,
    Capability::CheckpointRestore,
];

/// Works out a container's capabilities. `available` has a bit for each that containerd can hand on at all.
pub(crate) fn granted(
    privileged: bool,
    add: &[String],
    drop: &[String],
    available: u64,
) -> Result<HashSet<Capability>, SpecError> {
    let known =
        || ALL.into_iter().enumerate().filter(|(bit, _)| available >> bit & 1 == 1).map(|(_, one)| one);
    if privileged {
        return Ok(known().collect());
    }
    let (all_added, add) = named(add)?;
    let (all_dropped, drop) = named(drop)?;
    // Docker's rule: "all" sets the ground, the names given then adjust it.
    let mut granted: HashSet<Capability> = match (all_added, all_dropped) {
        (true, _) => known().collect(),
        (false, true) => HashSet::new(),
        (false, false) => DEFAULT.into_iter().collect(),
    };
    granted.retain(|capability| !drop.contains(capability));
    granted.extend(add);
    Ok(granted)
}

/// Splits names into "was ALL among them" and the capabilities.
fn named(names: &[String]) -> Result<(bool, Vec<Capability>), SpecError> {
    let mut all = false;
    let mut capabilities = Vec::new();
    for name in names {
        let upper = name.to_ascii_uppercase();
        let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
        if short == "ALL" {
            all = true;
        } else {
            let found = ALL.into_iter().find(|capability| capability.to_string() == short);
            capabilities.push(found.ok_or_else(|| SpecError::Capability { name: name.clone() })?);
        }
    }
    Ok((all, capabilities))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: u64 = (1 << 41) - 1;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn default_is_dockers_fourteen() {
        assert_eq!(granted(false, &[], &[], EVERY).unwrap(), DEFAULT.into_iter().collect());
    }

    #[test]
    fn names_work_with_and_without_prefix_in_any_case() {
        let granted =
            granted(false, &names(&["net_admin", "CAP_SYS_TIME"]), &names(&["Mknod"]), EVERY).unwrap();
        assert!(granted.contains(&Capability::NetAdmin) && granted.contains(&Capability::SysTime));
        assert!(!granted.contains(&Capability::Mknod));
        assert_eq!(granted.len(), 15);
    }

    #[test]
    fn all_can_be_added_but_one_and_dropped_but_one() {
        let all_but = granted(false, &names(&["ALL"]), &names(&["SYS_ADMIN"]), EVERY).unwrap();
        assert_eq!(all_but.len(), 40);
        assert!(!all_but.contains(&Capability::SysAdmin));
        let only = granted(false, &names(&["CHOWN"]), &names(&["ALL"]), EVERY).unwrap();
        assert_eq!(only, HashSet::from([Capability::Chown]));
    }

    #[test]
    fn what_containerd_does_not_have_is_not_given_to_privileged_containers() {
        let granted = granted(true, &[], &names(&["ALL"]), EVERY & !(1 << 24)).unwrap();
        assert_eq!(granted.len(), 40);
        assert!(!granted.contains(&Capability::SysResource));
    }

    #[test]
    fn an_unknown_name_is_an_error_that_names_it() {
        let error = granted(false, &names(&["FLY"]), &[], EVERY).unwrap_err();
        assert_eq!(error.to_string(), "\"FLY\" is no capability");
    }
}
