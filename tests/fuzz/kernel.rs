//! A host whose kernel says what the input says: the same files as under `/proc` and `/sys`, in a directory of its own.

use std::fs;
use std::path::Path;
use tempfile::TempDir;
use wharf_agent::capabilities::HostFacts;
use wharf_runtime::cgroup::{CgroupRoot, Usage};
use wharf_runtime::try_process;

/// What is read of a cgroup, by the form that it has: pairs of name and number, one number, lines by device.
const CGROUP: [&[&str]; 3] = [
    &[
        "v2/task/cpu.stat",
        "v2/task/memory.stat",
        "v2/task/memory.events",
        "v1/cpu,cpuacct/task/cpuacct.stat",
        "v1/cpu,cpuacct/task/cpu.stat",
        "v1/memory/task/memory.stat",
        "v1/memory/task/memory.oom_control",
    ],
    &[
        "v2/task/memory.current",
        "v2/task/memory.max",
        "v2/task/pids.max",
        "v1/cpu,cpuacct/task/cpuacct.usage",
        "v1/cpu,cpuacct/task/cpuacct.usage_percpu",
        "v1/memory/task/memory.limit_in_bytes",
    ],
    &["v2/task/io.stat", "v1/blkio/task/blkio.throttle.io_service_bytes_recursive"],
];
/// By these a cgroup is known for one.
const MARKS: &[&str] = &[
    "v2/cgroup.controllers",
    "v2/task/cgroup.procs",
    "v1/cpu,cpuacct/cgroup.procs",
    "v1/memory/cgroup.procs",
    "v1/blkio/cgroup.procs",
];
/// The files of the host, each with a part of its own.
const HOST: &[&str] = &[
    "proc/stat",
    "proc/meminfo",
    "sys/devices/system/cpu/online",
    "etc/os-release",
    "proc/sys/kernel/random/boot_id",
];

/// What the kernel says of cgroups, of the host and of processes.
pub fn kernel_answers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let files = Files::saying(&text);
    files.usages();
    match HostFacts::read(files.0.path()) {
        Ok(facts) => assert!(facts.cpus > 0 && !facts.os_family.is_empty(), "{facts:?}"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    for (name, _parent) in text.lines().filter_map(try_process) {
        assert!(text.contains(&name));
    }
}

/// The files.
pub struct Files(TempDir);

impl Files {
    /// The parts of the text, which an empty line ends, are the three forms of a cgroup's files, then each file of the host.
    pub fn saying(text: &str) -> Self {
        // In memory where that can be had: thousands of inputs make dozens of files each.
        let place = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let files = Self(place.expect("a place for temporary files"));
        let mut parts = text.split("\n\n");
        for form in CGROUP {
            let part = parts.next().unwrap_or_default();
            form.iter().for_each(|file| files.write(file, part));
        }
        HOST.iter().for_each(|file| files.write(file, parts.next().unwrap_or_default()));
        MARKS.iter().for_each(|file| files.write(file, ""));
        files
    }

    /// What a cgroup has used, as v1 and as v2 have it: what cannot be understood is zero or absent.
    pub fn usages(&self) -> [Usage; 2] {
        let usage = |version: &str| {
            CgroupRoot::at(self.at(version), self.at("proc")).usage("/task").expect("it is there")
        };
        ["v1", "v2"].map(usage)
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.at(file);
        let directory = path.parent().expect("a file lies somewhere");
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(&path, text))
            .expect("room for temporary files");
    }

    fn at(&self, file: &str) -> std::path::PathBuf {
        Path::join(self.0.path(), file)
    }
}
