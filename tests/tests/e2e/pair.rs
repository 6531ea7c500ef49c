//! Two tasks on one host: one that hands are laid on, and its neighbour, which must not notice.

use crate::lifecycle::{connected, end};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use wharf_protocol::{acs, api};
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::world::Host;
use wharf_tests::{leaks, wait};

/// Two processes: the container's own, and one that would outlive it.
const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
pub const SOON: Duration = Duration::from_secs(60);
/// A shim that hangs is given up only after several calls to it.
pub const PATIENT: Duration = Duration::from_secs(90);

/// Two tasks on one host: one that is laid hands on, and its neighbour.
pub struct Pair {
    pub host: Host,
    pub control: Scripted,
    pub victim: acs::Task,
    neighbour: acs::Task,
    neighbours_pid: u32,
    /// Every process of the victim before anything was done to it.
    processes: BTreeSet<u32>,
}

impl Pair {
    /// Runs both, in a subnet that no other test has.
    pub async fn running(net: u8) -> Self {
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

    /// Id of the victim's container.
    pub fn id(&self) -> String {
        app(&self.victim)
    }

    /// The container's process.
    pub fn pid(&self) -> u32 {
        self.host.tasks()[&app(&self.victim)].0
    }

    pub fn shim(&self) -> u32 {
        let shims = leaks::shims(&self.host.scope());
        let of_victim = shims.iter().find(|(_, line)| line.contains(&app(&self.victim)));
        *of_victim.expect("the victim has a shim of its own").0
    }

    /// Says what `ctr` said when it failed: the agent may have been faster.
    pub fn ctr(&self, words: &[&str]) {
        let output = self.host.containerd().ctr(self.host.namespace()).args(words).output().unwrap();
        if !output.status.success() {
            println!("ctr {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// Waits for STOPPED and checks that nothing of the victim runs at that moment.
    pub async fn stopped(&self, deadline: Duration) -> api::ContainerStateChange {
        self.control.status_of(arn(&self.victim), "STOPPED", deadline).await;
        let left = inside(&self.host, &self.victim);
        assert!(left.is_empty(), "still in the task's cgroup: {left:?}");
        let living: Vec<_> = self.processes.iter().filter(|pid| lives(**pid)).collect();
        assert!(living.is_empty(), "still there: {living:?}");
        assert_eq!(self.told(), ["RUNNING", "STOPPED"]);
        self.control.last_told(arn(&self.victim), "app")
    }

    /// Stops the victim as the control plane does.
    pub fn stop(&self) {
        self.control.send(payload(vec![stop(&self.victim)]).1);
    }

    /// Kills the agent and starts it again; it then believes what it sees at once.
    pub async fn restart_agent(&mut self) {
        self.restart_after(|_| ()).await;
    }

    /// The same, and meanwhile its data directory is lost.
    pub async fn restart_without_data(&mut self) {
        self.restart_after(|host| std::fs::remove_dir_all(host.dir().join("data")).unwrap()).await;
    }

    async fn restart_after(&mut self, meanwhile: impl FnOnce(&Host)) {
        let sessions = self.control.sessions();
        self.host.kill_agent().unwrap();
        meanwhile(&self.host);
        self.host.start_agent(&format!("http://{}", self.control.address())).unwrap();
        self.control.connected_again(sessions).await;
    }

    /// Waits until the agent has logged these words.
    pub async fn logged(&self, words: &str) {
        wait::until(words, SOON, async || {
            if self.host.agent_log().contains(words) { Ok(()) } else { Err("not logged".to_owned()) }
        })
        .await;
    }

    /// Puts a process that is none of the container's into its cgroup.
    pub fn leave_behind(&mut self, pid: u32) {
        enter_cgroup(&self.host, &self.victim, "app", pid);
        self.processes.insert(pid);
    }

    /// Checks for a while that the victim lives untouched and nothing else is told of it.
    pub async fn runs_on(&self) {
        wait::throughout("a task that runs", Duration::from_secs(8), async || {
            let told = self.told();
            let dead: Vec<_> = self.processes.iter().filter(|pid| !lives(**pid)).collect();
            if told == ["RUNNING"] && dead.is_empty() { Ok(()) } else { Err(format!("{told:?} {dead:?}")) }
        })
        .await;
    }

    /// What was told of the victim; PENDING is left out when RUNNING came first, and RUNNING is told again when a container has ended.
    fn told(&self) -> Vec<String> {
        let mut told = self.control.statuses_of(arn(&self.victim));
        told.retain(|status| status != "PENDING");
        told.dedup();
        told
    }

    /// What the operator is told of the victim.
    pub fn explained(&self) -> String {
        let id = arn(&self.victim).rsplit('/').next().unwrap();
        let output = self.host.agent_command().args(["explain", id]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Checks the neighbour, stops it, and looks for leaks.
    pub async fn end(self) {
        let neighbour = app(&self.neighbour);
        assert_eq!(self.host.tasks()[&neighbour].0, self.neighbours_pid, "the neighbour runs on");
        self.control.send(payload(vec![stop(&self.neighbour)]).1);
        self.control.status_of(arn(&self.neighbour), "STOPPED", SOON).await;
        assert_eq!(self.control.last_told(arn(&self.neighbour), "app").exit_code, Some(0));
        end(self.host, self.control).await;
    }
}

/// Id of a task's only container.
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

/// Moves a process into the cgroup of a container, in every hierarchy.
pub fn enter_cgroup(host: &Host, task: &acs::Task, container: &str, pid: u32) {
    let path = format!("/{}/{container}", arn(task).rsplit('/').next().unwrap());
    let cgroups = leaks::cgroups(host.scope().cgroup_root);
    let own: Vec<_> = cgroups.iter().filter(|found| found.ends_with(&path)).collect();
    assert!(!own.is_empty(), "{path} is not among {cgroups:?}");
    for cgroup in own {
        std::fs::write(Path::new(cgroup).join("cgroup.procs"), pid.to_string()).unwrap();
    }
}

/// Whether a process is there and no zombie, which only waits for its new parent.
pub fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

pub fn send(pid: u32, signal: Signal) {
    assert!(pid > 1, "{pid} is no process of a container");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

/// The code of SIGKILL where somebody saw it, else that nobody did; never another.
pub fn assert_killed_or_vanished(told: &api::ContainerStateChange) {
    let reason = told.reason.as_deref().unwrap_or_default();
    match told.exit_code {
        Some(code) => assert_eq!(code, 137, "{told:?}"),
        None => assert!(reason.starts_with("ContainerVanishedError: "), "{told:?}"),
    }
}
