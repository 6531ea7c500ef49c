//! `make bench`: launch latency beside its floor, a burst of fifty tasks, the agent's memory, and its restart under 200 tasks.
//!
//! Everything runs on one private containerd with a scripted control plane, so that nothing but the agent is between a payload and its
//! RUNNING. Each launch is paired with a floor launch right after it: both see the same machine.

use anyhow::{Context, Result};
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use wharf_protocol::acs;
use wharf_protocol::api::SubmitTaskStateChangeRequest;
use wharf_tests::floor::Floor;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::restart::{Watched, free_port};
use wharf_tests::scripted::{CLUSTER_ARN, INSTANCE_ARN, Received, Scripted};
use wharf_tests::world::Host;

/// Launches that are measured, after some that warm the page cache.
const LAUNCHES: u8 = 100;
const WARM_UP: u8 = 3;
/// Restarts of the agent that are measured, and the tasks that run meanwhile.
const RESTARTS: usize = 5;
const ADOPTED: u8 = 200;
const STAY: &[&str] = &["/bin/sleep", "3600"];
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<()> {
    let mut host = Host::new()?;
    let introspection = free_port()?;
    host.set("ECS_LOGLEVEL", "info").set("WHARF_INTROSPECTION_LISTEN", &introspection.to_string());
    host.load_image()?;
    let control = Scripted::start().await?;
    host.start_agent(&format!("http://{}", control.address()))?;
    control.connected().await;

    let idle = settled_rss(&host).await?;
    let launches = launches(&host, &control).await?;
    let burst = burst(&control).await;
    let busy = with_twenty_tasks(&host, &control).await?;
    let restarts = restarts(&mut host, &control, introspection).await?;

    control.stop().await;
    tokio::task::spawn_blocking(move || host.finish()).await?;
    report(&launches, burst, (idle, busy), &restarts)
}

/// Latencies in milliseconds, sorted.
struct Launches {
    /// The interface was announced and attached before the payload, as ECS does.
    agent: Vec<f64>,
    /// The payload brought the interface: making the network is part of the time.
    unannounced: Vec<f64>,
    floor: Vec<f64>,
}

async fn launches(host: &Host, control: &Scripted) -> Result<Launches> {
    let floor = floor(host).await?;
    let mut found = Launches { agent: Vec::new(), unannounced: Vec::new(), floor: Vec::new() };
    for n in 0..WARM_UP + LAUNCHES {
        let agent = launch(control, n, true).await;
        let unannounced = launch(control, n, false).await;
        let bare = floor.launch(&format!("floor-{n}"), STAY).await?;
        if n >= WARM_UP {
            found.agent.push(agent.as_secs_f64() * 1000.0);
            found.unannounced.push(unannounced.as_secs_f64() * 1000.0);
            found.floor.push(bare.as_secs_f64() * 1000.0);
        }
    }
    found.agent.sort_by(f64::total_cmp);
    found.unannounced.sort_by(f64::total_cmp);
    found.floor.sort_by(f64::total_cmp);
    Ok(found)
}

/// One task: the time from its payload to RUNNING, with its interface announced before or brought by the payload.
async fn launch(control: &Scripted, n: u8, announced: bool) -> Duration {
    let net = if announced { 50 } else { 53 };
    let task = awsvpc_task(net, n + 10, vec![polite(container("app", STAY))]);
    if announced {
        attach(control, &task, n).await;
    }
    let sent = control.send(payload(vec![task.clone()]).1);
    let (running, _) = control.status_of(arn(&task), "RUNNING", DEADLINE).await;
    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", DEADLINE).await;
    running.duration_since(sent)
}

/// Announces the task's interface and waits until the agent has it.
async fn attach(control: &Scripted, task: &acs::Task, n: u8) {
    let eni = task.elastic_network_interfaces[0].clone();
    let attachment = eni.attachment_arn.clone();
    control.send(acs::AttachTaskNetworkInterfacesMessage {
        message_id: Some(format!("attach-{n}")),
        cluster_arn: Some(CLUSTER_ARN.to_owned()),
        container_instance_arn: Some(INSTANCE_ARN.to_owned()),
        task_arn: task.arn.clone(),
        wait_timeout_ms: Some(60_000),
        elastic_network_interfaces: vec![eni],
        ..Default::default()
    });
    let is_it =
        |s: &SubmitTaskStateChangeRequest| s.attachments.iter().any(|a| a.attachment_arn == attachment);
    control
        .wait_for("ATTACHED", DEADLINE, |journal| {
            journal.iter().any(|(_, r)| matches!(r, Received::Submitted(s) if is_it(s))).then_some(())
        })
        .await;
}

/// `sleep` as PID 1 ignores SIGTERM; it need not be waited for.
fn polite(mut container: acs::Container) -> acs::Container {
    container.stop_timeout = Some(1);
    container.docker_config = Some(acs::DockerConfig {
        config: Some(r#"{"StopSignal":"SIGKILL"}"#.to_owned()),
        host_config: Some("{}".to_owned()),
        ..Default::default()
    });
    container
}

/// Fifty tasks in one payload: seconds until the last RUNNING.
async fn burst(control: &Scripted) -> f64 {
    let tasks: Vec<_> = (10..60).map(|n| awsvpc_task(51, n, vec![polite(container("app", STAY))])).collect();
    let sent = control.send(payload(tasks.clone()).1);
    let mut last = sent;
    for task in &tasks {
        last = last.max(control.status_of(arn(task), "RUNNING", DEADLINE).await.0);
    }
    finish(control, &tasks).await;
    last.duration_since(sent).as_secs_f64()
}

async fn with_twenty_tasks(host: &Host, control: &Scripted) -> Result<f64> {
    let tasks: Vec<_> = (10..30).map(|n| awsvpc_task(52, n, vec![polite(container("app", STAY))])).collect();
    control.send(payload(tasks.clone()).1);
    for task in &tasks {
        control.status_of(arn(task), "RUNNING", DEADLINE).await;
    }
    let rss = settled_rss(host).await?;
    finish(control, &tasks).await;
    Ok(rss)
}

/// Times in milliseconds, sorted.
struct Restarts {
    /// The two calls that list what runs, alone.
    listing: Vec<f64>,
    /// Until the first task was served again.
    first: Vec<f64>,
    /// Until all were adopted.
    all: Vec<f64>,
}

/// Kills the agent under many running tasks and starts it again, some times.
async fn restarts(host: &mut Host, control: &Scripted, introspection: SocketAddr) -> Result<Restarts> {
    let tasks: Vec<_> =
        (0..ADOPTED).map(|n| awsvpc_task(54, n + 10, vec![polite(container("app", STAY))])).collect();
    for some in tasks.chunks(50) {
        control.send(payload(some.to_vec()).1);
        for task in some {
            control.status_of(arn(task), "RUNNING", DEADLINE).await;
        }
    }
    let (floor, watched) = (floor(host).await?, Watched::now(host, introspection)?);
    let mut found = Restarts { listing: Vec::new(), first: Vec::new(), all: Vec::new() };
    for _ in 0..RESTARTS {
        let sessions = control.sessions();
        host.kill_agent()?;
        found.listing.push(floor.list().await?.as_secs_f64() * 1000.0);
        let adoption = watched.adopt(host, &format!("http://{}", control.address())).await?;
        found.first.push(adoption.first.as_secs_f64() * 1000.0);
        found.all.push(adoption.all.as_secs_f64() * 1000.0);
        watched.untouched(host)?;
        control.connected_again(sessions).await;
    }
    for some in tasks.chunks(50) {
        finish(control, some).await;
    }
    for times in [&mut found.listing, &mut found.first, &mut found.all] {
        times.sort_by(f64::total_cmp);
    }
    Ok(found)
}

async fn floor(host: &Host) -> Result<Floor> {
    let chain_id = chain_id(host)?;
    let (socket, scope) = (host.containerd().socket(), host.scope());
    Floor::connect(&socket, host.namespace(), &chain_id, scope.cgroup_root).await
}

async fn finish(control: &Scripted, tasks: &[acs::Task]) {
    control.send(payload(tasks.iter().map(stop).collect()).1);
    for task in tasks {
        control.status_of(arn(task), "STOPPED", DEADLINE).await;
    }
}

/// Resident memory of the agent in MiB, the largest of ten readings over five seconds.
async fn settled_rss(host: &Host) -> Result<f64> {
    let pid = host.agent_pid().context("the agent runs")?;
    let mut most = 0.0_f64;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
        most = most.max(kib / 1024.0);
    }
    Ok(most)
}

/// The one committed snapshot of the demo image's single layer.
fn chain_id(host: &Host) -> Result<String> {
    let output = host.containerd().ctr(host.namespace()).args(["snapshots", "ls"]).output()?;
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = table.lines().find(|line| line.contains("Committed")).context("the image is unpacked")?;
    Ok(row.split_whitespace().next().context("a row has a key")?.to_owned())
}

/// The value below which `part` of the sorted values lie.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len() - 1;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few dozen values"
    )]
    let index = (last as f64 * part).round() as usize;
    sorted[index.min(last)]
}

fn report(launches: &Launches, burst: f64, (idle, busy): (f64, f64), restarts: &Restarts) -> Result<()> {
    let (p50, p99) = (quantile(&launches.agent, 0.5), quantile(&launches.agent, 0.99));
    let (floor50, floor99) = (quantile(&launches.floor, 0.5), quantile(&launches.floor, 0.99));
    let ratio = p50 / floor50;
    let (with50, with99) = (quantile(&launches.unannounced, 0.5), quantile(&launches.unannounced, 0.99));
    println!(
        "launch, payload sent to RUNNING received (cached image, awsvpc, one container), n = {}",
        launches.agent.len()
    );
    println!("  {:<28} {:>10} {:>10}", "", "p50 ms", "p99 ms");
    println!("  {:<28} {:>10.1} {:>10.1}", "wharf-agent", p50, p99);
    println!("  {:<28} {:>10.1} {:>10.1}", "  making its network as well", with50, with99);
    println!("  {:<28} {:>10.1} {:>10.1}", "floor: containerd alone", floor50, floor99);
    println!("  {:<28} {:>10.2} ({:.2} with the network)", "ratio of the medians", ratio, with50 / floor50);
    println!("burst, 50 tasks in one payload until all RUNNING: {burst:.2} s");
    println!("resident memory of the agent: idle {idle:.1} MiB, with 20 tasks {busy:.1} MiB");
    let restart = |times: &[f64]| (quantile(times, 0.5), quantile(times, 1.0));
    let [listing, first, all] = [&restarts.listing, &restarts.first, &restarts.all].map(|t| restart(t));
    println!("restart of the agent with {ADOPTED} running tasks, n = {RESTARTS}, no container touched");
    println!("  {:<28} {:>10} {:>10}", "", "p50 ms", "most ms");
    println!("  {:<28} {:>10.1} {:>10.1}", "first task served again", first.0, first.1);
    println!("  {:<28} {:>10.1} {:>10.1}", "all adopted", all.0, all.1);
    println!("  {:<28} {:>10.1} {:>10.1}", "floor: listing alone", listing.0, listing.1);
    let json = json!({
        "launch.n": launches.agent.len(), "launch.p50_ms": p50, "launch.p99_ms": p99,
        "launch.floor_p50_ms": floor50, "launch.floor_p99_ms": floor99, "launch.ratio": ratio,
        "launch.with_network_p50_ms": with50, "launch.with_network_p99_ms": with99,
        "launch.with_network_ratio": with50 / floor50,
        "burst50.seconds": burst, "memory.idle_rss_mib": idle, "memory.tasks20_rss_mib": busy,
        "restart200.adopted_p50_ms": all.0, "restart200.adopted_most_ms": all.1,
        "restart200.first_p50_ms": first.0, "restart200.floor_p50_ms": listing.0,
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench.json");
    std::fs::write(path, serde_json::to_string_pretty(&json)?)?;
    println!("written to target/bench.json");
    Ok(())
}
