//! containerd's stale states, made on purpose: what it says of a container is not what the kernel shows. The process and its cgroup
//! decide, what is told is true, and nothing is left.

use crate::lifecycle::{connected, end};
use crate::pair::{PATIENT, Pair, SOON, assert_killed_or_vanished, enter_cgroup, lives, send};
use nix::sys::signal::Signal::{SIGCONT, SIGKILL, SIGSTOP, SIGTERM};
use std::path::Path;
use std::process::{Child, Command};
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::signal::terminate;
use wharf_tests::wait;

/// What the agent logs of a container that it has to ask to stop by itself.
const ASKED: &str = "containerd passes no signal on to this container; the agent does";
const LOST: &str = "containerd has lost this container, which lives";
const LEFT: &str = "killed what was left in the cgroup of a container";

/// A process that only SIGKILL ends.
fn stray() -> Child {
    Command::new("sh").args(["-c", "trap '' TERM; exec sleep 3600"]).spawn().unwrap()
}

/// When a shim dies, containerd has runc kill the container and tells of exit code 137. Here runc does not find it.
#[tokio::test(flavor = "multi_thread")]
async fn an_exit_that_containerd_invents_is_not_told_and_the_task_stops_when_told() {
    let pair = Pair::running(160).await;
    let runc = Path::new("/run/containerd/runc").join(pair.host.namespace()).join(pair.id());
    std::fs::remove_dir_all(runc).unwrap();
    send(pair.shim(), SIGKILL);
    pair.logged(LOST).await;
    assert!(!pair.host.tasks().contains_key(&pair.id()), "containerd has forgotten it");
    pair.runs_on().await;
    pair.stop();
    pair.logged(ASKED).await;
    assert_killed_or_vanished(&pair.stopped(SOON).await);
    pair.end().await;
}

/// containerd tells late, and with a code of its own, of an attempt that it broke off; the container was made anew since.
#[tokio::test(flavor = "multi_thread")]
async fn the_exit_of_an_earlier_attempt_neither_ends_a_task_nor_takes_its_code() {
    let pair = Pair::running(167).await;
    let namespace = pair.host.namespace();
    pair.host.containerd().invent_exit(namespace, &pair.id(), 137).await.unwrap();
    pair.logged("containerd tells of an exit that is not this container's").await;
    pair.runs_on().await;
    // The agent hears of both, in this order.
    let (agent, pid) = (pair.host.agent_pid().unwrap(), pair.pid());
    send(agent, SIGSTOP);
    pair.host.containerd().invent_exit(namespace, &pair.id(), 137).await.unwrap();
    send(pid, SIGTERM);
    wait::until("the end of the task", SOON, async || match pair.host.tasks().get(&pair.id()) {
        Some((_, status)) if status == "STOPPED" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    send(agent, SIGCONT);
    assert_eq!(pair.stopped(SOON).await.exit_code, Some(0));
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_shim_hangs_runs_on_also_when_the_agent_starts_meanwhile() {
    runs_on_under_a_hung_shim(Pair::running(161).await, Pair::restart_agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_shim_hangs_is_adopted_by_an_agent_that_lost_its_data() {
    runs_on_under_a_hung_shim(Pair::running(168).await, Pair::restart_without_data).await;
}

/// An agent that starts while the shim hangs finds the task running, and stops it once the shim goes on.
async fn runs_on_under_a_hung_shim(mut pair: Pair, restart: impl AsyncFnOnce(&mut Pair)) {
    let shim = pair.shim();
    send(shim, SIGSTOP);
    restart(&mut pair).await;
    pair.logged(LOST).await;
    pair.runs_on().await;
    send(shim, SIGCONT);
    pair.stop();
    assert_eq!(pair.stopped(PATIENT).await.exit_code, Some(0));
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_process_ends_under_a_hung_shim_is_told_stopped() {
    let mut pair = Pair::running(162).await;
    let pid = pair.pid();
    send(pair.shim(), SIGSTOP);
    send(pid, SIGKILL);
    pair.restart_agent().await;
    assert_killed_or_vanished(&pair.stopped(PATIENT).await);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_record_is_gone_while_its_process_lives_runs_on_and_stops_when_told() {
    let mut pair = Pair::running(163).await;
    pair.host.containerd().forget(pair.host.namespace(), &pair.id()).await.unwrap();
    pair.restart_agent().await;
    pair.logged(LOST).await;
    pair.runs_on().await;
    pair.stop();
    pair.logged(ASKED).await;
    assert_eq!(pair.stopped(SOON).await.exit_code, Some(0), "it had its time, and took it");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_leaves_in_its_cgroup_is_dead_before_stopped_is_told() {
    let mut pair = Pair::running(164).await;
    let mut stray = stray();
    pair.leave_behind(stray.id());
    pair.runs_on().await;
    pair.stop();
    assert_eq!(pair.stopped(SOON).await.exit_code, Some(0));
    stray.wait().unwrap();
    pair.logged(LEFT).await;
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_container_leaves_in_its_cgroup_is_dead_before_its_end_is_told_though_its_task_runs_on() {
    let (host, control) = connected().await;
    let stay = ["sh", "-c", "trap 'exit 4' TERM; sleep 3600 & wait"];
    let mut side = container("side", &stay);
    side.essential = Some(false);
    let task = awsvpc_task(165, 10, vec![container("app", &stay), side]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "RUNNING", SOON).await;
    let id = arn(&task).rsplit('/').next().unwrap();
    let mut stray = stray();
    enter_cgroup(&host, &task, "side", stray.id());
    terminate(host.tasks()[&format!("{id}-side")].0).await;
    wait::until("the end of side", SOON, async || match control.last_told(arn(&task), "side") {
        told if told.status.as_deref() == Some("STOPPED") => Ok(()),
        told => Err(format!("{told:?}")),
    })
    .await;
    assert!(!lives(stray.id()));
    stray.wait().unwrap();
    assert_eq!(control.last_told(arn(&task), "side").exit_code, Some(4));
    assert!(host.tasks().contains_key(&format!("{id}-app")));
    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_somebody_froze_is_stopped_when_told() {
    let pair = Pair::running(166).await;
    pair.ctr(&["tasks", "pause", &pair.id()]);
    pair.stop();
    assert_eq!(pair.stopped(PATIENT).await.exit_code, Some(137));
    pair.end().await;
}
