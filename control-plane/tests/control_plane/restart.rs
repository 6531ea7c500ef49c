//! What was answered survives: the process ends without a word, another one goes on with the same data.

use super::fake_agent::FakeAgent;
use super::peer::{Client, Peer, config};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use wharf_control_plane::server::{StartError, start};
use wharf_control_plane::store::OpenError;

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_still_there_after_a_restart() {
    let peer = Peer::start().await;
    peer.client.define("awsvpc").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let task = peer.client.run("awsvpc").await;
    let attach = line.expect("AttachTaskNetworkInterfacesMessage").await;
    agent.attach(&attach).await;
    line.expect("PayloadMessage").await;
    agent.submit(&task, "RUNNING").await;
    let before = peer.client.describe(&task).await;

    let peer = peer.restart().await;
    let mut after = peer.client.describe(&task).await;
    assert_eq!(after["connectivity"], json!("DISCONNECTED"));
    for volatile in ["connectivity", "connectivityAt"] {
        after[volatile] = before[volatile].clone();
    }
    assert_eq!(after, before);
    let agent = FakeAgent { client: peer.client.clone(), arn: agent.arn };
    let manifest = agent.acs().await.expect("TaskManifestMessage").await;
    assert_eq!(manifest["timeline"], json!(2), "agents ignore a manifest that is not newer");
    assert_eq!(manifest["tasks"][0]["taskArn"], json!(task));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_waited_when_the_control_plane_ended_is_handed_over_by_the_next_one() {
    let peer = Peer::start().await;
    peer.client.define("awsvpc").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let task = peer.client.run("awsvpc").await;
    let first = line.expect("AttachTaskNetworkInterfacesMessage").await;

    let peer = peer.restart().await;
    let agent = FakeAgent { client: peer.client.clone(), arn: agent.arn };
    let mut line = agent.acs().await;
    let again = line.expect("AttachTaskNetworkInterfacesMessage").await;
    assert_eq!(again["elasticNetworkInterfaces"], first["elasticNetworkInterfaces"], "the address is kept");
    agent.attach(&again).await;
    line.expect("PayloadMessage").await;

    let peer = peer.restart().await;
    let agent = FakeAgent { client: peer.client.clone(), arn: agent.arn };
    let payload = agent.acs().await.expect("PayloadMessage").await;
    assert_eq!(payload["tasks"][0]["arn"], json!(task));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_lent_is_not_lent_again_after_a_restart() {
    let peer = Peer::start().await;
    peer.client.define("awsvpc").await;
    let agent = FakeAgent::register(&peer.client).await;
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let first = peer.client.run("awsvpc").await;
    let first = address(&peer.client.describe(&first).await);
    let peer = peer.restart().await;
    let agent = FakeAgent { client: peer.client.clone(), arn: agent.arn };
    let mut line = agent.acs().await;
    line.expect("TaskManifestMessage").await;
    let second = peer.client.run("awsvpc").await;
    assert_ne!(address(&peer.client.describe(&second).await), first);
    peer.running.shutdown().await.unwrap();
}

fn address(task: &Value) -> String {
    task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_go_on_counting_after_a_restart() {
    let peer = Peer::start().await;
    peer.client.define("bridge").await;
    let peer = peer.restart().await;
    peer.client.call("DeregisterTaskDefinition", json!({ "taskDefinition": "web:1" })).await;
    peer.client.define("bridge").await;
    let shown = peer.client.call("DescribeTaskDefinition", json!({ "taskDefinition": "web" })).await;
    assert_eq!(shown["taskDefinition"]["revision"], json!(2));
    peer.running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_control_planes_cannot_have_the_same_data() {
    let data = tempfile::tempdir().unwrap();
    let first = start(config(data.path())).await.unwrap();
    let second = start(config(data.path())).await;
    assert!(matches!(second, Err(StartError::Store(OpenError::Busy { .. }))), "{second:?}");
    first.shutdown().await.unwrap();
    start(config(data.path())).await.unwrap().shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_a_clear_error() {
    let data = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(data.path());
    config.listen = taken.local_addr().unwrap();
    let address = config.listen;
    let error = start(config).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {address}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_stops_the_start_and_is_named() {
    let data = tempfile::tempdir().unwrap();
    let running = start(config(data.path())).await.unwrap();
    Client::new(&running.url()).define("bridge").await;
    running.shutdown().await.unwrap();
    let database = rusqlite::Connection::open(data.path().join("control-plane.db")).unwrap();
    database.execute("UPDATE object SET value = '{' WHERE kind = 'cluster'", []).unwrap();
    drop(database);
    match start(config(data.path())).await {
        Err(StartError::Store(OpenError::Row { table, key, .. })) => {
            assert_eq!((table, key.as_str()), ("cluster", "default"))
        }
        other => panic!("{other:?}"),
    }
}

/// The binary under test is killed, not asked: nothing may depend on an orderly end.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_kill_9() {
    let data = tempfile::tempdir().unwrap();
    for round in 1..=5 {
        let mut process = spawn(data.path());
        let url = url_of(&mut process);
        let client = Client::new(&url);
        client.define("bridge").await;
        let shown = client.call("DescribeTaskDefinition", json!({ "taskDefinition": "web" })).await;
        assert_eq!(shown["taskDefinition"]["revision"], json!(round));
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_ends_the_process_and_loses_nothing_that_was_answered() {
    let data = tempfile::tempdir().unwrap();
    // Files of this process can grow to 400 half-kilobytes; writing more fails, as on a full disk.
    let mut process = spawn_by("trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\"", data.path());
    let client = Client::new(&url_of(&mut process));
    let document = |number: usize| {
        let container = json!({ "name": "app", "image": "i", "memory": 16, "command": ["x".repeat(4000)] });
        json!({ "family": format!("f{number:04}"), "containerDefinitions": [container] })
    };
    let mut answered = 0;
    let refused = loop {
        match client.try_call("RegisterTaskDefinition", document(answered)).await {
            Ok(_) => answered += 1,
            Err(error) => break error,
        }
        assert!(answered < 1000, "the limit has no effect");
    };
    assert_eq!((refused.code.as_str(), refused.status), ("ServerException", 500));
    assert!(!process.wait().unwrap().success());
    assert!(answered > 0);

    let running = start(config(data.path())).await.unwrap();
    let listed = Client::new(&running.url()).call("ListTaskDefinitionFamilies", json!({})).await;
    assert_eq!(listed["families"].as_array().unwrap().len(), answered);
    running.shutdown().await.unwrap();
}

fn spawn(data: &Path) -> Child {
    spawn_by("exec \"$0\" \"$@\"", data)
}

/// Starts the binary through a line of shell.
fn spawn_by(line: &str, data: &Path) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", line, env!("CARGO_BIN_EXE_wharf-control-plane")]);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    command.env("AWS_ACCESS_KEY_ID", "AKID").env("AWS_SECRET_ACCESS_KEY", "secret");
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// Reads the log until it tells where the control plane listens.
fn url_of(process: &mut Child) -> String {
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let line = log.by_ref().map(Result::unwrap).find(|line| line.contains("serving")).expect("it serves");
    // Somebody has to go on reading, or the process would find nobody to log to.
    std::thread::spawn(move || log.for_each(drop));
    let url = line.split("url=\"").nth(1).and_then(|rest| rest.split('"').next());
    url.unwrap_or_else(|| panic!("no url in {line}")).to_owned()
}
