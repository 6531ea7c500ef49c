//! What is not kept: saved records, as an agent with a mistake reads them.

use crate::mistake::Mistake;
use serde_json::{Value, json};

/// A record as an agent with this mistake reads it.
pub fn misread(value: &[u8], mistake: Option<Mistake>) -> Vec<u8> {
    let forget: fn(&mut Value) = match mistake {
        Some(Mistake::DeadlineRestarted) => |task| running(task, "stop", &Value::Null),
        Some(Mistake::StartForgotten) => |task| running(task, "since", &json!(0)),
        Some(Mistake::CountForgotten) => |task| each(task, "/containers", "/restarts/count", &json!(0)),
        Some(Mistake::StopForgotten) => stop,
        Some(_) | None => return value.to_vec(),
    };
    let Ok(mut json) = serde_json::from_slice::<Value>(value) else { return value.to_vec() };
    if let Some(task) = json.pointer_mut("/record/task") {
        forget(task);
    }
    serde_json::to_vec(&json).expect("JSON can be written")
}

/// Something about the process of each container.
fn running(task: &mut Value, field: &str, forgotten: &Value) {
    each(task, "/containers", &format!("/phase/Running/{field}"), forgotten);
}

/// Something in each member of a list.
fn each(task: &mut Value, list: &str, field: &str, forgotten: &Value) {
    let members = task.pointer_mut(list).and_then(Value::as_array_mut);
    for field in members.into_iter().flatten().filter_map(|member| member.pointer_mut(field)) {
        *field = forgotten.clone();
    }
}

/// That it is to stop, and why.
fn stop(task: &mut Value) {
    (task["desired"], task["reason"]) = (json!("Running"), Value::Null);
    running(task, "stop", &Value::Null);
}
