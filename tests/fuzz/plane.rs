//! A control plane that begins with saved rows, and goes on with what they say.

use serde::Deserialize;
use serde_json::Value;
use wharf_control_plane::model::address::Lease;
use wharf_control_plane::model::cluster::Cluster;
use wharf_control_plane::model::definition::Definition;
use wharf_control_plane::model::instance::Instance;
use wharf_control_plane::model::live::SessionId;
use wharf_control_plane::model::session::Hello;
use wharf_control_plane::model::table::{Change, Record};
use wharf_control_plane::model::task::Task;
use wharf_control_plane::model::time::Time;
use wharf_control_plane::model::turn::Turn;
use wharf_control_plane::model::{Model, Policy, Rows};

/// Rows of each table, as JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Saved {
    clusters: Vec<Value>,
    definitions: Vec<Value>,
    instances: Vec<Value>,
    tasks: Vec<Value>,
    leases: Vec<Value>,
}

impl Saved {
    /// Those that can be read; each is written and read as itself again.
    pub fn read(self) -> Rows {
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
pub fn live(rows: Rows) {
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
        // A row may say that it is not to connect.
        drop(model.connect(SessionId(session), hello, &mut turn));
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
