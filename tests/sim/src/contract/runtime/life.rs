//! Making containers, running them, and looking at them.

use super::{INSCRIPTION, Process, Yard, exit_of, listed, seen, until, up};
use std::time::Duration;
use wharf_agent::seam::Runtime;
use wharf_runtime::{
    CreateContainer, CreateError, ExecError, ObservedState, ProcessOptions, PullPolicy, SignalOutcome,
    StartError,
};

pub(super) async fn what_is_not_there_is_said_to_be_so<Y: Yard>(yard: &Y) {
    let (runtime, id) = (yard.runtime(), yard.container(Process::Obeys).id);
    runtime.ping().await.expect("it answers");
    assert_eq!(seen(&runtime, &id).await, None);
    assert!(matches!(runtime.start(&id).await, Err(StartError::NotFound { .. })));
    assert_eq!(runtime.signal(&id, "SIGTERM").await.expect("it answers"), SignalOutcome::Gone);
    assert_eq!(runtime.delete(&id).await.expect("it answers"), None);
    let probe = runtime.exec(&id, "probe", &["/bin/true".to_owned()], Duration::from_secs(5)).await;
    assert!(matches!(probe, Err(ExecError::NotRunning { .. })), "{probe:?}");
}

pub(super) async fn an_image_that_is_there_is_the_same_each_time<Y: Yard>(yard: &Y) {
    let (runtime, name) = (yard.runtime(), yard.image());
    let one = runtime.ensure_image(&name, None, PullPolicy::IfMissing, &[]).await.expect("it is there");
    let other = runtime.ensure_image(&name, None, PullPolicy::IfMissing, &[]).await.expect("it is there");
    assert_eq!((&one.config_digest, &one.digest), (&other.config_digest, &other.digest));
}

pub(super) async fn a_listing_gives_back_what_a_container_bears<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    runtime.create(&request).await.expect("it can be created");
    let created = listed(&runtime, &request.id).await.expect("it is listed");
    assert_eq!(created.inscription, INSCRIPTION);
    assert!(request.labels.iter().all(|(name, value)| created.labels.get(name) == Some(value)));
    assert!(created.created_at_ms.is_some());
    assert_eq!((created.state, created.started_at_ms), (ObservedState::Created, None));
    let started = runtime.start(&request.id).await.expect("it can be started");
    let running = listed(&runtime, &request.id).await.expect("it is listed");
    assert_eq!(running.state, ObservedState::Running { pid: started.pid });
    // The kernel counts in hundredths of a second, from a boot that it knows to the second.
    let since = running.started_at_ms.expect("the time of a start is known while it runs");
    assert!((since - started.at_ms).abs() < 60_000, "{since} {}", started.at_ms);
    runtime.delete(&request.id).await.expect("it can be deleted");
}

pub(super) async fn creating_and_starting_twice_is_doing_it_once<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    runtime.create(&request).await.expect("it can be created");
    runtime.create(&request).await.expect("it is adopted");
    assert_eq!(runtime.list().await.expect("containers are listed").len(), 1);
    let started = runtime.start(&request.id).await.expect("it can be started");
    assert_eq!(runtime.start(&request.id).await.expect("it is adopted").pid, started.pid);
    runtime.create(&request).await.expect("what runs is adopted too");
    assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Running { pid: started.pid }));
    runtime.delete(&request.id).await.expect("it can be deleted");
}

pub(super) async fn another_container_of_the_same_name_is_refused<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    up(&runtime, &request).await;
    let process = ProcessOptions { command: Some(vec!["/bin/false".to_owned()]), ..request.process.clone() };
    let other = CreateContainer { process, ..request.clone() };
    assert!(matches!(runtime.create(&other).await, Err(CreateError::Exists { .. })));
    assert!(matches!(seen(&runtime, &request.id).await, Some(ObservedState::Running { .. })));
    runtime.delete(&request.id).await.expect("it can be deleted");
}

pub(super) async fn one_that_was_never_started_is_deleted_without_an_exit<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    runtime.create(&request).await.expect("it can be created");
    assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Created));
    assert_eq!(runtime.delete(&request.id).await.expect("it can be deleted"), None);
    assert_eq!(seen(&runtime, &request.id).await, None);
}

pub(super) async fn commands_run_where_a_process_is_and_nowhere_else<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    let run = async |name: &str| {
        runtime.exec(&request.id, name, &["/bin/true".to_owned()], Duration::from_secs(5)).await
    };
    runtime.create(&request).await.expect("it can be created");
    assert_eq!(run("early").await.expect("a process that waits is one").exit_code, Some(0));
    runtime.start(&request.id).await.expect("it can be started");
    assert_eq!(run("while").await.expect("it runs").exit_code, Some(0));
    runtime.signal(&request.id, "SIGTERM").await.expect("sent");
    exit_of(&runtime, &request.id).await;
    let late = run("late").await;
    assert!(late.is_err(), "{late:?}");
    runtime.delete(&request.id).await.expect("it can be deleted");
}

/// Whatever is said of it: this is what the agent's gate decides by.
pub(super) async fn what_lives_of_a_container_is_found_by_its_cgroup_and_ended_there<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::IsDeaf));
    let cgroup = &request.cgroup_path;
    let living = async || runtime.survivor(cgroup).await.expect("it can be looked into");
    let ask = async || runtime.ask(cgroup, "SIGTERM").await.expect("it can be looked into");
    assert_eq!((living().await, ask().await), (None, SignalOutcome::Gone), "there is no such cgroup");
    runtime.create(&request).await.expect("it can be created");
    assert_eq!(living().await, Some(ObservedState::Created));
    assert_eq!(ask().await, SignalOutcome::Gone, "what was never started is not asked");
    runtime.start(&request.id).await.expect("it can be started");
    // The answer may be there before the process is its program.
    until("its program runs", async || matches!(living().await, Some(ObservedState::Running { .. }))).await;
    assert_eq!(ask().await, SignalOutcome::Delivered);
    assert!(matches!(living().await, Some(ObservedState::Running { .. })), "it is deaf");
    runtime.end(cgroup).await.expect("it can be ended");
    assert_eq!(living().await, None);
    assert_eq!(exit_of(&runtime, &request.id).await.code, 137);
    runtime.end(cgroup).await.expect("ending nothing is fine");
    runtime.delete(&request.id).await.expect("it can be deleted");
}
