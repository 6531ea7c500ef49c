//! The conversation on ACS: who is told what, and what is acknowledged when.

use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wharf_agent::acs::Policy;
use wharf_agent::conversation::Conversation;
use wharf_agent::endpoints::credentials::CredentialStore;
use wharf_agent::healing::Healing;
use wharf_agent::owner::Input;
use wharf_agent::seam::SystemClock;
use wharf_agent::view::View;
use wharf_core::effect::Reply;
use wharf_core::event::{Event, Goal};
use wharf_link::acs::{AcsInbound, AcsOutbound, SessionId};
use wharf_protocol::acs::Message;
use wharf_protocol::json as wire;

const TASK: &str = "arn:aws:ecs:us-west-2:111122223333:task/c1/0123";
/// Longest wait for what has to come.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_payload_is_acknowledged_once_the_node_says_so_with_its_credentials() {
    let mut talk = Talk::start();
    talk.hears(payload("m-1", json!([task()]))).await;
    let Event::PayloadReceived { message_id, sequence, goals } = talk.told().await else {
        panic!("a payload")
    };
    assert_eq!((message_id.as_str(), sequence), ("m-1", Some(3)));
    assert!(matches!(goals.as_slice(), [Goal::Run(_)]));
    assert_eq!(
        talk.credentials.get("c-1").expect("they are there before the task").access_key_id,
        "AKIDEXAMPLE"
    );
    talk.node_says(Reply::Ack { message_id }).await;
    assert_eq!(
        talk.said().await,
        json!({"cluster": "arn:cluster", "containerInstance": "arn:instance", "messageId": "m-1"})
    );
    assert_eq!(talk.said().await, json!({"messageId": "m-1", "credentialsId": "c-1", "expiration": "soon"}));
    talk.ends_in_silence().await;
}

#[tokio::test]
async fn a_payload_with_a_task_that_has_no_name_is_not_acknowledged_though_the_others_run() {
    let mut talk = Talk::start();
    talk.hears(payload("m-1", json!([task(), {"desiredStatus": "RUNNING"}]))).await;
    let Event::PayloadReceived { message_id, goals, .. } = talk.told().await else { panic!("a payload") };
    assert_eq!(goals.len(), 1);
    talk.node_says(Reply::Ack { message_id }).await;
    talk.ends_in_silence().await;
}

#[tokio::test]
async fn a_message_that_came_twice_is_acknowledged_once() {
    let mut talk = Talk::start();
    for _ in 0..2 {
        talk.hears(payload("m-1", json!([]))).await;
        talk.told().await;
    }
    for _ in 0..2 {
        talk.node_says(Reply::Ack { message_id: "m-1".to_owned() }).await;
    }
    assert_eq!(talk.said().await["messageId"], "m-1");
    talk.ends_in_silence().await;
}

#[tokio::test]
async fn stops_are_verified_in_the_name_of_the_cluster_that_sent_the_manifest() {
    let mut talk = Talk::start();
    let manifest = json!({"messageId": "m-2", "clusterArn": "arn:cluster", "containerInstanceArn": "arn:instance",
        "timeline": 1, "tasks": []});
    talk.hears(Message::TaskManifestMessage(read(manifest))).await;
    assert!(matches!(talk.told().await, Event::ManifestReceived { timeline: 1, .. }));
    let candidates = vec![wharf_protocol::arn::TaskArn::parse(TASK).expect("it is right")];
    talk.node_says(Reply::VerifyStops { message_id: "m-2".to_owned(), candidates }).await;
    assert_eq!(talk.said().await["stopCandidates"][0]["taskClusterArn"], "arn:cluster");
    talk.ends_in_silence().await;
}

#[tokio::test]
async fn credentials_for_an_unknown_task_are_neither_kept_nor_acknowledged() {
    let talk = Talk::start();
    let renewal = json!({"messageId": "m-3", "taskArn": TASK, "roleType": "TaskApplication",
        "roleCredentials": {"credentialsId": "c-9"}});
    talk.hears(Message::IAMRoleCredentialsMessage(read(renewal))).await;
    let credentials = talk.credentials.clone();
    talk.ends_in_silence().await;
    assert!(credentials.get("c-9").is_none());
}

/// A conversation with both of its ends in hand.
struct Talk {
    to_agent: mpsc::Sender<AcsInbound>,
    from_agent: mpsc::Receiver<AcsOutbound>,
    inbox: mpsc::Receiver<Input>,
    replies: mpsc::Sender<Reply>,
    credentials: CredentialStore,
    running: JoinHandle<()>,
}

impl Talk {
    fn start() -> Self {
        let (to_agent, inbound) = mpsc::channel(16);
        let (outbound, from_agent) = mpsc::channel(16);
        let (to_node, inbox) = mpsc::channel(16);
        let (replies, spoken) = mpsc::channel(16);
        let credentials = CredentialStore::default();
        let policy =
            Policy { privileged: true, task_eni: true, health_check: true, logging_drivers: Vec::new() };
        let conversation = Conversation {
            clock: SystemClock,
            inbound,
            outbound,
            inbox: to_node,
            replies: spoken,
            policy,
            credentials: credentials.clone(),
            view: watch::channel(Arc::new(View::default())).1,
            heartbeat: Arc::new(Notify::new()),
            active: watch::channel(true).0,
            healing: Healing::new(),
        };
        let running = tokio::spawn(conversation.run(CancellationToken::new()));
        Self { to_agent, from_agent, inbox, replies, credentials, running }
    }

    async fn hears(&self, message: Message) {
        let message = AcsInbound::Message { session: SessionId(1), message: Box::new(message) };
        self.to_agent.send(message).await.expect("it listens");
    }

    async fn told(&mut self) -> Event {
        match tokio::time::timeout(SOON, self.inbox.recv()).await.expect("in time").expect("it lives") {
            Input::Event(event) => event,
            Input::Host(host) => panic!("{host:?}"),
        }
    }

    async fn node_says(&self, reply: Reply) {
        self.replies.send(reply).await.expect("it listens");
    }

    async fn said(&mut self) -> Value {
        let frame =
            tokio::time::timeout(SOON, self.from_agent.recv()).await.expect("in time").expect("it lives");
        serde_json::to_value(frame.message).expect("it is JSON")
    }

    /// Asserts that nothing more is said: a message and a reply go through behind everything before, and theirs is the next frame.
    async fn ends_in_silence(mut self) {
        let probe =
            json!({"messageId": "probe", "clusterArn": "a", "containerInstanceArn": "a", "timeline": 9});
        self.hears(Message::TaskManifestMessage(read(probe))).await;
        assert!(matches!(self.told().await, Event::ManifestReceived { timeline: 9, .. }));
        self.node_says(Reply::VerifyStops { message_id: "probe".to_owned(), candidates: Vec::new() }).await;
        assert_eq!(self.said().await["messageId"], "probe");
        drop((self.to_agent, self.replies));
        tokio::time::timeout(SOON, self.running).await.expect("in time").expect("no panic");
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    wire::from_value(value).expect("it has the message's shape")
}

fn payload(id: &str, tasks: Value) -> Message {
    let payload = json!({"messageId": id, "clusterArn": "arn:cluster", "containerInstanceArn": "arn:instance",
        "seqNum": 3, "tasks": tasks});
    Message::PayloadMessage(read(payload))
}

fn task() -> Value {
    json!({"arn": TASK, "family": "f", "version": "1", "desiredStatus": "RUNNING", "networkMode": "none",
        "roleCredentials": {"credentialsId": "c-1", "accessKeyId": "AKIDEXAMPLE", "expiration": "soon"},
        "containers": [{"name": "a", "image": "i", "essential": true}]})
}
