//! containerd is down or hangs: tasks run on, what is asked for waits, and nothing untrue is told.
//!
//! `WHARF_LONG=1` makes the downtime minutes long.

use crate::crash::exit_is_told_or_was_discarded;
use crate::lifecycle::{connected_on, end};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};
use wharf_protocol::acs;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::signal::terminate;
use wharf_tests::world::Host;
use wharf_tests::{http, long, wait};

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
const SOON: Duration = Duration::from_secs(60);

fn app(task: &acs::Task) -> String {
    format!("{}-app", arn(task).rsplit('/').next().unwrap())
}

async fn run(control: &Scripted, task: &acs::Task) {
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(task), "RUNNING", SOON).await;
}

/// Every status of the task, each once and in order.
fn assert_told(control: &Scripted, task: &acs::Task, expected: &[&str]) {
    let told = control.statuses_of(arn(task));
    // PENDING is left out when the next status came first.
    let told: Vec<&str> = told.iter().map(String::as_str).filter(|status| *status != "PENDING").collect();
    assert_eq!(told, expected, "of {}", arn(task));
}

/// A systemd that only listens for signs of life.
struct Systemd {
    socket: UnixDatagram,
    last: Instant,
}

impl Systemd {
    const LONGEST: Duration = Duration::from_secs(15);

    fn listen(host: &mut Host) -> Self {
        let path = host.dir().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        host.set("NOTIFY_SOCKET", path.to_str().unwrap());
        host.set("WATCHDOG_USEC", &Self::LONGEST.as_micros().to_string());
        Self { socket, last: Instant::now() }
    }

    /// Complains when systemd would have killed the agent by now.
    fn content(&mut self) -> Result<(), String> {
        let mut buffer = [0; 256];
        while let Ok(read) = self.socket.recv(&mut buffer) {
            if buffer[..read].starts_with(b"WATCHDOG=1") {
                self.last = Instant::now();
            }
        }
        let silence = self.last.elapsed();
        if silence < Self::LONGEST { Ok(()) } else { Err(format!("no sign of life for {silence:?}")) }
    }
}

/// Asks the endpoint in the task's namespace, as the container would and without containerd's help.
fn metadata(pid: u32) -> Result<(), String> {
    let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).map_err(|e| e.to_string())?;
    let url = environment.split('\0').find_map(|line| line.strip_prefix("ECS_CONTAINER_METADATA_URI_V4="));
    let path = url.and_then(|url| url.strip_prefix("http://169.254.170.2")).ok_or("no metadata")?.to_owned();
    let namespace = std::fs::File::open(format!("/proc/{pid}/ns/net")).map_err(|e| e.to_string())?;
    // A thread of its own, which ends with its namespace.
    let ask = std::thread::spawn(move || {
        nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET).map_err(|e| e.to_string())?;
        let page = http::get(([169, 254, 170, 2], 80).into(), &path).map_err(|e| format!("{e:#}"))?;
        if page.contains("DockerId") { Ok(()) } else { Err(page) }
    });
    ask.join().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_containerd_is_down_tasks_run_on_and_what_is_asked_for_waits() {
    let mut host = Host::with_own_containerd().unwrap();
    let mut systemd = Systemd::listen(&mut host);
    let (mut host, control) = connected_on(host).await;
    let stays = awsvpc_task(90, 10, vec![container("app", STAY)]);
    let stopped = awsvpc_task(90, 11, vec![container("app", STAY)]);
    run(&control, &stays).await;
    run(&control, &stopped).await;
    let (pid, _) = host.tasks()[&app(&stays)];
    host.own_containerd().kill().unwrap();

    let late = awsvpc_task(90, 12, vec![container("app", STAY)]);
    let job = awsvpc_task(90, 13, vec![container("app", &["sh", "-c", "exit 5"])]);
    control.send(payload(vec![late.clone(), job.clone(), stop(&stopped)]).1);
    let downtime = Duration::from_secs(long::pick(20, 300));
    wait::throughout("a healthy agent and a task that is served", downtime, async || {
        metadata(pid)?;
        systemd.content()
    })
    .await;
    let (id, message) = payload(vec![stays.clone()]);
    control.send(message);
    control.acked(&id, SOON).await;
    assert_told(&control, &stays, &["RUNNING"]);
    assert_told(&control, &stopped, &["RUNNING"]);
    assert_told(&control, &late, &[]);

    host.own_containerd().start_again().unwrap();
    let back = Instant::now();
    for (task, status) in [(&late, "RUNNING"), (&job, "STOPPED"), (&stopped, "STOPPED")] {
        let (at, _) = control.status_of(arn(task), status, SOON).await;
        println!("{status} {:?} after containerd was back", at.saturating_duration_since(back));
    }
    assert_eq!(control.last_told(arn(&job), "app").exit_code, Some(5));
    assert_eq!(host.tasks()[&app(&stays)].0, pid);
    control.send(payload(vec![stop(&stays), stop(&late)]).1);
    for task in [&stays, &late, &stopped] {
        control.status_of(arn(task), "STOPPED", SOON).await;
        assert_eq!(control.last_told(arn(task), "app").exit_code, Some(0));
        assert_told(&control, task, &["RUNNING", "STOPPED"]);
    }
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_waits_for_containerd_longer_than_it_may_is_told_stopped_and_why() {
    let mut host = Host::with_own_containerd().unwrap();
    host.set("ECS_IMAGE_PULL_TIMEOUT", "3s");
    let (mut host, control) = connected_on(host).await;
    let stays = awsvpc_task(91, 10, vec![container("app", STAY)]);
    run(&control, &stays).await;
    host.own_containerd().kill().unwrap();
    let late = awsvpc_task(91, 11, vec![container("app", STAY)]);
    control.send(payload(vec![late.clone()]).1);
    let (_, told) = control.status_of(arn(&late), "STOPPED", SOON).await;
    let reason = told.reason.unwrap_or_default();
    assert!(reason.starts_with("DockerTimeoutError: Could not transition to PULLED"), "{reason}");
    assert!(reason.contains("containerd does not listen"), "{reason}");
    assert_told(&control, &stays, &["RUNNING"]);
    host.own_containerd().start_again().unwrap();
    control.send(payload(vec![stop(&stays)]).1);
    control.status_of(arn(&stays), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containerd_that_hangs_is_waited_for_whether_it_comes_to_or_is_killed() {
    let mut host = Host::with_own_containerd().unwrap();
    let mut systemd = Systemd::listen(&mut host);
    let (mut host, control) = connected_on(host).await;
    let stays = awsvpc_task(92, 10, vec![container("app", STAY)]);
    run(&control, &stays).await;
    let (pid, _) = host.tasks()[&app(&stays)];
    for (round, killed) in [(0_u8, false), (1, true)] {
        let job = ["sh", "-c", "trap 'exit 9' TERM; sleep 3600 & wait"];
        let ends = awsvpc_task(92, 20 + round, vec![container("app", &job)]);
        run(&control, &ends).await;
        let (process, _) = host.tasks()[&app(&ends)];
        host.own_containerd().freeze().unwrap();
        let late = awsvpc_task(92, 30 + round, vec![container("app", STAY)]);
        control.send(payload(vec![late.clone()]).1);
        // It ends on the host's side while nobody can tell.
        terminate(process).await;
        // Longer than the deadline of a call, so that what was asked for has failed at least once.
        wait::throughout("a healthy agent and a task that is served", Duration::from_secs(15), async || {
            metadata(pid)?;
            systemd.content()
        })
        .await;
        assert_told(&control, &stays, &["RUNNING"]);
        assert_told(&control, &late, &[]);
        if killed {
            host.own_containerd().kill().unwrap();
            host.own_containerd().start_again().unwrap();
        } else {
            host.own_containerd().thaw().unwrap();
        }
        control.status_of(arn(&late), "RUNNING", SOON).await;
        control.status_of(arn(&ends), "STOPPED", SOON).await;
        exit_is_told_or_was_discarded(&host, &control.last_told(arn(&ends), "app"), 9);
        assert_eq!(host.tasks()[&app(&stays)].0, pid);
        control.send(payload(vec![stop(&late)]).1);
        control.status_of(arn(&late), "STOPPED", SOON).await;
        assert_told(&control, &late, &["RUNNING", "STOPPED"]);
    }
    control.send(payload(vec![stop(&stays)]).1);
    control.status_of(arn(&stays), "STOPPED", SOON).await;
    end(host, control).await;
}
