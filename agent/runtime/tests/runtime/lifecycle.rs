//! From creation to deletion.

use crate::lab::{DEMO, LONG, Lab, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wharf_runtime::{
    ConnectError, Containerd, ContainerdConfig, CreateError, ObservedState, Resources, SignalOutcome,
    StartError,
};

async fn state_of(lab: &Lab, id: &str) -> Option<ObservedState> {
    lab.containerd.list().await.unwrap().into_iter().find(|one| one.id == id).map(|one| one.state)
}

#[tokio::test]
async fn a_container_is_created_started_exits_and_is_deleted() {
    let lab = Lab::with_demo().await;
    let request = lab.container("one", "echo hello; exit 7");
    lab.containerd.create(&request).await.unwrap();
    assert_eq!(state_of(&lab, "one").await, Some(ObservedState::Created));
    let started = lab.containerd.start("one").await.unwrap();
    assert!(started.pid > 0);
    let exit = lab.containerd.wait("one", LONG).await.unwrap().unwrap();
    assert_eq!(exit.code, 7);
    assert!((exit.at_ms - started.at_ms).abs() < 30_000);
    assert_eq!(state_of(&lab, "one").await, Some(ObservedState::Exited(exit)));
    assert_eq!(lab.containerd.delete("one").await.unwrap(), Some(exit));
    assert_eq!(state_of(&lab, "one").await, None);
    assert_eq!(lab.log("one"), "hello\n");
    lab.finish().await;
}

#[tokio::test]
async fn a_running_container_is_seen_signalled_and_gone() {
    let lab = Lab::with_demo().await;
    let request = lab.container("trap", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done");
    lab.containerd.create(&request).await.unwrap();
    let started = lab.containerd.start("trap").await.unwrap();
    assert_eq!(state_of(&lab, "trap").await, Some(ObservedState::Running { pid: started.pid }));
    until("the trap is set", async || lab.log("trap").contains("ready")).await;
    assert_eq!(lab.containerd.signal("trap", "SIGTERM").await.unwrap(), SignalOutcome::Delivered);
    assert_eq!(lab.containerd.wait("trap", LONG).await.unwrap().unwrap().code, 3);
    assert_eq!(lab.containerd.signal("trap", "9").await.unwrap(), SignalOutcome::Gone);
    assert_eq!(lab.containerd.signal("nobody", "9").await.unwrap(), SignalOutcome::Gone);
    lab.containerd.delete("trap").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_listing_gives_back_what_a_container_bears_and_when_it_began() {
    let lab = Lab::with_demo().await;
    let mut request = lab.container("bears", "sleep 1000");
    // More than a label may hold.
    request.inscription = vec![7; 100_000];
    lab.containerd.create(&request).await.unwrap();
    let started = lab.containerd.start("bears").await.unwrap();
    let listed = lab.containerd.list().await.unwrap().remove(0);
    assert_eq!(listed.inscription, request.inscription);
    let near = |at: Option<i64>| at.is_some_and(|at| (started.at_ms - at).abs() < 60_000);
    assert!(near(listed.created_at_ms) && near(listed.started_at_ms), "{started:?} {listed:?}");
    lab.containerd.delete("bears").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn deleting_kills_what_ignores_every_signal() {
    let lab = Lab::with_demo().await;
    let request = lab.container("deaf", "trap '' TERM INT; sleep 1000 & echo ready; wait; sleep 1000");
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.start("deaf").await.unwrap();
    assert_eq!(lab.containerd.delete("deaf").await.unwrap().unwrap().code, 137);
    lab.finish().await;
}

#[tokio::test]
async fn creating_and_starting_and_deleting_twice_is_doing_it_once() {
    let lab = Lab::with_demo().await;
    let request = lab.container("twice", "sleep 1000");
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.create(&request).await.unwrap();
    let first = lab.containerd.start("twice").await.unwrap();
    assert_eq!(lab.containerd.start("twice").await.unwrap().pid, first.pid);
    lab.containerd.create(&request).await.unwrap();
    assert_eq!(state_of(&lab, "twice").await, Some(ObservedState::Running { pid: first.pid }));
    let other = lab.container("twice", "sleep 2000");
    assert!(matches!(lab.containerd.create(&other).await, Err(CreateError::Exists { .. })));
    assert_eq!(lab.containerd.delete("twice").await.unwrap().unwrap().code, 137);
    assert_eq!(lab.containerd.delete("twice").await.unwrap(), None);
    assert_eq!(lab.containerd.delete("never-was").await.unwrap(), None);
    lab.finish().await;
}

#[tokio::test]
async fn a_create_that_was_broken_off_is_taken_up_again() {
    let lab = Lab::with_demo().await;
    let request = lab.container("half", "exit 0");
    for _ in 0..3 {
        // Dropped somewhere in the middle: after the record, the snapshot, or the task.
        let _ =
            tokio::time::timeout(std::time::Duration::from_millis(4), lab.containerd.create(&request)).await;
    }
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.start("half").await.unwrap();
    assert_eq!(lab.containerd.wait("half", LONG).await.unwrap().unwrap().code, 0);
    lab.containerd.delete("half").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_missing_program_is_named_as_docker_names_it_and_leaves_nothing() {
    let lab = Lab::with_demo().await;
    let mut request = lab.container("nope", "");
    request.process.command = Some(vec!["/nope".to_owned()]);
    let error = lab.containerd.create(&request).await.unwrap_err();
    assert!(matches!(error, CreateError::Runtime { .. }), "{error:?}");
    assert!(error.to_string().contains(r#"exec: "/nope": stat /nope: no such file or directory"#), "{error}");
    assert!(!error.to_string().ends_with("unknown"), "{error}");
    assert_eq!(state_of(&lab, "nope").await, None);
    assert!(matches!(lab.containerd.start("nope").await, Err(StartError::NotFound { .. })));
    lab.finish().await;
}

#[tokio::test]
async fn a_mount_without_source_and_an_unknown_image_and_user_are_named() {
    let lab = Lab::with_demo().await;
    let mut request = lab.container("mount", "true");
    request.mounts.push(wharf_runtime::Mount {
        source: "/does/not/exist".into(),
        target: "/data".into(),
        read_only: false,
    });
    let error = lab.containerd.create(&request).await.unwrap_err();
    assert!(error.to_string().contains("/does/not/exist"), "{error}");
    let mut request = lab.container("image", "true");
    request.image = "localhost/other:latest".to_owned();
    assert!(matches!(lab.containerd.create(&request).await, Err(CreateError::NoImage { .. })));
    let mut request = lab.container("user", "true");
    request.process.user = Some("nobody-here".to_owned());
    let error = lab.containerd.create(&request).await.unwrap_err();
    let CreateError::User { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.to_string(), "unable to find user nobody-here: no matching entries in passwd file");
    assert!(lab.containerd.list().await.unwrap().is_empty());
    lab.finish().await;
}

#[tokio::test]
async fn containers_of_one_group_share_one_shim_even_when_created_at_once() {
    let lab = Lab::with_demo().await;
    let (one, two) = (lab.container("a", "sleep 1000"), lab.container("b", "sleep 1000"));
    let mut other = lab.container("c", "sleep 1000");
    other.shim_group = "another-task".to_owned();
    let (created_one, created_two, created_other) =
        tokio::join!(lab.containerd.create(&one), lab.containerd.create(&two), lab.containerd.create(&other));
    for created in [created_one, created_two, created_other] {
        created.unwrap();
    }
    for id in ["a", "b", "c"] {
        lab.containerd.start(id).await.unwrap();
    }
    assert_eq!(lab.shims().len(), 2);
    // Deleting one of them leaves the other alone, and the shim with it.
    lab.containerd.delete("a").await.unwrap();
    assert!(matches!(state_of(&lab, "b").await, Some(ObservedState::Running { .. })));
    lab.containerd.delete("b").await.unwrap();
    lab.containerd.delete("c").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn containers_run_on_while_containerd_is_killed_and_restarted() {
    let mut lab = Lab::with_demo().await;
    let request = lab.container("stays", "sleep 1000");
    lab.containerd.create(&request).await.unwrap();
    let pid = lab.containerd.start("stays").await.unwrap().pid;
    lab.kill_daemon();
    assert!(lab.containerd.ping().await.is_err());
    lab.restart_daemon().await;
    assert_eq!(state_of(&lab, "stays").await, Some(ObservedState::Running { pid }));
    assert_eq!(lab.containerd.delete("stays").await.unwrap().unwrap().code, 137);
    lab.finish().await;
}

#[tokio::test]
async fn a_container_whose_shim_was_killed_is_not_running_and_can_be_deleted() {
    let lab = Lab::with_demo().await;
    let request = lab.container("orphan", "sleep 1000");
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.start("orphan").await.unwrap();
    for shim in lab.shims() {
        kill(Pid::from_raw(shim.cast_signed()), Signal::SIGKILL).unwrap();
    }
    until("it is not seen running", async || {
        !matches!(state_of(&lab, "orphan").await, Some(ObservedState::Running { .. }))
    })
    .await;
    lab.containerd.delete("orphan").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_hung_shim_does_not_keep_a_container_from_being_deleted() {
    let lab = Lab::with_demo().await;
    let request = lab.container("hung", "sleep 1000");
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.start("hung").await.unwrap();
    for shim in lab.shims() {
        kill(Pid::from_raw(shim.cast_signed()), Signal::SIGSTOP).unwrap();
    }
    lab.containerd.delete("hung").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn image_labels_never_become_container_labels() {
    let lab = Lab::with_demo().await;
    let request = lab.container("labels", "true");
    lab.containerd.create(&request).await.unwrap();
    let listed = lab.containerd.list().await.unwrap();
    let labels = &listed[0].labels;
    assert_eq!(labels.get("wharf.test").map(String::as_str), Some("labels"));
    assert!(!labels.contains_key("com.amazonaws.ecs.task-arn"), "{labels:?}");
    assert_eq!(lab.containerd.delete("labels").await.unwrap(), None, "it was never started");
    lab.finish().await;
}

#[tokio::test]
async fn no_containerd_and_a_missing_snapshotter_are_said_clearly() {
    let lab = Lab::with_demo().await;
    let config = |address: &str| ContainerdConfig { address: address.into(), ..ContainerdConfig::default() };
    let absent = Containerd::connect(&config("/nowhere/c.sock")).await.unwrap_err();
    assert!(matches!(absent, ConnectError::Absent { .. }), "{absent:?}");
    assert!(absent.to_string().contains("/nowhere/c.sock"));
    let wrong = ContainerdConfig { snapshotter: "zfs".into(), ..lab.config().clone() };
    let error = Containerd::connect(&wrong).await.unwrap_err();
    assert!(error.to_string().starts_with("containerd's snapshotter zfs cannot be used"), "{error}");
    let wrong = ContainerdConfig { namespace: "bad name".into(), ..lab.config().clone() };
    assert!(Containerd::connect(&wrong).await.is_err());
    lab.finish().await;
}

#[tokio::test]
async fn limits_reach_the_container_cgroup_below_the_given_path() {
    let lab = Lab::with_demo().await;
    let mut request = lab.container("limits", "sleep 1000");
    request.resources = Resources {
        cpu_shares: Some(512),
        memory_limit: Some(64 << 20),
        memory_reservation: Some(32 << 20),
        pids: Some(50),
    };
    lab.containerd.create(&request).await.unwrap();
    let pid = lab.containerd.start("limits").await.unwrap().pid;
    let root = wharf_runtime::cgroup::CgroupRoot::host();
    let usage = root.usage(&lab.cgroup_of("limits")).unwrap();
    assert_eq!(usage.memory_limit, Some(64 << 20));
    assert_eq!(usage.pids_limit, Some(50));
    assert!(usage.memory_usage > 0 && usage.cpu_total_ns > 0 && usage.system_cpu_ns > usage.cpu_total_ns);
    assert!(root.processes(&lab.cgroup_of("limits")).unwrap().contains(&pid));
    lab.containerd.delete("limits").await.unwrap();
    assert!(root.is_empty(&lab.cgroup_of("limits")).unwrap());
    assert_eq!(DEMO, request.image);
    lab.finish().await;
}
