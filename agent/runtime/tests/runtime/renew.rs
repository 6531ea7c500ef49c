//! A new process for a container whose process has ended.

use crate::lab::{LONG, Lab};
use std::time::Duration;
use wharf_runtime::{CreateContainer, ObservedContainer, ObservedState, RenewContainer, RenewError};

fn again(request: &CreateContainer, restarts: &[u8]) -> RenewContainer {
    RenewContainer {
        id: request.id.clone(),
        tty: request.process.tty,
        log: request.log.clone(),
        restarts: restarts.to_vec(),
    }
}

async fn listed(lab: &Lab, id: &str) -> ObservedContainer {
    lab.containerd.list().await.unwrap().into_iter().find(|one| one.id == id).unwrap()
}

/// Creates and starts it, and waits for its end.
async fn ended(lab: &Lab, request: &CreateContainer) {
    lab.containerd.create(request).await.unwrap();
    lab.containerd.start(&request.id).await.unwrap();
    lab.containerd.wait(&request.id, LONG).await.unwrap().unwrap();
}

/// Counts in a file of its root how often it ran.
const COUNTS: &str = "echo x >> /ran; n=$(wc -l < /ran); echo run $n; exit $n";

#[tokio::test]
async fn a_new_process_has_the_old_ones_files_and_record_and_its_output_goes_on() {
    let lab = Lab::with_demo().await;
    let request = lab.container("again", COUNTS);
    ended(&lab, &request).await;
    let record = listed(&lab, "again").await;
    // Alone in its shim, which ends and begins each time.
    for n in 2..12 {
        lab.containerd.renew(&again(&request, &[n])).await.unwrap();
        let now = listed(&lab, "again").await;
        assert_eq!((now.state, now.restarts), (ObservedState::Created, vec![n]));
        assert_eq!((now.created_at_ms, now.inscription), (record.created_at_ms, record.inscription.clone()));
        lab.containerd.start("again").await.unwrap();
        assert_eq!(lab.containerd.wait("again", LONG).await.unwrap().unwrap().code, i32::from(n));
    }
    lab.containerd.delete("again").await.unwrap();
    let expected: String = (1..12).map(|n| format!("run {n}\n")).collect();
    assert_eq!(lab.log("again"), expected);
    lab.finish().await;
}

#[tokio::test]
async fn containers_of_the_same_shim_run_on_while_one_is_renewed() {
    let lab = Lab::with_demo().await;
    let (first, other) = (lab.container("first", COUNTS), lab.container("other", "sleep 1000"));
    ended(&lab, &first).await;
    lab.containerd.create(&other).await.unwrap();
    let running = lab.containerd.start("other").await.unwrap();
    for _ in 0..5 {
        lab.containerd.renew(&again(&first, &[])).await.unwrap();
        lab.containerd.start("first").await.unwrap();
        lab.containerd.wait("first", LONG).await.unwrap().unwrap();
    }
    assert_eq!(listed(&lab, "other").await.state, ObservedState::Running { pid: running.pid });
    for id in ["first", "other"] {
        lab.containerd.delete(id).await.unwrap();
    }
    lab.finish().await;
}

#[tokio::test]
async fn what_runs_is_not_touched_what_waits_is_adopted_and_what_is_not_there_is_not_made() {
    let lab = Lab::with_demo().await;
    let request = lab.container("runs", "sleep 1000");
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.renew(&again(&request, &[1])).await.unwrap();
    let started = lab.containerd.start("runs").await.unwrap();
    let refused = lab.containerd.renew(&again(&request, &[1])).await;
    assert!(matches!(refused, Err(RenewError::Runs { pid, .. }) if pid == started.pid), "{refused:?}");
    assert_eq!(listed(&lab, "runs").await.state, ObservedState::Running { pid: started.pid });
    lab.containerd.delete("runs").await.unwrap();
    let gone = lab.containerd.renew(&again(&request, &[1])).await;
    assert!(matches!(gone, Err(RenewError::NotFound { .. })), "{gone:?}");
    lab.finish().await;
}

#[tokio::test]
async fn a_renewal_that_was_broken_off_is_taken_up_again() {
    let lab = Lab::with_demo().await;
    let request = lab.container("half", COUNTS);
    ended(&lab, &request).await;
    let anew = again(&request, &[1]);
    for patience in [2, 10, 30, 60, 90] {
        // Dropped somewhere in the middle: after the old process is gone, after the note, or while the new one is made.
        let renewing = lab.containerd.renew(&anew);
        let _ = tokio::time::timeout(Duration::from_millis(patience), renewing).await;
    }
    lab.containerd.renew(&anew).await.unwrap();
    lab.containerd.start("half").await.unwrap();
    assert_eq!(lab.containerd.wait("half", LONG).await.unwrap().unwrap().code, 2, "it ran once more");
    lab.containerd.delete("half").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_container_whose_shim_was_killed_gets_a_new_process_that_lives() {
    let lab = Lab::with_demo().await;
    let request = lab.container("lost", "sleep 1000");
    lab.containerd.create(&request).await.unwrap();
    let first = lab.containerd.start("lost").await.unwrap();
    for shim in lab.shims() {
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(shim.cast_signed()),
            nix::sys::signal::Signal::SIGKILL,
        )
        .unwrap();
    }
    // Tried until containerd has ended what the shim left.
    let renewed = async || lab.containerd.renew(&again(&request, &[1])).await.is_ok();
    crate::lab::until("it has a new process", renewed).await;
    let second = lab.containerd.start("lost").await.unwrap();
    assert_ne!(first.pid, second.pid);
    // Longer than containerd takes to clean up after a shim.
    let end = lab.containerd.wait("lost", Duration::from_secs(2)).await;
    assert!(end.is_err(), "it ended: {end:?}");
    assert_eq!(listed(&lab, "lost").await.state, ObservedState::Running { pid: second.pid });
    lab.containerd.delete("lost").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn what_a_containerd_left_that_died_in_the_middle_is_cleared_away() {
    let mut lab = Lab::with_demo().await;
    let request = lab.container("died", COUNTS);
    ended(&lab, &request).await;
    lab.containerd.renew(&again(&request, &[1])).await.unwrap();
    // As when containerd dies after it started a shim and before it noted what that is for.
    lab.kill_daemon();
    let bundles = lab.path().join("state/io.containerd.runtime.v2.task").join(&lab.config().namespace);
    let init = std::fs::read_to_string(bundles.join("died/init.pid")).unwrap().parse::<i32>().unwrap();
    for pid in lab.shims().into_iter().map(u32::cast_signed).chain([init]) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    }
    std::fs::remove_file(bundles.join("died/runtime")).unwrap();
    lab.restart_daemon().await;
    assert_eq!(bundles.join("died").exists(), !lab.is_second(), "containerd 1 leaves it");
    lab.containerd.renew(&again(&request, &[1])).await.unwrap();
    lab.containerd.start("died").await.unwrap();
    assert_eq!(lab.containerd.wait("died", LONG).await.unwrap().unwrap().code, 2);
    lab.containerd.delete("died").await.unwrap();
    lab.finish().await;
}
