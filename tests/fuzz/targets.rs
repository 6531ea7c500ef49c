//! What each fuzz target does with its input; shared with the tests, which run the same bodies over the corpus and seeded mutations.
//!
//! Each parser must not panic, must not touch the world, and must say something about what it refuses.

use std::sync::LazyLock;
use wharf_agent::acs::{Policy, convert};
use wharf_agent::config::{Resolution, SourceText, Sources, resolve};
use wharf_agent::endpoints::credentials::CredentialStore;
use wharf_agent::endpoints::path::Path;
use wharf_agent::endpoints::render;
use wharf_agent::telemetry::stats::StatsView;
use wharf_agent::view::View;
use wharf_control_plane::model::definition::Definition;
use wharf_control_plane::model::time::Time;
use wharf_core::config::{HostResources, NodeConfig};
use wharf_core::node::Node;
use wharf_core::record::{Record, RecordKey, Table};
use wharf_protocol::{acs, api, arn::TaskArn};
use wharf_runtime::image::{ImageName, try_documents};
use wharf_runtime::try_events;

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
            Ok(node) => assert!(node.tasks().len() + node.absent().len() + node.attachments().len() <= 1),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// The request line of a container that asks its endpoint.
pub fn metadata_request(data: &[u8]) {
    static OURS: LazyLock<TaskArn> = LazyLock::new(|| TaskArn::parse(TASK).expect("a literal ARN"));
    let text = String::from_utf8_lossy(data);
    let target = text.split(' ').nth(1).unwrap_or(&text);
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let Some(path) = Path::parse(path, query) else { return };
    let (view, stats, credentials) = (View::default(), StatsView::default(), CredentialStore::default());
    let sources = render::Sources { view: &view, stats: &stats, credentials: &credentials };
    let answer = render::render(&OURS, &path, sources);
    assert!(answer.reply.status >= 400, "a host without tasks has nothing to tell");
}

/// An event of containerd.
pub fn container_event(data: &[u8]) {
    let [_exit, _oom] = try_events(data);
}

/// A task definition that is registered with the control plane.
pub fn task_definition(data: &[u8]) {
    let Ok(request) = api::decode::<api::RegisterTaskDefinitionRequest>(data) else { return };
    match Definition::register(request, 1, ToString::to_string, Time::from_millis(0)) {
        Ok(definition) => assert!(definition.is_active() && definition.arn().ends_with(":1")),
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
