//! The default system call filter: Docker's, resolved for one container's capabilities.
//!
//! The data in `default_seccomp.json` is what containerd 1.6's default profile (Apache-2.0) resolves to for each
//! capability, with three changes that newer profiles made: calls added since Linux 5.17, no `io_uring`, no vsock.
//! Every kernel that Wharf supports is newer than 4.8, so `ptrace` needs no condition.

use oci_spec::runtime::{
    Arch, Capability, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArgBuilder, LinuxSeccompBuilder,
    LinuxSeccompOperator, LinuxSyscall, LinuxSyscallBuilder,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
const AF_VSOCK: u64 = 40;
/// Flags of `clone` that make namespaces.
const CLONE_NAMESPACES: u64 = 0x7E02_0000;

#[derive(Deserialize)]
struct Profile {
    always: Vec<String>,
    by_architecture: BTreeMap<String, Vec<String>>,
    by_capability: BTreeMap<String, Vec<String>>,
    personalities: Vec<u64>,
}

static PROFILE: LazyLock<Profile> = LazyLock::new(|| {
    serde_json::from_str(include_str!("default_seccomp.json")).expect("the profile is part of the program")
});

/// Makes the filter for a container with these capabilities.
pub(crate) fn default_filter(capabilities: &HashSet<Capability>) -> LinuxSeccomp {
    let profile = &*PROFILE;
    let mut names: BTreeSet<String> = profile.always.iter().cloned().collect();
    names.extend(profile.by_architecture.get(std::env::consts::ARCH).into_iter().flatten().cloned());
    for capability in capabilities {
        names.extend(profile.by_capability.get(&format!("CAP_{capability}")).into_iter().flatten().cloned());
    }
    let mut rules = Vec::new();
    if !names.contains("clone") {
        rules.push(allow_when("clone", 0, CLONE_NAMESPACES, LinuxSeccompOperator::ScmpCmpMaskedEq, Some(0)));
        // "Not implemented", not "forbidden": libraries then fall back to clone, whose flags can be checked.
        rules.push(rule(["clone3".to_owned()].into(), LinuxSeccompAction::ScmpActErrno, Some(ENOSYS)));
    }
    for personality in &profile.personalities {
        rules.push(allow_when("personality", 0, *personality, LinuxSeccompOperator::ScmpCmpEq, None));
    }
    rules.push(allow_when("socket", 0, AF_VSOCK, LinuxSeccompOperator::ScmpCmpNe, None));
    rules.push(rule(names.into_iter().collect(), LinuxSeccompAction::ScmpActAllow, None));
    LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActErrno)
        .default_errno_ret(EPERM)
        .architectures(architectures())
        .syscalls(rules)
        .build()
        .expect("every mandatory field is set")
}

fn architectures() -> Vec<Arch> {
    match std::env::consts::ARCH {
        // Not x32, which Docker adds: distributions leave it out of their kernels, and each architecture makes runc compile
        // the whole filter once more (6 ms of a start). A program that tries it is killed.
        "x86_64" => vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86],
        "aarch64" => vec![Arch::ScmpArchAarch64, Arch::ScmpArchArm],
        _ => Vec::new(),
    }
}

fn rule(names: Vec<String>, action: LinuxSeccompAction, errno: Option<u32>) -> LinuxSyscall {
    let builder = LinuxSyscallBuilder::default().names(names).action(action);
    let builder = match errno {
        Some(errno) => builder.errno_ret(errno),
        None => builder,
    };
    builder.build().expect("every mandatory field is set")
}

fn allow_when(
    name: &str,
    index: usize,
    value: u64,
    op: LinuxSeccompOperator,
    two: Option<u64>,
) -> LinuxSyscall {
    let argument = LinuxSeccompArgBuilder::default().index(index).value(value).op(op);
    let argument = match two {
        Some(two) => argument.value_two(two),
        None => argument,
    };
    LinuxSyscallBuilder::default()
        .names(vec![name.to_owned()])
        .action(LinuxSeccompAction::ScmpActAllow)
        .args(vec![argument.build().expect("every mandatory field is set")])
        .build()
        .expect("every mandatory field is set")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(capabilities: &[Capability], name: &str) -> bool {
        default_filter(&capabilities.iter().copied().collect()).syscalls().iter().flatten().any(|rule| {
            rule.action() == LinuxSeccompAction::ScmpActAllow
                && rule.args().is_none()
                && rule.names().iter().any(|known| known == name)
        })
    }

    #[test]
    fn a_call_that_needs_a_capability_comes_with_it() {
        for (call, capability) in [
            ("mount", Capability::SysAdmin),
            ("reboot", Capability::SysBoot),
            ("chroot", Capability::SysChroot),
            ("open_by_handle_at", Capability::DacReadSearch),
        ] {
            assert!(!allowed(&[], call), "{call}");
            assert!(allowed(&[capability], call), "{call}");
        }
        assert!(allowed(&[], "openat") && allowed(&[], "futex_waitv"));
        assert!(!allowed(&[Capability::SysAdmin], "kexec_load") && !allowed(&[], "io_uring_setup"));
    }

    #[test]
    fn namespaces_need_sys_admin_and_clone3_pretends_not_to_exist() {
        let filter = default_filter(&HashSet::new());
        let rules = filter.syscalls().as_ref().unwrap();
        let clone3 = rules.iter().find(|rule| rule.names() == &["clone3"]).unwrap();
        assert_eq!(clone3.errno_ret(), Some(ENOSYS));
        assert!(!allowed(&[], "clone"));
        assert!(allowed(&[Capability::SysAdmin], "clone") && allowed(&[Capability::SysAdmin], "clone3"));
    }

    #[test]
    fn every_capability_of_the_data_exists() {
        for name in PROFILE.by_capability.keys() {
            super::super::capability::granted(false, std::slice::from_ref(name), &[], u64::MAX).unwrap();
        }
    }
}
