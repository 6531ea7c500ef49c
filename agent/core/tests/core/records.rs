//! Records on disk outlive the code that wrote them: those of version 1 stay readable for ever.

use crate::bench::Bench;
use crate::build::*;
use serde_json::Value;
use wharf_core::event::{Desired, Observation};
use wharf_core::node::Node;
use wharf_core::record::{Record, RecordKey, Table};
use wharf_core::report::Status;
use wharf_core::spec::Condition;

/// One record of each kind, as this code first wrote them.
const VERSION_1: [(Table, &str, &str); 4] = [
    (Table::Tasks, "t", include_str!("records/task-v1.json")),
    (Table::Tasks, "gone", include_str!("records/absent-v1.json")),
    (Table::Attachments, "u", include_str!("records/attachment-v1.json")),
    (Table::Node, "node", include_str!("records/node-v1.json")),
];

/// The node whose records stand in `records/`: a stopping task with one container left, and one of everything else.
fn everything() -> Bench {
    let mut bench = Bench::new();
    let side = a_container("side").checked().helper();
    bench.up(awsvpc(a_task("t", vec![a_container("app").after("side", Condition::Start), side])));
    bench.on(exited(of("t", "app"), 3, T0));
    bench.on(stop("gone"));
    bench.on(announced("u", T0.plus(seconds(60))));
    bench.on(crate::control::manifest(4, &[]));
    bench
}

fn restored() -> Node {
    let record = |(table, id, value): (Table, &str, &str)| {
        let id = if table == Table::Node { id.to_owned() } else { arn(id).to_string() };
        Record { key: RecordKey { table, id }, value: value.trim().as_bytes().to_vec() }
    };
    Node::restore(config(), VERSION_1.map(record).to_vec()).unwrap()
}

#[test]
fn records_of_version_1_can_be_read() {
    let mut node = restored();
    let task = &node.tasks()[&arn("t")];
    assert_eq!((task.desired(), task.told()), (Desired::Stopped, Some(Status::Running)));
    assert_eq!(task.container("app").unwrap().stopped().unwrap().exit_code, Some(3));
    assert_eq!(task.container("side").unwrap().started_at(), Some(T0));
    assert_eq!((node.absent().len(), node.attachments().len(), node.manifest().timeline), (1, 1, 4));
    let turn =
        node.step(vec![seen(&[(of("t", "side"), Observation::Running { pid: 1, since: None })], true)], T0);
    let expected = ["prepare", "ask side", "prepare", "report STOPPED"];
    assert_eq!(words(&turn.effects), expected);
}

/// Fails when a record says less than version 1 did. A field may be new, and one that was null may say something; for any
/// other change the version has to grow, and version 1 has to be read beside it.
#[test]
fn records_still_say_all_that_version_1_said() {
    let mut compared = 0;
    for (key, value) in &everything().store {
        let now: Value = serde_json::from_slice(value).unwrap();
        for (_, _, text) in
            VERSION_1.iter().filter(|(table, id, _)| *table == key.table && key.id.ends_with(id))
        {
            let then: Value = serde_json::from_str(text).unwrap();
            assert!(says_all(&now, &then), "{key} is written as {now}");
            compared += 1;
        }
    }
    assert_eq!(compared, VERSION_1.len());
}

fn says_all(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (_, Value::Null) => true,
        (Value::Object(now), Value::Object(then)) => {
            then.iter().all(|(name, then)| now.get(name).is_some_and(|now| says_all(now, then)))
        }
        (Value::Array(now), Value::Array(then)) => {
            now.len() == then.len() && now.iter().zip(then).all(|(now, then)| says_all(now, then))
        }
        (now, then) => now == then,
    }
}
