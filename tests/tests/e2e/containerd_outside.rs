//! Somebody else lays hands on a task's shim, process or record: it is told STOPPED in time and truthfully, nothing of it runs on, and
//! its neighbour does not notice.

use crate::pair::{PATIENT, Pair, SOON, assert_killed_or_vanished, send};
use nix::sys::signal::Signal::{SIGKILL, SIGSTOP};

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_shim_is_killed_is_told_stopped_and_nothing_of_it_runs_on() {
    let pair = Pair::running(93).await;
    send(pair.shim(), SIGKILL);
    assert_killed_or_vanished(&pair.stopped(SOON).await);
    pair.end().await;
}

/// A task whose process is killed by nobody of ours is told with the code, and by whom it was not.
async fn killed_from_outside(net: u8, kill: impl FnOnce(&Pair)) {
    let pair = Pair::running(net).await;
    kill(&pair);
    assert_eq!(pair.stopped(SOON).await.exit_code, Some(137));
    let explained = pair.explained();
    assert!(explained.contains("KilledFromOutside"), "{explained}");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_process_is_killed_from_outside_is_told_with_the_code_and_by_whom_it_was_not() {
    killed_from_outside(94, |pair| send(pair.pid(), SIGKILL)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_killed_through_containerd_by_hand_is_told_with_the_code() {
    killed_from_outside(95, |pair| pair.ctr(&["tasks", "kill", "--signal", "SIGKILL", &pair.id()])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_record_is_deleted_by_hand_is_told_stopped_and_leaves_nothing() {
    let pair = Pair::running(96).await;
    pair.ctr(&["tasks", "rm", "--force", &pair.id()]);
    pair.ctr(&["containers", "rm", &pair.id()]);
    assert_killed_or_vanished(&pair.stopped(SOON).await);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_shim_hangs_is_stopped_when_told() {
    let pair = Pair::running(97).await;
    send(pair.shim(), SIGSTOP);
    pair.stop();
    assert_killed_or_vanished(&pair.stopped(PATIENT).await);
    pair.end().await;
}
