//! What operators are told on the host.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use crate::fixture::{TASK_ID, normalised, recorded_task, task, view};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wharf_agent::http::{Body, Limits, Reply};
use wharf_agent::introspection::{bind, render, run};
use wharf_agent::view::{Stage, View};
use wharf_wait::Wait;

const OTHER: &str = "c30affffffff4258975479cd04f2f9e8";

fn get(view: &View, path: &str, query: &str) -> (u16, Value) {
    let Reply { status, body: Body::Json(bytes) } = render(view, path, Some(query)) else {
        panic!("not JSON")
    };
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[test]
fn tasks_are_those_of_the_go_agent_to_the_letter() {
    let sample = normalised(include_str!("samples/introspection_tasks.json"));
    let Body::Json(bytes) = render(&view([recorded_task()]), "/v1/tasks", None).body else {
        panic!("not JSON")
    };
    assert_eq!(std::str::from_utf8(&bytes).unwrap(), sample);
}

#[test]
fn metadata_tells_cluster_instance_and_version() {
    let mut view = view([]);
    let (_, body) = get(&view, "/v1/metadata", "");
    let arn = view.host.container_instance_arn.clone().unwrap();
    let version = format!("Wharf - v{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(body, json!({"Cluster": "peer", "ContainerInstanceArn": arn.as_str(), "Version": version}));
    Arc::make_mut(&mut view.host).container_instance_arn = None;
    assert_eq!(get(&view, "/v1/metadata", "").1["ContainerInstanceArn"], Value::Null);
}

#[test]
fn a_task_is_found_by_its_arn_and_by_a_prefix_of_a_container_id() {
    let view = view([recorded_task(), task(OTHER)]);
    let arn = recorded_task().spec.arn.to_string();
    let found = |query: &str| get(&view, "/v1/tasks", query);
    assert_eq!(found(&format!("taskarn={arn}")).1["Arn"], arn);
    assert_eq!(found(&format!("taskarn={}", arn.replace(':', "%3A").replace('/', "%2f"))).1["Arn"], arn);
    assert_eq!(found(&format!("dockerid={}", &TASK_ID[..8])).1["Arn"], arn);
    assert_eq!(found(&format!("dockerid={TASK_ID}-main")).1["Arn"], arn);
    assert_eq!(found("dockerid=c30a").0, 400, "two containers begin so");
    assert_eq!(found("dockerid=zzz").0, 404);
    assert_eq!(found("dockerid=").0, 404);
    assert_eq!(found("taskarn=nothing").0, 404);
    assert_eq!(found("taskarn=%zz%").0, 404);
}

#[test]
fn a_task_that_ended_by_itself_is_not_said_to_be_wanted_running() {
    let mut task = recorded_task();
    task.known = Stage::Stopped;
    let (_, body) = get(&view([task]), "/v1/tasks", "");
    assert_eq!(
        (&body["Tasks"][0]["KnownStatus"], body["Tasks"][0].get("DesiredStatus")),
        (&json!("STOPPED"), None)
    );
}

#[test]
fn a_task_that_does_not_run_yet_is_pending() {
    let mut task = recorded_task();
    task.known = Stage::Pulled;
    assert_eq!(get(&view([task]), "/v1/tasks", "").1["Tasks"][0]["KnownStatus"], "PENDING");
}

#[test]
fn commands_licence_and_unknown_pages() {
    let view = view([]);
    let commands = ["/v1/metadata", "/v1/tasks", "/v1/waits", "/license"];
    assert_eq!(get(&view, "/", "").1["AvailableCommands"], json!(commands));
    let Body::Text(licence) = render(&view, "/license", None).body else { panic!("not text") };
    assert!(String::from_utf8_lossy(&licence).contains("Apache License"));
    assert_eq!(render(&view, "/v2/tasks", None).status, 404);
}

#[tokio::test]
async fn a_port_in_use_is_told_with_its_address_and_a_free_one_is_served() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let error = bind(address).await.unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    let (stop, tasks) = (CancellationToken::new(), watch::channel(Arc::new(view([recorded_task()]))).1);
    let served = tokio::spawn(run(listener, tasks, Limits::default(), stop.clone()));
    let answer = ask(address, "/v1/tasks").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains(TASK_ID), "{answer}");
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), served).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_the_process_waits_for_is_listed_with_its_owner_and_its_end() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, tasks) = (CancellationToken::new(), watch::channel(Arc::new(view([]))).1);
    let served = tokio::spawn(run(listener, tasks, Limits::default(), stop.clone()));
    let pause = Wait::named("a thing to list").owner("this test").pause(Duration::from_secs(3600));
    let answer = ask(address, "/v1/waits").await;
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let mut waits = body["Waits"].as_array().unwrap().iter();
    let found = waits.find(|wait| wait["Name"] == "a thing to list").unwrap();
    assert_eq!((&found["Owner"], &found["Long"]), (&json!("this test"), &json!(false)));
    assert!(found["EndsInMs"].as_u64().unwrap() > 3_000_000, "{found}");
    drop(pause);
    stop.cancel();
    served.await.unwrap();
}

async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let question = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
