//! containerd is killed again and again under ten starts a second: no state is wrong, no task runs twice, nothing is left.
//!
//! `WHARF_LONG=1` restarts it a hundred times, and then the pace has to be kept as well.

use crate::lifecycle::{connected_on, end};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use wharf_protocol::acs;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::world::Host;
use wharf_tests::{long, wait};

/// Time between two starts.
const PACE: Duration = Duration::from_millis(100);
/// Tasks that may be under way at once: what a loaded machine cannot start is not asked of it.
const MOST_AT_ONCE: usize = 200;
/// Time that containerd works between two restarts.
const BREATH: Duration = Duration::from_millis(1500);
/// Tasks that live through everything.
const STEADY: u8 = 5;
const SOON: Duration = Duration::from_secs(120);
/// Tasks begun in a second that the long form has to reach, of ten that are asked for: with fewer it is no churn.
const LEAST_PACE: f64 = 5.0;
/// At most one task in so many may be in doubt or without a code: the rest has to be known.
const MOST_IN_DOUBT: usize = 4;
/// Codes with which the runtime's own init ends when it is broken off: with no other one may be in doubt.
const BROKEN_OFF: [i64; 3] = [1, 137, 255];

/// A task of the churn: what it is, and how it has to end.
struct Sent {
    task: acs::Task,
    code: i64,
}

fn id(task: &acs::Task) -> &str {
    arn(task).rsplit('/').next().unwrap()
}

/// A task whose container appends a line to a file of the host each time it runs.
fn proving(mut task: acs::Task, proofs: &Path) -> acs::Task {
    let host = acs::HostVolumeProperties { source_path: Some(proofs.display().to_string()) };
    task.volumes = vec![acs::Volume {
        name: Some("proofs".to_owned()),
        r#type: Some("host".to_owned()),
        host: Some(host),
        ..Default::default()
    }];
    let proof = format!("/proofs/{}", id(&task));
    for container in &mut task.containers {
        container.mount_points = vec![acs::MountPoint {
            source_volume: Some("proofs".to_owned()),
            container_path: Some("/proofs".to_owned()),
            read_only: Some(false),
        }];
        if let Some(script) = container.command.last_mut() {
            *script = format!("echo ran >>{proof}; {script}");
        }
    }
    task
}

fn on_host_network(mut task: acs::Task) -> acs::Task {
    task.network_mode = Some("host".to_owned());
    task.elastic_network_interfaces.clear();
    task
}

/// Number `n` of the churn: mostly short, some that take seconds, one in four with a network of its own.
fn churned(n: u32, proofs: &Path) -> Sent {
    let code = i64::from(n % 100);
    let script = if n.is_multiple_of(5) {
        format!("sleep {}; exit {code}", 1 + n % 7)
    } else {
        format!("exit {code}")
    };
    let (net, host) = (100 + u8::try_from(n / 200 % 100).unwrap(), 10 + u8::try_from(n % 200).unwrap());
    let task = awsvpc_task(net, host, vec![container("app", &["sh", "-c", &script])]);
    let task = if n.is_multiple_of(4) { task } else { on_host_network(task) };
    Sent { task: proving(task, proofs), code }
}

fn is_over(control: &Scripted, task: &acs::Task) -> bool {
    control.statuses_of(arn(task)).iter().any(|status| status == "STOPPED")
}

/// Sends tasks at their pace until `done`.
async fn churn(control: &Scripted, proofs: &Path, done: &tokio_util::sync::CancellationToken) -> Vec<Sent> {
    let mut all: Vec<Sent> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut tick = tokio::time::interval(PACE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while !done.is_cancelled() {
        tick.tick().await;
        open.retain(|index| !is_over(control, &all[*index].task));
        if open.len() < MOST_AT_ONCE {
            open.push(all.len());
            all.push(churned(u32::try_from(all.len()).unwrap(), proofs));
            control.send(payload(vec![all[all.len() - 1].task.clone()]).1);
        }
    }
    all
}

/// Restarts containerd, by SIGKILL and by SIGTERM in turn; the longest time from its first answer to the agent's subscription.
async fn restart(host: &mut Host, times: usize) -> Duration {
    let mut longest = Duration::ZERO;
    for number in 0..times {
        let before = host.agent_log().len();
        if number % 2 == 0 { host.own_containerd().kill() } else { host.own_containerd().terminate() }
            .unwrap();
        host.own_containerd().start_again().unwrap();
        let back = Instant::now();
        wait::until("containerd's events", SOON, async || {
            // Only what is new is looked through: the log of a long run is.
            let heard = host
                .agent_log()
                .get(before..)
                .is_some_and(|new| new.contains("containerd's events are heard"));
            if heard { Ok(()) } else { Err("not heard".to_owned()) }
        })
        .await;
        longest = longest.max(back.elapsed());
        let end = Instant::now() + BREATH;
        wait::until("the next restart", SOON, async || {
            if Instant::now() >= end { Ok(()) } else { Err("too early".to_owned()) }
        })
        .await;
    }
    longest
}

/// What was told of a task, without PENDING, which is left out when the next status came first. RUNNING is told again of a task whose
/// container has ended and cannot be removed for want of containerd.
fn told(control: &Scripted, task: &acs::Task) -> Vec<String> {
    let mut told = control.statuses_of(arn(task));
    told.retain(|status| status != "PENDING");
    told.dedup();
    told
}

/// What came of a task of the churn.
struct Outcome {
    /// How often its program ran.
    runs: usize,
    /// A start that containerd's death broke off: the agent says that it does not know.
    in_doubt: bool,
    /// Its exit was discarded by containerd.
    unknown: bool,
    wrong: Vec<String>,
}

fn outcome(host_log: &str, control: &Scripted, sent: &Sent, proofs: &Path) -> Outcome {
    let runs = std::fs::read_to_string(proofs.join(id(&sent.task))).unwrap_or_default().lines().count();
    let last = control.last_told(arn(&sent.task), "app");
    let reason = last.reason.clone().unwrap_or_default();
    let in_doubt = reason.contains("whether its program ran is not known");
    let mut wrong = Vec::new();
    let told = told(control, &sent.task);
    // A task that ended before anybody looked is told STOPPED alone.
    if told != ["RUNNING", "STOPPED"] && told != ["STOPPED"] {
        wrong.push(format!("told {told:?}"));
    }
    if runs != 1 && !(runs == 0 && in_doubt) {
        wrong.push(format!("ran {runs} times"));
    }
    let discarded = host_log
        .lines()
        .any(|line| line.contains("cleaning") && line.contains("shim") && line.contains(id(&sent.task)));
    let true_or_unknown = match last.exit_code {
        Some(code) if in_doubt => BROKEN_OFF.contains(&code),
        Some(code) => code == sent.code && reason.is_empty(),
        None => discarded && reason.starts_with("ContainerVanishedError: "),
    };
    if !true_or_unknown {
        wrong.push(format!("told code {:?} and {reason:?}, discarded {discarded}", last.exit_code));
    }
    let wrong = wrong.into_iter().map(|what| format!("{}: {what}", id(&sent.task))).collect();
    Outcome { runs, in_doubt, unknown: last.exit_code.is_none(), wrong }
}

/// Waits for the end of every task, and looks at each.
async fn outcomes(host: &Host, control: &Scripted, all: &[Sent], proofs: &Path) -> Vec<Outcome> {
    for sent in all {
        control.status_of(arn(&sent.task), "STOPPED", SOON).await;
    }
    let log = host.containerd().log();
    all.iter().map(|sent| outcome(&log, control, sent, proofs)).collect()
}

/// How many tasks came to what.
struct Count {
    ran: usize,
    in_doubt: usize,
    unknown: usize,
    of: usize,
}

impl Count {
    fn of(outcomes: &[Outcome]) -> Self {
        let count = |what: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| what(outcome)).count();
        let (ran, in_doubt, unknown) = (count(|o| o.runs == 1), count(|o| o.in_doubt), count(|o| o.unknown));
        Self { ran, in_doubt, unknown, of: outcomes.len() }
    }

    /// What may be unknown of a task is known of nearly all.
    fn assert_most_are_known(&self) {
        let Self { ran, in_doubt, unknown, of } = *self;
        assert!(ran > 0, "none of {of} tasks ran");
        let bound = of / MOST_IN_DOUBT;
        assert!(
            in_doubt + unknown <= bound,
            "of {of} tasks {in_doubt} are in doubt, {unknown} without a code"
        );
    }
}

fn assert_none_is_wrong(host: &Host, outcomes: &[Outcome]) {
    let wrong: Vec<&str> = outcomes.iter().flat_map(|o| &o.wrong).map(String::as_str).collect();
    if let Some(first) = wrong.first().and_then(|line| line.split(':').next()) {
        let lines = [("agent", host.agent_log()), ("containerd", host.containerd().log())];
        for (who, text) in lines {
            text.lines().filter(|line| line.contains(first)).for_each(|line| println!("{who}: {line}"));
        }
    }
    let tasks = outcomes.iter().filter(|outcome| !outcome.wrong.is_empty()).count();
    assert!(wrong.is_empty(), "{tasks} of {} tasks are wrong:\n{}", outcomes.len(), wrong.join("\n"));
}

/// Tasks that run while containerd is restarted; each is the process that it was.
struct Steady {
    tasks: Vec<acs::Task>,
    processes: BTreeMap<String, u32>,
}

impl Steady {
    async fn running(host: &Host, control: &Scripted, proofs: &Path) -> Self {
        let stay = ["sh", "-c", "trap 'exit 0' TERM; sleep 36000 & wait"];
        let task = |n| proving(awsvpc_task(99, 10 + n, vec![container("app", &stay)]), proofs);
        let mut steady = Self { tasks: (0..STEADY).map(task).collect(), processes: BTreeMap::new() };
        control.send(payload(steady.tasks.clone()).1);
        for task in &steady.tasks {
            control.status_of(arn(task), "RUNNING", SOON).await;
        }
        steady.processes = steady.now(host);
        steady
    }

    fn now(&self, host: &Host) -> BTreeMap<String, u32> {
        let ids: Vec<String> = self.tasks.iter().map(|task| format!("{}-app", id(task))).collect();
        host.tasks().into_iter().filter(|(id, _)| ids.contains(id)).map(|(id, (pid, _))| (id, pid)).collect()
    }

    async fn end(self, host: &Host, control: &Scripted, proofs: &Path) {
        assert_eq!(self.now(host), self.processes, "the steady tasks are the processes they were");
        control.send(payload(self.tasks.iter().map(stop).collect()).1);
        for task in &self.tasks {
            control.status_of(arn(task), "STOPPED", SOON).await;
            assert_eq!(control.last_told(arn(task), "app").exit_code, Some(0));
            assert_eq!(told(control, task), ["RUNNING", "STOPPED"]);
            assert_eq!(std::fs::read_to_string(proofs.join(id(task))).unwrap(), "ran\n");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_of_containerd_under_churn_change_no_state_and_start_no_task_again() {
    let times = long::pick(8, 100);
    let (mut host, control) = connected_on(Host::with_own_containerd().unwrap()).await;
    let proofs = host.dir().join("proofs");
    std::fs::create_dir(&proofs).unwrap();
    let steady = Steady::running(&host, &control, &proofs).await;
    let begin = Instant::now();
    let done = tokio_util::sync::CancellationToken::new();
    let (all, longest) = tokio::join!(churn(&control, &proofs, &done), async {
        let longest = restart(&mut host, times).await;
        done.cancel();
        longest
    });
    let took = begin.elapsed();
    let outcomes = outcomes(&host, &control, &all, &proofs).await;
    steady.end(&host, &control, &proofs).await;
    let pace = all.len() as f64 / took.as_secs_f64();
    let count = Count::of(&outcomes);
    println!(
        "{times} restarts in {took:?}: {} tasks, {pace:.1} a second, {} ran, {} in doubt, {} codes discarded by containerd, events back after {longest:?} at most",
        count.of, count.ran, count.in_doubt, count.unknown
    );
    assert_none_is_wrong(&host, &outcomes);
    count.assert_most_are_known();
    if long::is_long() {
        assert!(pace >= LEAST_PACE, "{pace:.1} tasks a second are no churn");
    }
    let blamed = host.agent_log().matches("this image crashes containerd").count();
    assert_eq!(blamed, 0, "no image is blamed for what was done to containerd from outside");
    end(host, control).await;
}
