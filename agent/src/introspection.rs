//! The introspection API: what runs on this host, for operators on this host. Source: features 12.
//!
//! Owns `/v1/metadata`, `/v1/tasks`, `/v1/waits` and `/license`. Listens on loopback unless configured otherwise: it asks nobody who they are.

use crate::endpoints::path::Version;
use crate::endpoints::{NetworkBody, PortBody, VolumeBody, docker_name, networks, ports, rfc3339, volumes};
use crate::http::{Ask, Body, Limits, Reply, serve};
use crate::view::{ContainerView, Stage, TaskView, View, desired_word, runtime_id};
use crate::waits::WaitBody;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wharf_core::event::Desired;
use wharf_core::spec::ContainerSpec;

/// Where the Go agent listens too, but for the address.
pub const PORT: u16 = 51678;

const LICENSE: &str = include_str!("../../LICENSE");

/// The port could not be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen for introspection on {address}; if another agent runs here, give one of them another port"
)]
pub struct BindError {
    /// Where.
    pub address: SocketAddr,
    #[source]
    source: std::io::Error,
}

/// Takes the port. Kept apart from [`run`] so that a port in use is known at the start.
///
/// # Errors
/// When the address cannot be bound.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError { address, source })
}

/// Serves introspection until `stop`.
pub async fn run(
    listener: TcpListener,
    view: watch::Receiver<Arc<View>>,
    limits: Limits,
    stop: CancellationToken,
) {
    let reply = move |ask: &Ask<'_>| {
        let view = Arc::clone(&view.borrow());
        if ask.path == "/v1/waits" { waits() } else { render(&view, ask.path, ask.query) }
    };
    serve(listener, limits, stop, reply).await;
}

/// Answers a path and query. Pure.
pub fn render(view: &View, path: &str, query: Option<&str>) -> Reply {
    match path {
        "/" => ok(
            &serde_json::json!({"AvailableCommands": ["/v1/metadata", "/v1/tasks", "/v1/waits", "/license"]}),
        ),
        "/v1/metadata" => ok(&Metadata::new(view)),
        "/v1/tasks" => tasks(view, query.unwrap_or_default()),
        "/license" => Reply { status: 200, body: Body::text(LICENSE) },
        _ => Reply::no_such_page(),
    }
}

/// The waits of this process at this moment.
fn waits() -> Reply {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Waits {
        waits: Vec<WaitBody>,
    }
    let now = Instant::now();
    ok(&Waits { waits: wharf_wait::open().iter().map(|wait| WaitBody::new(wait, now)).collect() })
}

fn tasks(view: &View, query: &str) -> Reply {
    let parameter =
        |name| query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name));
    let found: Vec<_> = match (parameter("taskarn"), parameter("dockerid")) {
        (Some((_, arn)), _) => {
            let arn = decode(arn);
            view.tasks.values().filter(|task| task.spec.arn.as_str() == arn).collect()
        }
        (None, Some((_, prefix))) => match by_runtime_id(view, &decode(prefix)) {
            Ok(found) => vec![found],
            Err(status) => return Reply { status, body: Body::json("") },
        },
        (None, None) => {
            #[derive(Serialize)]
            #[serde(rename_all = "PascalCase")]
            struct Tasks {
                tasks: Vec<TaskBody>,
            }
            return ok(&Tasks { tasks: view.tasks.values().map(|task| TaskBody::new(task)).collect() });
        }
    };
    match found[..] {
        [task] => ok(&TaskBody::new(task)),
        _ => Reply { status: 404, body: Body::json("") },
    }
}

/// The one task with a container whose id begins so; 404 for none, 400 for several containers.
fn by_runtime_id<'a>(view: &'a View, prefix: &str) -> Result<&'a Arc<TaskView>, u16> {
    let ids = |task: &'a Arc<TaskView>| {
        task.containers().map(move |(spec, _)| (runtime_id(&task.spec.arn, &spec.name), task))
    };
    let matching: Vec<_> = view
        .tasks
        .values()
        .flat_map(ids)
        .filter(|(id, _)| !prefix.is_empty() && id.starts_with(prefix))
        .collect();
    if let Some((_, task)) = matching.iter().find(|(id, _)| id == prefix) {
        return Ok(task);
    }
    match matching[..] {
        [(_, task)] => Ok(task),
        [] => Err(404),
        _ => Err(400),
    }
}

/// Undoes percent-encoding; ARNs are full of colons and slashes.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high).zip(digit(low)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ok(body: &impl Serialize) -> Reply {
    Reply { status: 200, body: Body::json(body) }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    cluster: &'a str,
    container_instance_arn: Option<&'a str>,
    version: String,
}

impl<'a> Metadata<'a> {
    fn new(view: &'a View) -> Self {
        Self {
            cluster: &view.host.cluster,
            container_instance_arn: view.host.container_instance_arn.as_ref().map(|arn| arn.as_str()),
            version: format!("Wharf - v{}", env!("CARGO_PKG_VERSION")),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TaskBody {
    arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    desired_status: Option<&'static str>,
    known_status: &'static str,
    family: String,
    version: String,
    containers: Vec<ContainerBody>,
}

impl TaskBody {
    fn new(task: &TaskView) -> Self {
        // A task that ended by itself was never wanted to stop: saying RUNNING beside STOPPED would only confuse.
        let overtaken = task.known == Stage::Stopped && task.desired == Desired::Running;
        Self {
            arn: task.spec.arn.to_string(),
            desired_status: (!overtaken).then(|| desired_word(task.desired)),
            known_status: reported_word(task.known),
            family: task.spec.family.clone(),
            version: task.spec.version.clone(),
            containers: task
                .containers()
                .map(|(spec, state)| ContainerBody::new(task, spec, state))
                .collect(),
        }
    }
}

/// The three words that the control plane knows.
const fn reported_word(known: Stage) -> &'static str {
    match known {
        Stage::None | Stage::Pulled | Stage::Created => "PENDING",
        Stage::Running => "RUNNING",
        Stage::Stopped => "STOPPED",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerBody {
    docker_id: String,
    docker_name: String,
    name: String,
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<PortBody>,
    networks: Vec<NetworkBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<VolumeBody>,
}

impl ContainerBody {
    fn new(task: &TaskView, spec: &ContainerSpec, state: &ContainerView) -> Self {
        Self {
            docker_id: runtime_id(&task.spec.arn, &spec.name),
            docker_name: docker_name(&task.spec, &spec.name),
            name: spec.name.clone(),
            image: spec.image.clone(),
            image_id: state.image.as_ref().map(|image| image.config_digest.clone()).unwrap_or_default(),
            created_at: state.created_at.map(rfc3339),
            started_at: state.started_at.map(rfc3339),
            ports: ports(&task.spec, spec),
            networks: networks(&task.spec, Version::V3),
            volumes: volumes(&task.spec, spec),
        }
    }
}
