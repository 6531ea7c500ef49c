//! `wharf-agent explain` against real containerd: what a task waits for, why it stopped, what it said last, what it used.

use crate::lifecycle::{connected, connected_on, end};
use serde_json::Value;
use std::time::Duration;
use wharf_protocol::acs;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::wait;
use wharf_tests::world::Host;

const SOON: Duration = Duration::from_secs(60);
const STAY: &[&str] = &["sh", "-c", "echo ready; trap 'exit 0' TERM; sleep 3600 & wait"];

fn id(task: &acs::Task) -> &str {
    arn(task).rsplit('/').next().unwrap()
}

/// What the command prints, or why it fails.
fn asked(host: &Host, words: &[&str]) -> Result<String, String> {
    let output = host.agent_command().arg("explain").args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn explain(host: &Host, words: &[&str]) -> String {
    asked(host, words).unwrap()
}

fn json(host: &Host, task: &acs::Task) -> Value {
    serde_json::from_str(&explain(host, &[id(task), "--json"])).unwrap()
}

/// Waits until the text holds all of these.
async fn told(host: &Host, task: &acs::Task, parts: &[&str]) -> String {
    wait::until("what is explained", SOON, async || {
        let text = asked(host, &[id(task)])?;
        match parts.iter().find(|part| !text.contains(*part)) {
            None => Ok(text),
            Some(missing) => Err(format!("{missing:?} is not in:\n{text}")),
        }
    })
    .await
}

/// What `wharf-agent tasks` says of it.
fn line(host: &Host, task: &acs::Task, words: &[&str]) -> Option<String> {
    let output = host.agent_command().arg("tasks").args(words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find(|line| line.starts_with(id(task))).map(str::to_owned)
}

/// Memory of this machine in MiB.
fn machine() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
    total.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_task_says_what_it_lacks_and_whose_end_it_waits_for() {
    let mut host = Host::new().unwrap();
    host.set("ECS_RESERVED_MEMORY", &(machine() - 700).to_string());
    let (host, control) = connected_on(host).await;
    let sized = |address, memory| {
        let mut app = container("app", STAY);
        app.memory = Some(memory);
        awsvpc_task(180, address, vec![app])
    };
    let (first, second) = (sized(10, 400), sized(11, 512));
    control.send(payload(vec![first.clone()]).1);
    control.status_of(arn(&first), "RUNNING", SOON).await;
    control.send(payload(vec![second.clone()]).1);

    let holder = format!("free until task {} ends", id(&first));
    let text =
        told(&host, &second, &["Waits for   512 MiB of memory: ", &holder, "queued: short of memory"]).await;
    assert!(text.contains("  then      the task is admitted and its images are pulled"), "{text}");
    let listed = line(&host, &second, &[]).unwrap();
    assert!(listed.contains("waits for 512 MiB of memory: "), "{listed}");
    assert_eq!(json(&host, &second)["waitsFor"]["until"], format!("one of these tasks ends: {}", id(&first)));

    control.send(payload(vec![stop(&first)]).1);
    control.status_of(arn(&second), "RUNNING", SOON).await;
    let text = told(&host, &second, &["Told        RUNNING"]).await;
    assert!(!text.contains("Waits for"), "{text}");
    control.send(payload(vec![stop(&second)]).1);
    control.status_of(arn(&second), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_ended_by_itself_says_its_code_and_its_last_lines() {
    let (host, control) = connected().await;
    let script = "i=0; while [ $i -lt 30 ]; do echo line $i; i=$((i+1)); done; sleep 1; echo cannot open the database >&2; exit 3";
    let task = awsvpc_task(181, 10, vec![container("app", &["sh", "-c", script])]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    let why = "EssentialContainerExited: essential container app exited with code 3";
    let text = told(&host, &task, &[why, "released", "told the control plane: STOPPED"]).await;
    assert!(text.contains("| line 29") && text.contains("| cannot open the database"), "{text}");
    assert!(!text.contains("| line 5\n"), "only the last ten: {text}");
    for moment in ["received", "admitted", "network ready", "app: created", "app: started", "app: removed"] {
        assert!(text.contains(moment), "{moment} is not in:\n{text}");
    }
    assert!(!text.contains("Waits for"), "{text}");
    assert!(line(&host, &task, &[]).unwrap().contains(why));
    let told = json(&host, &task);
    assert_eq!(
        (&told["why"]["actor"], &told["containers"][0]["exitCode"]),
        (&"application".into(), &3.into())
    );
    let prefix = explain(&host, &[&id(&task)[..8]]);
    assert_eq!(prefix, explain(&host, &[arn(&task)]), "a beginning of the id and the ARN mean the same");
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_beyond_its_memory_says_its_peak_beside_its_limit() {
    let (host, control) = connected().await;
    let script = "echo filling; x=12345678; while :; do x=$x$x; done";
    let mut greedy = container("greedy", &["sh", "-c", script]);
    greedy.memory = Some(16);
    let task = awsvpc_task(182, 10, vec![greedy]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    let why = "OutOfMemoryError: essential container greedy: Container killed due to memory usage";
    told(&host, &task, &[why, "limit 16.0 MiB", "| filling", "  hint      Compare the peak"]).await;
    let output = &json(&host, &task)["containers"][0]["output"];
    let peak = output["peakMemory"].as_u64().unwrap_or_else(|| panic!("{output}"));
    assert!((12 << 20..=16 << 20).contains(&peak), "{peak} bytes");
    assert_eq!(output["memoryLimit"], 16 << 20);
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_told_to_stop_says_by_whom_with_the_agent_up_or_down() {
    let (mut host, control) = connected().await;
    let task = awsvpc_task(183, 10, vec![container("app", STAY)]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "RUNNING", SOON).await;
    let text = told(&host, &task, &["Status      RUNNING", "Told        RUNNING", "| ready"]).await;
    assert!(text.contains(&format!("Agent       runs (pid {})", host.agent_pid().unwrap())), "{text}");
    assert!(text.contains("  memory    peak ") && !text.contains("Why"), "{text}");

    host.kill_agent().unwrap();
    let text = explain(&host, &[id(&task)]);
    assert!(text.contains("Agent       does not run; this is what it last saved"), "{text}");
    assert!(text.contains("Status      RUNNING") && text.contains("| ready"), "{text}");

    let sessions = control.sessions();
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    control.connected_again(sessions).await;
    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    let asked = "StoppedByControlPlane: the control plane asked for it with a payload";
    let text =
        told(&host, &task, &[asked, "app: SIGTERM sent", "app: stopped with exit code 0", "released"]).await;
    assert!(text.contains("why       ContainerStopped: it ended "), "{text}");
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_pull_says_what_the_registry_said_and_what_to_do() {
    let (host, control) = connected().await;
    let mut app = container("app", STAY);
    app.image = Some("127.0.0.1:1/nobody/home:1".to_owned());
    let task = awsvpc_task(184, 10, vec![app]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    let parts = [
        "Why         CannotPullContainerError: ",
        "cannot reach the registry",
        "who acted registry",
        "none: it never started",
    ];
    told(&host, &task, &parts).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_long_gone_is_told_from_its_story() {
    let mut host = Host::new().unwrap();
    host.set("ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", "1s");
    let (host, control) = connected_on(host).await;
    let task = awsvpc_task(185, 10, vec![container("app", &["sh", "-c", "echo farewell; exit 4"])]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    let logs = host.dir().join(format!("data/tasks/{}", id(&task)));
    wait::until("its logs to go", SOON, async || match logs.exists() || line(&host, &task, &[]).is_some() {
        false => Ok(()),
        true => Err("they are there".to_owned()),
    })
    .await;
    let text = explain(&host, &[id(&task)]);
    for part in ["app exited with code 4", "| farewell", "app: started", "memory    peak "] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(line(&host, &task, &["--all"]).unwrap().contains("app exited with code 4"));
    end(host, control).await;
}
