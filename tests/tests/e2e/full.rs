//! Disks of the host full, one by one: what runs runs on, what ends is told, what is new gets a reason that says so, and all is well
//! again by itself when there is room.
//!
//! `WHARF_LONG=1` fills and empties the disk of the same agent and containerd several times.

use crate::lifecycle::{connected_on, end};
use std::collections::BTreeMap;
use std::time::Duration;
use wharf_protocol::acs;
use wharf_tests::containerd::PrivateContainerd;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::signal::terminate;
use wharf_tests::volume::Volume;
use wharf_tests::world::Host;
use wharf_tests::{long, wait};

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; echo ready; sleep 3600 & wait"];
const JOB: &[&str] = &["sh", "-c", "trap 'exit 3' TERM; echo ready; sleep 3600 & wait"];
/// Writes more than a full disk has room for, and says in the end how much it was.
const TALK: &str =
    "trap 'echo said $i; exit 0' TERM; i=0; while :; do i=$((i+1)); echo line $i; busybox usleep 2000; done";
const SOON: Duration = Duration::from_secs(60);
/// More than a test needs, so that bytes are what runs out.
const MANY: u32 = 4096;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_data_directory_holds_up_nothing_that_runs_or_ends() {
    let host = Host::with_data_volume(32, MANY).unwrap();
    survives(host, 80, Disk { of: Of::Agent, fill: Volume::fill }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_without_inodes_holds_up_nothing_that_runs_or_ends() {
    let host = Host::with_data_volume(32, 256).unwrap();
    survives(host, 81, Disk { of: Of::Agent, fill: Volume::fill_with_files }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_containerd_holds_up_nothing_that_runs_or_ends() {
    let host = Host::with(PrivateContainerd::start_on_volume(64, MANY).unwrap()).unwrap();
    survives(host, 82, Disk { of: Of::Containerd, fill: Volume::fill }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_of_containerd_without_inodes_holds_up_nothing_that_runs_or_ends() {
    let host = Host::with(PrivateContainerd::start_on_volume(64, 512).unwrap()).unwrap();
    survives(host, 83, Disk { of: Of::Containerd, fill: Volume::fill_with_files }).await;
}

/// The course of every test here: tasks of all kinds run, the disk is filled, things happen, room is made, things happen again.
async fn survives(host: Host, net: u8, disk: Disk) {
    let (host, control) = connected_on(host).await;
    let snapshots = disk.snapshots(&host);
    let task = |number, command: &[&str]| awsvpc_task(net, number, vec![container("app", command)]);
    let (stays, talks) = (task(10, STAY), task(11, &["sh", "-c", TALK]));
    run(&host, &control, &[&stays, &talks]).await;
    let mut trial = Trial { before: host.tasks(), host, control, net, disk, snapshots };
    let rounds = long::pick(1, 8);
    for round in 0..rounds {
        trial.round(round, &[&stays, &talks]).await;
    }
    let Trial { host, control, .. } = trial;
    stopped(&control, &[&stays, &talks]).await;
    every_line_is_there_or_counted(&host, &talks).await;
    let complaints =
        host.agent_log().lines().filter(|l| l.contains(" WARN ") || l.contains("ERROR ")).count();
    println!("{complaints} complaints in {rounds} rounds");
    assert!(complaints < 100 * usize::from(rounds), "{complaints} complaints are a flood");
    end(host, control).await;
}

/// What is filled, and with what.
#[derive(Debug, Clone, Copy)]
struct Disk {
    of: Of,
    fill: fn(&Volume) -> anyhow::Result<()>,
}

#[derive(Debug, Clone, Copy)]
enum Of {
    Agent,
    Containerd,
}

impl Disk {
    fn volume(self, host: &Host) -> &Volume {
        match self.of {
            Of::Agent => host.data_volume(),
            Of::Containerd => host.containerd().volume(),
        }
    }

    /// How many directories of snapshots lie on it.
    fn snapshots(self, host: &Host) -> usize {
        match self.of {
            Of::Agent => 0,
            Of::Containerd => {
                let dir = self.volume(host).path().join("io.containerd.snapshotter.v1.overlayfs/snapshots");
                std::fs::read_dir(dir).unwrap().count()
            }
        }
    }
}

/// A host with tasks that have to live through everything.
struct Trial {
    host: Host,
    control: Scripted,
    net: u8,
    disk: Disk,
    /// Those of the image, from before any task.
    snapshots: usize,
    before: BTreeMap<String, (u32, String)>,
}

impl Trial {
    async fn round(&mut self, round: u8, lasting: &[&acs::Task]) {
        let task = |n, command| awsvpc_task(self.net, 20 + 10 * round + n, vec![container("app", command)]);
        let (job, asked, new, later) = (task(0, JOB), task(1, STAY), task(2, STAY), task(3, STAY));
        run(&self.host, &self.control, &[&job, &asked]).await;
        self.fill().await;
        self.end_is_told(&job, &asked).await;
        // What ended gave room back.
        self.fill().await;
        self.is_refused_for_want_of_space(&new).await;

        // The agent may be killed in such a moment too.
        let sessions = self.control.sessions();
        self.host.kill_agent().unwrap();
        self.host.start_agent(&format!("http://{}", self.control.address())).unwrap();
        self.control.connected_again(sessions).await;
        for task in lasting {
            assert_eq!(self.host.tasks()[&id(task)], self.before[&id(task)], "it runs on");
            assert_eq!(self.control.statuses_of(arn(task)).last().map(String::as_str), Some("RUNNING"));
        }

        self.disk.volume(&self.host).make_room().unwrap();
        run(&self.host, &self.control, &[&later]).await;
        stopped(&self.control, &[&later]).await;
    }

    /// Fills the disk when nobody is about to give room back: containerd removes the snapshots of what has ended in its own time.
    async fn fill(&self) {
        if let Of::Containerd = self.disk.of {
            wait::until("containerd to have removed what ended", SOON, async || {
                let (there, run) = (self.disk.snapshots(&self.host), self.host.tasks().len());
                let wanted = self.snapshots + run;
                (there == wanted).then_some(()).ok_or(format!("{there} snapshots are there, not {wanted}"))
            })
            .await;
        }
        let volume = self.disk.volume(&self.host);
        (self.disk.fill)(volume).unwrap();
        assert!(!volume.has_room().unwrap(), "{} is full", volume.path().display());
    }

    /// One ends by itself and one is asked to: nothing that is told of them waits for room.
    async fn end_is_told(&self, job: &acs::Task, asked: &acs::Task) {
        let (process, _) = self.host.tasks()[&id(job)];
        terminate(process).await;
        self.control.status_of(arn(job), "STOPPED", SOON).await;
        assert_eq!(self.control.last_told(arn(job), "app").exit_code, Some(3));
        stopped(&self.control, &[asked]).await;
    }

    /// Every task needs room: a directory for its log on the agent's disk, a snapshot on containerd's. It is taken in all the same, and
    /// stops with a reason that names what could not be made.
    async fn is_refused_for_want_of_space(&self, task: &acs::Task) {
        let (message, frame) = payload(vec![task.clone()]);
        self.control.send(frame);
        self.control.acked(&message, SOON).await;
        let told = wait::until("the new task to run or to stop", SOON, async || {
            let told = self.control.statuses_of(arn(task));
            told.into_iter().find(|s| s == "RUNNING" || s == "STOPPED").ok_or("neither".to_owned())
        })
        .await;
        let volume = self.disk.volume(&self.host);
        assert_eq!(told, "STOPPED", "of a task that needs room, while {} is full", volume.path().display());
        assert!(!volume.has_room().unwrap(), "{} is full still", volume.path().display());
        let (_, stopped) = self.control.status_of(arn(task), "STOPPED", SOON).await;
        let reason = self.control.last_told(arn(task), "app").reason.or(stopped.reason).unwrap_or_default();
        println!("a new task while the disk is full: {reason}");
        assert!(reason.starts_with("NoSpaceLeftError: "), "{reason}");
        let path = format!("{}/", volume.path().display());
        assert!(reason.contains(&path), "{reason} does not name what is missing in {path}");
        assert!(reason.to_lowercase().contains("no space left on device"), "{reason}");
    }
}

/// Waits until these run and have said something: before that they are deaf to the signal of a stop.
async fn run(host: &Host, control: &Scripted, tasks: &[&acs::Task]) {
    control.send(payload(tasks.iter().copied().cloned().collect()).1);
    for task in tasks {
        control.status_of(arn(task), "RUNNING", SOON).await;
        wait::until("its first word", SOON, async || {
            (!output(host, task).is_empty()).then_some(()).ok_or("it is silent".to_owned())
        })
        .await;
    }
}

/// Asks these to stop, which they do with 0.
async fn stopped(control: &Scripted, tasks: &[&acs::Task]) {
    control.send(payload(tasks.iter().map(|task| stop(task)).collect()).1);
    for task in tasks {
        control.status_of(arn(task), "STOPPED", SOON).await;
        assert_eq!(control.last_told(arn(task), "app").exit_code, Some(0));
    }
}

/// Lines that are in the log, and those that the logger says it dropped, are all that was said.
async fn every_line_is_there_or_counted(host: &Host, talks: &acs::Task) {
    let count = || {
        let output = output(host, talks);
        let number = |line: &str, prefix: &str| -> Option<usize> {
            line.strip_prefix(prefix)?.split(' ').next()?.parse().ok()
        };
        let said = output.lines().find_map(|line| number(line, "said "));
        let there = output.lines().filter(|line| line.starts_with("line ")).count();
        let dropped: usize = output.lines().filter_map(|line| number(line, "wharf-logger: ")).sum();
        (said, there, dropped)
    };
    wait::until("the end of the log", SOON, async || match count() {
        (Some(said), there, dropped) if said == there + dropped => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    println!("said, written, dropped: {:?}", count());
}

fn output(host: &Host, task: &acs::Task) -> String {
    host.output(arn(task).rsplit('/').next().unwrap(), "app")
}

fn id(task: &acs::Task) -> String {
    format!("{}-app", arn(task).rsplit('/').next().unwrap())
}
