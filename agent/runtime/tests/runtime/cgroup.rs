//! Task cgroups: on this host's kernel, and on trees that look like other hosts.

use crate::lab::LONG;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use wharf_runtime::cgroup::{
    CgroupError, CgroupRoot, CgroupVersion, CpuLimit, TaskLimits, Usage, UsageError,
};

/// A name below the hierarchies that no other test has.
fn own_path(test: &str) -> String {
    format!("/wharf-cg-{}-{test}", std::process::id())
}

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, CgroupRoot) {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("proc")).unwrap();
    fs::write(directory.path().join("proc/stat"), "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1\ncpu1 1\n")
        .unwrap();
    for (path, text) in files {
        let path = directory.path().join("cgroup").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let root = CgroupRoot::at(directory.path().join("cgroup"), directory.path().join("proc"));
    (directory, root)
}

fn numbers(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

#[tokio::test]
async fn a_task_cgroup_has_its_limits_in_every_hierarchy_and_is_removed_from_all() {
    let (root, path) = (CgroupRoot::host(), own_path("limits"));
    let limits = TaskLimits {
        cpu: Some(CpuLimit::Quota { quota: Duration::from_millis(50), period: Duration::from_millis(100) }),
        memory: Some(64 << 20),
        pids: Some(40),
    };
    let task = format!("{path}/task");
    root.create(&task, &limits).unwrap();
    root.create(&task, &limits).unwrap();
    let usage = root.usage(&task).unwrap();
    assert_eq!((usage.memory_limit, usage.pids_limit), (Some(64 << 20), Some(40)));
    assert!(root.is_empty(&task).unwrap());
    assert!(matches!(root.usage(&format!("{path}/other")), Err(UsageError::NotFound { .. })));
    root.remove(&path, LONG).await.unwrap();
    root.remove(&path, LONG).await.unwrap();
    assert!(matches!(root.usage(&task), Err(UsageError::NotFound { .. })));
    let found = Command::new("find")
        .args(["/sys/fs/cgroup", "-name", path.trim_start_matches('/')])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[tokio::test]
async fn a_cgroup_with_processes_is_not_removed_and_they_are_named() {
    let (root, path) = (CgroupRoot::host(), own_path("busy"));
    root.create(&path, &TaskLimits::default()).unwrap();
    let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
    let mount = if root.version() == CgroupVersion::V2 { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/pids" };
    fs::write(format!("{mount}{path}/cgroup.procs"), sleeper.id().to_string()).unwrap();
    assert_eq!(root.processes(&path).unwrap(), [sleeper.id()]);
    let error = root.remove(&path, Duration::from_millis(50)).await.unwrap_err();
    assert!(
        matches!(&error, CgroupError::Busy { processes, .. } if processes == &[sleeper.id()]),
        "{error:?}"
    );
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    root.remove(&path, LONG).await.unwrap();
}

/// The hierarchies of this host, and the unified one alone where it is mounted beside them.
fn roots() -> Vec<(CgroupRoot, &'static str)> {
    let host = CgroupRoot::host();
    if host.version() == CgroupVersion::V2 {
        return vec![(host, "/sys/fs/cgroup")];
    }
    let unified = "/sys/fs/cgroup/unified";
    let beside = Path::new(unified).exists().then(|| (CgroupRoot::at(unified, "/proc"), unified));
    [(host, "/sys/fs/cgroup/freezer")].into_iter().chain(beside).collect()
}

fn sleeper_in(cgroup: &str) -> std::process::Child {
    let sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
    fs::write(format!("{cgroup}/cgroup.procs"), sleeper.id().to_string()).unwrap();
    sleeper
}

#[tokio::test]
async fn every_process_below_a_cgroup_is_killed_also_where_it_is_frozen() {
    for (root, mount) in roots() {
        let path = own_path("ended");
        // Side by side: v2 takes no process beside a cgroup that has controllers.
        let [beside, below] = ["beside", "below"].map(|name| {
            root.create(&format!("{path}/{name}"), &TaskLimits::default()).unwrap();
            format!("{mount}{path}/{name}")
        });
        let mut sleepers = [sleeper_in(&beside), sleeper_in(&below)];
        match root.version() {
            CgroupVersion::V1 => fs::write(format!("{below}/freezer.state"), "FROZEN").unwrap(),
            CgroupVersion::V2 => fs::write(format!("{below}/cgroup.freeze"), "1").unwrap(),
        }
        let ended = root.end_processes(&path, LONG).await.unwrap();
        assert_eq!(ended, sleepers.iter().map(std::process::Child::id).collect());
        for sleeper in &mut sleepers {
            assert_eq!(sleeper.wait().unwrap().signal(), Some(nix::libc::SIGKILL));
        }
        assert!(root.end_processes(&path, LONG).await.unwrap().is_empty());
        root.remove(&path, LONG).await.unwrap();
        assert!(root.end_processes(&path, LONG).await.unwrap().is_empty(), "what is not there has none");
    }
}

#[tokio::test]
async fn the_threads_of_a_threaded_cgroup_are_ended_with_their_process_above_it() {
    for (root, mount) in roots().into_iter().filter(|(root, _)| root.version() == CgroupVersion::V2) {
        let path = own_path("threaded");
        root.create(&path, &TaskLimits::default()).unwrap();
        // By hand: with the controllers that are handed down to a cgroup of ours none becomes threaded.
        for threaded in ["threads", "threads/below"] {
            fs::create_dir(format!("{mount}{path}/{threaded}")).unwrap();
            fs::write(format!("{mount}{path}/{threaded}/cgroup.type"), "threaded").unwrap();
        }
        let mut sleeper = sleeper_in(&format!("{mount}{path}"));
        fs::write(format!("{mount}{path}/threads/below/cgroup.threads"), sleeper.id().to_string()).unwrap();
        assert_eq!(root.processes(&path).unwrap(), [sleeper.id()]);
        let ended = root.end_processes(&path, LONG).await.unwrap();
        assert_eq!(ended, [sleeper.id()].into());
        assert_eq!(sleeper.wait().unwrap().signal(), Some(nix::libc::SIGKILL));
        root.remove(&path, LONG).await.unwrap();
    }
}

#[tokio::test]
async fn without_a_kill_of_the_kernels_each_process_is_killed_and_one_that_stays_is_named() {
    let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
    let id = sleeper.id();
    // The tree is no kernel's: the process goes on being listed, and so does one that nobody here can see.
    let (directory, root) = tree(&[
        ("cgroup.controllers", ""),
        ("ecs/t/cgroup.procs", &format!("0\n{id}\n")),
        ("ecs/t/cgroup.freeze", "1"),
    ]);
    let error = root.end_processes("/ecs/t", Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(&error, CgroupError::Busy { processes, .. } if processes == &[0, id]), "{error:?}");
    assert_eq!(sleeper.wait().unwrap().signal(), Some(nix::libc::SIGKILL));
    let frozen = fs::read_to_string(directory.path().join("cgroup/ecs/t/cgroup.freeze")).unwrap();
    assert_eq!(frozen, "0");
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_is_refused() {
    let root = CgroupRoot::host();
    for bad in ["/", "relative", "/../../tmp", "/a/../b", ""] {
        assert!(matches!(root.create(bad, &TaskLimits::default()), Err(CgroupError::Path(_))), "{bad}");
        assert!(matches!(root.remove(bad, LONG).await, Err(CgroupError::Path(_))), "{bad}");
    }
}

#[test]
fn every_counter_of_v2_is_understood() {
    let (_directory, root) = tree(&[
        ("cgroup.controllers", "cpu memory pids io\n"),
        ("ecs/t/cgroup.procs", "7\n8\n"),
        (
            "ecs/t/cpu.stat",
            "usage_usec 100\nuser_usec 70\nsystem_usec 30\nnr_periods 9\nnr_throttled 2\nthrottled_usec 5\n",
        ),
        ("ecs/t/memory.current", "5000\n"),
        ("ecs/t/memory.peak", "6000\n"),
        ("ecs/t/memory.max", "max\n"),
        ("ecs/t/memory.stat", "anon 10\nfile 20\ninactive_file 15\n"),
        ("ecs/t/memory.events", "low 0\nmax 3\noom 1\noom_kill 2\n"),
        ("ecs/t/pids.current", "2\n"),
        ("ecs/t/pids.max", "64\n"),
        (
            "ecs/t/io.stat",
            "8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2\n",
        ),
    ]);
    assert_eq!(root.version(), CgroupVersion::V2);
    assert_eq!(root.processes("/ecs/t").unwrap(), [7, 8]);
    let expected = Usage {
        cpu_total_ns: 100_000,
        cpu_per_cpu_ns: None,
        cpu_user_ns: 70_000,
        cpu_kernel_ns: 30_000,
        cpu_periods: 9,
        cpu_throttled_periods: 2,
        cpu_throttled_ns: 5000,
        memory_usage: 5000,
        memory_max: Some(6000),
        memory_limit: None,
        memory_inactive_file: 15,
        memory_cache: 20,
        memory_stat: numbers(&[("anon", 10), ("file", 20), ("inactive_file", 15)]),
        oom_kills: Some(2),
        pids: Some(2),
        pids_limit: Some(64),
        io_read_bytes: 101,
        io_write_bytes: 202,
        online_cpus: 2,
        system_cpu_ns: 10_000_000_000,
    };
    assert_eq!(root.usage("/ecs/t").unwrap(), expected);
}

#[test]
fn every_counter_of_v1_is_understood_also_where_controllers_share_a_hierarchy() {
    let (directory, root) = tree(&[
        ("cpu,cpuacct/cgroup.procs", ""),
        ("cpu,cpuacct/ecs/t/cgroup.procs", "7\n"),
        ("cpu,cpuacct/ecs/t/cpuacct.usage", "1000\n"),
        ("cpu,cpuacct/ecs/t/cpuacct.usage_percpu", "400 600 \n"),
        ("cpu,cpuacct/ecs/t/cpuacct.stat", "user 3\nsystem 2\n"),
        ("cpu,cpuacct/ecs/t/cpu.stat", "nr_periods 9\nnr_throttled 2\nthrottled_time 5\n"),
        ("memory/cgroup.procs", ""),
        ("memory/ecs/t/cgroup.procs", "7\n"),
        ("memory/ecs/t/memory.usage_in_bytes", "5000\n"),
        ("memory/ecs/t/memory.max_usage_in_bytes", "6000\n"),
        ("memory/ecs/t/memory.limit_in_bytes", "9223372036854771712\n"),
        ("memory/ecs/t/memory.stat", "cache 1\ntotal_cache 20\ntotal_inactive_file 15\n"),
        ("memory/ecs/t/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"),
        ("pids/cgroup.procs", ""),
        ("pids/ecs/t/pids.current", "2\n"),
        ("pids/ecs/t/pids.max", "max\n"),
        ("blkio/cgroup.procs", ""),
        (
            "blkio/ecs/t/blkio.throttle.io_service_bytes_recursive",
            "8:0 Read 100\n8:0 Write 200\n8:0 Sync 300\n8:0 Total 300\nTotal 300\n",
        ),
        ("unified/cgroup.procs", ""),
    ]);
    std::os::unix::fs::symlink("cpu,cpuacct", directory.path().join("cgroup/cpuacct")).unwrap();
    assert_eq!(root.version(), CgroupVersion::V1);
    let expected = Usage {
        cpu_total_ns: 1000,
        cpu_per_cpu_ns: Some(vec![400, 600]),
        cpu_user_ns: 30_000_000,
        cpu_kernel_ns: 20_000_000,
        cpu_periods: 9,
        cpu_throttled_periods: 2,
        cpu_throttled_ns: 5,
        memory_usage: 5000,
        memory_max: Some(6000),
        memory_limit: None,
        memory_inactive_file: 15,
        memory_cache: 20,
        memory_stat: numbers(&[("cache", 1), ("total_cache", 20), ("total_inactive_file", 15)]),
        oom_kills: Some(4),
        pids: Some(2),
        pids_limit: None,
        io_read_bytes: 100,
        io_write_bytes: 200,
        online_cpus: 2,
        system_cpu_ns: 10_000_000_000,
    };
    assert_eq!(root.usage("/ecs/t").unwrap(), expected);
}

#[test]
fn on_v2_controllers_are_handed_down_and_a_limit_without_controller_is_an_error() {
    let (directory, root) = tree(&[("cgroup.controllers", "memory pids\n"), ("cgroup.subtree_control", "")]);
    let cgroup = directory.path().join("cgroup");
    fs::create_dir_all(cgroup.join("ecs/t")).unwrap();
    for file in ["memory.max", "pids.max"] {
        fs::write(cgroup.join("ecs/t").join(file), "max").unwrap();
    }
    let limits = TaskLimits { memory: Some(1 << 20), pids: Some(9), cpu: None };
    root.create("/ecs/t", &limits).unwrap();
    let read = |path: &str| fs::read_to_string(Path::new(&cgroup).join(path)).unwrap();
    assert_eq!(read("cgroup.subtree_control"), "+pids");
    assert_eq!((read("ecs/t/memory.max"), read("ecs/t/pids.max")), ("1048576".to_owned(), "9".to_owned()));
    let cpu = TaskLimits { cpu: Some(CpuLimit::Shares(1024)), ..TaskLimits::default() };
    assert!(matches!(root.create("/ecs/t", &cpu), Err(CgroupError::NoController { limit: "cpu" })));
}
