//! Containers with a restart policy: started again in place, and only as the policy says, whatever happens to the agent meanwhile.

use crate::lifecycle::{connected, connected_on, end};
use serde_json::Value;
use std::time::{Duration, Instant};
use wharf_protocol::acs;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::wait;
use wharf_tests::world::Host;

const SOON: Duration = Duration::from_secs(60);
/// Says the number of its run, from a file of its root. A start may be answered late: runs that are to be followed by another
/// last some seconds longer than their period.
const RUN: &str = "echo x >> /runs; n=$(wc -l < /runs); echo run $n; trap 'exit 0' TERM";
const STAY: &str = "sleep 3600 & wait";

/// A task with one container that runs this after `RUN`.
fn task(net: u8, host: u8, script: &str, policy: acs::RestartPolicy) -> acs::Task {
    let mut app = container("app", &["sh", "-c", &format!("{RUN}; {script}")]);
    app.restart_policy = Some(policy);
    awsvpc_task(net, host, vec![app])
}

fn after(seconds: i64, ignored: &[i64]) -> acs::RestartPolicy {
    acs::RestartPolicy {
        enabled: Some(true),
        restart_attempt_period: Some(seconds),
        ignored_exit_codes: ignored.to_vec(),
    }
}

fn id(task: &acs::Task) -> &str {
    arn(task).rsplit('/').next().unwrap()
}

fn app(task: &acs::Task) -> String {
    format!("{}-app", id(task))
}

async fn run(control: &Scripted, task: &acs::Task) -> Instant {
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(task), "RUNNING", SOON).await.0
}

async fn says(host: &Host, task: &acs::Task, text: &str) {
    wait::until(&format!("{text:?} in the log"), SOON, async || {
        let output = host.output(id(task), "app");
        output.contains(text).then_some(()).ok_or(output)
    })
    .await;
}

/// What the container is told of itself, once it is told of so many restarts: it says a word of its own before its start is answered.
async fn after_restarts(count: u64, host: &Host, task: &acs::Task) -> Value {
    wait::until(&format!("the endpoint to tell {count} restarts"), SOON, async || {
        let (code, body) = host.exec(&app(task), "wget -q -O- $ECS_CONTAINER_METADATA_URI_V4");
        let told: Option<Value> = serde_json::from_str(&body).ok();
        told.filter(|told| told["RestartCount"] == count).ok_or_else(|| format!("{code:?}: {body}"))
    })
    .await
}

async fn stopped(control: &Scripted, task: &acs::Task) -> Option<i64> {
    control.status_of(arn(task), "STOPPED", SOON).await;
    control.last_told(arn(task), "app").exit_code
}

async fn stop_it(control: &Scripted, task: &acs::Task) {
    control.deliver(payload(vec![stop(task)]));
    assert_eq!(stopped(control, task).await, Some(0), "{}", arn(task));
}

fn start_again(host: &mut Host, control: &Scripted) {
    host.start_agent(&format!("http://{}", control.address())).unwrap();
}

async fn pass(until: Instant) {
    wait::until("the time to go on", SOON, async || {
        (Instant::now() >= until).then_some(()).ok_or("not yet".to_owned())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_fails_is_started_again_in_place_and_is_running_for_the_control_plane() {
    let (host, control) = connected().await;
    let task = task(110, 10, &format!("[ $n -lt 3 ] && sleep 4 && exit 3; {STAY}"), after(1, &[]));
    run(&control, &task).await;
    let first = host.tasks()[&app(&task)].0;
    says(&host, &task, "run 3").await;
    assert_eq!(after_restarts(2, &host, &task).await["KnownStatus"], "RUNNING");
    let (pid, status) = host.tasks()[&app(&task)].clone();
    assert!(pid != first && status == "RUNNING", "another process of the same container: {pid} {status}");
    assert_eq!(
        host.output(id(&task), "app"),
        "run 1\nrun 2\nrun 3\n",
        "one log, and the files of the runs before"
    );
    assert!(!control.statuses_of(arn(&task)).contains(&"STOPPED".to_owned()));
    assert_eq!(control.last_told(arn(&task), "app").status.as_deref(), Some("RUNNING"));
    let explained = host.agent_command().args(["explain", id(&task)]).output().unwrap();
    let explained = String::from_utf8(explained.stdout).unwrap();
    assert!(explained.contains("app: its process exited with code 3 after"), "{explained}");
    assert!(explained.contains("app: started again, restart 2"), "{explained}");
    stop_it(&control, &task).await;
    assert_eq!(control.statuses_of(arn(&task)).iter().filter(|status| *status == "RUNNING").count(), 1);
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_code_and_too_short_a_run_stop_the_task() {
    let (host, control) = connected().await;
    let ignored = task(111, 10, "sleep 4; exit 7", after(1, &[3, 7]));
    let short = task(111, 11, "exit 9", after(3600, &[]));
    control.send(payload(vec![ignored.clone(), short.clone()]).1);
    for (task, code, why) in
        [(&ignored, 7, "ignores this code"), (&short, 9, "of the 3600 s after which its restart policy")]
    {
        assert_eq!(stopped(&control, task).await, Some(code));
        assert_eq!(host.output(id(task), "app"), "run 1\n");
        let explained = host.agent_command().args(["explain", id(task)]).output().unwrap();
        let explained = String::from_utf8(explained.stdout).unwrap();
        assert!(explained.contains(why), "{explained}");
    }
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_period_goes_on_while_no_agent_runs_and_over_its_start() {
    let (mut host, control) = connected().await;
    // Counted anew from the start of the second agent, the first run of neither would be long enough, or that of the third be.
    let back = task(112, 10, &format!("[ $n -lt 2 ] && sleep 14 && exit 3; {STAY}"), after(9, &[]));
    let missed = task(112, 11, &format!("[ $n -lt 2 ] && sleep 5 && exit 3; {STAY}"), after(2, &[]));
    let short = task(112, 12, "sleep 3; exit 3", after(7, &[]));
    control.send(payload(vec![back.clone(), missed.clone(), short.clone()]).1);
    let mut began = Instant::now();
    for task in [&back, &missed, &short] {
        began = control.status_of(arn(task), "RUNNING", SOON).await.0;
    }
    host.kill_agent().unwrap();
    pass(began + Duration::from_secs(8)).await;
    start_again(&mut host, &control);
    assert_eq!(stopped(&control, &short).await, Some(3), "its three seconds were not the eight of the agent");
    for task in [&back, &missed] {
        says(&host, task, "run 2").await;
        after_restarts(1, &host, task).await;
        stop_it(&control, task).await;
    }
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_dies_within_a_restart_leaves_it_to_the_next() {
    let (mut host, control) = connected().await;
    let url = format!("http://{}", control.address());
    for (number, point) in
        (10..).zip(["renew.before", "renew.cleared", "renew.noted", "renew.after", "start.after"])
    {
        host.kill_agent().unwrap();
        // Its own start is the first one.
        let hit = if point == "start.after" { 2 } else { 1 };
        let sessions = control.sessions();
        host.start_agent_to_die_at(point, hit, &url).unwrap();
        control.connected_again(sessions).await;
        let task = task(113, number, &format!("[ $n -lt 2 ] && sleep 4 && exit 3; {STAY}"), after(1, &[]));
        run(&control, &task).await;
        wait::until(&format!("the agent's death at {point}"), SOON, || {
            std::future::ready(host.agent_died_at(point))
        })
        .await;
        let sessions = control.sessions();
        start_again(&mut host, &control);
        control.connected_again(sessions).await;
        says(&host, &task, "run 2").await;
        after_restarts(1, &host, &task).await;
        assert_eq!(host.output(id(&task), "app"), "run 1\nrun 2\n", "{point}");
        stop_it(&control, &task).await;
    }
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_comes_between_two_processes_stops() {
    let (mut host, control) = connected().await;
    host.kill_agent().unwrap();
    // Time between the end of one process and the making of the next.
    host.set("FAILPOINTS", "renew.cleared=sleep(5000)");
    let sessions = control.sessions();
    start_again(&mut host, &control);
    control.connected_again(sessions).await;
    let task = task(114, 10, "sleep 4; exit 3", after(1, &[]));
    run(&control, &task).await;
    wait::until("the time between", SOON, async || {
        let tasks = host.tasks();
        if tasks.contains_key(&app(&task)) { Err(format!("{tasks:?}")) } else { Ok(()) }
    })
    .await;
    control.send(payload(vec![stop(&task)]).1);
    assert_eq!(stopped(&control, &task).await, Some(3));
    assert_eq!(host.output(id(&task), "app"), "run 1\n", "it was not started again");
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containerd_that_dies_within_a_restart_delays_it() {
    let mut host = Host::with_own_containerd().unwrap();
    host.set("FAILPOINTS", "renew.cleared=1*sleep(4000)->1*off;renew.noted=1*off->1*sleep(4000)");
    let (mut host, control) = connected_on(host).await;
    let task = task(116, 10, &format!("[ $n -lt 3 ] && sleep 5 && exit 3; {STAY}"), after(1, &[]));
    run(&control, &task).await;
    // Between two processes, before and after the note: first where the one is asked for, then the other.
    for number in 2..=3 {
        wait::until("the time between", SOON, async || {
            let tasks = host.tasks();
            if tasks.contains_key(&app(&task)) { Err(format!("{tasks:?}")) } else { Ok(()) }
        })
        .await;
        host.own_containerd().kill().unwrap();
        host.own_containerd().start_again().unwrap();
        says(&host, &task, &format!("run {number}")).await;
    }
    after_restarts(2, &host, &task).await;
    assert_eq!(host.output(id(&task), "app"), "run 1\nrun 2\nrun 3\n");
    stop_it(&control, &task).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_its_data_knows_policy_and_count_from_the_container() {
    let (mut host, control) = connected().await;
    let script = format!("[ $n -lt 2 ] && sleep 4 && exit 3; [ $n -lt 3 ] && sleep 12 && exit 4; {STAY}");
    let task = task(115, 10, &script, after(2, &[]));
    run(&control, &task).await;
    says(&host, &task, "run 2").await;
    after_restarts(1, &host, &task).await;
    host.kill_agent().unwrap();
    std::fs::remove_dir_all(host.dir().join("data")).unwrap();
    let sessions = control.sessions();
    start_again(&mut host, &control);
    control.connected_again(sessions).await;
    wait::until("another restart", SOON, async || match host.exec(&app(&task), "wc -l < /runs") {
        (Some(0), runs) if runs.trim() == "3" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    after_restarts(2, &host, &task).await;
    stop_it(&control, &task).await;
    end(host, control).await;
}
