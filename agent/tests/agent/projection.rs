//! Views of a real node's tasks, through a whole life.

use crate::fixture::{TASK_ID, recorded_task, task_arn, time, with_spec};
use std::time::Duration;
use wharf_agent::view::{Stage, TaskView};
use wharf_core::config::{HostResources, NodeConfig};
use wharf_core::event::{ContainerRef, Desired, Event, Exit, Goal, ResolvedImage};
use wharf_core::health::HealthStatus;
use wharf_core::node::Node;
use wharf_core::spec::{HealthCheck, Network, TaskSpec};
use wharf_core::time::Timestamp;

/// A node, and the time at its last step.
struct Lab {
    node: Node,
    now: Timestamp,
}

impl Lab {
    fn with(spec: TaskSpec) -> Self {
        let host = HostResources { cpu: 4096, memory: 4096, ..HostResources::default() };
        let mut lab = Self { node: Node::new(NodeConfig::new(host)), now: time("2026-11-21T09:00:00Z") };
        let goals = vec![Goal::Run(Box::new(spec))];
        lab.step(Event::PayloadReceived { message_id: "m".to_owned(), sequence: None, goals });
        lab
    }

    /// Steps one second later.
    fn step(&mut self, event: Event) -> TaskView {
        self.now = self.now.plus(Duration::from_secs(1));
        self.node.step(vec![event], self.now);
        TaskView::from(&*self.node.tasks()[&task_arn(TASK_ID)])
    }
}

fn spec() -> TaskSpec {
    let on_host = with_spec(recorded_task(), |spec| {
        spec.network = Network::Host;
        spec.containers[0].health_check = Some(HealthCheck {
            command: vec!["true".to_owned()],
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            retries: 1,
            start_period: Duration::ZERO,
        });
    });
    TaskSpec::clone(&on_host.spec)
}

fn main_container() -> ContainerRef {
    ContainerRef { task: task_arn(TASK_ID), container: "main".to_owned() }
}

fn image() -> ResolvedImage {
    ResolvedImage {
        name: "peer/busybox:1".to_owned(),
        digest: Some("sha256:aa".to_owned()),
        config_digest: "sha256:bb".to_owned(),
        pull_started_at: Some(time("2026-11-21T09:00:00.1Z")),
        pull_stopped_at: Some(time("2026-11-21T09:00:00.9Z")),
    }
}

#[test]
fn a_view_follows_its_task_from_the_payload_to_the_end() {
    let mut lab = Lab::with(spec());
    let container = main_container;
    let pulled = lab.step(Event::ImageReady { container: container(), image: image() });
    assert_eq!((pulled.known, pulled.containers[0].known), (Stage::Pulled, Stage::Pulled));
    assert_eq!(pulled.pull_started_at, image().pull_started_at);
    assert_eq!(pulled.pull_stopped_at, image().pull_stopped_at);
    assert_eq!(pulled.containers[0].image, Some(image()));

    let created = lab.step(Event::ContainerCreated { container: container() });
    assert_eq!((created.known, created.containers[0].known), (Stage::Created, Stage::Created));
    assert_eq!(created.containers[0].created_at, Some(lab.now));

    let started = time("2026-11-21T09:00:05Z");
    lab.now = time("2026-11-21T09:00:06Z");
    let running = lab.step(Event::ContainerStarted { container: container(), at: started });
    assert_eq!((running.known, running.containers[0].known), (Stage::Running, Stage::Running));
    assert_eq!((running.desired, running.containers[0].desired), (Desired::Running, Desired::Running));
    assert_eq!(running.containers[0].started_at, Some(started));
    assert_eq!(running.containers[0].health.as_ref().unwrap().status, HealthStatus::Unknown);

    let output = "fine".to_owned();
    let probed = lab.step(Event::HealthProbed { container: container(), exit_code: Some(0), output });
    let health = probed.containers[0].health.clone().unwrap();
    assert_eq!(
        (health.status, health.exit_code, health.output.as_str()),
        (HealthStatus::Healthy, Some(0), "fine")
    );

    let exit = Exit { code: 3, at: time("2026-11-21T09:00:09Z") };
    let stopped = lab.step(Event::ContainerExited { container: container(), exit });
    assert_eq!(stopped.containers[0].known, Stage::Stopped);
    assert_eq!(
        (stopped.containers[0].exit_code, stopped.containers[0].finished_at),
        (Some(3), Some(exit.at))
    );
    assert_eq!(stopped.execution_stopped_at, Some(exit.at));
    let gone = lab.step(Event::ContainerDeleted { container: container(), exit: None, remains: None });
    assert_eq!(gone.known, Stage::Stopped);
}

#[test]
fn a_task_is_as_far_as_its_slowest_container_and_pulls_until_every_image_is_there() {
    let mut two = spec();
    let mut other = two.containers[0].clone();
    other.name = "side".to_owned();
    two.containers.push(other);
    let mut lab = Lab::with(two);
    let first = lab.step(Event::ImageReady { container: main_container(), image: image() });
    assert_eq!((first.known, first.containers[0].known), (Stage::None, Stage::Pulled));
    assert!(first.pull_started_at.is_some());
    assert_eq!(first.pull_stopped_at, None);
    let side = ContainerRef { container: "side".to_owned(), ..main_container() };
    let both = lab.step(Event::ImageReady { container: side, image: image() });
    assert_eq!((both.known, both.pull_stopped_at), (Stage::Pulled, image().pull_stopped_at));
    lab.step(Event::ContainerCreated { container: main_container() });
    let one_runs = lab.step(Event::ContainerStarted { container: main_container(), at: lab.now });
    assert_eq!((one_runs.known, one_runs.containers[0].known), (Stage::Pulled, Stage::Running));
}
