//! What each fuzz target does with its input; shared with the tests, which run the same bodies over the corpus and seeded mutations.
//!
//! Each parser must not panic, must not touch the world, and must say something about what it refuses.

pub mod files;
mod host;
pub mod kernel;
pub mod node;
mod placement;
pub mod plane;
mod printed;
mod words;

pub use files::{store_file, store_mark};
pub use kernel::kernel_answers;
pub use plane::{page_token, plane_rows, state_change};
pub use printed::container_output;
pub use words::{cni_environment, command_line, logger_arguments};

use host::{Host, NOT_FOR_YOU};
use std::sync::LazyLock;
use wharf_agent::acs::{
    Policy, convert, interface_assigned, manifest_received, role_credentials, stops_verified,
};
use wharf_agent::config::{Resolution, SourceText, Sources, resolve};
use wharf_agent::endpoints::path::Path;
use wharf_agent::endpoints::render;
use wharf_agent::http::{Body, Reply};
use wharf_agent::last_lines::{LINE_MAX, try_lines};
use wharf_agent::{introspection, store};
use wharf_cni::plugin::Seen;
use wharf_control_plane::model::definition::{Definition, demand};
use wharf_control_plane::model::time::Time;
use wharf_control_plane::scheduler::Expression;
use wharf_core::adopt::Inscription;
use wharf_core::config::{HostResources, NodeConfig};
use wharf_core::event::Event;
use wharf_core::node::Node;
use wharf_core::record::{Record, RecordKey, Table};
use wharf_core::restart::Restarts;
use wharf_link::acs::validate;
use wharf_link::credentials::try_credentials;
use wharf_protocol::{acs, api};
use wharf_runtime::image::{ImageName, try_archive, try_documents};
use wharf_runtime::{try_events, try_users};

static HOST: LazyLock<Host> = LazyLock::new(Host::of_two_tasks);

const TASK: &str = "arn:aws:ecs:us-west-2:111122223333:task/c1/t";
const CONTAINERS_OF_A_TASK: usize = 10_000;

/// The configuration that a CNI runtime sends to the plugin.
pub fn cni_config(data: &[u8]) {
    if let Err(failure) = wharf_cni::plugin::Config::parse(data) {
        assert!(!failure.message.is_empty());
    }
}

/// `/etc/ecs/ecs.config`.
pub fn ecs_config(data: &[u8]) {
    resolved(&Sources { env_file: Some(file("ecs.config", data)), ..Sources::default() });
}

/// `/etc/wharf/agent.toml`.
pub fn agent_toml(data: &[u8]) {
    resolved(&Sources { native: Some(file("agent.toml", data)), ..Sources::default() });
}

fn file(path: &str, data: &[u8]) -> SourceText {
    SourceText { path: path.into(), text: String::from_utf8_lossy(data).into_owned() }
}

fn resolved(sources: &Sources) {
    match resolve(sources) {
        Ok(Resolution { .. }) => {}
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
}

/// The name of an image; what is read is read as itself again.
pub fn image_reference(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(name) = ImageName::parse(text) {
        assert_eq!(ImageName::parse(&name.to_string()).as_ref(), Ok(&name));
    }
}

/// Index, manifest and configuration of an image.
pub fn image_document(data: &[u8]) {
    assert!(try_documents(data) <= 3);
}

/// A saved record of the node, of each table; what is restored can be stepped.
pub fn store_record(data: &[u8]) {
    for table in Table::ALL {
        let id = if *table == Table::Node { "node" } else { TASK };
        let key = RecordKey { table: *table, id: id.to_owned() };
        let record = Record { key, value: data.to_vec() };
        match Node::restore(NodeConfig::new(HostResources::default()), vec![record]) {
            Ok(node) => {
                assert!(node.tasks().len() + node.absent().len() + node.attachments().len() <= 1);
                node::live(node, node::nothing_seen());
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// What a container bears, its task's definition and its restarts: what can be read is read as itself again, and can be taken over.
pub fn inscription(data: &[u8]) {
    if let Ok(restarts) = Restarts::decode(data) {
        assert_eq!(Restarts::decode(&restarts.encode()).ok(), Some(restarts));
    }
    let Ok(borne) = Inscription::decode(data) else { return };
    let again = Inscription::decode(&Inscription::encode(&borne.task, &borne.image));
    assert_eq!(again.as_ref().ok(), Some(&borne));
    let node =
        Node::restore(NodeConfig::new(HostResources::default()), Vec::new()).expect("nothing is readable");
    node::live(node, node::task_seen(borne));
}

/// The write-ahead log of the store, over a database of one page.
pub fn store_log(data: &[u8]) {
    let before = vec![0; 512];
    let mut database = before.clone();
    let damage = store::try_log(data, &mut database);
    assert!(damage.is_none_or(|damage| !damage.is_empty()));
    assert!(database.len() <= before.len() + data.len(), "nothing is made of nothing");
}

/// The request line of a container that asks its endpoint: an answer is JSON, and nothing of another task's.
pub fn metadata_request(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (path, query) = target(&text);
    let Some(path) = Path::parse(path, query) else { return };
    let Host { ours, view, stats, credentials } = &*HOST;
    let Reply { status, body } =
        render::render(ours, &path, render::Sources { view, stats, credentials }).reply;
    assert!(matches!(status, 200 | 400 | 404 | 500 | 503), "{status}");
    let Body::Json(body) = body else { panic!("every answer is JSON") };
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok(), "{body:?}");
    let told = String::from_utf8_lossy(&body);
    assert!(!told.contains(NOT_FOR_YOU) || text.contains(NOT_FOR_YOU), "{told}");
}

/// The request line of an operator who asks what runs here.
pub fn introspection_request(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (path, query) = target(&text);
    let Reply { status, body } = introspection::render(&HOST.view, path, query);
    assert!(matches!(status, 200 | 400 | 404), "{status}");
    match body {
        Body::Json(body) => assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok(), "{body:?}"),
        Body::Text(body) => assert!(std::str::from_utf8(&body).is_ok_and(|text| !text.is_empty())),
    }
}

/// Path and query of a request line, or of what stands in the place of one.
fn target(request: &str) -> (&str, Option<&str>) {
    let target = request.split(' ').nth(1).unwrap_or(request);
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

/// An event of containerd.
pub fn container_event(data: &[u8]) {
    let [_exit, _oom] = try_events(data);
}

/// A task definition that is registered with the control plane.
pub fn task_definition(data: &[u8]) {
    let Ok(request) = api::decode::<api::RegisterTaskDefinitionRequest>(data) else { return };
    match Definition::register(request, 1, ToString::to_string, Time::from_millis(0)) {
        Ok(definition) => {
            assert!(definition.is_active() && definition.arn().ends_with(":1"));
            let demand = demand(&definition.document);
            assert!(demand.cpu >= 0 && demand.memory >= 0, "{demand:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A payload on its way to the node: tasks as the agent understands or refuses them.
pub fn payload(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(acs::Decoded::Message(acs::Message::PayloadMessage(payload))) = acs::decode(text) else { return };
    let policy = Policy { privileged: true, task_eni: true, health_check: true, logging_drivers: Vec::new() };
    let converted = convert(&payload, &policy, &mut || "id".to_owned());
    assert!(
        converted.goals.len() + converted.nameless.len() <= payload.tasks.len().max(CONTAINERS_OF_A_TASK)
    );
}

/// `/etc/passwd` and `/etc/group` of an image, behind the user that is wanted; an empty line ends each.
pub fn user_files(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(3, "\n\n");
    let [wanted, passwd, group] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let (uid, gid, groups) = match try_users(wanted, passwd, group) {
        Ok(found) => found,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(groups.contains(&gid) && groups.iter().chain([&uid]).all(|id| *id <= i32::MAX.cast_unsigned()));
    let user = wanted.split(':').next().unwrap_or_default();
    let known = user.is_empty() || user.parse::<u32>().is_ok() || passwd.contains(user);
    assert!(known, "{user:?} stands nowhere and is {uid}");
}

/// An archive of images, in a file, for it is read where it lies.
pub fn image_archive(data: &[u8]) {
    let path = std::env::temp_dir().join(format!("wharf-archive-{}", std::process::id()));
    std::fs::write(&path, data).expect("a place for temporary files");
    if let Err(error) = try_archive(&path) {
        assert!(!error.to_string().is_empty());
    }
    std::fs::remove_file(&path).expect("it was written above");
}

/// The log of a container, of which the last lines are shown: short, and nothing that moves a terminal.
pub fn container_log(data: &[u8]) {
    for line in try_lines(data) {
        assert!(line.chars().count() <= LINE_MAX + 1 && !line.chars().any(|c| c.is_control() && c != '\t'));
    }
}

/// The agent's own credentials, as a metadata service answers and as a file has them; no error quotes them.
pub fn agent_credentials(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for error in try_credentials(text).into_iter().flatten() {
        assert!((1..200).contains(&error.to_string().len()), "{error}");
    }
}

/// The result that CHECK gets back, or that a plugin gives which assigns addresses.
pub fn cni_result(data: &[u8]) {
    let Ok(result) = serde_json::from_slice(data) else { return };
    if let Err(failure) = Seen::parse(&result) {
        assert!(!failure.message.is_empty());
    }
}

/// A message of the control plane: what the agent makes of it, its node takes in.
pub fn control_message(data: &[u8]) {
    let Some(made) = std::str::from_utf8(data).ok().and_then(heard) else { return };
    match made {
        Ok(Some(event)) => {
            let mut node = node::with_a_task();
            node.step(vec![event], node::NOW);
            node::live(node, node::nothing_seen());
        }
        Ok(None) => {}
        Err(refusal) => assert!(!refusal.is_empty()),
    }
}

/// What is made of a message that is one: an event, nothing for the node, or a refusal.
pub fn heard(text: &str) -> Option<Result<Option<Event>, String>> {
    use acs::Message as M;
    let Ok(acs::Decoded::Message(message)) = acs::decode(text) else { return None };
    if let Err(flaw) = validate::check(&message) {
        return Some(Err(flaw.to_string()));
    }
    let event = match &message {
        M::AttachTaskNetworkInterfacesMessage(message) => interface_assigned(message, node::NOW).map(Some),
        M::TaskManifestMessage(message) => manifest_received(message).map(Some),
        M::TaskStopVerificationAck(message) => stops_verified(message).map(Some),
        M::IAMRoleCredentialsMessage(message) => role_credentials(message).map(|_credentials| None),
        // Payloads have a target of their own.
        M::PayloadMessage(_)
        | M::AttachInstanceNetworkInterfacesMessage(_)
        | M::ConfirmAttachmentMessage(_)
        | M::StageUpdateMessage(_)
        | M::PerformUpdateMessage(_)
        | M::HeartbeatMessage(_)
        | M::CloseMessage(_)
        | M::ErrorMessage(_)
        | M::AckRequest(_)
        | M::NackRequest(_)
        | M::HeartbeatAckRequest(_)
        | M::IAMRoleCredentialsAckRequest(_)
        | M::TaskStopVerificationMessage(_) => Ok(None),
    };
    Some(event.map_err(|refusal| refusal.to_string()))
}

/// A placement constraint; its opposite holds where it does not.
pub fn placement_expression(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    // With the brackets it may be longer or deeper than is taken.
    if let Ok(opposite) = Expression::parse(&format!("not ({text})")) {
        assert_ne!(placement::holds(&opposite), placement::holds(&expression));
    }
}
