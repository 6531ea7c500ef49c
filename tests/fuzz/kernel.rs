//! A host whose kernel says what the input says: the same files as under `/proc` and `/sys`, in a directory of its own.

use std::fs;
use std::path::PathBuf;
use wharf_agent::capabilities::HostFacts;
use wharf_runtime::cgroup::CgroupRoot;

/// One file of each form that is read of a cgroup; each has all of the input's first part. Those that are missing count as zero.
const CGROUP: &[&str] = &[
    "v2/task/cpu.stat",
    "v2/task/memory.current",
    "v2/task/io.stat",
    "v1/cpuacct/task/cpuacct.usage_percpu",
    "v1/blkio/task/blkio.throttle.io_service_bytes_recursive",
];
/// By these a cgroup is known for one.
const MARKS: &[&str] =
    &["v2/cgroup.controllers", "v2/task/cgroup.procs", "v1/cpuacct/cgroup.procs", "v1/blkio/cgroup.procs"];
/// The files of the host, each with a part of its own.
const HOST: &[&str] =
    &["proc/meminfo", "sys/devices/system/cpu/online", "etc/os-release", "proc/sys/kernel/random/boot_id"];

/// The directory; removed when dropped.
pub struct Kernel(PathBuf);

impl Kernel {
    /// The parts, which an empty line ends, are: cgroup, `/proc/stat`, then the files of the host.
    pub fn saying(text: &str) -> Self {
        let kernel = Self(std::env::temp_dir().join(format!("wharf-kernel-{}", std::process::id())));
        let mut parts = text.split("\n\n");
        let cgroup = parts.next().unwrap_or_default();
        CGROUP.iter().for_each(|file| kernel.write(file, cgroup));
        MARKS.iter().for_each(|file| kernel.write(file, ""));
        kernel.write("proc/stat", parts.next().unwrap_or_default());
        HOST.iter().for_each(|file| kernel.write(file, parts.next().unwrap_or_default()));
        kernel
    }

    /// Reads a cgroup of both kinds, and the host.
    pub fn read(&self) {
        for version in ["v1", "v2"] {
            let usage = CgroupRoot::at(self.0.join(version), self.0.join("proc")).usage("/task");
            assert!(usage.is_ok(), "what cannot be understood is zero: {usage:?}");
        }
        match HostFacts::read(&self.0) {
            Ok(facts) => assert!(facts.cpus > 0 && !facts.os_family.is_empty(), "{facts:?}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).expect("a place for temporary files");
        }
        fs::write(path, text).expect("a place for temporary files");
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
