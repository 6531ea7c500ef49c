//! What a task definition asks of the kernel stands in the kernel: cgroups, credentials, limits and mounts of the real process.

use crate::lifecycle::{connected, end};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wharf_protocol::acs;
use wharf_tests::leaks::Inventory;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::wait;

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
const SOON: Duration = Duration::from_secs(30);
const MIB: u64 = 1 << 20;

/// A limit as the kernel names it in cgroup v1 (with its hierarchy) and v2.
struct Limit {
    v1: [&'static str; 2],
    v2: &'static str,
}

const MEMORY: Limit = Limit { v1: ["memory", "memory.limit_in_bytes"], v2: "memory.max" };
const RESERVATION: Limit = Limit { v1: ["memory", "memory.soft_limit_in_bytes"], v2: "memory.low" };

impl Limit {
    fn read(&self, cgroup: &str) -> String {
        let [hierarchy, file] = self.v1;
        let path = if is_v2() {
            in_hierarchy("", cgroup).join(self.v2)
        } else {
            in_hierarchy(hierarchy, cgroup).join(file)
        };
        let text = std::fs::read_to_string(&path);
        text.unwrap_or_else(|error| panic!("{}: {error}", path.display())).trim().to_owned()
    }
}

fn is_v2() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

fn in_hierarchy(hierarchy: &str, cgroup: &str) -> PathBuf {
    Path::new("/sys/fs/cgroup").join(hierarchy).join(cgroup.trim_start_matches('/'))
}

/// Quota and period of the processor in microseconds.
fn cpu_quota(cgroup: &str) -> String {
    if is_v2() {
        return Limit { v1: ["", ""], v2: "cpu.max" }.read(cgroup);
    }
    let read = |file| Limit { v1: ["cpu", file], v2: "" }.read(cgroup);
    format!("{} {}", read("cpu.cfs_quota_us"), read("cpu.cfs_period_us"))
}

/// Relative weight of the processor; v2 counts otherwise (runc's formula).
fn cpu_weight(cgroup: &str, shares: u64) -> (String, String) {
    let expected = if is_v2() { 1 + (shares - 2) * 9999 / 262_142 } else { shares };
    let found = Limit { v1: ["cpu", "cpu.shares"], v2: "cpu.weight" }.read(cgroup);
    (found, expected.to_string())
}

/// The cgroup of a process in the hierarchy that counts memory.
fn cgroup_of(pid: u32) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let lines = text.lines().map(|line| line.splitn(3, ':').collect::<Vec<_>>());
    let mut own =
        lines.filter(|line| line[1].split(',').any(|name| name == if is_v2() { "" } else { "memory" }));
    own.next().expect("every process has one")[2].to_owned()
}

async fn run(control: &Scripted, task: &acs::Task) {
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(task), "RUNNING", SOON).await;
}

fn id(task: &acs::Task) -> &str {
    arn(task).rsplit('/').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_task_and_its_containers_reach_nested_cgroups_below_one_shim() {
    let (host, control) = connected().await;
    let mut app = container("app", STAY);
    (app.cpu, app.memory) = (Some(128), Some(48));
    let reservation = acs::DockerConfig {
        host_config: Some(format!(r#"{{"MemoryReservation":{}}}"#, 8 * MIB)),
        ..Default::default()
    };
    app.docker_config = Some(reservation);
    let mut task = awsvpc_task(190, 10, vec![app, container("sidecar", STAY)]);
    (task.cpu, task.memory) = (Some(0.25), Some(96));
    run(&control, &task).await;

    let of_task = format!("{}/{}", host.scope().cgroup_root, id(&task));
    assert_eq!(MEMORY.read(&of_task), (96 * MIB).to_string());
    assert_eq!(cpu_quota(&of_task), "25000 100000");
    let of_app = format!("{of_task}/app");
    assert_eq!(MEMORY.read(&of_app), (48 * MIB).to_string());
    assert_eq!(RESERVATION.read(&of_app), (8 * MIB).to_string());
    let (found, expected) = cpu_weight(&of_app, 128);
    assert_eq!(found, expected);
    for (container, (pid, _)) in host.tasks() {
        let name = container.rsplit('-').next().unwrap().to_owned();
        let cgroup = cgroup_of(pid);
        assert!(cgroup.ends_with(&format!("{of_task}/{name}")), "{container} is in {cgroup}");
    }
    assert_eq!(Inventory::take(&host.scope()).counts()["shims"], 1, "two containers, one shim");
    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_beyond_its_memory_is_told_out_of_memory_with_code_137() {
    let (host, control) = connected().await;
    let mut greedy = container("greedy", &["sh", "-c", "x=12345678; while :; do x=$x$x; done"]);
    greedy.memory = Some(16);
    let task = awsvpc_task(191, 10, vec![greedy]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    let told = control.last_told(arn(&task), "greedy");
    let reason = told.reason.clone().unwrap_or_default();
    assert!(reason.starts_with("OutOfMemoryError: "), "{told:?}");
    assert_eq!(told.exit_code, Some(137));
    end(host, control).await;
}

/// A file of `/proc/<pid>` whose lines are a key and a value.
fn keyed(pid: u32, file: &str, separator: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let pair = |line: &str| line.split_once(separator).map(|(k, v)| (k.to_owned(), v.trim().to_owned()));
    text.split(['\n', '\0']).filter_map(pair).collect()
}

/// Options of the mount at `point` as the process sees it, and of its file system.
fn mount_options(pid: u32, point: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
    let line = text.lines().find(|line| line.split(' ').nth(4) == Some(point));
    let words: Vec<_> = line.unwrap_or_else(|| panic!("no mount at {point}")).split(' ').collect();
    format!("{},{}", words[5], words[words.len() - 1])
}

const CONFIG: &str = r#"{"User":"web","WorkingDir":"/www","Env":["COLOUR=blue","FROM_IMAGE=overridden"]}"#;
const HOST_CONFIG: &str = r#"{"CapDrop":["NET_RAW","CHOWN"],"ReadonlyRootfs":true,"Tmpfs":{"/scratch":"rw,size=1m"},
    "Ulimits":[{"Name":"nofile","Soft":1234,"Hard":2345}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_process_is_what_its_definition_says() {
    let (host, control) = connected().await;
    let mut app = container("app", &["sh", "-c", "echo hello; trap 'exit 0' TERM; sleep 3600 & wait"]);
    app.docker_config = Some(acs::DockerConfig {
        config: Some(CONFIG.to_owned()),
        host_config: Some(HOST_CONFIG.to_owned()),
        ..Default::default()
    });
    let task = awsvpc_task(192, 10, vec![app]);
    run(&control, &task).await;
    let runtime_id = format!("{}-app", id(&task));
    let (pid, _) = host.tasks()[&runtime_id];

    let environment = keyed(pid, "environ", "=");
    for (key, value) in
        [("COLOUR", "blue"), ("FROM_IMAGE", "overridden"), ("AWS_REGION", "us-west-2"), ("PATH", "/bin")]
    {
        assert_eq!(environment.get(key).map(String::as_str), Some(value), "{key} of {environment:?}");
    }
    let status = keyed(pid, "status", ":");
    assert_eq!(status["Uid"], "1000\t1000\t1000\t1000");
    let bounding = u64::from_str_radix(&status["CapBnd"], 16).unwrap();
    let has = |capability: u32| bounding >> capability & 1 == 1;
    assert_eq!(
        [0, 1, 13].map(has),
        [false, true, false],
        "CHOWN and NET_RAW are dropped, DAC_OVERRIDE is not"
    );
    assert_eq!(status["Seccomp"], "2", "a filter is set");
    assert_eq!(std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), Path::new("/www"));
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["1234", "2345"]);
    assert!(mount_options(pid, "/").starts_with("ro,"), "{}", mount_options(pid, "/"));
    let scratch = mount_options(pid, "/scratch");
    assert!(scratch.starts_with("rw,") && scratch.contains("size=1024k"), "{scratch}");
    assert_eq!(host.exec(&runtime_id, "echo x >/scratch/x && ! echo x >/www/x").0, Some(0));

    wait::until("its words in the log", SOON, async || match host.output(id(&task), "app").as_str() {
        "hello\n" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let info =
        host.containerd().ctr(host.namespace()).args(["containers", "info", &runtime_id]).output().unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(info["Labels"]["com.amazonaws.ecs.container-name"], "app");
    assert!(!info.to_string().contains("class2"), "a label of the image is not one of the container: {info}");
    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    end(host, control).await;
}
