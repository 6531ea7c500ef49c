//! A view as the recorded Go agent had it: one awsvpc task of one container, and ways to vary it.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use wharf_agent::endpoints::Feeds;
use wharf_agent::endpoints::credentials::{CredentialStore, Role, TaskCredentials};
use wharf_agent::view::{ContainerView, HealthView, HostView, Stage, TaskView, View};
use wharf_core::event::{Desired, ResolvedImage};
use wharf_core::health::HealthStatus;
use wharf_core::spec::{ContainerSpec, Interface, LogSpec, Network, ProcessSpec, TaskSpec};
use wharf_core::time::Timestamp;
use wharf_protocol::Secret;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

/// Id of the task of the samples.
pub const TASK_ID: &str = "c30abb4ff5584258975479cd04f2f9e8";

pub fn task_arn(id: &str) -> TaskArn {
    TaskArn::build("us-west-2", "123456789012", &format!("peer/{id}")).unwrap()
}

pub fn time(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

pub fn view(tasks: impl IntoIterator<Item = TaskView>) -> View {
    let arn = "arn:aws:ecs:us-west-2:123456789012:container-instance/peer/063987ebf6c545ebba33926c77b03fc1";
    let host = HostView {
        cluster: "peer".to_owned(),
        container_instance_arn: Some(ContainerInstanceArn::parse(arn).unwrap()),
        availability_zone: Some("us-west-2a".to_owned()),
        availability_zone_id: Some("usw2-az1".to_owned()),
        vpc_id: Some("vpc-00000000".to_owned()),
    };
    let tasks = tasks.into_iter().map(|task| (task.spec.arn.clone(), Arc::new(task))).collect();
    View { host: Arc::new(host), tasks }
}

/// The task of the samples.
pub fn recorded_task() -> TaskView {
    task(TASK_ID)
}

/// A running task of one container `main`, whose metadata id is `<id>-main`.
pub fn task(id: &str) -> TaskView {
    let spec = TaskSpec {
        arn: task_arn(id),
        family: "bench".to_owned(),
        version: "1".to_owned(),
        service_name: None,
        launch_type: Some("EC2".to_owned()),
        network: Network::Awsvpc(interface()),
        cpu: None,
        memory: None,
        containers: vec![container(id)],
        volumes: BTreeMap::new(),
        credentials_id: Some(format!("{id}-role")),
        execution_credentials_id: Some(format!("{id}-execution")),
    };
    TaskView {
        spec: Arc::new(spec),
        desired: Desired::Running,
        known: Stage::Running,
        pull_started_at: None,
        pull_stopped_at: None,
        execution_stopped_at: None,
        containers: vec![running()],
    }
}

/// The same task with its definition changed.
pub fn with_spec(mut task: TaskView, change: impl FnOnce(&mut TaskSpec)) -> TaskView {
    let mut spec = TaskSpec::clone(&task.spec);
    change(&mut spec);
    task.spec = Arc::new(spec);
    task
}

pub fn interface() -> Interface {
    Interface {
        attachment_arn: None,
        mac: "0e:00:00:00:01:01".to_owned(),
        addresses: vec!["198.51.100.11".parse().unwrap()],
        gateway4: Some("198.51.100.1/24".parse().unwrap()),
        gateway6: None,
        dns_servers: vec!["198.51.100.2".to_owned()],
        dns_search: vec!["example.internal".to_owned()],
        private_dns_name: Some("ip-198-51-100-11.example.internal".to_owned()),
    }
}

fn container(task_id: &str) -> ContainerSpec {
    ContainerSpec {
        name: "main".to_owned(),
        arn: Some(format!("arn:aws:ecs:us-west-2:123456789012:container/peer/{task_id}/c02adecc")),
        image: "peer/busybox:1".to_owned(),
        essential: true,
        cpu: 10,
        memory: Some(32),
        memory_reservation: None,
        depends_on: Vec::new(),
        start_timeout: None,
        stop_timeout: None,
        health_check: None,
        restart: None,
        process: ProcessSpec::default(),
        mount_points: Vec::new(),
        port_mappings: Vec::new(),
        log: LogSpec::default(),
        metadata_id: format!("{task_id}-main"),
    }
}

fn running() -> ContainerView {
    let digest = "sha256:33b6468ef9fe175d485224ab28b790e1fe6d23cd57fbb14fd57901e9a4da4696";
    ContainerView {
        desired: Desired::Running,
        known: Stage::Running,
        image: Some(ResolvedImage {
            name: "peer/busybox:1".to_owned(),
            digest: None,
            config_digest: digest.to_owned(),
            pull_started_at: None,
            pull_stopped_at: None,
        }),
        created_at: Some(time("2026-11-21T09:01:02.604Z")),
        started_at: Some(time("2026-11-21T09:01:02.708Z")),
        finished_at: None,
        exit_code: None,
        restarts: None,
        health: None,
    }
}

pub fn healthy_since(at: &str) -> HealthView {
    HealthView {
        status: HealthStatus::Healthy,
        since: time(at),
        exit_code: Some(0),
        output: "fine".to_owned(),
    }
}

/// A recorded body with what is volatile replaced by what the fixture has.
pub fn normalised(sample: &str) -> String {
    [
        // The pause container of the Go agent: Wharf has none.
        ("7618569df89c6d67161c5891dd0b8de62988b717fae236e873ebc40ec08ca552", format!("{TASK_ID}-main")),
        ("ecs-bench-1-main-acbba2bef595f0af9601", docker_name()),
        ("09:01:02.604736438Z", "09:01:02.604Z".to_owned()),
        ("09:01:02.708818251Z", "09:01:02.708Z".to_owned()),
    ]
    .iter()
    .fold(without_pause(sample.trim()), |text, (from, to)| text.replace(from, to))
}

/// The fixture's container's name, of Docker's form.
pub fn docker_name() -> String {
    "ecs-bench-1-main-89a5dbe8c6be8d8aea31".to_owned()
}

/// Cuts the pause container, an object in the list or map `Containers`, out of a recorded body.
fn without_pause(sample: &str) -> String {
    let id = "17e54f2029ab2e01fc1c215414d3c2d122c5aaab44e2896befaca6eab3d63d6c";
    let opening = [format!(r#"{{"DockerId":"{id}""#), format!(r#""{id}":{{"#)];
    let Some(start) = opening.iter().find_map(|opening| sample.find(opening.as_str())) else {
        return sample.to_owned();
    };
    let mut depth = 0;
    let end = sample[start..].char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        (c == '}' && depth == 0).then_some(start + at + 1)
    });
    let (before, after) = (&sample[..start], &sample[end.unwrap()..]);
    match after.strip_prefix(',') {
        Some(after) => format!("{before}{after}"),
        None => format!("{}{after}", before.strip_suffix(',').unwrap_or(before)),
    }
}

pub fn credentials_of(id: &str, role: Role) -> TaskCredentials {
    TaskCredentials {
        task: task_arn(id),
        role,
        role_arn: "arn:aws:iam::111122223333:role/app".to_owned(),
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: Secret::new("not-to-be-printed"),
        session_token: Secret::new("token"),
        expiration: "2026-09-01T06:17:19Z".to_owned(),
    }
}

/// What endpoints answer from when these tasks run, each with the credentials `<id>-role`.
pub fn feeds(ids: &[&str]) -> Feeds {
    let credentials = CredentialStore::default();
    for id in ids {
        credentials.put(format!("{id}-role"), credentials_of(id, Role::Task));
    }
    // The senders are dropped: a watch keeps its last value.
    let view = watch::channel(Arc::new(view(ids.iter().map(|id| task(id))))).1;
    Feeds { view, stats: watch::channel(Arc::default()).1, credentials }
}
