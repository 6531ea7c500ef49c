//! The endpoint where containers find it: at 169.254.170.2, port 80, inside the task's own namespace. Needs root.

use crate::fixture::{TASK_ID, feeds, task_arn};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wharf_agent::endpoints::environment::{ENDPOINT_ADDRESS, injected_environment};
use wharf_agent::endpoints::{Settings, TaskEndpoints};
use wharf_cni::{endpoint, netns};

const OTHER: &str = "ffffffffffff4258975479cd04f2f9e8";
const DEADLINE: Duration = Duration::from_secs(10);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
const PORT: u16 = 51679;

async fn open(endpoints: &TaskEndpoints, directory: &Path, id: &str) -> PathBuf {
    let namespace = directory.join(id);
    netns::create(&namespace).expect("root may make namespaces");
    let listener = endpoint::open(&namespace, ADDRESS, PORT).await.expect("an endpoint can be opened");
    endpoints.open(task_arn(id), listener).await.expect("a listener can be served");
    namespace
}

/// Status of a request made from inside a namespace.
async fn get(namespace: &Path, url: String) -> u16 {
    let namespace = namespace.to_owned();
    let ask = move || netns::run(&namespace, || request(&url)).expect("the namespace is there");
    tokio::task::spawn_blocking(ask).await.expect("no panic").expect("the endpoint answers")
}

fn request(url: &str) -> std::io::Result<u16> {
    let path = url.strip_prefix("http://169.254.170.2").unwrap_or(url);
    let mut stream = TcpStream::connect((ADDRESS, 80))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default())
}

#[tokio::test]
async fn two_tasks_ask_the_same_address_and_each_is_told_of_itself_alone() {
    assert_eq!(ENDPOINT_ADDRESS, ADDRESS.to_string());
    let directory = tempfile::tempdir().expect("a directory");
    let feeds = feeds(&[TASK_ID, OTHER]);
    let tasks = feeds.view.borrow().tasks.clone();
    let endpoints = TaskEndpoints::new(feeds, Settings::default());
    let namespaces = [
        (TASK_ID, open(&endpoints, directory.path(), TASK_ID).await),
        (OTHER, open(&endpoints, directory.path(), OTHER).await),
    ];
    for (asking, namespace) in &namespaces {
        for (owner, _) in &namespaces {
            let spec = &tasks[&task_arn(owner)].spec;
            let variables = injected_environment(spec, &spec.containers[0]);
            let expected = if asking == owner { 200 } else { 404 };
            for name in [
                "ECS_CONTAINER_METADATA_URI",
                "ECS_CONTAINER_METADATA_URI_V4",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            ] {
                let status = get(namespace, variables[name].clone()).await;
                assert_eq!(status, expected, "{asking} asks for {name} of {owner}");
            }
        }
    }
    endpoints.shutdown().await;
    for (_, namespace) in &namespaces {
        netns::delete(namespace).expect("our namespace can be deleted");
    }
}
