//! A host on which two tasks run: what requests are answered from, so that an answer holds everything that it can hold.
//!
//! The one that asks has a container that is healthy, one that was started again, one that has stopped and one that has not begun. The other
//! is there so that a request can be for something that is not the asking task's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wharf_agent::endpoints::credentials::{CredentialStore, Role, TaskCredentials};
use wharf_agent::telemetry::reading::{ContainerReading, Moment, NetworkReading, Traffic};
use wharf_agent::telemetry::stats::{Pair, StatsView, TaskStats};
use wharf_agent::view::{ContainerView, HealthView, HostView, Stage, TaskView, View};
use wharf_core::adopt::Inscription;
use wharf_core::event::{Desired, ResolvedImage};
use wharf_core::health::HealthStatus;
use wharf_core::spec::{Network, TaskSpec};
use wharf_core::time::Timestamp;
use wharf_protocol::Secret;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};
use wharf_runtime::cgroup::Usage;

/// A word that stands in every secret of the other task, and in no request.
pub const NOT_FOR_YOU: &str = "not-for-the-asking-task";

const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// The host, and the task that asks.
pub struct Host {
    pub ours: TaskArn,
    pub view: View,
    pub stats: StatsView,
    pub credentials: CredentialStore,
}

impl Host {
    pub fn of_two_tasks() -> Self {
        let Inscription { task, image } = Inscription::decode(include_bytes!("corpus/inscription/web"))
            .expect("the corpus has a right one");
        let other = another(&task);
        let credentials = CredentialStore::default();
        credentials.put("6a1f", credentials_of(&task.arn, "secret"));
        credentials.put("b-role", credentials_of(&other.arn, NOT_FOR_YOU));
        let ours = task.arn.clone();
        let stats = StatsView { tasks: BTreeMap::from([(ours.clone(), readings(&task))]) };
        let tasks = [task, other].map(|task| (task.arn.clone(), Arc::new(view_of(task, &image))));
        let view = View { host: Arc::new(place()), tasks: tasks.into() };
        Self { ours, view, stats, credentials }
    }
}

fn place() -> HostView {
    let arn = "arn:aws:ecs:us-west-2:111122223333:container-instance/c1/i";
    HostView {
        cluster: "c1".to_owned(),
        container_instance_arn: Some(ContainerInstanceArn::parse(arn).expect("a literal ARN")),
        availability_zone: Some("us-west-2a".to_owned()),
        availability_zone_id: Some("usw2-az1".to_owned()),
        vpc_id: Some("vpc-0".to_owned()),
    }
}

/// The same task as somebody else's, in the host's network.
fn another(task: &TaskSpec) -> TaskSpec {
    let mut other = task.clone();
    other.arn = TaskArn::parse("arn:aws:ecs:us-west-2:111122223333:task/c1/b").expect("a literal ARN");
    other.family = NOT_FOR_YOU.to_owned();
    other.network = Network::Host;
    other.credentials_id = Some("b-role".to_owned());
    other.execution_credentials_id = None;
    for container in &mut other.containers {
        container.metadata_id = format!("b-{}", container.name);
    }
    other
}

fn view_of(spec: TaskSpec, image: &ResolvedImage) -> TaskView {
    let containers = spec.containers.iter().map(|container| container_of(&container.name, image)).collect();
    TaskView {
        spec: Arc::new(spec),
        desired: Desired::Running,
        known: Stage::Running,
        pull_started_at: Some(START),
        pull_stopped_at: Some(START.plus(Duration::from_secs(1))),
        execution_stopped_at: None,
        containers,
    }
}

fn container_of(name: &str, image: &ResolvedImage) -> ContainerView {
    let known = match name {
        "migration" => Stage::Stopped,
        "late" => Stage::None,
        _ => Stage::Running,
    };
    let begun = (known > Stage::None).then_some(START);
    let ended = known == Stage::Stopped;
    ContainerView {
        desired: if ended { Desired::Stopped } else { Desired::Running },
        known,
        image: begun.map(|_| image.clone()),
        created_at: begun,
        started_at: begun,
        finished_at: ended.then_some(START.plus(Duration::from_millis(1))),
        exit_code: ended.then_some(137),
        restarts: (name == "side").then_some(3),
        health: matches!(name, "app" | "side").then(|| HealthView {
            status: if name == "app" { HealthStatus::Healthy } else { HealthStatus::Unhealthy },
            since: START,
            exit_code: Some(i32::from(name == "side")),
            output: "line\n\u{1b}[31m\"red\"\u{fffd}".to_owned(),
        }),
    }
}

/// Two readings of what runs; of the others there is none.
fn readings(task: &TaskSpec) -> TaskStats {
    let reading = |count: u64| ContainerReading {
        at: Moment::now(),
        usage: Usage {
            cpu_total_ns: count,
            cpu_per_cpu_ns: Some(vec![count, u64::MAX]),
            memory_usage: u64::MAX,
            memory_stat: BTreeMap::from([("anon".to_owned(), count)]),
            pids: Some(count),
            ..Usage::default()
        },
        cache: count,
        host_memory: 1 << 34,
    };
    let traffic = |count: u64| {
        let counters = Traffic { rx_bytes: count, tx_bytes: u64::MAX, ..Traffic::default() };
        NetworkReading { at: Moment::now(), interfaces: BTreeMap::from([("eth0".to_owned(), counters)]) }
    };
    let running =
        task.containers.iter().filter(|container| matches!(container.name.as_str(), "app" | "side"));
    let pair = Pair::first(reading(1)).next(reading(2));
    TaskStats {
        containers: running.map(|container| (container.name.clone(), pair.clone())).collect(),
        network: Some(Pair::first(traffic(1)).next(traffic(2))),
    }
}

fn credentials_of(task: &TaskArn, secret: &str) -> TaskCredentials {
    TaskCredentials {
        task: task.clone(),
        role: Role::Task,
        role_arn: "arn:aws:iam::111122223333:role/app".to_owned(),
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: Secret::new(secret),
        session_token: Secret::new(secret),
        expiration: "2026-12-01T06:17:19Z".to_owned(),
    }
}
