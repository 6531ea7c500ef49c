//! Faults between agent and control plane: tasks run on untouched, the agent is back within ten seconds of healing, and every state
//! is told in order, none twice that the agent heard was taken.

use crate::lifecycle::end;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wharf_link::acs::{AcsConfig, run_acs};
use wharf_link::api::{ApiClient, ApiConfig, CallLimits};
use wharf_link::credentials::CredentialsSource;
use wharf_link::endpoint::AgentIdentity;
use wharf_link::jitter::Jitter;
use wharf_link::session::Timings;
use wharf_protocol::acs;
use wharf_tests::long::pick;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::plane::Plane;
use wharf_tests::proxy::{Fault, Proxy, Way};
use wharf_tests::scripted::{Answer, Scripted};
use wharf_tests::signal::terminate;
use wharf_tests::wait;
use wharf_tests::world::{ACCESS_KEY, CLUSTER, Host, REGION, SECRET_KEY};

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 36000 & wait"];
const JOB: &[&str] = &["sh", "-c", "trap 'exit 9' TERM; sleep 36000 & wait"];
const SOON: Duration = Duration::from_secs(30);
/// How long after healing the agent may take to be heard again.
const BACK: Duration = Duration::from_secs(10);
/// How long the far side of a half-open connection was gone when the network is there again.
const A_MOMENT: Duration = Duration::from_secs(1);
/// Longer than one call may take that hangs on a dead connection.
const TOLD: Duration = Duration::from_secs(90);

/// An agent and its control plane with a network between them that can be spoilt.
struct Line {
    host: Host,
    control: Scripted,
    proxy: Proxy,
}

impl Line {
    async fn connected() -> Self {
        let mut line = Self::without_agent().await;
        line.start_agent();
        line.control.connected().await;
        line
    }

    async fn without_agent() -> Self {
        let host = Host::new().unwrap();
        host.load_image().unwrap();
        let control = Scripted::start().await.unwrap();
        let proxy = Proxy::start(control.address()).await.unwrap();
        control.advertise(proxy.address());
        Self { host, control, proxy }
    }

    fn start_agent(&mut self) {
        self.host.start_agent(&format!("http://{}", self.proxy.address())).unwrap();
    }

    /// Waits until the agent answers a message; how long that took. A message that was sent into a dead session is lost, as it is
    /// for any control plane, so there is a new one all the time.
    async fn answers(&self, deadline: Duration) -> Duration {
        let begun = Instant::now();
        wait::until("an answer of the agent", deadline, async || {
            let (id, message) = payload(Vec::new());
            self.control.send(message);
            tokio::time::timeout(Duration::from_millis(300), self.control.acked_ever(&id))
                .await
                .map_err(|_| format!("no answer to {id}"))
        })
        .await;
        begun.elapsed()
    }

    async fn end(self) {
        self.proxy.stop().await;
        end(self.host, self.control).await;
    }
}

/// Whether the agent may have missed that a state was taken, and so rightly says it again.
#[derive(PartialEq)]
enum Answers {
    Arrive,
    MayBeLost,
}

/// One fault, from beginning to end: a task stays, another one ends meanwhile, then the fault is healed.
async fn survives(
    net: u8,
    lasts: Duration,
    answers: Answers,
    spoil: impl Fn(&Line),
    heal: impl Fn(&Line),
) -> Duration {
    let line = Line::connected().await;
    let stays = awsvpc_task(net, 10, vec![container("app", STAY)]);
    let job = awsvpc_task(net, 11, vec![container("job", JOB)]);
    line.control.send(payload(vec![stays.clone(), job.clone()]).1);
    for task in [&stays, &job] {
        line.control.status_of(arn(task), "RUNNING", SOON).await;
    }
    // What was told before is told for good once a later message is answered.
    line.answers(SOON).await;
    let (agent, before) = (line.host.agent_pid(), line.host.tasks());
    spoil(&line);
    terminate(before[&id(&job, "job")].0).await;
    wait::for_as_long_as(lasts).await;
    assert_eq!(line.host.tasks().get(&id(&stays, "app")), before.get(&id(&stays, "app")), "untouched");
    assert!(line.host.agent_is_alive(), "the agent lives");
    heal(&line);
    let took = line.answers(Duration::from_secs(40)).await;

    line.control.status_of(arn(&job), "STOPPED", TOLD).await;
    assert_eq!(line.control.last_told(arn(&job), "job").exit_code, Some(9));
    assert_eq!(line.host.tasks().get(&id(&stays, "app")), before.get(&id(&stays, "app")), "untouched");
    assert_eq!(line.host.agent_pid(), agent);
    line.control.send(payload(vec![stop(&stays)]).1);
    line.control.status_of(arn(&stays), "STOPPED", TOLD).await;
    for task in [&stays, &job] {
        in_order(line.control.statuses_of(arn(task)), &answers);
    }
    line.end().await;
    took
}

fn in_order(mut told: Vec<String>, answers: &Answers) {
    if *answers == Answers::MayBeLost {
        told.dedup();
    }
    let all = ["PENDING", "RUNNING", "STOPPED"];
    let expected: Vec<_> = all.into_iter().filter(|status| told.iter().any(|told| told == status)).collect();
    assert_eq!(told, expected, "each once and none before an earlier one");
}

fn id(task: &acs::Task, container: &str) -> String {
    format!("{}-{container}", arn(task).rsplit('/').next().unwrap())
}

/// Seconds in `make test`, an hour in `make soak`.
fn an_hour() -> Duration {
    pick(Duration::from_secs(8), Duration::from_secs(3600))
}

const A_WHILE: Duration = Duration::from_secs(6);

/// The network is spoilt in this way for so long, then healed.
async fn network(net: u8, lasts: Duration, answers: Answers, fault: Fault) {
    let heal = |line: &Line| line.proxy.set(Fault::None);
    let took = survives(net, lasts, answers, |line| line.proxy.set(fault), heal).await;
    assert!(took < BACK, "{fault:?}: back after {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blackhole_touches_no_task_and_is_over_when_it_is_over() {
    network(60, an_hour(), Answers::MayBeLost, Fault::Blackhole(Way::Both)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blackhole_of_one_direction_touches_no_task() {
    network(61, A_WHILE, Answers::Arrive, Fault::Blackhole(Way::ToPlane)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blackhole_of_the_other_direction_touches_no_task() {
    network(62, A_WHILE, Answers::MayBeLost, Fault::Blackhole(Way::ToAgent)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_refuses_connects_touches_no_task() {
    network(63, an_hour(), Answers::Arrive, Fault::Refuse).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_reset_touch_no_task() {
    network(64, A_WHILE, Answers::Arrive, Fault::Reset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_a_second_touches_no_task() {
    network(65, A_WHILE, Answers::MayBeLost, Fault::Trickle(Way::Both)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_touches_no_task() {
    network(66, A_WHILE, Answers::MayBeLost, Fault::Delay(Way::Both, Duration::from_millis(700))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_in_the_middle_of_an_answer_touch_no_task() {
    let spoil = |line: &Line| {
        line.proxy.set(Fault::Reset);
        line.proxy.set(Fault::CutAfter(Way::ToAgent, 40));
    };
    let took = survives(67, A_WHILE, Answers::MayBeLost, spoil, |line| line.proxy.set(Fault::None)).await;
    assert!(took < BACK, "back after {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_found_out_within_half_a_minute() {
    let spoil = |line: &Line| line.proxy.set(Fault::HalfOpen);
    let heal = |line: &Line| line.proxy.set(Fault::None);
    // The network is there again at once; the connections of before are dead, and only the agent can find that out.
    let took = survives(68, A_MOMENT, Answers::MayBeLost, spoil, heal).await;
    assert!(took + A_MOMENT < Duration::from_secs(30), "found out {took:?} after that moment");
}

/// Every call and every upgrade is answered in this way, with the sessions of before cut off.
async fn answered(net: u8, answer: Answer) {
    let spoil = |line: &Line| {
        line.control.answer_calls_with(Some(answer.clone()));
        line.control.answer_upgrades_with(Some(answer.clone()));
        line.proxy.set(Fault::Reset);
    };
    let spoil = |line: &Line| {
        spoil(line);
        line.proxy.set(Fault::None);
    };
    let heal = |line: &Line| {
        line.control.answer_calls_with(None);
        line.control.answer_upgrades_with(None);
    };
    let took = survives(net, A_WHILE, Answers::Arrive, spoil, heal).await;
    assert!(took < BACK, "{answer:?}: back after {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_is_overloaded_touches_no_task() {
    answered(70, Answer::unavailable()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_touches_no_task() {
    answered(71, Answer::throttled()).await;
    answered(72, Answer::too_many(None)).await;
    answered(73, Answer::too_many(Some(2))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_content_touches_no_task_and_takes_no_state() {
    answered(74, Answer::page()).await;
    answered(75, Answer::truncated()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_far_too_large_or_lead_elsewhere_touch_no_task_and_take_no_state() {
    answered(76, Answer::giant()).await;
    answered(77, Answer::elsewhere()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_starts_during_an_outage_is_there_within_ten_seconds_of_its_end() {
    let mut line = Line::without_agent().await;
    line.proxy.set(Fault::Refuse);
    line.start_agent();
    wait::for_as_long_as(an_hour()).await;
    assert!(line.host.agent_is_alive());
    line.proxy.set(Fault::None);
    let took = line.answers(SOON).await;
    assert!(took < BACK, "there after {took:?}");
    line.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_with_our_identity_is_named_fought_without_haste_and_touches_no_task() {
    let mut host = Host::new().unwrap();
    host.load_image().unwrap();
    let plane = Plane::start(&host, 79).await.unwrap();
    host.start_agent(&plane.url()).unwrap();
    plane.connected().await;
    let input = serde_json::json!({"family": "stay", "networkMode": "awsvpc",
        "containerDefinitions": [{"name": "app", "image": wharf_tests::world::IMAGE, "command": STAY, "memory": 64}]});
    plane.call("RegisterTaskDefinition", input).await.unwrap();
    let task = plane.run("stay", 1).await.unwrap()[0]["taskArn"].as_str().unwrap().to_owned();
    plane.reaches(&task, "RUNNING", SOON).await;
    let before = host.tasks();

    let rival = Rival::start(&plane).await;
    wait::until("an error that names the cause", Duration::from_secs(60), async || {
        let named =
            host.agent_log().contains("most likely another agent connects as this container instance");
        named.then_some(()).ok_or_else(|| "not yet".to_owned())
    })
    .await;
    let (sessions, begun) = (sessions(&plane), Instant::now());
    wait::for_as_long_as(pick(Duration::from_secs(20), Duration::from_secs(600))).await;
    let (more, seconds) = (self::sessions(&plane) - sessions, begun.elapsed().as_secs());
    assert!(u64::try_from(more).unwrap() < seconds, "{more} sessions in {seconds} s are a tight loop");
    rival.stop().await;

    let gone = Instant::now();
    plane.connected().await;
    assert!(gone.elapsed() < BACK, "{:?}", gone.elapsed());
    assert_eq!(host.tasks(), before, "no task was touched");
    plane.call("StopTask", serde_json::json!({"cluster": CLUSTER, "task": task})).await.unwrap();
    plane.reaches(&task, "STOPPED", TOLD).await;
    tokio::task::spawn_blocking(|| host.finish()).await.unwrap();
    plane.stop().unwrap();
}

/// ACS sessions that the control plane has opened so far.
fn sessions(plane: &Plane) -> usize {
    plane.log().matches("agent connected").count()
}

/// Another agent that says it is this container instance; it hears everything and does nothing.
struct Rival {
    cancel: CancellationToken,
    talking: tokio::task::JoinHandle<()>,
    listening: tokio::task::JoinHandle<()>,
    _outbound: mpsc::Sender<wharf_link::acs::AcsOutbound>,
}

impl Rival {
    async fn start(plane: &Plane) -> Self {
        let listed =
            plane.call("ListContainerInstances", serde_json::json!({"cluster": CLUSTER})).await.unwrap();
        let api = ApiClient::new(ApiConfig {
            endpoint: plane.url(),
            region: REGION.to_owned(),
            credentials: vec![CredentialsSource::fixed(ACCESS_KEY, SECRET_KEY, None)],
            user_agent: "rival".to_owned(),
            verify_tls: true,
            limits: CallLimits::default(),
        });
        let identity = AgentIdentity {
            cluster: CLUSTER.to_owned(),
            container_instance_arn: listed["containerInstanceArns"][0].as_str().unwrap().to_owned(),
            agent_version: "0".to_owned(),
            agent_hash: String::new(),
        };
        let (timings, jitter) = (Timings::ACS, Jitter::seeded(1));
        let config = AcsConfig { api: api.unwrap(), identity, endpoint: None, timings, jitter };
        let (to_agent, mut inbound) = mpsc::channel(64);
        let (outbound, to_session) = mpsc::channel(64);
        let cancel = CancellationToken::new();
        let talking = tokio::spawn(run_acs(config, to_agent, to_session, cancel.clone()));
        let listening = tokio::spawn(async move { while inbound.recv().await.is_some() {} });
        Self { cancel, talking, listening, _outbound: outbound }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.talking.await.unwrap();
        self.listening.await.unwrap();
    }
}
