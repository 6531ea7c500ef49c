//! Ways to build the shell, or what it keeps, wrong. Each is one line of a plausible implementation.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use wharf_core::event::{ContainerRef, Observation};
use wharf_core::node::Node;
use wharf_protocol::arn::TaskArn;

/// A mistake of the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Messages are acknowledged before what they said is saved.
    AckBeforeSave,
    /// Effects are done before the state that asked for them is saved.
    EffectsBeforeSave,
    /// Reports leave before what they say is saved.
    ReportBeforeSave,
    /// The records of one turn are saved one by one.
    TornSave,
    /// After a start nobody looks at the runtime: what was saved is believed.
    NoRecovery,
    /// Containers get a new name in each life of the agent.
    RandomNames,
    /// What was in flight is saved and believed to be under way after a start.
    PersistedInFlight,
    /// A report counts as taken when it is sent.
    ReportOnce,
    /// The last goal heard wins, also over a stop.
    LastGoalWins,
    /// A container that is gone is made anew.
    GoneMeansPending,
    /// The time at which SIGKILL is due is not saved.
    ForgottenDeadline,
    /// The time of the last start is not saved: any run was long enough to be followed by another.
    ForgottenStart,
}

impl Fault {
    pub const ALL: [Self; 12] = [
        Self::AckBeforeSave,
        Self::EffectsBeforeSave,
        Self::ReportBeforeSave,
        Self::TornSave,
        Self::NoRecovery,
        Self::RandomNames,
        Self::PersistedInFlight,
        Self::ReportOnce,
        Self::LastGoalWins,
        Self::GoneMeansPending,
        Self::ForgottenDeadline,
        Self::ForgottenStart,
    ];
}

/// What a record looks like to an agent with this fault.
pub fn damaged(value: &[u8], fault: Option<Fault>, listing: &BTreeMap<ContainerRef, Observation>) -> Vec<u8> {
    if !matches!(fault, Some(Fault::ForgottenDeadline | Fault::GoneMeansPending | Fault::ForgottenStart)) {
        return value.to_vec();
    }
    let mut json: Value = serde_json::from_slice(value).expect("records are JSON");
    let task = json.pointer("/record/task/spec/arn").and_then(Value::as_str).map(str::to_owned);
    let containers = json.pointer_mut("/record/task/containers").and_then(Value::as_array_mut);
    let (Some(task), Some(containers)) = (task, containers) else { return value.to_vec() };
    for container in containers {
        match fault {
            Some(Fault::ForgottenDeadline) => {
                if let Some(running) = container.pointer_mut("/phase/Running") {
                    running["stop"] = Value::Null;
                }
            }
            Some(Fault::ForgottenStart) => {
                if let Some(running) = container.pointer_mut("/phase/Running") {
                    running["since"] = json!(0);
                }
            }
            Some(Fault::GoneMeansPending) => {
                let name = container["name"].as_str().expect("containers have names").to_owned();
                let key = ContainerRef { task: TaskArn::parse(&task).expect("an ARN"), container: name };
                let lives = container["phase"].get("Running").or(container["phase"].get("Created")).is_some();
                if lives && matches!(listing.get(&key), None | Some(Observation::Vanished)) {
                    container["phase"] = json!("Pending");
                }
            }
            Some(_) | None => {}
        }
    }
    serde_json::to_vec(&json).expect("JSON can be written")
}

/// The listing of somebody who does not look: what was saved is so.
pub fn believed(node: &Node) -> BTreeMap<ContainerRef, Observation> {
    let mut listing = BTreeMap::new();
    for task in node.tasks().values() {
        for container in task.containers() {
            let seen = match (container.created_at(), container.started_at(), container.finished_at()) {
                (None, ..) | (.., Some(_)) => continue,
                (Some(_), None, None) => Observation::Created,
                (Some(_), Some(_), None) => Observation::Running { pid: 1, since: None },
            };
            let key = ContainerRef { task: task.arn().clone(), container: container.name().to_owned() };
            listing.insert(key, seen);
        }
    }
    listing
}
