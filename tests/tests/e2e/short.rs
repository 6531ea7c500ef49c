//! Memory and processes of the host running short: what runs runs on, nothing is lost or doubled, and all is well again by itself.

use crate::lifecycle::{connected, connected_on, end};
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};
use wharf_protocol::acs;
use wharf_tests::cgroup::{Bound, Resource};
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::wait;
use wharf_tests::world::Host;

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
const SOON: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_the_kernel_kills_for_memory_has_lost_and_doubled_nothing() {
    let (mut host, control) = connected().await;
    let early = running(&control, 90, 20).await;
    let (before, told) = (host.tasks(), statuses(&control, &early));

    let bound = Bound::on(Resource::Memory).unwrap();
    bound.enter(host.agent_pid().unwrap()).unwrap();
    bound.limit(Some(2 << 20)).unwrap();
    let late: Vec<_> = (10..30).map(|n| awsvpc_task(91, n, vec![container("app", STAY)])).collect();
    control.send(payload(late.clone()).1);
    let ended = until("the kernel to kill the agent", || {
        host.agent_ended().unwrap().ok_or_else(|| "it lives".to_owned())
    })
    .await;
    assert_eq!(ended.signal(), Some(9));
    assert!(bound.kills().unwrap() > 0, "the kernel did it");
    for (id, process) in &before {
        assert_eq!(host.tasks().get(id), Some(process), "containers run on without the agent");
    }

    let sessions = control.sessions();
    host.start_agent(&url(&control)).unwrap();
    control.connected_again(sessions).await;
    // What was not acknowledged is sent again.
    control.send(payload(late.clone()).1);
    for task in &late {
        control.status_of(arn(task), "RUNNING", SOON).await;
    }
    assert_eq!(host.tasks().len(), 40, "each container once");
    for (id, process) in &before {
        assert_eq!(host.tasks().get(id), Some(process), "it was not touched");
    }
    stopped(&control, &[early.clone(), late].concat()).await;
    for (task, told) in early.iter().zip(told) {
        let all = control.statuses_of(arn(task));
        assert_eq!(all, [told, vec!["STOPPED".to_owned()]].concat(), "nothing repeated, nothing lost");
    }
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_thread_can_be_made_what_runs_runs_on_and_new_tasks_get_a_reason_or_wait() {
    let (mut host, control) = connected().await;
    let early = running(&control, 92, 5).await;
    let before = host.tasks();
    let bound = Bound::on(Resource::Pids).unwrap();
    bound.enter(host.agent_pid().unwrap()).unwrap();
    bound.limit(Some(bound.count().unwrap())).unwrap();

    let late: Vec<_> = (10..15).map(|n| awsvpc_task(93, n, vec![container("app", STAY)])).collect();
    control.send(payload(late.clone()).1);
    let ended = rested(&mut host, &control, &late).await;
    println!("ends of the agent while there was no thread to be had: {ended}");
    bound.limit(None).unwrap();
    well_again(host, control, 94, (early, late), before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_memory_is_short_for_agent_and_containerd_what_runs_runs_on() {
    let (mut host, control) = connected_on(Host::with_own_containerd().unwrap()).await;
    let early = running(&control, 95, 5).await;
    let before = host.tasks();
    let bound = Bound::on(Resource::Memory).unwrap();
    bound.enter(host.agent_pid().unwrap()).unwrap();
    bound.enter(host.own_containerd().pid()).unwrap();
    bound.limit(Some(24 << 20)).unwrap();

    let late: Vec<_> = (10..20).map(|n| awsvpc_task(96, n, vec![container("app", STAY)])).collect();
    control.send(payload(late.clone()).1);
    let ended = rested(&mut host, &control, &late).await;
    println!("kills for memory: {}, ends of agent or containerd: {ended}", bound.kills().unwrap());
    bound.limit(None).unwrap();
    well_again(host, control, 97, (early, late), before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_host_has_no_process_left_what_runs_runs_on_and_new_tasks_get_a_reason_or_wait() {
    let (mut host, control) = connected_on(Host::with_own_containerd().unwrap()).await;
    let early = running(&control, 98, 5).await;
    let before = host.tasks();
    // Agent, containerd, and whatever either of them begins: shims, the runtime, a container until it has a cgroup of its own.
    let bound = Bound::on(Resource::Pids).unwrap();
    bound.enter(host.agent_pid().unwrap()).unwrap();
    bound.enter(host.own_containerd().pid()).unwrap();
    bound.limit(Some(bound.count().unwrap() + 4)).unwrap();

    let late: Vec<_> = (10..15).map(|n| awsvpc_task(99, n, vec![container("app", STAY)])).collect();
    control.send(payload(late.clone()).1);
    let ended = rested(&mut host, &control, &late).await;
    println!("ends of agent or containerd while there was no process to be had: {ended}");
    bound.limit(None).unwrap();
    well_again(host, control, 100, (early, late), before).await;
}

/// Waits until each of these runs or has stopped, and starts the agent and containerd again as often as they end, as systemd does.
async fn rested(host: &mut Host, control: &Scripted, tasks: &[acs::Task]) -> usize {
    let (mut ended, mut sent) = (0, 1);
    until("each new task to run or to stop", || {
        if host.is_containerd_own() && host.own_containerd().has_ended() {
            ended += 1;
            host.own_containerd().start_again().map_err(|error| format!("{error:#}"))?;
        }
        if host.agent_ended().unwrap().is_some() {
            ended += 1;
            host.start_agent(&url(control)).unwrap();
        }
        if control.sessions() > sent {
            sent = control.sessions();
            control.send(payload(tasks.to_vec()).1);
        }
        let open = tasks.iter().filter(|task| {
            let told = control.statuses_of(arn(task));
            !told.iter().any(|status| status == "RUNNING" || status == "STOPPED")
        });
        let open = open.count();
        if open == 0 { Ok(()) } else { Err(format!("{open} of them do neither")) }
    })
    .await;
    for task in
        tasks.iter().filter(|task| control.statuses_of(arn(task)).last().is_some_and(|s| s == "STOPPED"))
    {
        let (_, told) = control.status_of(arn(task), "STOPPED", SOON).await;
        let why = control.last_told(arn(task), "app").reason.or(told.reason).unwrap_or_default();
        assert!(!why.is_empty(), "{} stopped without a reason", arn(task));
        println!("stopped: {why}");
    }
    ended
}

type Tasks = std::collections::BTreeMap<String, (u32, String)>;

/// What ran before runs still, a new task runs soon, and everything stops as it should.
async fn well_again(
    mut host: Host,
    control: Scripted,
    net: u8,
    (early, late): (Vec<acs::Task>, Vec<acs::Task>),
    before: Tasks,
) {
    if host.agent_ended().unwrap().is_some() || host.agent_pid().is_none() {
        host.start_agent(&url(&control)).unwrap();
    }
    let again = running(&control, net, 1).await;
    let now = host.tasks();
    for (id, process) in &before {
        assert_eq!(now.get(id), Some(process), "it runs on");
    }
    let running = |task: &&acs::Task| control.statuses_of(arn(task)).last().is_some_and(|s| s == "RUNNING");
    let late: Vec<_> = late.iter().filter(running).cloned().collect();
    stopped(&control, &[early, late, again].concat()).await;
    end(host, control).await;
}

/// So many tasks that run; what was told of them is saved.
async fn running(control: &Scripted, net: u8, count: u8) -> Vec<acs::Task> {
    let tasks: Vec<_> = (10..10 + count).map(|n| awsvpc_task(net, n, vec![container("app", STAY)])).collect();
    delivered(control, &tasks).await;
    for task in &tasks {
        control.status_of(arn(task), "RUNNING", SOON).await;
    }
    // A payload that is acknowledged is saved after what the agent knew before it.
    delivered(control, &tasks).await;
    tasks
}

/// Sends a payload until it is acknowledged: the agent may just be starting.
async fn delivered(control: &Scripted, tasks: &[acs::Task]) {
    let (id, message) = payload(tasks.to_vec());
    let mut sent = None;
    until("the payload to be taken", || {
        if sent.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(3)) {
            control.send(message.clone());
            sent = Some(Instant::now());
        }
        (control.acks_of(&id) > 0).then_some(()).ok_or("not acknowledged".to_owned())
    })
    .await;
}

/// Waits for a level whose look may change something.
async fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    wait::until(what, SOON, || std::future::ready(look())).await
}

async fn stopped(control: &Scripted, tasks: &[acs::Task]) {
    control.send(payload(tasks.iter().map(stop).collect()).1);
    for task in tasks {
        control.status_of(arn(task), "STOPPED", SOON).await;
    }
}

fn statuses(control: &Scripted, tasks: &[acs::Task]) -> Vec<Vec<String>> {
    tasks.iter().map(|task| control.statuses_of(arn(task))).collect()
}

fn url(control: &Scripted) -> String {
    format!("http://{}", control.address())
}
