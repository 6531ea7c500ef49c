//! Kills of the agent and of the control plane under running tasks.

use crate::lifecycle::{connected, connected_on, end};
use std::time::Duration;
use wharf_protocol::api::ContainerStateChange;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::{Received, Scripted};
use wharf_tests::signal::{heeds, terminate};
use wharf_tests::wait;
use wharf_tests::world::Host;

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_of_the_agent_leaves_its_tasks_alone_and_repeats_nothing() {
    let (mut host, control) = connected().await;
    let tasks: Vec<_> = (10..20).map(|n| awsvpc_task(20, n, vec![container("app", STAY)])).collect();
    control.send(payload(tasks.clone()).1);
    for task in &tasks {
        control.status_of(arn(task), "RUNNING", SOON).await;
    }
    // RUNNING counts as told once the answer to it is saved, and until then it is rightly repeated. A payload that is
    // acknowledged is saved too, after what the agent knew before it.
    let (id, again) = payload(tasks.clone());
    control.send(again);
    control.acked(&id, SOON).await;
    let before = host.tasks();
    let told: Vec<_> = tasks.iter().map(|task| control.statuses_of(arn(task))).collect();
    let sessions = control.sessions();

    host.kill_agent().unwrap();
    assert_eq!(host.tasks(), before, "containers run on without the agent");
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    control.connected_again(sessions).await;

    control.send(payload(tasks.iter().map(stop).collect()).1);
    for (task, told) in tasks.iter().zip(told) {
        control.status_of(arn(task), "STOPPED", SOON).await;
        let all = control.statuses_of(arn(task));
        assert_eq!(all, [told, vec!["STOPPED".to_owned()]].concat(), "nothing repeated, nothing lost");
    }
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_ends_while_the_agent_is_dead_is_told_with_its_exit_code() {
    let (mut host, control) = connected().await;
    let task =
        awsvpc_task(21, 10, vec![container("job", &["sh", "-c", "trap 'exit 7' TERM; sleep 3600 & wait"])]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "RUNNING", SOON).await;
    host.kill_agent().unwrap();
    let (pid, _) = *host.tasks().values().next().map(|(pid, status)| (*pid, status)).as_ref().unwrap();
    terminate(pid).await;
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    control.status_of(arn(&task), "STOPPED", SOON).await;
    assert_eq!(control.last_told(arn(&task), "job").exit_code, Some(7));
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_the_control_plane_is_away_is_told_when_it_is_back() {
    let (host, control) = connected().await;
    let job =
        awsvpc_task(22, 10, vec![container("job", &["sh", "-c", "trap 'exit 3' TERM; sleep 3600 & wait"])]);
    let other = awsvpc_task(22, 11, vec![container("app", STAY)]);
    control.send(payload(vec![job.clone(), other.clone()]).1);
    control.status_of(arn(&job), "RUNNING", SOON).await;
    control.status_of(arn(&other), "RUNNING", SOON).await;
    let address = control.address();
    control.stop().await;
    let id = format!("{}-job", arn(&job).rsplit('/').next().unwrap());
    let (pid, _) = host.tasks()[&id].clone();
    terminate(pid).await;

    let control = Scripted::start_at(address).await.unwrap();
    control.status_of(arn(&job), "STOPPED", Duration::from_secs(60)).await;
    assert_eq!(control.last_told(arn(&job), "job").exit_code, Some(3));
    assert!(control.statuses_of(arn(&other)).is_empty(), "a running task is not told again");
    control.connected().await;
    control.send(payload(vec![stop(&other)]).1);
    control.status_of(arn(&other), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn states_refused_by_a_failing_control_plane_are_told_again_in_order() {
    let (host, control) = connected().await;
    control.answer_submits_with(503);
    let task = awsvpc_task(23, 10, vec![container("job", &["sh", "-c", "exit 5"])]);
    let (id, message) = payload(vec![task.clone()]);
    control.send(message);
    control.acked(&id, SOON).await;
    control
        .wait_for("a state that is turned away", SOON, |journal| {
            journal.iter().any(|(_, r)| matches!(r, Received::TurnedAway)).then_some(())
        })
        .await;
    control.answer_submits_with(200);
    control.status_of(arn(&task), "STOPPED", Duration::from_secs(60)).await;
    assert_eq!(control.last_told(arn(&task), "job").exit_code, Some(5));
    let told = control.statuses_of(arn(&task));
    let all = ["PENDING", "RUNNING", "STOPPED"];
    let in_order: Vec<_> = all.iter().filter(|status| told.iter().any(|t| t == *status)).collect();
    assert!(told.iter().eq(in_order), "each at most once and none before an earlier one: {told:?}");
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_of_containerd_leaves_its_tasks_alone_and_an_exit_meanwhile_is_told() {
    let (mut host, control) = connected_on(Host::with_own_containerd().unwrap()).await;
    let job =
        awsvpc_task(24, 10, vec![container("job", &["sh", "-c", "trap 'exit 6' TERM; sleep 3600 & wait"])]);
    let stays = awsvpc_task(24, 11, vec![container("app", STAY)]);
    control.send(payload(vec![job.clone(), stays.clone()]).1);
    control.status_of(arn(&job), "RUNNING", SOON).await;
    control.status_of(arn(&stays), "RUNNING", SOON).await;
    let before = host.tasks();
    let id = |task, container| format!("{}-{container}", arn(task).rsplit('/').next().unwrap());

    host.own_containerd().kill().unwrap();
    let pid = before[&id(&job, "job")].0;
    terminate(pid).await;
    let pid = nix::unistd::Pid::from_raw(pid as i32);
    wait::until("the end of the job", SOON, async || match nix::sys::signal::kill(pid, None) {
        Err(nix::errno::Errno::ESRCH) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    host.own_containerd().start_again().unwrap();

    // Sooner than the next listing that nothing gave reason for.
    control.status_of(arn(&job), "STOPPED", Duration::from_secs(20)).await;
    exit_is_told_or_was_discarded(&host, &control.last_told(arn(&job), "job"), 6);
    let app = id(&stays, "app");
    assert_eq!(host.tasks()[&app], before[&app]);
    assert_eq!(control.statuses_of(arn(&stays)).last().map(String::as_str), Some("RUNNING"));
    let more = awsvpc_task(24, 12, vec![container("app", STAY)]);
    control.send(payload(vec![more.clone()]).1);
    control.status_of(arn(&more), "RUNNING", SOON).await;
    heeds(host.tasks()[&id(&more, "app")].0).await;
    control.send(payload(vec![stop(&stays), stop(&more)]).1);
    for task in [&stays, &more] {
        control.status_of(arn(task), "STOPPED", SOON).await;
        assert_eq!(control.last_told(arn(task), "app").exit_code, Some(0));
    }
    end(host, control).await;
}

/// containerd 1.7 and later take a shim without a process for leaked when they start, and delete what it knows: then, and only
/// then, nobody can tell the exit code any more, and the agent says that instead of inventing one.
pub fn exit_is_told_or_was_discarded(host: &Host, told: &ContainerStateChange, code: i64) {
    let log = host.containerd().log();
    let id = told.runtime_id.as_deref().unwrap();
    if log.lines().any(|line| line.contains("cleaning leaked shim process") && line.contains(id)) {
        assert_eq!(told.exit_code, None);
        assert!(
            told.reason.as_deref().unwrap_or_default().starts_with("ContainerVanishedError: "),
            "{told:?}"
        );
    } else {
        assert_eq!(told.exit_code, Some(code), "{told:?}");
    }
}
