//! What goes on over a kill of the agent: deadlines, counts, logs and the answers that tasks get.

use crate::lifecycle::{connected, connected_on, end};
use std::time::{Duration, Instant};
use wharf_protocol::acs;
use wharf_tests::asker::Watcher;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::restart::{Watched, free_port};
use wharf_tests::scripted::Scripted;
use wharf_tests::wait;
use wharf_tests::world::Host;

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
const SOON: Duration = Duration::from_secs(60);
/// What a late start, or a loaded machine, may add to a deadline; far from a deadline that was begun anew.
const LATE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_way_keeps_its_deadline() {
    let (mut host, control) = connected().await;
    let mut deaf = container("deaf", &["sh", "-c", "trap 'echo told' TERM; while :; do sleep 1; done"]);
    deaf.stop_timeout = Some(30);
    let task = awsvpc_task(150, 10, vec![deaf]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "RUNNING", SOON).await;
    let asked = control.send(payload(vec![stop(&task)]).1);
    output_of(&host, &task, "deaf", "told").await;
    dead_until(&mut host, &control, asked + Duration::from_secs(20)).await;
    let (stopped, _) = control.status_of(arn(&task), "STOPPED", SOON).await;
    assert_eq!(control.last_told(arn(&task), "deaf").exit_code, Some(137));
    between(stopped - asked, Duration::from_secs(30));
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_a_dependency_keeps_its_deadline() {
    let (mut host, control) = connected().await;
    let mut first = container("first", STAY);
    probed(&mut first, "exit 1", 3600);
    // Counts from the start of the container that is waited for.
    first.start_timeout = Some(30);
    let mut second = container("second", STAY);
    second.depends_on = vec![acs::ContainerDependency {
        container_name: Some("first".to_owned()),
        condition: Some("HEALTHY".to_owned()),
    }];
    let task = awsvpc_task(151, 10, vec![first, second]);
    control.send(payload(vec![task.clone()]).1);
    wait::until("the first container", SOON, async || {
        let running = host.tasks().values().any(|(_, status)| status == "RUNNING");
        running.then_some(()).ok_or("no container".to_owned())
    })
    .await;
    let started = Instant::now();
    dead_until(&mut host, &control, started + Duration::from_secs(20)).await;
    let (stopped, told) = control.status_of(arn(&task), "STOPPED", SOON).await;
    assert!(told.reason.unwrap_or_default().contains("its startTimeout ran out"));
    between(stopped - started, Duration::from_secs(30));
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_health_checks_are_counted_on() {
    const RETRIES: usize = 6;
    let (mut host, control) = connected().await;
    let mut web = container("web", STAY);
    probed(&mut web, "echo >> /tmp/probes; exit 1", 2);
    let task = awsvpc_task(152, 10, vec![web]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "RUNNING", SOON).await;
    let id = format!("{}-web", id(&task));
    let probes = || host.exec(&id, "cat /tmp/probes").1.lines().count();
    wait::until("half of the probes", SOON, async || {
        (probes() >= RETRIES / 2).then_some(()).ok_or("fewer".to_owned())
    })
    .await;
    host.kill_agent().unwrap();
    let before = host.exec(&id, "cat /tmp/probes").1.lines().count();
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    let watched = Watched::now(&host, "127.0.0.1:1".parse().unwrap()).unwrap();
    wait::until("UNHEALTHY", SOON, async || match watched.askers()[0].ask() {
        Ok(answer) if answer.contains("UNHEALTHY") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let after = host.exec(&id, "cat /tmp/probes").1.lines().count();
    // One probe may have been under way at the kill, and one may be since.
    assert!((RETRIES..=RETRIES + 2).contains(&after), "{before} probes before the kill, {after} in all");
    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_a_log_is_lost_or_doubled() {
    const LINES: usize = 2000;
    let (mut host, control) = connected().await;
    let count = format!(
        "i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); busybox usleep 1000; done; echo end"
    );
    let task = awsvpc_task(153, 10, vec![container("counter", &["sh", "-c", &count])]);
    control.send(payload(vec![task.clone()]).1);
    output_of(&host, &task, "counter", "line 100\n").await;
    host.kill_agent().unwrap();
    assert!(!host.output(id(&task), "counter").contains("end"), "it counts on while the agent is dead");
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    control.status_of(arn(&task), "STOPPED", SOON).await;
    let expected: String = (0..LINES).map(|n| format!("line {n}\n")).chain(["end\n".to_owned()]).collect();
    assert_eq!(host.output(id(&task), "counter"), expected);
    end(host, control).await;
}

/// The aim is one second. A machine that is busy with other things may make one restart or another longer, but not most of them, and none
/// three times as long. Each is printed.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_wait_less_than_a_second_for_their_endpoint_over_a_restart() {
    const RESTARTS: usize = 5;
    const AIM: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(3);
    let introspection = free_port().unwrap();
    let mut host = Host::new().unwrap();
    host.set("WHARF_INTROSPECTION_LISTEN", &introspection.to_string());
    let (mut host, control) = connected_on(host).await;
    let tasks: Vec<_> = (10..30).map(|n| awsvpc_task(154, n, vec![container("app", STAY)])).collect();
    control.send(payload(tasks.clone()).1);
    for task in &tasks {
        control.status_of(arn(task), "RUNNING", SOON).await;
    }
    let watched = Watched::now(&host, introspection).unwrap();
    let url = format!("http://{}", control.address());
    let mut gaps = Vec::new();
    for _ in 0..RESTARTS {
        let watchers: Vec<_> =
            watched.askers().iter().take(4).map(|a| a.watch(Duration::from_millis(20))).collect();
        watchers.iter().for_each(Watcher::answered);
        host.kill_agent().unwrap();
        watched.adopt(&mut host, &url).await.unwrap();
        watched.untouched(&host).unwrap();
        gaps.push(watchers.into_iter().map(|watcher| watcher.longest_gap()).max().unwrap());
    }
    println!("longest time without an answer, in each restart with 20 tasks: {gaps:?}");
    gaps.sort();
    assert!(gaps[RESTARTS / 2] < AIM, "the median of {gaps:?} is not below {AIM:?}");
    assert!(gaps[RESTARTS - 1] < LONGEST, "the longest of {gaps:?} is not below {LONGEST:?}");
    control.send(payload(tasks.iter().map(stop).collect()).1);
    for task in &tasks {
        control.status_of(arn(task), "STOPPED", SOON).await;
    }
    end(host, control).await;
}

/// Kills the agent and starts it again at this time.
async fn dead_until(host: &mut Host, control: &Scripted, time: Instant) {
    host.kill_agent().unwrap();
    let url = format!("http://{}", control.address());
    wait::until("the time to start again", SOON, async || {
        (Instant::now() >= time).then_some(()).ok_or("not yet".to_owned())
    })
    .await;
    host.start_agent(&url).unwrap();
}

fn between(took: Duration, deadline: Duration) {
    // The test may have looked at the clock some time after the agent did.
    assert!(took + Duration::from_secs(5) >= deadline, "{took:?} is before the deadline of {deadline:?}");
    assert!(took < deadline + LATE, "{took:?} is long after the deadline of {deadline:?}");
}

async fn output_of(host: &Host, task: &acs::Task, container: &str, text: &str) {
    wait::until(&format!("{text:?} in the log"), SOON, async || {
        let output = host.output(id(task), container);
        output.contains(text).then_some(()).ok_or(output)
    })
    .await;
}

fn probed(container: &mut acs::Container, command: &str, interval: u64) {
    container.health_check_type = Some("docker".to_owned());
    let config = serde_json::json!({"HealthCheck": {
        "Test": ["CMD-SHELL", command], "Interval": interval * 1_000_000_000, "Timeout": 5_000_000_000_u64, "Retries": 6
    }});
    container.docker_config = Some(acs::DockerConfig {
        config: Some(config.to_string()),
        host_config: Some("{}".to_owned()),
        ..Default::default()
    });
}

fn id(task: &acs::Task) -> &str {
    arn(task).rsplit('/').next().unwrap()
}
