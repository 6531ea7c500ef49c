//! What the Go agent really sent is read, and written again as it was.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wharf_protocol::sigv4::Authorization;
use wharf_protocol::{acs, api, json as tolerant, tcs};

fn same_again<T: DeserializeOwned + Serialize>(recorded: &Value) {
    let decoded: T = tolerant::from_value(recorded.clone()).unwrap();
    assert_eq!(&serde_json::to_value(decoded).unwrap(), recorded);
}

fn recorded(file: &str) -> Value {
    serde_json::from_str(file).unwrap()
}

#[test]
fn registered_attributes_and_resources_come_back_as_they_were() {
    for file in [
        include_str!("../vectors/registration_ec2.json"),
        include_str!("../vectors/registration_external.json"),
    ] {
        let instance = recorded(file);
        same_again::<Vec<api::Attribute>>(&instance["attributes"]);
        same_again::<Vec<api::Resource>>(&instance["registeredResources"]);
        same_again::<Vec<api::Resource>>(&instance["remainingResources"]);
        let whole: api::ContainerInstance = tolerant::from_value(instance).unwrap();
        assert!(whole.attributes.len() > 40);
        assert_eq!(whole.status.as_deref(), Some("ACTIVE"));
    }
}

#[test]
fn recorded_api_bodies_and_acks_come_back_as_they_were() {
    let mut seen = [0; 3];
    for event in recorded(include_str!("../vectors/events.json")).as_array().unwrap() {
        match event["kind"].as_str().unwrap() {
            "task_state" => {
                same_again::<api::SubmitTaskStateChangeRequest>(&event["body"]);
                seen[0] += 1;
            }
            "discover" => {
                same_again::<api::DiscoverPollEndpointRequest>(&event["body"]);
                seen[1] += 1;
            }
            "acs_in" => {
                let frame = json!({ "type": event["type"], "message": event["message"] });
                let Ok(acs::Decoded::Message(message)) = acs::decode(&frame.to_string()) else {
                    panic!("{frame}")
                };
                assert_eq!(recorded(&acs::encode(&message)), frame);
                seen[2] += 1;
            }
            _ => {}
        }
    }
    assert_eq!(seen, [3, 1, 2], "task states, discoveries, acks");
}

#[test]
fn recorded_telemetry_frames_are_taken_apart_and_read() {
    let telemetry = recorded(include_str!("../vectors/telemetry.json"));
    for (name, parts) in telemetry["last"].as_object().unwrap() {
        let lines: Vec<&str> =
            parts["headers"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let envelope = json!({ "type": name, "message": parts["message"] });
        let text = format!("{}\r\n\r\n{envelope}", lines.join("\r\n"));

        let frame = tcs::Frame::split(&text);
        assert_eq!(frame.header("host"), Some("127.0.0.1:8765"));
        assert_eq!(frame.to_string(), text, "building gives what splitting took");
        let authorization = Authorization::parse(frame.header("authorization").unwrap()).unwrap();
        assert_eq!(authorization.access_key_id, "AKIDEXAMPLE");
        assert_eq!((authorization.region, authorization.service), ("us-west-2", "ecs"));
        assert_eq!(authorization.signed_headers, ["host", "x-amz-date"]);

        let Ok(tcs::Decoded::Message(message)) = tcs::decode(&text) else { panic!("{name} is unknown") };
        assert_eq!(recorded(&tcs::encode(&message)), as_floats(envelope), "{name}");
    }
}

/// The members that are fractions are written `0.0` by us and `0` by Go; both read alike.
fn as_floats(value: Value) -> Value {
    const FRACTIONS: &[&str] = &["cpuStatsSet", "memoryStatsSet", "rxBytesPerSecond", "txBytesPerSecond"];
    fn walk(value: Value, fraction: bool) -> Value {
        match value {
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| {
                    let fraction = FRACTIONS.contains(&name.as_str()) || (fraction && name != "sampleCount");
                    (name, walk(value, fraction))
                })
                .collect(),
            Value::Array(items) => items.into_iter().map(|item| walk(item, false)).collect(),
            Value::Number(number) if fraction => json!(number.as_f64()),
            other => other,
        }
    }
    walk(value, false)
}
