//! What a killed agent leaves in containerd holds up nobody and does not stay.

use crate::lab::{Lab, until, variables};
use containerd_client::services::v1::tasks_client::TasksClient;
use containerd_client::services::v1::{ExecProcessRequest, StartRequest};
use containerd_client::tonic::Request;
use containerd_client::with_namespace;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use prost_types::Any;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use wharf_runtime::{Absence, CreateError, ObservedState};

#[tokio::test]
async fn a_shim_that_waits_for_the_reader_of_a_broken_off_probe_is_freed() {
    let lab = Lab::with_demo().await;
    let mut request = lab.container("c", "sleep 1000");
    request.process.env = variables(&[]);
    lab.containerd.create(&request).await.unwrap();
    let started = lab.containerd.start("c").await.unwrap();

    // As an agent that is killed between the two: the pipe is there, and nobody will read it.
    let directory = lab.config().run_dir.join("exec");
    std::fs::create_dir_all(&directory).unwrap();
    let pipe = directory.join("probe");
    nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let path = pipe.display().to_string();
    let process =
        r#"{"cwd":"/","args":["/bin/sh","-c","echo probed"],"user":{"uid":0,"gid":0},"env":["PATH=/bin"]}"#;
    let exec = ExecProcessRequest {
        container_id: "c".to_owned(),
        exec_id: "probe".to_owned(),
        stdout: path.clone(),
        stderr: path,
        spec: Some(Any {
            type_url: "types.containerd.io/opencontainers/runtime-spec/1/Process".to_owned(),
            value: process.as_bytes().to_vec(),
        }),
        ..Default::default()
    };
    let channel = containerd_client::connect(&lab.config().address).await.unwrap();
    let mut tasks = TasksClient::new(channel);
    let namespace = lab.config().namespace.clone();
    tasks.exec(with_namespace!(exec, namespace)).await.unwrap();
    let start = StartRequest { container_id: "c".to_owned(), exec_id: "probe".to_owned() };
    let begun = tokio::spawn(async move { tasks.start(with_namespace!(start, namespace)).await.map(drop) });
    tokio::time::timeout(Duration::from_secs(2), async {
        while !begun.is_finished() {
            tokio::task::yield_now().await
        }
    })
    .await
    .expect_err("the shim waits for a reader");

    lab.containerd.end_abandoned().await;
    // Whether the probe then runs is no matter: nobody asks for it any more.
    let ended = tokio::time::timeout(Duration::from_secs(20), begun).await;
    drop(ended.expect("the shim goes on").unwrap());
    assert!(!pipe.exists());
    let listed = lab.containerd.list().await.unwrap();
    assert_eq!(listed[0].state, ObservedState::Running { pid: started.pid });
    lab.containerd.delete("c").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn the_lease_of_a_broken_off_pull_is_given_back_and_that_of_a_load_is_not() {
    let lab = Lab::with_demo().await;
    for id in ["wharf-pull-1-2-3", "wharf-unpack-1-2-4", "wharf-users-1-2-6", "wharf-load-1-2-5"] {
        lab.ctr(&["leases", "create", "--id", id]);
    }
    lab.containerd.end_abandoned().await;
    let left: Vec<String> = lab.ctr(&["leases", "ls", "-q"]);
    assert_eq!(left, ["wharf-load-1-2-5"]);
    lab.ctr(&["leases", "delete", "wharf-load-1-2-5"]);
    lab.finish().await;
}

/// Where containerd keeps what its shim for container `c` runs.
fn bundle(lab: &Lab) -> PathBuf {
    lab.path().join("state/io.containerd.runtime.v2.task").join(&lab.config().namespace).join("c")
}

#[tokio::test]
async fn a_container_is_created_once_containerd_has_undone_what_a_killed_agent_asked_for() {
    let lab = Lab::with_demo().await;
    // What is there while a request is undone whose caller has gone: the directory of its shim.
    let bundle = bundle(&lab);
    std::fs::create_dir_all(&bundle).unwrap();
    let request = lab.container("c", "sleep 1000");
    let created = lab.containerd.create(&request);
    let undone = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        std::fs::remove_dir(&bundle).unwrap();
    };
    let (created, ()) = tokio::join!(created, undone);
    created.unwrap();
    lab.containerd.delete("c").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_container_that_died_before_it_was_started_is_created_anew() {
    let lab = Lab::with_demo().await;
    let request = lab.container("c", "exit 4");
    lab.containerd.create(&request).await.unwrap();
    let init = bundle(&lab).join("init.pid");
    let init = std::fs::read_to_string(init).unwrap().parse().unwrap();
    kill(Pid::from_raw(init), Signal::SIGKILL).unwrap();
    until("containerd notices", async || {
        lab.containerd.list().await.unwrap()[0].state != ObservedState::Created
    })
    .await;
    let (exit, _) = lab.run(&request).await;
    assert_eq!(exit.code, 4);
    lab.finish().await;
}

#[tokio::test]
async fn a_bundle_from_before_containerds_start_is_cleared_without_waiting_for_anyone_to_undo_it() {
    let mut lab = Lab::with_demo().await;
    let request = lab.container("c", "exit 3");
    lab.containerd.create(&request).await.unwrap();
    // As when containerd dies after it started a shim and before that noted what it is for.
    lab.kill_daemon();
    let bundle = bundle(&lab);
    let init = std::fs::read_to_string(bundle.join("init.pid")).unwrap().parse().unwrap();
    for pid in lab.shims().into_iter().chain([init]) {
        kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
    }
    std::fs::remove_file(bundle.join("runtime")).unwrap();
    // No daemon comes back within the tick in which it died; this one would.
    let died = SystemTime::now() - Duration::from_secs(1);
    File::open(&bundle).unwrap().set_modified(died).unwrap();
    lab.restart_daemon().await;
    assert_eq!(bundle.exists(), !lab.is_second(), "containerd 1 leaves it");

    // Less than the half minute that it would be given if it were younger than containerd.
    let created = tokio::time::timeout(Duration::from_secs(20), lab.containerd.create(&request)).await;
    created.expect("nobody is waited for").unwrap();
    let (exit, _) = lab.run(&request).await;
    assert_eq!(exit.code, 3);
    lab.finish().await;
}

#[tokio::test]
async fn what_containerd_died_removing_keeps_no_container_from_being_created() {
    let mut lab = Lab::with_demo().await;
    lab.kill_daemon();
    let bundle = bundle(&lab);
    let half_removed = bundle.with_file_name(".c");
    std::fs::create_dir_all(half_removed.join("work")).unwrap();
    let died = SystemTime::now() - Duration::from_secs(1);
    File::open(&half_removed).unwrap().set_modified(died).unwrap();
    lab.restart_daemon().await;
    // One that this containerd began and cannot remove: what it would move it to is there.
    std::fs::create_dir_all(&bundle).unwrap();

    let request = lab.container("c", "exit 3");
    let created = tokio::time::timeout(Duration::from_secs(20), lab.containerd.create(&request)).await;
    created.expect("nobody is waited for").unwrap();
    let (exit, _) = lab.run(&request).await;
    assert_eq!(exit.code, 3);
    assert!(!half_removed.exists());
    lab.finish().await;
}

/// containerd died over it: the snapshot is noted down and has no directory.
#[tokio::test]
async fn a_snapshot_without_its_directory_is_no_reason_to_give_a_container_up() {
    let lab = Lab::with_demo().await;
    let listed = lab.ctr(&["snapshots", "ls"]);
    let image = listed.iter().find(|line| line.contains("Committed")).expect("the demo image is unpacked");
    let image = image.split_whitespace().next().unwrap();
    let mounts = lab.ctr(&["snapshots", "prepare", "--target", "/nowhere", "c", image]).concat();
    let upper = mounts.split_once("upperdir=").expect("an overlay").1.split(',').next().unwrap();
    std::fs::remove_dir_all(Path::new(upper).parent().unwrap()).unwrap();

    let request = lab.container("c", "exit 3");
    let error = lab.containerd.create(&request).await.unwrap_err();
    assert!(matches!(error, CreateError::Away { source: Absence::Stumbles { .. }, .. }), "{error:?}");
    assert_eq!(lab.ctr(&["snapshots", "ls"]), listed, "nothing is left of it");
    let (exit, _) = lab.run(&request).await;
    assert_eq!(exit.code, 3);
    lab.finish().await;
}

#[tokio::test]
async fn a_shim_that_was_left_before_it_could_serve_does_not_keep_a_container_from_being_created() {
    let lab = Lab::with_demo().await;
    for other in ["c", "sibling"] {
        let left = lab.leave_a_shim_behind(other, "task").await;
        let request = lab.container("c", "exit 3");
        let created = tokio::time::timeout(Duration::from_secs(20), lab.containerd.create(&request)).await;
        created.expect("it is not waited for").unwrap();
        assert!(!lab.shims().contains(&left), "it is gone");
        let (exit, _) = lab.run(&request).await;
        assert_eq!(exit.code, 3);
    }
    lab.finish().await;
}

#[tokio::test]
async fn a_shim_that_was_left_before_it_could_serve_ends_when_an_agent_starts_or_its_container_is_deleted() {
    let lab = Lab::with_demo().await;
    lab.leave_a_shim_behind("c", "task").await;
    lab.containerd.end_abandoned().await;
    until("the agent's start ends it", async || lab.shims().is_empty()).await;
    lab.leave_a_shim_behind("c", "task").await;
    lab.containerd.delete("c").await.unwrap();
    until("the deletion ends it", async || lab.shims().is_empty()).await;
    lab.finish().await;
}

#[tokio::test]
async fn a_shim_that_serves_nobody_ends_when_its_container_is_deleted_and_is_taken_when_it_is_created() {
    let lab = Lab::with_demo().await;
    let left = lab.leave_a_shim_behind_that_serves("c", "task").await;
    lab.containerd.end_abandoned().await;
    assert_eq!(lab.shims(), [left], "it can still serve");
    lab.containerd.delete("c").await.unwrap();
    until("the deletion ends it", async || lab.shims().is_empty()).await;

    let left = lab.leave_a_shim_behind_that_serves("c", "task").await;
    let request = lab.container("c", "sleep 1000");
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.create(&lab.container("sibling", "sleep 1000")).await.unwrap();
    lab.containerd.delete("other").await.unwrap();
    assert_eq!(lab.shims(), [left], "it serves");
    lab.containerd.delete("c").await.unwrap();
    lab.containerd.delete("c").await.unwrap();
    assert_eq!(lab.shims(), [left], "for its sibling");
    lab.containerd.delete("sibling").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_shim_that_serves_lives_on_without_the_directory_it_was_started_in() {
    let lab = Lab::with_demo().await;
    lab.containerd.create(&lab.container("c", "sleep 1000")).await.unwrap();
    lab.containerd.create(&lab.container("sibling", "sleep 1000")).await.unwrap();
    lab.containerd.start("sibling").await.unwrap();
    let shims = lab.shims();
    lab.containerd.delete("c").await.unwrap();
    lab.containerd.end_abandoned().await;
    assert_eq!(lab.shims(), shims, "one shim for both, which goes on");
    let listed = lab.containerd.list().await.unwrap();
    assert!(
        matches!(listed[..], [ref one] if matches!(one.state, ObservedState::Running { .. })),
        "{listed:?}"
    );
    lab.containerd.delete("sibling").await.unwrap();
    lab.finish().await;
}
