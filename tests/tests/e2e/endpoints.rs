//! What a task can ask of its host from inside, and what it can not.

use crate::lifecycle::{SERVE, connected, end};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use wharf_protocol::{Secret, acs};
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::{CLUSTER_ARN, Received, Scripted};
use wharf_tests::world::Host;
use wharf_tests::{http, wait};

const SOON: Duration = Duration::from_secs(30);
const SECRET: &str = "SecretOfARoleThatNobodyMayFind";
const TOKEN: &str = "TokenOfARoleThatNobodyMayFind";
const METADATA: &str = "$ECS_CONTAINER_METADATA_URI_V4";
const CREDENTIALS: &str = "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";

fn role(credentials_id: &str) -> acs::IAMRoleCredentials {
    acs::IAMRoleCredentials {
        credentials_id: Some(credentials_id.to_owned()),
        role_arn: Some("arn:aws:iam::123456789012:role/app".to_owned()),
        access_key_id: Some("ASIAEXAMPLE".to_owned()),
        secret_access_key: Some(Secret::new(SECRET)),
        session_token: Some(Secret::new(TOKEN)),
        expiration: Some("2040-01-01T00:00:00Z".to_owned()),
        ..Default::default()
    }
}

/// A web server with an address and a role.
fn task_with_role(net: u8, host: u8) -> acs::Task {
    let mut task = awsvpc_task(net, host, vec![container("app", SERVE)]);
    task.role_credentials = Some(role(&format!("credentials-{net}-{host}")));
    task
}

fn app(task: &acs::Task) -> String {
    format!("{}-app", arn(task).rsplit('/').next().unwrap())
}

async fn run(control: &Scripted, tasks: &[acs::Task]) {
    control.send(payload(tasks.to_vec()).1);
    for task in tasks {
        control.status_of(arn(task), "RUNNING", SOON).await;
    }
}

async fn stop_all(control: &Scripted, tasks: &[acs::Task]) {
    control.send(payload(tasks.iter().map(stop).collect()).1);
    for task in tasks {
        control.status_of(arn(task), "STOPPED", SOON).await;
    }
}

/// GET from inside the container; the body, or what the client complains of.
fn get(host: &Host, task: &acs::Task, url: &str) -> Result<String, String> {
    match host.exec(&app(task), &format!("wget -q -O- {url}")) {
        (Some(0), body) => Ok(body),
        (_, complaint) => Err(complaint),
    }
}

fn get_json(host: &Host, task: &acs::Task, url: &str) -> Value {
    serde_json::from_str(&get(host, task, url).unwrap()).unwrap()
}

/// The line of the log that names both tasks and says that one asked for what is the other's.
fn refusals(host: &Host, asking: &acs::Task, owner: &acs::Task) -> usize {
    let says =
        |line: &&str| line.contains("refused") && line.contains(arn(asking)) && line.contains(arn(owner));
    host.agent_log().lines().filter(says).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_reads_its_own_metadata_stats_and_credentials_and_may_serve_port_80_itself() {
    let (host, control) = connected().await;
    let task = task_with_role(50, 10);
    run(&control, std::slice::from_ref(&task)).await;

    let own = get_json(&host, &task, METADATA);
    assert_eq!((&own["Name"], &own["KnownStatus"]), (&json!("app"), &json!("RUNNING")));
    assert_eq!(own["DockerId"], app(&task));
    assert_eq!(own["Networks"][0]["IPv4Addresses"], json!(["10.77.50.10"]));
    assert_eq!(own["Labels"]["com.amazonaws.ecs.task-arn"], arn(&task));
    let whole = get_json(&host, &task, &format!("{METADATA}/task"));
    assert_eq!((&whole["TaskARN"], &whole["Cluster"]), (&json!(arn(&task)), &json!("e2e")));
    assert_eq!(whole["Containers"][0]["DockerId"], app(&task));

    let stats = wait::until("a sample", SOON, async || {
        let stats = get(&host, &task, &format!("{METADATA}/stats"))?;
        let stats: Value = serde_json::from_str(&stats).map_err(|_| stats)?;
        if stats["cpu_stats"]["cpu_usage"]["total_usage"].as_u64() > Some(0) {
            Ok(stats)
        } else {
            Err(stats.to_string())
        }
    })
    .await;
    assert!(stats["memory_stats"]["usage"].as_u64() > Some(0), "{stats}");
    assert!(stats["networks"]["eth0"]["tx_bytes"].is_u64(), "{stats}");
    let all = get_json(&host, &task, &format!("{METADATA}/task/stats"));
    assert!(all[app(&task)]["cpu_stats"].is_object(), "{all}");

    let credentials = get_json(&host, &task, CREDENTIALS);
    assert_eq!(
        credentials,
        json!({"RoleArn": "arn:aws:iam::123456789012:role/app", "AccessKeyId": "ASIAEXAMPLE",
               "SecretAccessKey": SECRET, "Token": TOKEN, "Expiration": "2040-01-01T00:00:00Z"})
    );
    let page: SocketAddr = "10.77.50.10:80".parse().unwrap();
    assert!(http::get(page, "/").unwrap().contains("hello from a task"), "port 80 is the task's own");
    assert!(http::get(page, "/v2/credentials/credentials-50-10").unwrap().contains("404"));
    stop_all(&control, &[task]).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_asks_with_another_tasks_ids_is_refused_and_logged() {
    let (host, control) = connected().await;
    let tasks = [task_with_role(51, 10), task_with_role(51, 11)];
    run(&control, &tasks).await;
    let [owner, asking] = &tasks;
    for (told, url) in [METADATA, CREDENTIALS].into_iter().enumerate() {
        let (_, foreign) = host.exec(&app(owner), &format!("echo -n {url}"));
        assert!(get(&host, owner, &foreign).is_ok(), "its owner may ask for {foreign}");
        let complaint = get(&host, asking, &foreign).unwrap_err();
        assert!(complaint.contains("404 Not Found"), "{foreign}: {complaint}");
        assert!(get(&host, asking, url).is_ok(), "its own it may ask for");
        assert_eq!(refusals(&host, asking, owner), told + 1, "the refusal of {foreign} is logged");
    }
    stop_all(&control, &tasks).await;
    end(host, control).await;
}

/// Waits for the agent's word that it has the credentials that a message brought.
async fn acked(control: &Scripted, message_id: &str, credentials_id: &str) {
    control
        .wait_for("the ack of the credentials", SOON, |journal| {
            journal.iter().find_map(|(_, received)| match received {
                Received::Acs(message) => match message.as_ref() {
                    acs::Message::IAMRoleCredentialsAckRequest(ack) => {
                        let ids = (ack.message_id.as_deref(), ack.credentials_id.as_deref());
                        (ids == (Some(message_id), Some(credentials_id))).then_some(())
                    }
                    _ => None,
                },
                _ => None,
            })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_never_on_disk_so_a_new_agent_waits_for_fresh_ones() {
    let (mut host, control) = connected().await;
    let task = task_with_role(52, 10);
    let (id, message) = payload(vec![task.clone()]);
    control.send(message);
    acked(&control, &id, "credentials-52-10").await;
    control.status_of(arn(&task), "RUNNING", SOON).await;
    assert!(get(&host, &task, CREDENTIALS).is_ok());

    let sessions = control.sessions();
    host.kill_agent().unwrap();
    assert!(get(&host, &task, METADATA).is_err(), "nobody answers for a dead agent");
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    control.connected_again(sessions).await;
    assert_eq!(get_json(&host, &task, METADATA)["DockerId"], app(&task), "the endpoint is back");
    let complaint = get(&host, &task, CREDENTIALS).unwrap_err();
    assert!(complaint.contains("503"), "{complaint}");

    control.send(acs::IAMRoleCredentialsMessage {
        message_id: Some("fresh".to_owned()),
        task_arn: task.arn.clone(),
        task_cluster_arn: Some(CLUSTER_ARN.to_owned()),
        role_type: Some("TaskApplication".to_owned()),
        role_credentials: Some(role("credentials-52-10")),
    });
    acked(&control, "fresh", "credentials-52-10").await;
    assert_eq!(get_json(&host, &task, CREDENTIALS)["SecretAccessKey"], SECRET);

    stop_all(&control, &[task]).await;
    host.stop_agent().unwrap();
    let searched = files_without_secrets(host.dir());
    for file in ["data/agent.db", "agent.log"] {
        assert!(searched.contains(&host.dir().join(file)), "{file} was searched");
    }
    end(host, control).await;
}

/// Every file below `dir`, none of which holds the secret or the token.
fn files_without_secrets(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut searched = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            searched.extend(files_without_secrets(&path));
        } else if kind.is_file() {
            let content = std::fs::read(&path).unwrap();
            for secret in [SECRET, TOKEN] {
                let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{} holds {secret}", path.display());
            }
            searched.push(path);
        }
    }
    searched
}
