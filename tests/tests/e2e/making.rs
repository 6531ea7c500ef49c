//! Kills of the agent while containerd makes containers for it: the next agent makes them, whatever containerd undoes meanwhile.

use crate::lifecycle::{connected, connected_on, end};
use std::time::{Duration, Instant};
use wharf_tests::long;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::wait;
use wharf_tests::world::Host;

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
/// Twice what containerd takes at most to undo a request, and more.
const SOON: Duration = Duration::from_secs(45);
const TASKS: u8 = 8;
/// Third number of their addresses.
const NET: u8 = 171;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_being_made_when_the_agent_was_killed_runs_soon_after() {
    let (mut host, control) = connected().await;
    let url = format!("http://{}", control.address());
    for round in 0..long::pick(4_u64, 60) {
        // Addresses take turns: those of the round before may just be given back.
        let first = 10 + TASKS * u8::try_from(round % 4).unwrap();
        let tasks: Vec<_> =
            (first..first + TASKS).map(|n| awsvpc_task(NET, n, vec![container("app", STAY)])).collect();
        control.deliver(payload(tasks.clone()));
        // All moments of making eight containers on two processors.
        tokio::time::sleep(Duration::from_millis(50 + round * 137 % 900)).await;
        let sessions = control.sessions();
        host.kill_agent().unwrap();
        host.start_agent(&url).unwrap();
        let begun = Instant::now();
        control.connected_again(sessions).await;
        for task in &tasks {
            control.status_of(arn(task), "RUNNING", SOON).await;
            assert_eq!(control.statuses_of(arn(task)).last().map(String::as_str), Some("RUNNING"));
        }
        println!("round {round}: all run {:.1?} after the start", begun.elapsed());
        control.deliver(payload(tasks.iter().map(stop).collect()));
        for task in &tasks {
            // With whatever code: one that has just begun may not have set its trap.
            control.status_of(arn(task), "STOPPED", SOON).await;
        }
    }
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_containerd_has_lost_before_its_start_is_made_again_and_nothing_is_said_of_it() {
    let mut host = Host::new().unwrap();
    // Time between the making and the start, once.
    host.set("FAILPOINTS", "start.before=1*sleep(10000)->off");
    let (host, control) = connected_on(host).await;
    let task = awsvpc_task(NET, 60, vec![container("app", STAY)]);
    let id = format!("{}-app", arn(&task).rsplit('/').next().unwrap());
    control.deliver(payload(vec![task.clone()]));
    wait::until("the container, made and not started", SOON, async || match host.tasks().get(&id) {
        Some((_, status)) if status == "CREATED" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    // What containerd does when it undoes a request: the process ends, which it tells, and the container has none.
    let removed =
        host.containerd().ctr(host.namespace()).args(["tasks", "rm", "--force", &id]).status().unwrap();
    assert!(removed.success());

    control.status_of(arn(&task), "RUNNING", SOON).await;
    assert_eq!(host.tasks()[&id].1, "RUNNING");
    assert_eq!(control.statuses_of(arn(&task)), ["PENDING", "RUNNING"], "nothing is said of it");
    control.deliver(payload(vec![stop(&task)]));
    control.status_of(arn(&task), "STOPPED", SOON).await;
    end(host, control).await;
}
