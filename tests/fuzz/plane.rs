//! A control plane that begins with saved rows, and goes on with what they say.

use serde::Deserialize;
use serde_json::Value;
use wharf_control_plane::api::try_page;
use wharf_control_plane::model::address::Lease;
use wharf_control_plane::model::cluster::Cluster;
use wharf_control_plane::model::definition::Definition;
use wharf_control_plane::model::error::EcsError;
use wharf_control_plane::model::instance::Instance;
use wharf_control_plane::model::live::SessionId;
use wharf_control_plane::model::session::Hello;
use wharf_control_plane::model::table::{Change, Record};
use wharf_control_plane::model::task::{Report, Task};
use wharf_control_plane::model::time::Time;
use wharf_control_plane::model::turn::Turn;
use wharf_control_plane::model::{Model, Policy, Rows};
use wharf_protocol::api;

/// The rows of a control plane; what is read is read as itself again, and can be gone on with.
pub fn plane_rows(data: &[u8]) {
    let Ok(saved) = serde_json::from_slice::<Saved>(data) else { return };
    live(saved.read());
}

/// What an agent reports, of a task that is being made, one that is to stop and one that runs: none takes a state back, and what
/// became of it can be saved and read again.
pub fn state_change(data: &[u8]) {
    let Ok(request) = api::decode::<api::SubmitTaskStateChangeRequest>(data) else { return };
    if let Err(error) = Report::try_from(request.clone()) {
        return assert!(!error.to_string().is_empty());
    }
    for task in reported() {
        let after = told(task.clone(), request.clone()).expect("it was understood before");
        assert!(
            after.status >= task.status,
            "a state is not taken back: {:?}, {:?}",
            task.status,
            after.status
        );
        let saved = serde_json::to_value(&after).expect("a row can be written");
        assert_eq!(table::<Task>(vec![saved]).len(), 1, "what became of it can be read");
    }
}

/// The tasks that are reported of.
pub fn reported() -> Vec<Task> {
    let rows =
        [&include_bytes!("corpus/plane_rows/two-tasks")[..], include_bytes!("corpus/plane_rows/running")];
    let read =
        |bytes| serde_json::from_slice::<Saved>(bytes).expect("the corpus has right ones").read().tasks;
    rows.into_iter().flat_map(read).collect()
}

/// The task after the report.
pub fn told(mut task: Task, request: api::SubmitTaskStateChangeRequest) -> Result<Task, EcsError> {
    task.apply(Report::try_from(request)?, |name| name == "app", Time::from_millis(1_790_000_000_000));
    Ok(task)
}

/// The token of a page of a list: no item twice, and the last page ends.
pub fn page_token(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    let items: Vec<String> = (0..250).map(|n| format!("item {n}")).collect();
    let (mut token, mut seen) = (token.to_owned(), Vec::new());
    for _ in 0..=items.len() / 100 {
        let (page, next) = match try_page(items.clone(), None, Some(&token)) {
            Ok(page) => page,
            Err(error) => return assert!(seen.is_empty() && !error.to_string().is_empty()),
        };
        seen.extend(page);
        let Some(next) = next else { return assert!(items.ends_with(&seen), "{seen:?}") };
        token = next;
    }
    panic!("there are more pages than items fill: {token}");
}

/// Rows of each table, as JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Saved {
    clusters: Vec<Value>,
    definitions: Vec<Value>,
    instances: Vec<Value>,
    tasks: Vec<Value>,
    leases: Vec<Value>,
}

impl Saved {
    /// Those that can be read; each is written and read as itself again.
    fn read(self) -> Rows {
        Rows {
            clusters: table::<Cluster>(self.clusters),
            definitions: table::<Definition>(self.definitions),
            instances: table::<Instance>(self.instances),
            tasks: table::<Task>(self.tasks),
            leases: table::<Lease>(self.leases),
        }
    }
}

fn table<R: Record>(rows: Vec<Value>) -> Vec<R> {
    let rows: Vec<R> = rows.iter().filter_map(|row| serde_json::from_str(&row.to_string()).ok()).collect();
    for row in &rows {
        let text = serde_json::to_string(row).expect("a row can be written");
        let again: R = serde_json::from_str(&text).expect("what is written can be read");
        assert_eq!(serde_json::to_string(&again).expect("a row can be written"), text);
    }
    rows
}

/// Begins with the rows, lets each instance's agent connect, and goes on for a day; what is to be saved can be read again.
fn live(rows: Rows) {
    let instances: Vec<Hello> = rows.instances.iter().map(hello).collect();
    let policy = Policy::new("us-east-1", "000000000000");
    let subnet = "subnet-1=10.9.0.0/28".parse().expect("a literal subnet");
    let Ok(mut model) = Model::new(policy, vec![subnet], rows) else { return };
    let mut number = 0;
    let random = move || {
        number += 1;
        number
    };
    let mut turn = Turn::new(Time::from_millis(1_790_000_000_000), Box::new(random));
    for (session, hello) in (0..).zip(&instances) {
        if let Err(refusal) = model.connect(SessionId(session), hello, &mut turn) {
            assert!(!refusal.text.is_empty(), "an instance that may not connect is told why");
        }
    }
    for hours in [0, 1, 24] {
        turn.now = Time::from_millis(1_790_000_000_000 + hours * 3_600_000);
        model.plan(&mut turn);
        model.take_changes().iter().for_each(can_be_read);
        model.live.outbox.clear();
    }
}

fn hello(instance: &Instance) -> Hello {
    Hello {
        instance: instance.arn.to_string(),
        cluster: instance.cluster.clone(),
        send_credentials: true,
        ..Hello::default()
    }
}

fn can_be_read(change: &Change) {
    let Some(text) = &change.value else { return };
    let read = match change.table {
        Cluster::TABLE => serde_json::from_str::<Cluster>(text).map(drop),
        Definition::TABLE => serde_json::from_str::<Definition>(text).map(drop),
        Instance::TABLE => serde_json::from_str::<Instance>(text).map(drop),
        Task::TABLE => serde_json::from_str::<Task>(text).map(drop),
        Lease::TABLE => serde_json::from_str::<Lease>(text).map(drop),
        other => panic!("no table is called {other}"),
    };
    assert!(read.is_ok(), "{read:?}: {text}");
}

/// How many rows of each table an input has that can be read.
#[cfg(test)]
pub fn readable(data: &[u8]) -> [usize; 5] {
    let Rows { clusters, definitions, instances, tasks, leases } =
        serde_json::from_slice::<Saved>(data).expect("rows of the tables that there are").read();
    [clusters.len(), definitions.len(), instances.len(), tasks.len(), leases.len()]
}
