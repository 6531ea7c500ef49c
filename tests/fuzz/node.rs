//! A node that goes on from what was read: the agent has started, looks at its host, and time passes.

use std::collections::BTreeMap;
use std::time::Duration;
use wharf_core::adopt::Inscription;
use wharf_core::config::{HostResources, NodeConfig};
use wharf_core::event::{ContainerRef, Event, Found, FoundContainer, Goal, Observation};
use wharf_core::node::Node;
use wharf_core::time::Timestamp;

/// When the node lives.
pub const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

/// What the runtime shows after a start when nothing runs.
pub fn nothing_seen() -> Event {
    observed(BTreeMap::new(), BTreeMap::new())
}

/// What it shows when every container runs of a task that nobody remembers.
pub fn task_seen(Inscription { task, image }: Inscription) -> Event {
    let name = |container: &str| ContainerRef { task: task.arn.clone(), container: container.to_owned() };
    let running = Observation::Running { pid: 7, since: None };
    let borne = FoundContainer { image: Some(image), ..FoundContainer::default() };
    let names = || task.containers.iter().map(|container| &container.name);
    let shown = names().map(|container| (name(container), running)).collect();
    let containers = names().map(|container| (container.clone(), borne.clone())).collect();
    observed(shown, BTreeMap::from([(task.arn.clone(), Found { spec: Box::new(task), containers })]))
}

fn observed(
    containers: BTreeMap<ContainerRef, Observation>,
    found: BTreeMap<wharf_protocol::arn::TaskArn, Found>,
) -> Event {
    Event::Observed { containers, found, boot: "boot".to_owned(), recovery: true }
}

/// A node that has one task, which runs, and was sent a manifest with the id `m` that does not name it.
pub fn with_a_task() -> Node {
    let web = Inscription::decode(include_bytes!("corpus/inscription/web"));
    let seen = task_seen(web.expect("the corpus has a right one"));
    let manifest =
        Event::ManifestReceived { message_id: "m".to_owned(), timeline: 1, tasks: BTreeMap::new() };
    let node = Node::restore(NodeConfig::new(HostResources::default()), Vec::new());
    let mut node = node.expect("nothing is readable");
    node.step(vec![seen, manifest], NOW);
    node
}

/// Lets the node see its host, stops all that it knows then, and lets a day pass twice.
pub fn live(mut node: Node, seen: Event) {
    node.step(vec![seen], NOW);
    let goals = node.tasks().keys().cloned().map(Goal::Stop).collect();
    let stop = Event::PayloadReceived { message_id: "m".to_owned(), sequence: None, goals };
    node.step(vec![Event::Woken], NOW.plus(DAY));
    node.step(vec![stop], NOW.plus(DAY));
    node.step(vec![Event::Woken], NOW.plus(2 * DAY));
}
