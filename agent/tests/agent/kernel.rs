//! Readings of the real kernel: a cgroup and a network namespace of the test's own. Needs root.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wharf_agent::effects::Places;
use wharf_agent::telemetry::kernel::Kernel;
use wharf_agent::telemetry::sampler::Source;
use wharf_cni::netns;
use wharf_runtime::cgroup::{CgroupRoot, TaskLimits};

use crate::fixture::task_arn;

const DEADLINE: Duration = Duration::from_secs(10);

/// Places that no other test uses.
fn places(name: &str, run: &Path) -> Places {
    Places {
        run: run.to_owned(),
        data: run.to_owned(),
        cgroup_root: PathBuf::from(format!("/wharf-test-{name}-{}", std::process::id())),
        logger: PathBuf::new(),
    }
}

/// A process that uses a processor in a cgroup of its own; both end with the test.
struct Busy {
    process: Child,
    cgroup: String,
}

impl Busy {
    fn start(cgroup: &str) -> Self {
        CgroupRoot::host().create(cgroup, &TaskLimits::default()).expect("root may make cgroups");
        let spin = "while :; do :; done";
        let process = Command::new("sh").args(["-c", spin]).stdin(Stdio::null()).spawn().expect("sh runs");
        let busy = Self { process, cgroup: cgroup.to_owned() };
        busy.join();
        busy
    }

    /// Puts the process into the cgroup of each hierarchy.
    fn join(&self) {
        let mount = Path::new("/sys/fs/cgroup");
        let controllers = std::fs::read_dir(mount).expect("cgroups are mounted").filter_map(Result::ok);
        let own = |directory: PathBuf| directory.join(&self.cgroup[1..]).join("cgroup.procs");
        let all = controllers.map(|entry| own(entry.path())).chain([own(mount.to_owned())]);
        for procs in all.filter(|procs| procs.exists()) {
            std::fs::write(procs, self.process.id().to_string()).expect("a process may be moved");
        }
    }

    async fn end(mut self) {
        self.process.kill().expect("our process can be killed");
        self.process.wait().expect("our process can be waited for");
        let parent =
            Path::new(&self.cgroup).parent().and_then(Path::to_str).expect("it has a parent").to_owned();
        let root = Path::new(&parent).parent().and_then(Path::to_str).expect("it has a root").to_owned();
        CgroupRoot::host().remove(&parent, DEADLINE).await.expect("an empty cgroup can be removed");
        CgroupRoot::host().remove(&root, DEADLINE).await.expect("an empty cgroup can be removed");
    }
}

#[tokio::test]
async fn a_busy_container_uses_processor_and_memory() {
    let run = tempfile::tempdir().expect("a directory");
    let (places, task) = (places("busy", run.path()), task_arn("t1"));
    let busy = Busy::start(&format!("{}/main", places.cgroup(&task)));
    let kernel = Kernel::new(places);
    let first = kernel.container(&task, "main").expect("the cgroup is there");
    let end = Instant::now() + DEADLINE;
    let later = loop {
        let reading = kernel.container(&task, "main").expect("the cgroup is still there");
        if reading.usage.cpu_total_ns >= first.usage.cpu_total_ns + 20_000_000 {
            break reading;
        }
        assert!(Instant::now() < end, "no processor time in {reading:?}");
        tokio::task::yield_now().await;
    };
    assert!(later.at.instant > first.at.instant);
    assert!(later.usage.online_cpus > 0 && later.usage.system_cpu_ns > 0 && later.host_memory > 1 << 20);
    assert!(later.cache <= later.usage.memory_usage, "{later:?}");
    busy.end().await;
}

#[tokio::test]
async fn a_container_or_a_network_that_is_not_there_is_not_read() {
    let run = tempfile::tempdir().expect("a directory");
    let kernel = Kernel::new(places("none", run.path()));
    assert_eq!(kernel.container(&task_arn("t1"), "main"), None);
    assert_eq!(kernel.network(&task_arn("t1")).await, None);
}

#[tokio::test]
async fn the_interfaces_of_a_task_are_read_without_its_loopback() {
    let run = tempfile::tempdir().expect("a directory");
    let (places, task) = (places("net", run.path()), task_arn("t1"));
    let namespace = places.namespace(&task);
    netns::create(&namespace).expect("root may make namespaces");
    let reading = Kernel::new(places).network(&task).await.expect("the namespace is there");
    assert!(!reading.interfaces.contains_key("lo"), "{reading:?}");
    netns::delete(&namespace).expect("our namespace can be deleted");
}
