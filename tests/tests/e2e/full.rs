//! Disks of the host full, one by one: what runs runs on, what ends is told, what is new gets a reason that says so, and all is well
//! again by itself when there is room.

use crate::lifecycle::{connected_on, end};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;
use wharf_protocol::acs;
use wharf_tests::containerd::PrivateContainerd;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::wait;
use wharf_tests::world::Host;

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
const JOB: &[&str] = &["sh", "-c", "trap 'exit 3' TERM; sleep 3600 & wait"];
/// Writes more than a full disk has room for, and says in the end how much it was.
const TALK: &str =
    "trap 'echo said $i; exit 0' TERM; i=0; while :; do i=$((i+1)); echo line $i; busybox usleep 2000; done";
const SOON: Duration = Duration::from_secs(60);
/// More than a test needs, so that bytes are what runs out.
const MANY: u32 = 4096;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_data_directory_holds_up_nothing_that_runs_or_ends() {
    let host = Host::with_data_volume(32, MANY).unwrap();
    survives(
        host,
        80,
        |host| host.data_volume().fill().unwrap(),
        |host| host.data_volume().make_room().unwrap(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_without_inodes_holds_up_nothing_that_runs_or_ends() {
    let host = Host::with_data_volume(32, 256).unwrap();
    let fill = |host: &Host| host.data_volume().fill_with_files().unwrap();
    survives(host, 81, fill, |host| host.data_volume().make_room().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_containerd_holds_up_nothing_that_runs_or_ends() {
    let host = Host::with(PrivateContainerd::start_on_volume(64, MANY).unwrap()).unwrap();
    let fill = |host: &Host| host.containerd().volume().fill().unwrap();
    survives(host, 82, fill, |host| host.containerd().volume().make_room().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_of_containerd_without_inodes_holds_up_nothing_that_runs_or_ends() {
    let host = Host::with(PrivateContainerd::start_on_volume(64, 512).unwrap()).unwrap();
    let fill = |host: &Host| host.containerd().volume().fill_with_files().unwrap();
    survives(host, 83, fill, |host| host.containerd().volume().make_room().unwrap()).await;
}

/// The course of every test here: tasks of all kinds run, the disk is filled, things happen, room is made, things happen again.
async fn survives(host: Host, net: u8, fill: impl Fn(&Host), make_room: impl Fn(&Host)) {
    let (mut host, control) = connected_on(host).await;
    let task = |number, command: &[&str]| awsvpc_task(net, number, vec![container("app", command)]);
    let stays = task(10, STAY);
    let job = task(11, JOB);
    let stopped = task(12, STAY);
    let talks = task(13, &["sh", "-c", TALK]);
    let early = [&stays, &job, &stopped, &talks];
    control.send(payload(early.map(Clone::clone).to_vec()).1);
    for task in early {
        control.status_of(arn(task), "RUNNING", SOON).await;
    }
    let before = host.tasks();
    fill(&host);

    kill(Pid::from_raw(i32::try_from(before[&id(&job)].0).unwrap()), Signal::SIGTERM).unwrap();
    control.status_of(arn(&job), "STOPPED", SOON).await;
    assert_eq!(control.last_told(arn(&job), "app").exit_code, Some(3));
    control.send(payload(vec![stop(&stopped)]).1);
    control.status_of(arn(&stopped), "STOPPED", SOON).await;
    assert_eq!(control.last_told(arn(&stopped), "app").exit_code, Some(0));

    // What ended gave room back.
    fill(&host);
    let new = task(14, STAY);
    let (message, frame) = payload(vec![new.clone()]);
    control.send(frame);
    control.acked(&message, SOON).await;
    let runs = runs_or_is_refused_for_want_of_space(&control, &new).await;

    // The agent may be killed in such a moment too.
    let sessions = control.sessions();
    host.kill_agent().unwrap();
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    control.connected_again(sessions).await;
    for task in [&stays, &talks] {
        assert_eq!(host.tasks()[&id(task)], before[&id(task)], "it runs on");
        assert_eq!(control.statuses_of(arn(task)).last().map(String::as_str), Some("RUNNING"));
    }

    make_room(&host);
    let later = task(15, STAY);
    control.send(payload(vec![later.clone()]).1);
    control.status_of(arn(&later), "RUNNING", SOON).await;
    let new = Some(&new).filter(|_| runs);
    let left: Vec<_> = [&stays, &talks, &later].into_iter().chain(new).collect();
    control.send(payload(left.iter().map(|task| stop(task)).collect()).1);
    for task in left {
        control.status_of(arn(task), "STOPPED", SOON).await;
        assert_eq!(control.last_told(arn(task), "app").exit_code, Some(0));
    }
    every_line_is_there_or_counted(&host, &talks).await;
    let complaints =
        host.agent_log().lines().filter(|l| l.contains(" WARN ") || l.contains("ERROR ")).count();
    assert!(complaints < 100, "{complaints} complaints are a flood");
    end(host, control).await;
}

/// Whether a new task runs, because containerd removed something meanwhile; if not, it says what is full.
async fn runs_or_is_refused_for_want_of_space(control: &Scripted, task: &acs::Task) -> bool {
    let told = wait::until("the new task to run or to stop", SOON, async || {
        let told = control.statuses_of(arn(task));
        told.into_iter().find(|s| s == "RUNNING" || s == "STOPPED").ok_or("neither".to_owned())
    })
    .await;
    if told == "RUNNING" {
        return true;
    }
    let (_, told) = control.status_of(arn(task), "STOPPED", SOON).await;
    let reason = control.last_told(arn(task), "app").reason.or(told.reason).unwrap_or_default();
    println!("a new task while the disk is full: {reason}");
    assert!(reason.starts_with("NoSpaceLeftError: "), "{reason}");
    false
}

/// Lines that are in the log, and those that the logger says it dropped, are all that was said.
async fn every_line_is_there_or_counted(host: &Host, talks: &acs::Task) {
    let count = || {
        let output = host.output(arn(talks).rsplit('/').next().unwrap(), "app");
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

fn id(task: &acs::Task) -> String {
    format!("{}-app", arn(task).rsplit('/').next().unwrap())
}
