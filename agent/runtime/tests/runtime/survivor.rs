//! What lives on of a container that containerd says has ended, or has lost: recognised by its processes and its cgroup.

use crate::lab::{LONG, Lab, until};
use containerd_client::services::v1::DeleteContainerRequest;
use containerd_client::services::v1::containers_client::ContainersClient;
use containerd_client::tonic::Request;
use containerd_client::with_namespace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use wharf_runtime::{ObservedState, RuntimeEvent, SignalOutcome};

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

async fn started(lab: &Lab, id: &str) -> ObservedState {
    let script = "trap 'exit 3' TERM; echo ready; sleep 1000 & wait";
    lab.containerd.create(&lab.container(id, script)).await.unwrap();
    let pid = lab.containerd.start(id).await.unwrap().pid;
    until("the trap is set", async || lab.log(id).contains("ready")).await;
    ObservedState::Running { pid }
}

async fn survivor(lab: &Lab, id: &str) -> Option<ObservedState> {
    lab.containerd.survivor(&lab.cgroup_of(id)).await.unwrap()
}

/// A process outside of the container's namespaces, put into its cgroup by hand.
fn stray_in(lab: &Lab, id: &str) -> Child {
    let stray = Command::new("sleep").arg("1000").spawn().unwrap();
    let unified = std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let mount = if unified { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/freezer" };
    std::fs::write(format!("{mount}{}/cgroup.procs", lab.cgroup_of(id)), stray.id().to_string()).unwrap();
    stray
}

#[tokio::test]
async fn what_a_main_process_leaves_behind_is_killed_even_where_it_is_frozen() {
    let lab = Lab::with_demo().await;
    started(&lab, "leaves").await;
    let mut stray = stray_in(&lab, "leaves");
    assert_eq!(lab.containerd.signal("leaves", "TERM").await.unwrap(), SignalOutcome::Delivered);
    assert_eq!(lab.containerd.wait("leaves", LONG).await.unwrap().unwrap().code, 3);
    if std::path::Path::new("/sys/fs/cgroup/freezer").exists() {
        let state = format!("/sys/fs/cgroup/freezer{}/freezer.state", lab.cgroup_of("leaves"));
        std::fs::write(state, "FROZEN").unwrap();
    }
    assert_eq!(stray.try_wait().unwrap(), None, "it outlives the container");
    assert_eq!(survivor(&lab, "leaves").await, None);
    assert_eq!(stray.wait().unwrap().signal(), Some(nix::libc::SIGKILL));
    lab.containerd.delete("leaves").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_container_is_alive_from_before_its_start_and_its_strays_are_its_own_while_it_lives() {
    let lab = Lab::with_demo().await;
    lab.containerd.create(&lab.container("lives", "sleep 1000")).await.unwrap();
    assert_eq!(survivor(&lab, "lives").await, Some(ObservedState::Created));
    let pid = lab.containerd.start("lives").await.unwrap().pid;
    let mut stray = stray_in(&lab, "lives");
    // The runtime's init becomes the program only after it was told to start.
    let running = Some(ObservedState::Running { pid });
    until("its program runs", async || survivor(&lab, "lives").await == running).await;
    assert_eq!(stray.try_wait().unwrap(), None);
    lab.containerd.end(&lab.cgroup_of("lives")).await.unwrap();
    stray.wait().unwrap();
    assert_eq!(survivor(&lab, "lives").await, None);
    lab.containerd.delete("lives").await.unwrap();
    lab.finish().await;
}

/// runc has forgotten the container, so that containerd, when it cleans up after a dead shim, finds nothing to kill.
#[tokio::test]
async fn a_container_that_containerd_says_was_killed_and_that_lives_is_seen_and_ended() {
    let lab = Lab::with_demo().await;
    let mut events = lab.containerd.events();
    let running = started(&lab, "lost").await;
    std::fs::remove_dir_all(lab.runc_root().join("lost")).unwrap();
    for shim in lab.shims() {
        send(shim, Signal::SIGKILL);
    }
    let told = async {
        loop {
            if let Some(RuntimeEvent::Exited { exit, .. }) = events.recv().await {
                return exit.code;
            }
        }
    };
    assert_eq!(tokio::time::timeout(LONG, told).await.unwrap(), 137, "which is not true");
    assert_eq!(lab.containerd.inspect("lost").await.unwrap(), Some(ObservedState::Vanished));
    assert_eq!(lab.containerd.signal("lost", "KILL").await.unwrap(), SignalOutcome::Gone);
    assert_eq!(survivor(&lab, "lost").await, Some(running));
    lab.containerd.end(&lab.cgroup_of("lost")).await.unwrap();
    assert_eq!(survivor(&lab, "lost").await, None);
    lab.containerd.delete("lost").await.unwrap();
    until("its logger has ended", async || lab.processes_with("wharf-logger").is_empty()).await;
    lab.finish().await;
}

#[tokio::test]
async fn a_container_whose_shim_hangs_is_seen_to_live_and_seen_to_have_ended() {
    let lab = Lab::with_demo().await;
    let running = started(&lab, "hung").await;
    let shims = lab.shims();
    shims.iter().for_each(|shim| send(*shim, Signal::SIGSTOP));
    // A thread of it that runs on another processor may give one more answer.
    let vanished = Some(ObservedState::Vanished);
    until("it does not answer", async || lab.containerd.inspect("hung").await.unwrap() == vanished).await;
    assert_eq!(survivor(&lab, "hung").await, Some(running));
    let ObservedState::Running { pid } = running else { unreachable!("it was started") };
    send(pid, Signal::SIGKILL);
    until("its processes have ended", async || survivor(&lab, "hung").await.is_none()).await;
    shims.iter().for_each(|shim| send(*shim, Signal::SIGCONT));
    assert_eq!(lab.containerd.wait("hung", LONG).await.unwrap().unwrap().code, 137);
    lab.containerd.delete("hung").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_container_whose_record_was_removed_lives_and_is_deleted_with_its_shim() {
    let lab = Lab::with_demo().await;
    let running = started(&lab, "bare").await;
    let channel = containerd_client::connect(&lab.config().address).await.unwrap();
    let (request, namespace) =
        (DeleteContainerRequest { id: "bare".to_owned() }, lab.config().namespace.clone());
    ContainersClient::new(channel).delete(with_namespace!(request, namespace)).await.unwrap();
    assert_eq!(lab.containerd.inspect("bare").await.unwrap(), None);
    assert_eq!(survivor(&lab, "bare").await, Some(running));
    assert_eq!(lab.containerd.delete("bare").await.unwrap().unwrap().code, 137);
    assert_eq!(survivor(&lab, "bare").await, None);
    lab.finish().await;
}
