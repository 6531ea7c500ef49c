//! Memory and processes of the host running short: what runs runs on, nothing is lost or doubled, and all is well again by itself.
//!
//! Each test asks the kernel whether the limit was met: where nobody met it, nothing was tried. `WHARF_LONG=1` lets the same tasks live
//! through more rounds of the fault.

use crate::lifecycle::{connected, connected_on, end};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};
use wharf_protocol::acs;
use wharf_tests::cgroup::{Bound, Resource};
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::world::Host;
use wharf_tests::{long, wait};

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
const SOON: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_the_kernel_kills_for_memory_has_lost_and_doubled_nothing() {
    let (mut host, control) = connected().await;
    let early = Early::running(&host, &control, 200, 20).await;
    let told = statuses(&control, &early.tasks);
    for round in rounds() {
        let late = tasks(201, 10 + 20 * round, 20);
        killed_for_memory(&mut host, &control, &late).await;
        early.run_on(&host);

        let sessions = control.sessions();
        host.start_agent(&url(&control)).unwrap();
        control.connected_again(sessions).await;
        // What was not acknowledged is sent again.
        control.send(payload(late.clone()).1);
        for task in &late {
            control.status_of(arn(task), "RUNNING", SOON).await;
        }
        assert_eq!(host.tasks().len(), 40, "each container once");
        println!("round {round}: killed by the kernel, and the 40 tasks run");
        early.run_on(&host);
        stopped(&control, &late).await;
    }
    stopped(&control, &early.tasks).await;
    for (task, told) in early.tasks.iter().zip(told) {
        let all = control.statuses_of(arn(task));
        assert_eq!(all, [told, vec!["STOPPED".to_owned()]].concat(), "nothing repeated, nothing lost");
    }
    end(host, control).await;
}

/// Leaves the agent two more MiB, with which it cannot start these.
async fn killed_for_memory(host: &mut Host, control: &Scripted, late: &[acs::Task]) {
    let bound = Bound::on(Resource::Memory).unwrap();
    bound.enter(host.agent_pid().unwrap()).unwrap();
    bound.limit(Some(2 << 20)).unwrap();
    control.send(payload(late.to_vec()).1);
    let ended = until("the kernel to kill the agent", || {
        host.agent_ended().unwrap().ok_or_else(|| "it lives".to_owned())
    })
    .await;
    assert_eq!(ended.signal(), Some(9));
    assert!(bound.kills().unwrap() > 0, "the agent was killed, and not by the kernel for memory");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_thread_can_be_made_what_runs_runs_on_and_new_tasks_get_a_reason_or_wait() {
    let (mut host, control) = connected().await;
    let early = Early::running(&host, &control, 202, 5).await;
    for round in rounds() {
        let bound = Bound::on(Resource::Pids).unwrap();
        bound.enter(host.agent_pid().unwrap()).unwrap();
        let most = bound.count().unwrap();
        bound.limit(Some(most)).unwrap();

        // More than early ones: what began those has left threads behind that may be used again.
        let late = tasks(203, 10 + 15 * round, 15);
        let ended = rested(&mut host, &control, &late).await;
        let refused = bound.refusals().unwrap();
        println!(
            "round {round}: {refused} threads refused beyond the {most} there were, {ended} ends of the agent"
        );
        assert!(refused > 0, "the agent wanted no thread beyond the {most} that it had: nothing was short");
        bound.limit(None).unwrap();
        well_again(&mut host, &control, tasks(204, 10 + round, 1), late, &early).await;
    }
    stopped(&control, &early.tasks).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_memory_is_short_for_agent_and_containerd_what_runs_runs_on() {
    let (mut host, control) = connected_on(Host::with_own_containerd().unwrap()).await;
    let early = Early::running(&host, &control, 205, 5).await;
    for round in rounds() {
        let bound = Bound::on(Resource::Memory).unwrap();
        bound.enter(host.agent_pid().unwrap()).unwrap();
        bound.enter(host.own_containerd().pid()).unwrap();
        bound.limit(Some(24 << 20)).unwrap();

        let late = tasks(206, 10 + 10 * round, 10);
        let ended = rested(&mut host, &control, &late).await;
        let kills = bound.kills().unwrap();
        println!("round {round}: {kills} kills for memory, {ended} ends of agent or containerd");
        assert!(kills > 0, "10 tasks were started with 24 MiB and nobody was killed: nothing was short");
        bound.limit(None).unwrap();
        well_again(&mut host, &control, tasks(207, 10 + round, 1), late, &early).await;
    }
    stopped(&control, &early.tasks).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_host_has_no_process_left_what_runs_runs_on_and_new_tasks_get_a_reason_or_wait() {
    let (mut host, control) = connected_on(Host::with_own_containerd().unwrap()).await;
    let early = Early::running(&host, &control, 208, 5).await;
    for round in rounds() {
        // Agent, containerd, and whatever either of them begins: shims, the runtime, a container until it has a cgroup of its own.
        let bound = Bound::on(Resource::Pids).unwrap();
        bound.enter(host.agent_pid().unwrap()).unwrap();
        bound.enter(host.own_containerd().pid()).unwrap();
        let most = bound.count().unwrap() + 4;
        bound.limit(Some(most)).unwrap();

        let late = tasks(209, 10 + 5 * round, 5);
        let ended = rested(&mut host, &control, &late).await;
        let refused = bound.refusals().unwrap();
        println!(
            "round {round}: {refused} processes refused beyond {most}, {ended} ends of agent or containerd"
        );
        assert!(refused > 0, "5 tasks were started within {most} processes: nothing was short");
        bound.limit(None).unwrap();
        well_again(&mut host, &control, tasks(210, 10 + round, 1), late, &early).await;
    }
    stopped(&control, &early.tasks).await;
    end(host, control).await;
}

fn rounds() -> std::ops::Range<u8> {
    0..long::pick(1, 8)
}

/// Tasks from before the fault, with the process that each has.
struct Early {
    tasks: Vec<acs::Task>,
    processes: BTreeMap<String, (u32, String)>,
}

impl Early {
    /// Starts so many; what was told of them is saved.
    async fn running(host: &Host, control: &Scripted, net: u8, count: u8) -> Self {
        let tasks = tasks(net, 10, count);
        running(control, &tasks).await;
        Self { tasks, processes: host.tasks() }
    }

    fn run_on(&self, host: &Host) {
        let now = host.tasks();
        for (id, process) in &self.processes {
            assert_eq!(now.get(id), Some(process), "{id} runs on and was not touched");
        }
    }
}

fn tasks(net: u8, first: u8, count: u8) -> Vec<acs::Task> {
    (first..first + count).map(|n| awsvpc_task(net, n, vec![container("app", STAY)])).collect()
}

/// Sends these and waits until each runs or has stopped, while agent and containerd are started again as often as they end.
async fn rested(host: &mut Host, control: &Scripted, tasks: &[acs::Task]) -> usize {
    let (mut ended, mut sent) = (0, control.sessions());
    control.send(payload(tasks.to_vec()).1);
    until("each new task to run or to stop", || {
        ended += started_again(host, control)?;
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
    for task in tasks.iter().filter(|task| last_told_is(control, task, "STOPPED")) {
        let (_, told) = control.status_of(arn(task), "STOPPED", SOON).await;
        let why = control.last_told(arn(task), "app").reason.or(told.reason).unwrap_or_default();
        assert!(!why.is_empty(), "{} stopped without a reason", arn(task));
        // A program of Go's that gets no thread has a page of registers to say.
        println!("stopped: {}", why.lines().next().unwrap_or_default());
    }
    ended
}

/// Starts what has ended again, as systemd does; how many that were.
fn started_again(host: &mut Host, control: &Scripted) -> Result<usize, String> {
    let mut ended = 0;
    if host.is_containerd_own() && host.own_containerd().has_ended() {
        ended += 1;
        host.own_containerd().start_again().map_err(|error| format!("{error:#}"))?;
    }
    if host.agent_ended().unwrap().is_some() {
        ended += 1;
        host.start_agent(&url(control)).unwrap();
    }
    Ok(ended)
}

/// What ran before runs still, a new task runs soon, and it stops as it should, as does what came to run in need.
async fn well_again(
    host: &mut Host,
    control: &Scripted,
    again: Vec<acs::Task>,
    late: Vec<acs::Task>,
    early: &Early,
) {
    started_again(host, control).unwrap();
    running(control, &again).await;
    early.run_on(host);
    let late: Vec<_> = late.into_iter().filter(|task| last_told_is(control, task, "RUNNING")).collect();
    stopped(control, &[late, again].concat()).await;
}

/// Waits until these run, and what was told of them is saved.
async fn running(control: &Scripted, tasks: &[acs::Task]) {
    delivered(control, tasks).await;
    for task in tasks {
        control.status_of(arn(task), "RUNNING", SOON).await;
    }
    // A payload that is acknowledged is saved after what the agent knew before it.
    delivered(control, tasks).await;
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

fn last_told_is(control: &Scripted, task: &acs::Task, status: &str) -> bool {
    control.statuses_of(arn(task)).last().is_some_and(|last| last == status)
}

fn statuses(control: &Scripted, tasks: &[acs::Task]) -> Vec<Vec<String>> {
    tasks.iter().map(|task| control.statuses_of(arn(task))).collect()
}

fn url(control: &Scripted) -> String {
    format!("http://{}", control.address())
}
