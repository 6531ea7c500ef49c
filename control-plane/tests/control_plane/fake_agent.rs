//! A scripted agent: registers, connects over a real websocket, says what the test tells it to say.

use super::peer::{Client, DEADLINE, REGION};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::SystemTime;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use wharf_protocol::sigv4::Signer;

pub const CAPABILITIES: [&str; 3] =
    ["ecs.capability.task-eni", "ecs.capability.container-ordering", "ecs.capability.container-health-check"];

pub struct FakeAgent {
    pub client: Client,
    pub arn: String,
}

/// A websocket that an agent holds.
pub struct Line {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub url: String,
}

impl FakeAgent {
    /// Registers in cluster `default`.
    pub async fn register(client: &Client) -> Self {
        let registered = client.call("RegisterContainerInstance", registration()).await;
        let arn = registered["containerInstance"]["containerInstanceArn"].as_str().unwrap().to_owned();
        Self { client: client.clone(), arn }
    }

    /// Opens ACS as the spec says: at the endpoint that the control plane names.
    pub async fn acs(&self) -> Line {
        self.try_acs().await.unwrap_or_else(|body| panic!("refused: {body}"))
    }

    /// The error is the body of the refusal.
    pub async fn try_acs(&self) -> Result<Line, String> {
        let arn = self.arn.replace(':', "%3A").replace('/', "%2F");
        let query = format!(
            "agentVersion=1&clusterArn=default&containerInstanceArn={arn}&sendCredentials=true&seqNum=1"
        );
        self.open("endpoint", &query, &self.client).await
    }

    /// The error is the body of the refusal.
    pub async fn try_acs_signed_by(&self, signer: &Client) -> Result<Line, String> {
        let arn = self.arn.replace(':', "%3A").replace('/', "%2F");
        self.open("endpoint", &format!("clusterArn=default&containerInstanceArn={arn}"), signer).await
    }

    pub async fn tcs(&self) -> Line {
        let arn = self.arn.replace(':', "%3A").replace('/', "%2F");
        let query = format!("agentVersion=1&cluster=default&containerInstance={arn}");
        self.open("telemetryEndpoint", &query, &self.client)
            .await
            .unwrap_or_else(|body| panic!("refused: {body}"))
    }

    async fn open(&self, endpoint: &str, query: &str, signer: &Client) -> Result<Line, String> {
        let found = self.client.call("DiscoverPollEndpoint", json!({ "containerInstance": self.arn })).await;
        let url = format!("{}ws?{query}", found[endpoint].as_str().unwrap());
        let mut request = url.replacen("http", "ws", 1).into_client_request().unwrap();
        let signer = Signer { credentials: &signer.credentials, region: REGION, time: SystemTime::now() };
        for (name, value) in signer.websocket(&url).unwrap() {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Line { socket, url }),
            Err(Error::Http(answer)) => {
                Err(String::from_utf8(answer.into_body().unwrap_or_default()).unwrap())
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Submits the task's status with one container.
    pub async fn submit(&self, task: &str, status: &str) {
        let mut container = json!({ "containerName": "app", "status": status, "runtimeId": "r" });
        if status == "STOPPED" {
            container["exitCode"] = json!(0);
        }
        let input = json!({ "cluster": "default", "task": task, "status": status, "reason": "", "containers": [container] });
        self.client.call("SubmitTaskStateChange", input).await;
    }

    /// Reports the interface of an attach message attached.
    pub async fn attach(&self, message: &Value) {
        let attachment = &message["elasticNetworkInterfaces"][0]["attachmentArn"];
        let attachments = json!([{ "attachmentArn": attachment, "status": "ATTACHED" }]);
        let input = json!({ "cluster": "default", "task": message["taskArn"], "attachments": attachments });
        self.client.call("SubmitTaskStateChange", input).await;
    }
}

pub fn registration() -> Value {
    let attributes: Vec<_> = CAPABILITIES.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "cluster": "default",
        "attributes": attributes,
        "totalResources": [
            { "name": "CPU", "type": "INTEGER", "integerValue": 2048 },
            { "name": "MEMORY", "type": "INTEGER", "integerValue": 4096 },
            { "name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"] },
            { "name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": [] },
        ],
    })
}

impl Line {
    /// The next message of this type; others are left aside.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let found = timeout(DEADLINE, async {
            loop {
                match self.next().await {
                    Some((found, message)) if found == kind => return message,
                    Some(_) => {}
                    None => panic!("the connection ended before {kind}"),
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("no {kind} in time"))
    }

    /// The next message's type and body; `None` when the connection ended.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            match timeout(DEADLINE, self.socket.next()).await.expect("silence") {
                Some(Ok(Message::Text(text))) => {
                    let mut envelope: Value = serde_json::from_str(&text).unwrap();
                    let kind = envelope["type"].as_str().unwrap().to_owned();
                    return Some((kind, envelope["message"].take()));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Reads until the connection ends.
    pub async fn until_closed(&mut self) {
        let ended = async { while self.next().await.is_some() {} };
        timeout(DEADLINE, ended).await.expect("the connection ends");
    }

    pub async fn say(&mut self, kind: &str, message: Value) {
        self.say_raw(&json!({ "type": kind, "message": message }).to_string()).await;
    }

    pub async fn say_raw(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub async fn acknowledge(&mut self, message: &Value) {
        self.say("AckRequest", json!({ "messageId": message["messageId"] })).await;
    }
}
