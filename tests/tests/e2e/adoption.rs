//! What an agent without its data, or on a host that was started again, makes of the containers it finds.

use crate::lifecycle::{SERVE, connected, connected_on, end};
use std::net::SocketAddr;
use std::time::Duration;
use wharf_agent::store::{Change, Store};
use wharf_protocol::acs;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::{INSTANCE_ARN, Received, Scripted};
use wharf_tests::signal::terminate;
use wharf_tests::world::Host;
use wharf_tests::{http, wait};

const SOON: Duration = Duration::from_secs(60);

fn id(task: &acs::Task, container: &str) -> String {
    format!("{}-{container}", arn(task).rsplit('/').next().unwrap())
}

/// A web server behind a migration that has ended.
fn web(net: u8) -> acs::Task {
    let migration = acs::Container { essential: Some(false), ..container("migration", &["true"]) };
    let mut app = container("app", SERVE);
    app.depends_on = vec![acs::ContainerDependency {
        container_name: Some("migration".to_owned()),
        condition: Some("SUCCESS".to_owned()),
    }];
    awsvpc_task(net, 10, vec![migration, app])
}

async fn run(control: &Scripted, task: &acs::Task) {
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(task), "RUNNING", SOON).await;
}

async fn start_again(host: &mut Host, control: &Scripted) {
    let sessions = control.sessions();
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    control.connected_again(sessions).await;
}

fn registrations(control: &Scripted) -> Vec<Option<String>> {
    let journal = control.journal();
    let arn = |received: &Received| match received {
        Received::Registered(request) => Some(request.container_instance_arn.clone()),
        _ => None,
    };
    journal.iter().filter_map(|(_, received)| arn(received)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_data_directory_was_deleted_adopts_what_runs() {
    let (mut host, control) = connected().await;
    let task = web(40);
    run(&control, &task).await;
    let before = host.tasks();
    host.kill_agent().unwrap();
    std::fs::remove_dir_all(host.dir().join("data")).unwrap();
    let told = control.statuses_of(arn(&task)).len();
    start_again(&mut host, &control).await;

    assert_eq!(registrations(&control), [None, Some(INSTANCE_ARN.to_owned())], "it is the same instance");
    let again = wait::until("a state told again", SOON, async || {
        let all = control.statuses_of(arn(&task));
        all.get(told).cloned().ok_or(format!("{all:?}"))
    })
    .await;
    assert_eq!(again, "RUNNING");
    assert_eq!(host.tasks(), before, "no container is touched");
    let migration = control.last_told(arn(&task), "migration");
    assert_eq!((migration.status.as_deref(), migration.exit_code), (Some("STOPPED"), Some(0)));
    let address: SocketAddr = "10.77.40.10:80".parse().unwrap();
    assert!(http::get(address, "/").unwrap().contains("hello from a task"));
    wait::until("the endpoint", SOON, async || {
        match host.exec(&id(&task, "app"), "wget -q -O- $ECS_CONTAINER_METADATA_URI_V4/task") {
            (Some(0), body) if body.contains(arn(&task)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;

    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    assert_eq!(control.last_told(arn(&task), "app").exit_code, Some(0));
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_ended_while_its_agent_lost_its_data_is_told_with_its_exit_code() {
    let (mut host, control) = connected().await;
    let task =
        awsvpc_task(41, 10, vec![container("job", &["sh", "-c", "trap 'exit 7' TERM; sleep 3600 & wait"])]);
    run(&control, &task).await;
    let (pid, _) = host.tasks()[&id(&task, "job")];
    host.kill_agent().unwrap();
    std::fs::remove_dir_all(host.dir().join("data")).unwrap();
    terminate(pid).await;
    start_again(&mut host, &control).await;
    control.status_of(arn(&task), "STOPPED", SOON).await;
    assert_eq!(control.last_told(arn(&task), "job").exit_code, Some(7));
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_bears_no_task_is_reported_and_then_removed() {
    let mut host = Host::new().unwrap();
    host.set("WHARF_UNKNOWN_CONTAINERS_WAIT", "1s");
    let (mut host, control) = connected_on(host).await;
    let image = ["--snapshotter", "overlayfs", "docker.io/wharf/demo:latest", "stray", "sleep", "3600"];
    let status = host.containerd().ctr(host.namespace()).args(["run", "-d"]).args(image).status().unwrap();
    assert!(status.success());
    assert!(host.tasks().contains_key("stray"));
    // A listing is due every half minute; a start lists at once, and so does the gap in events that it begins with.
    host.kill_agent().unwrap();
    start_again(&mut host, &control).await;
    wait::until("the removal", Duration::from_secs(90), async || match host.agent_log() {
        log if log.contains("removed a container that bears no task of ours container=\"stray\"") => Ok(()),
        _ => Err(format!("{:?}", host.tasks())),
    })
    .await;
    assert!(host.tasks().is_empty());
    let log = host.agent_log();
    assert!(log.contains("a container in our namespace bears no task of ours container=\"stray\""), "{log}");
    end(host, control).await;
}

/// The record of another boot, with what a reboot leaves: records in containerd and no process.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_a_reboot_ended_are_told_so_and_new_ones_run() {
    let (mut host, control) = connected_on(Host::with_own_containerd().unwrap()).await;
    let task = web(42);
    run(&control, &task).await;
    host.kill_agent().unwrap();
    host.reboot().unwrap();
    forge_boot(&host).await;
    start_again(&mut host, &control).await;
    let (_, stopped) = control.status_of(arn(&task), "STOPPED", SOON).await;
    let why = "HostRebootedError: the host was started again under container app";
    assert_eq!(stopped.reason.as_deref(), Some(why));
    assert_eq!(control.last_told(arn(&task), "app").exit_code, None, "nobody knows it");
    assert_eq!(control.last_told(arn(&task), "migration").exit_code, Some(0), "what was known stays known");
    let next = awsvpc_task(42, 10, vec![container("app", SERVE)]);
    run(&control, &next).await;
    control.send(payload(vec![stop(&next)]).1);
    control.status_of(arn(&next), "STOPPED", SOON).await;
    end(host, control).await;
}

/// The kernel cannot be started again here, so what the agent remembers of its boot is changed instead.
async fn forge_boot(host: &Host) {
    let (store, loaded) = Store::open(&host.dir().join("data")).unwrap();
    let node = loaded.rows.iter().find(|row| row.kind == "node").unwrap();
    let mut record: serde_json::Value = serde_json::from_slice(&node.value).unwrap();
    let boot = record["record"]["boot"].as_str().unwrap();
    assert_eq!(boot.len(), 36, "the kernel's id of this boot");
    record["record"]["boot"] = "00000000-0000-0000-0000-000000000000".into();
    let value = Some(serde_json::to_vec(&record).unwrap());
    let change = Change { kind: node.kind.clone(), key: node.key.clone(), value };
    store.save([change]).await.unwrap();
}
