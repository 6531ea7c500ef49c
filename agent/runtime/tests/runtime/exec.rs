//! Probes inside a running container.

use crate::lab::{LONG, Lab, until, variables};
use std::time::{Duration, Instant};
use wharf_runtime::ExecError;

fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

async fn running(lab: &Lab, id: &str) {
    let mut request = lab.container(id, "sleep 1000");
    request.process.env = variables(&[("PROBED", "yes")]);
    request.process.user = Some("app".to_owned());
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.start(id).await.unwrap();
}

#[tokio::test]
async fn a_probe_runs_as_the_container_does_and_tells_code_and_output() {
    let lab = Lab::with_demo().await;
    running(&lab, "c").await;
    let outcome = lab
        .containerd
        .exec("c", "p1", &shell("echo $PROBED; id -u; echo bad >&2; exit 4"), LONG)
        .await
        .unwrap();
    assert_eq!(outcome.exit_code, Some(4));
    // The two streams arrive in any order, each in its own.
    let mut lines: Vec<&str> = outcome.output.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["1000", "bad", "yes"]);
    // The id may be used again: nothing of the first probe is left.
    let again = lab.containerd.exec("c", "p1", &shell("exit 0"), LONG).await.unwrap();
    assert_eq!((again.exit_code, again.output.as_str()), (Some(0), ""));
    lab.containerd.delete("c").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_probe_is_killed_when_its_time_is_up() {
    let lab = Lab::with_demo().await;
    running(&lab, "c").await;
    let begun = Instant::now();
    let argv = shell("echo begun; exec sleep 1000");
    // Time enough for it to write, also on a busy machine.
    let outcome = lab.containerd.exec("c", "slow", &argv, Duration::from_secs(2)).await.unwrap();
    assert_eq!((outcome.exit_code, outcome.output.as_str()), (None, "begun\n"));
    assert!(begun.elapsed() < Duration::from_secs(10));
    lab.containerd.delete("c").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn long_output_is_cut_and_a_child_that_keeps_the_pipe_does_not_hold_the_probe() {
    let lab = Lab::with_demo().await;
    running(&lab, "c").await;
    let flood = shell("i=0; while [ $i -lt 30000 ]; do echo 0123456789; i=$((i+1)); done");
    let outcome = lab.containerd.exec("c", "flood", &flood, LONG).await.unwrap();
    assert_eq!((outcome.exit_code, outcome.output.len()), (Some(0), 4096));
    let begun = Instant::now();
    let outcome = lab.containerd.exec("c", "child", &shell("sleep 1000 & echo parent"), LONG).await.unwrap();
    assert_eq!((outcome.exit_code, outcome.output.as_str()), (Some(0), "parent\n"));
    assert!(begun.elapsed() < Duration::from_secs(10));
    lab.containerd.delete("c").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_probe_that_cannot_run_says_why() {
    let lab = Lab::with_demo().await;
    running(&lab, "c").await;
    let error = lab.containerd.exec("c", "p", &["/nope".to_owned()], LONG).await.unwrap_err();
    assert!(matches!(&error, ExecError::Runtime { reason, .. } if reason.contains("/nope")), "{error:?}");
    let error = lab.containerd.exec("nobody", "p", &shell("true"), LONG).await.unwrap_err();
    assert!(matches!(error, ExecError::NotRunning { .. }), "{error:?}");
    lab.containerd.signal("c", "KILL").await.unwrap();
    lab.containerd.wait("c", LONG).await.unwrap();
    let error = lab.containerd.exec("c", "p", &shell("true"), LONG).await.unwrap_err();
    assert!(matches!(error, ExecError::NotRunning { .. }), "{error:?}");
    lab.containerd.delete("c").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_probe_whose_caller_goes_away_cleans_up_all_the_same() {
    let lab = Lab::with_demo().await;
    running(&lab, "c").await;
    let probe = lab.containerd.exec("c", "left", &shell("exec sleep 1000"), Duration::from_secs(1)).await;
    assert_eq!(probe.unwrap().exit_code, None);
    let argv = shell("exec sleep 1000");
    let call = lab.containerd.exec("c", "left", &argv, Duration::from_secs(1));
    assert!(tokio::time::timeout(Duration::from_millis(200), call).await.is_err());
    until("its pipe is gone", async || std::fs::read_dir(lab.path().join("run/exec")).unwrap().count() == 0)
        .await;
    lab.containerd.delete("c").await.unwrap();
    lab.finish().await;
}
