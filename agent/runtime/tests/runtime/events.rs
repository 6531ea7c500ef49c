//! Exits as they happen.

use crate::lab::{LONG, Lab, until};
use tokio::sync::mpsc::Receiver;
use wharf_runtime::{ObservedState, Resources, RuntimeEvent, SignalOutcome};

async fn next(events: &mut Receiver<RuntimeEvent>) -> RuntimeEvent {
    tokio::time::timeout(LONG, events.recv())
        .await
        .expect("an event comes in time")
        .expect("the stream goes on")
}

#[tokio::test]
async fn an_exit_is_told_once_with_its_code_and_probes_are_not() {
    let lab = Lab::with_demo().await;
    let mut events = lab.containerd.events();
    assert_eq!(next(&mut events).await, RuntimeEvent::Resubscribed);
    // It ends when it is told to, so that the probe has ended before it however slow the machine is.
    let request = lab.container("e", "trap 'exit 9' TERM; echo ready; sleep 1000 & wait");
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.start("e").await.unwrap();
    until("the trap is set", async || lab.log("e").contains("ready")).await;
    let probe = lab.containerd.exec("e", "probe", &["/bin/true".to_owned()], LONG).await.unwrap();
    assert_eq!(probe.exit_code, Some(0));
    assert_eq!(lab.containerd.signal("e", "TERM").await.unwrap(), SignalOutcome::Delivered);
    let RuntimeEvent::Exited { container_id, exit } = next(&mut events).await else { panic!("not an exit") };
    assert_eq!((container_id.as_str(), exit.code), ("e", 9));
    let listed = lab.containerd.list().await.unwrap();
    assert_eq!(listed[0].state, ObservedState::Exited(exit), "the list agrees with the event");
    lab.containerd.delete("e").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn a_lost_stream_is_told_and_comes_back_by_itself() {
    let mut lab = Lab::with_demo().await;
    let mut events = lab.containerd.events();
    assert_eq!(next(&mut events).await, RuntimeEvent::Resubscribed);
    let request = lab.container("r", "sleep 1000");
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.start("r").await.unwrap();
    lab.kill_daemon();
    assert_eq!(next(&mut events).await, RuntimeEvent::Disconnected);
    lab.restart_daemon().await;
    loop {
        match next(&mut events).await {
            RuntimeEvent::Resubscribed => break,
            RuntimeEvent::Disconnected => {}
            other => panic!("{other:?}"),
        }
    }
    lab.containerd.delete("r").await.unwrap();
    let RuntimeEvent::Exited { container_id, exit } = next(&mut events).await else { panic!("not an exit") };
    assert_eq!((container_id.as_str(), exit.code), ("r", 137));
    lab.finish().await;
}

#[tokio::test]
async fn running_out_of_memory_is_told_before_the_exit() {
    let lab = Lab::with_demo().await;
    let mut events = lab.containerd.events();
    assert_eq!(next(&mut events).await, RuntimeEvent::Resubscribed);
    let mut request = lab.container("oom", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done");
    request.resources = Resources { memory_limit: Some(16 << 20), ..Resources::default() };
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.start("oom").await.unwrap();
    let mut oom = false;
    let exit = loop {
        match next(&mut events).await {
            RuntimeEvent::Oom { container_id } => oom = container_id == "oom",
            RuntimeEvent::Exited { exit, .. } => break exit,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(exit.code, 137);
    // The two come from different parts of the shim: the event may be late, the counter is not.
    let usage = wharf_runtime::cgroup::CgroupRoot::host().usage(&lab.cgroup_of("oom")).unwrap();
    assert!(oom || usage.oom_kills.is_some_and(|kills| kills > 0), "{usage:?}");
    lab.containerd.delete("oom").await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn events_end_when_the_connection_is_closed() {
    let lab = Lab::start().await;
    let mut events = lab.containerd.events();
    assert_eq!(next(&mut events).await, RuntimeEvent::Resubscribed);
    lab.containerd.close(LONG).await;
    assert_eq!(events.recv().await, None);
    lab.finish().await;
}
