//! Somebody else lays hands on a task's shim, process or record: it is told STOPPED in time and truthfully, nothing of it runs on, and
//! its neighbour does not notice.

use crate::lifecycle::{connected, end};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use wharf_protocol::{acs, api};
use wharf_tests::leaks;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::world::Host;

/// Two processes: the container's own, and one that would outlive it.
const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
const SOON: Duration = Duration::from_secs(60);
/// A shim that hangs is given up only after several calls to it.
const PATIENT: Duration = Duration::from_secs(90);

/// Two tasks on one host: one that is laid hands on, and its neighbour.
struct Pair {
    host: Host,
    control: Scripted,
    victim: acs::Task,
    neighbour: acs::Task,
    neighbours_pid: u32,
    /// Every process of the victim before anything was done to it.
    processes: BTreeSet<u32>,
}

impl Pair {
    async fn running(net: u8) -> Self {
        let (host, control) = connected().await;
        let task = |address| {
            let mut app = container("app", STAY);
            app.stop_timeout = Some(2);
            awsvpc_task(net, address, vec![app])
        };
        let (victim, neighbour) = (task(10), task(11));
        control.send(payload(vec![victim.clone(), neighbour.clone()]).1);
        for task in [&victim, &neighbour] {
            control.status_of(arn(task), "RUNNING", SOON).await;
        }
        let (neighbours_pid, _) = host.tasks()[&app(&neighbour)];
        let (main, _) = host.tasks()[&app(&victim)];
        let processes = inside(&host, &victim);
        assert!(processes.contains(&main), "{main} is not among {processes:?}");
        Self { host, control, victim, neighbour, neighbours_pid, processes }
    }

    /// The container's process.
    fn pid(&self) -> u32 {
        self.host.tasks()[&app(&self.victim)].0
    }

    fn shim(&self) -> u32 {
        let shims = leaks::shims(&self.host.scope());
        let of_victim = shims.iter().find(|(_, line)| line.contains(&app(&self.victim)));
        *of_victim.expect("the victim has a shim of its own").0
    }

    /// Says what `ctr` said when it failed: the agent may have been faster.
    fn ctr(&self, words: &[&str]) {
        let output = self.host.containerd().ctr(self.host.namespace()).args(words).output().unwrap();
        if !output.status.success() {
            println!("ctr {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// Waits for STOPPED and checks that nothing of the victim runs at that moment.
    async fn stopped(&self, deadline: Duration) -> api::ContainerStateChange {
        self.control.status_of(arn(&self.victim), "STOPPED", deadline).await;
        let left = inside(&self.host, &self.victim);
        assert!(left.is_empty(), "still in the task's cgroup: {left:?}");
        let living: Vec<_> = self.processes.iter().filter(|pid| lives(**pid)).collect();
        assert!(living.is_empty(), "still there: {living:?}");
        let told = self.control.statuses_of(arn(&self.victim));
        assert_eq!(told.iter().filter(|status| *status != "PENDING").count(), 2, "{told:?}");
        self.control.last_told(arn(&self.victim), "app")
    }

    /// What the operator is told of the victim.
    fn explained(&self) -> String {
        let id = arn(&self.victim).rsplit('/').next().unwrap();
        let output = self.host.agent_command().args(["explain", id]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Checks the neighbour, stops it, and looks for leaks.
    async fn end(self) {
        let neighbour = app(&self.neighbour);
        assert_eq!(self.host.tasks()[&neighbour].0, self.neighbours_pid, "the neighbour runs on");
        self.control.send(payload(vec![stop(&self.neighbour)]).1);
        self.control.status_of(arn(&self.neighbour), "STOPPED", SOON).await;
        assert_eq!(self.control.last_told(arn(&self.neighbour), "app").exit_code, Some(0));
        end(self.host, self.control).await;
    }
}

fn app(task: &acs::Task) -> String {
    format!("{}-app", arn(task).rsplit('/').next().unwrap())
}

/// The processes in the task's cgroups, of every hierarchy.
fn inside(host: &Host, task: &acs::Task) -> BTreeSet<u32> {
    let id = arn(task).rsplit('/').next().unwrap();
    let cgroups = leaks::cgroups(host.scope().cgroup_root);
    let of_task = cgroups.iter().filter(|path| path.contains(id));
    let lists = of_task.map(|path| std::fs::read_to_string(Path::new(path).join("cgroup.procs")));
    lists
        .flatten()
        .flat_map(|list| list.lines().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Whether a process is there and no zombie, which only waits for its new parent.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn send(pid: u32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

/// The code of SIGKILL where somebody saw it, else that nobody did; never another.
fn assert_killed_or_vanished(told: &api::ContainerStateChange) {
    let reason = told.reason.as_deref().unwrap_or_default();
    match told.exit_code {
        Some(code) => assert_eq!(code, 137, "{told:?}"),
        None => assert!(reason.starts_with("ContainerVanishedError: "), "{told:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_shim_is_killed_is_told_stopped_and_nothing_of_it_runs_on() {
    let pair = Pair::running(93).await;
    send(pair.shim(), nix::sys::signal::Signal::SIGKILL);
    assert_killed_or_vanished(&pair.stopped(SOON).await);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_process_is_killed_from_outside_is_told_with_the_code_and_by_whom_it_was_not() {
    let pair = Pair::running(94).await;
    send(pair.pid(), nix::sys::signal::Signal::SIGKILL);
    assert_eq!(pair.stopped(SOON).await.exit_code, Some(137));
    let explained = pair.explained();
    assert!(explained.contains("KilledFromOutside"), "{explained}");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_killed_through_containerd_by_hand_is_told_with_the_code() {
    let pair = Pair::running(95).await;
    pair.ctr(&["tasks", "kill", "--signal", "SIGKILL", &app(&pair.victim)]);
    assert_eq!(pair.stopped(SOON).await.exit_code, Some(137));
    let explained = pair.explained();
    assert!(explained.contains("KilledFromOutside"), "{explained}");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_record_is_deleted_by_hand_is_told_stopped_and_leaves_nothing() {
    let pair = Pair::running(96).await;
    pair.ctr(&["tasks", "rm", "--force", &app(&pair.victim)]);
    pair.ctr(&["containers", "rm", &app(&pair.victim)]);
    assert_killed_or_vanished(&pair.stopped(SOON).await);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_shim_hangs_is_stopped_when_told() {
    let pair = Pair::running(97).await;
    send(pair.shim(), nix::sys::signal::Signal::SIGSTOP);
    pair.control.send(payload(vec![stop(&pair.victim)]).1);
    assert_killed_or_vanished(&pair.stopped(PATIENT).await);
    pair.end().await;
}
