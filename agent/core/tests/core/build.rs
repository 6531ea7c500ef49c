//! Small builders: a task, a container, an event in one line; and effects in one word.

use std::collections::BTreeMap;
use std::time::Duration;
use wharf_core::config::{HostResources, NodeConfig};
use wharf_core::effect::{Effect, StopSignal};
use wharf_core::event::{ContainerRef, Event, Exit, Found, FoundContainer, Goal, Observation, ResolvedImage};
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::report::{Status, TaskReport};
use wharf_core::spec::{
    AttachmentSpec, Condition, ContainerSpec, Dependency, HealthCheck, Interface, LogSpec, Network,
    ProcessSpec, RestartPolicy, TaskSpec,
};
use wharf_core::time::Timestamp;
use wharf_protocol::arn::TaskArn;

/// The instant at which every test begins.
pub const T0: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// The boot in which every test's host runs, unless it says otherwise.
pub const BOOT: &str = "the first boot";

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn arn(id: &str) -> TaskArn {
    TaskArn::build("us-west-2", "111122223333", &format!("c1/{id}")).unwrap()
}

pub fn of(task: &str, container: &str) -> ContainerRef {
    ContainerRef { task: arn(task), container: container.to_owned() }
}

pub fn interface() -> Interface {
    Interface {
        attachment_arn: Some("arn:aws:ecs:us-west-2:111122223333:attachment/a1".to_owned()),
        mac: "0a:00:00:00:00:01".to_owned(),
        addresses: vec!["10.0.2.17".parse().unwrap()],
        gateway4: Some("10.0.2.1/24".parse().unwrap()),
        gateway6: None,
        dns_servers: vec![],
        dns_search: vec![],
        private_dns_name: None,
    }
}

/// An essential container without limits.
pub fn a_container(name: &str) -> ContainerSpec {
    ContainerSpec {
        name: name.to_owned(),
        arn: None,
        image: format!("registry.test/{name}:1"),
        essential: true,
        cpu: 0,
        memory: None,
        memory_reservation: None,
        depends_on: vec![],
        start_timeout: None,
        stop_timeout: None,
        health_check: None,
        restart: None,
        process: ProcessSpec::default(),
        mount_points: vec![],
        port_mappings: vec![],
        log: LogSpec::default(),
        metadata_id: format!("id-of-{name}"),
    }
}

pub fn a_check() -> HealthCheck {
    HealthCheck {
        command: vec!["true".to_owned()],
        interval: seconds(10),
        timeout: seconds(2),
        retries: 2,
        start_period: Duration::ZERO,
    }
}

pub trait ContainerExt: Sized {
    fn helper(self) -> Self;
    fn after(self, other: &str, condition: Condition) -> Self;
    fn checked(self) -> Self;
    fn needs(self, cpu: u32, memory: u32) -> Self;
    fn restarted(self, period: u64, ignored: &[i32]) -> Self;
}

impl ContainerExt for ContainerSpec {
    /// Not essential.
    fn helper(self) -> Self {
        Self { essential: false, ..self }
    }

    fn after(mut self, other: &str, condition: Condition) -> Self {
        self.depends_on.push(Dependency { container: other.to_owned(), condition });
        self
    }

    fn checked(self) -> Self {
        Self { health_check: Some(a_check()), ..self }
    }

    fn needs(self, cpu: u32, memory: u32) -> Self {
        Self { cpu, memory: Some(memory), ..self }
    }

    /// Started again in place when it ran for `period` seconds and did not end with one of these codes.
    fn restarted(self, period: u64, ignored: &[i32]) -> Self {
        let ignored_exit_codes = ignored.iter().copied().collect();
        Self { restart: Some(RestartPolicy { ignored_exit_codes, period: seconds(period) }), ..self }
    }
}

/// A task on the host's network, so that no network has to be made first.
pub fn a_task(id: &str, containers: Vec<ContainerSpec>) -> TaskSpec {
    TaskSpec {
        arn: arn(id),
        family: "web".to_owned(),
        version: "1".to_owned(),
        service_name: None,
        launch_type: Some("EXTERNAL".to_owned()),
        network: Network::Host,
        cpu: None,
        memory: None,
        containers,
        volumes: BTreeMap::new(),
        credentials_id: None,
        execution_credentials_id: None,
    }
}

pub fn awsvpc(spec: TaskSpec) -> TaskSpec {
    TaskSpec { network: Network::Awsvpc(interface()), ..spec }
}

pub fn config() -> NodeConfig {
    NodeConfig::new(HostResources { cpu: 2048, memory: 2048, reserved_ports: [].into() })
}

pub fn image() -> ResolvedImage {
    ResolvedImage {
        name: "registry.test/app:1".to_owned(),
        digest: Some("sha256:aa".to_owned()),
        config_digest: "sha256:bb".to_owned(),
        pull_started_at: Some(T0),
        pull_stopped_at: Some(T0.plus(seconds(1))),
    }
}

pub fn reason(code: ReasonCode) -> Reason {
    Reason::new(code, "because of the test")
}

// ---- events ----

pub fn payload(message: &str, goals: Vec<Goal>) -> Event {
    Event::PayloadReceived { message_id: message.to_owned(), sequence: None, goals }
}

pub fn run(spec: TaskSpec) -> Event {
    payload("m-run", vec![Goal::Run(Box::new(spec))])
}

pub fn stop(task: &str) -> Event {
    payload("m-stop", vec![Goal::Stop(arn(task))])
}

pub fn announced(task: &str, expires_at: Timestamp) -> Event {
    let attachment = AttachmentSpec { task: arn(task), interface: interface(), expires_at };
    Event::InterfaceAssigned { message_id: "m-attach".to_owned(), attachment }
}

pub fn pulled(container: ContainerRef) -> Event {
    Event::ImageReady { container, image: image() }
}

pub fn created(container: ContainerRef) -> Event {
    Event::ContainerCreated { container }
}

pub fn renewed(container: ContainerRef) -> Event {
    Event::ContainerRenewed { container }
}

pub fn exited(container: ContainerRef, code: i32, at: Timestamp) -> Event {
    Event::ContainerExited { container, exit: Exit { code, at } }
}

pub fn deleted(container: ContainerRef) -> Event {
    Event::ContainerDeleted { container, exit: None, remains: None }
}

pub fn probed(container: ContainerRef, exit_code: i32) -> Event {
    Event::HealthProbed { container, exit_code: Some(exit_code), output: "said".to_owned() }
}

pub fn seen(containers: &[(ContainerRef, Observation)], recovery: bool) -> Event {
    listed(containers, BTreeMap::new(), recovery)
}

/// A listing with what its unknown containers bear.
pub fn listed(
    containers: &[(ContainerRef, Observation)],
    found: BTreeMap<TaskArn, Found>,
    recovery: bool,
) -> Event {
    let containers = containers.iter().cloned().collect();
    Event::Observed { containers, found, boot: BOOT.to_owned(), recovery }
}

/// What these containers of a task bear.
pub fn borne(containers: &[(ContainerRef, Observation)], spec: &TaskSpec) -> BTreeMap<TaskArn, Found> {
    let bears = |(container, _): &(ContainerRef, Observation)| {
        let found = FoundContainer {
            image: Some(image()),
            created_at: Some(T0),
            started_at: Some(T0),
            restarts: None,
        };
        (container.container.clone(), found)
    };
    let containers = containers.iter().map(bears).collect();
    [(spec.arn.clone(), Found { spec: Box::new(spec.clone()), containers })].into()
}

/// The event that ends this effect well.
pub fn success(effect: &Effect, now: Timestamp) -> Event {
    match effect.clone() {
        Effect::PrepareNetwork { task, .. } => Event::NetworkReady { task },
        Effect::ReleaseTask { task } => Event::TaskReleased { task },
        Effect::PullImage { container, .. } => pulled(container),
        Effect::CreateContainer { container, .. } => created(container),
        Effect::StartContainer { container } => Event::ContainerStarted { container, at: now },
        Effect::RenewContainer { container, .. } => renewed(container),
        Effect::InspectContainer { container } => {
            Event::ContainerInspected { container, seen: Some(Observation::Created) }
        }
        Effect::SignalContainer { container, .. } => Event::SignalSent { container },
        Effect::DeleteContainer { container } => deleted(container),
        Effect::ProbeHealth { container, .. } => probed(container, 0),
        Effect::ReportTask { report, .. } => Event::TaskReported { report },
        Effect::ReportAttachment { report, .. } => Event::AttachmentReported { report },
    }
}

/// Short words for effects, for tests about their order.
pub fn words(effects: &[Effect]) -> Vec<String> {
    effects.iter().map(word).collect()
}

fn word(effect: &Effect) -> String {
    match effect {
        Effect::PrepareNetwork { .. } => "prepare".to_owned(),
        Effect::ReleaseTask { .. } => "release".to_owned(),
        Effect::PullImage { container, .. } => format!("pull {}", container.container),
        Effect::CreateContainer { container, .. } => format!("create {}", container.container),
        Effect::StartContainer { container } => format!("start {}", container.container),
        Effect::RenewContainer { container, .. } => format!("renew {}", container.container),
        Effect::InspectContainer { container } => format!("inspect {}", container.container),
        Effect::SignalContainer { container, signal: StopSignal::Polite(_) } => {
            format!("ask {}", container.container)
        }
        Effect::SignalContainer { container, .. } => format!("kill {}", container.container),
        Effect::DeleteContainer { container } => format!("delete {}", container.container),
        Effect::ProbeHealth { container, .. } => format!("probe {}", container.container),
        Effect::ReportTask { report, .. } => format!("report {}", report.status.as_str()),
        Effect::ReportAttachment { .. } => "report ATTACHED".to_owned(),
    }
}

/// The one report among these effects.
pub fn report(effects: &[Effect]) -> TaskReport {
    let mut reports = effects.iter().filter_map(|effect| match effect {
        Effect::ReportTask { report, .. } => Some(report.clone()),
        _ => None,
    });
    let one = reports.next().expect("a report");
    assert_eq!(reports.next(), None, "more than one report");
    one
}

/// Statuses of the reports among these effects, in order.
pub fn reported(effects: &[Effect]) -> Vec<Status> {
    let status = |effect: &Effect| match effect {
        Effect::ReportTask { report, .. } => Some(report.status),
        _ => None,
    };
    effects.iter().filter_map(status).collect()
}
