//! Which task definitions are taken, and what is made of them.

use serde_json::{Value, json};
use wharf_control_plane::model::definition::{Definition, Reference, task_cpu, task_memory, with_overrides};
use wharf_control_plane::model::error::EcsError;
use wharf_control_plane::model::time::Time;
use wharf_protocol::{api, json as wire};

fn register(document: Value) -> Result<Definition, EcsError> {
    let request = wire::from_value(document).unwrap();
    Definition::register(request, 1, |revision| format!("arn:{revision}"), Time::from_millis(0))
}

fn base() -> Value {
    json!({ "family": "f", "containerDefinitions": [{ "name": "a", "image": "i", "memory": 64 }] })
}

/// The base document with one place changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = base();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key] = value;
    document
}

#[test]
fn the_defaults_of_ecs_are_filled_in() {
    let mut document = with("/networkMode", json!("awsvpc"));
    document["containerDefinitions"][0]["portMappings"] = json!([{ "containerPort": 80 }]);
    document["containerDefinitions"][0]["healthCheck"] = json!({ "command": ["CMD", "true"] });
    let shown = serde_json::to_value(register(document).unwrap().document).unwrap();
    let container = &shown["containerDefinitions"][0];
    assert_eq!(container["essential"], json!(true));
    assert_eq!(container["cpu"], json!(0));
    assert_eq!(
        container["portMappings"][0],
        json!({ "containerPort": 80, "hostPort": 80, "protocol": "tcp" })
    );
    assert_eq!(
        container["healthCheck"],
        json!({ "command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3 })
    );
    assert_eq!(shown["status"], json!("ACTIVE"));
    assert_eq!(shown["revision"], json!(1));
    let required: Vec<_> =
        shown["requiresAttributes"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(required, ["ecs.capability.container-health-check", "ecs.capability.task-eni"]);
}

#[test]
fn documents_that_could_never_run_are_refused_with_ecs_words() {
    let two = |second: Value| json!([{ "name": "a", "image": "i", "memory": 64 }, second]);
    let cases = [
        (with("/family", json!("")), "Family should not be null or empty."),
        (with("/family", json!("no spaces")), "Family contains invalid characters."),
        (with("/containerDefinitions", json!([])), "Container list cannot be empty."),
        (with("/containerDefinitions/0/name", json!("")), "Container.name should not be null or empty."),
        (with("/containerDefinitions/0/image", json!(null)), "Container.image should not be null or empty."),
        (
            with("/containerDefinitions/0/essential", json!(false)),
            "At least one container must be essential.",
        ),
        (
            with("/containerDefinitions/0/memory", json!(null)),
            "At least one of 'memory' or 'memoryReservation'",
        ),
        (
            with("/containerDefinitions/0/memoryReservation", json!(128)),
            "must not be less than 'memoryReservation'",
        ),
        (with("/networkMode", json!("overlay")), "Invalid networkMode 'overlay'"),
        (with("/cpu", json!("lots")), "Invalid 'cpu' setting for task"),
        (with("/containerDefinitions/0/healthCheck", json!({ "command": [] })), "needs a 'command'"),
        (
            with("/containerDefinitions/0/healthCheck", json!({ "command": ["CMD", "x"], "interval": 1 })),
            "'interval' of a health check must be between 5 and 300",
        ),
        (
            with(
                "/containerDefinitions/0/mountPoints",
                json!([{ "sourceVolume": "v", "containerPath": "/v" }]),
            ),
            "Unknown volume 'v'",
        ),
        (
            with("/containerDefinitions", two(json!({ "name": "a", "image": "i", "memory": 64 }))),
            "used more than once",
        ),
    ];
    for (document, words) in cases {
        let error = register(document.clone()).expect_err(&document.to_string());
        assert_eq!(error.name(), "ClientException");
        assert!(error.to_string().contains(words), "{error} should contain {words}");
    }
}

#[test]
fn a_restart_policy_keeps_to_the_limits_of_ecs_and_asks_for_an_agent_that_knows_it() {
    let policy = |value: Value| with("/containerDefinitions/0/restartPolicy", value);
    let refused = |value: Value| register(policy(value)).unwrap_err().to_string();
    for period in [59, 1801] {
        let error = refused(json!({ "enabled": true, "restartAttemptPeriod": period }));
        assert!(error.contains("'restartAttemptPeriod' must be between 60 and 1800 seconds"), "{error}");
    }
    let codes: Vec<i64> = (0..51).collect();
    let error = refused(json!({ "enabled": true, "ignoredExitCodes": codes }));
    assert!(error.contains("'ignoredExitCodes' must have at most 50"), "{error}");
    let error = refused(json!({ "enabled": true, "ignoredExitCodes": [256] }));
    assert!(error.contains("256 is none"), "{error}");
    let error = refused(json!({ "ignoredExitCodes": [0] }));
    assert!(error.contains("needs 'enabled'"), "{error}");

    let needs = |value: Value| {
        let registered = register(policy(value)).unwrap();
        let mut needs =
            registered.document.requires_attributes.iter().filter_map(|attribute| attribute.name.as_deref());
        needs.any(|name| name == "ecs.capability.container-restart-policy")
    };
    assert!(needs(json!({ "enabled": true, "restartAttemptPeriod": 60, "ignoredExitCodes": &codes[1..] })));
    assert!(!needs(json!({ "enabled": false })));
}

#[test]
fn an_awsvpc_container_publishes_only_its_own_ports_and_has_no_hostname() {
    let mut document = with("/networkMode", json!("awsvpc"));
    document["containerDefinitions"][0]["portMappings"] = json!([{ "containerPort": 80, "hostPort": 8080 }]);
    let error = register(document).unwrap_err().to_string();
    assert!(error.starts_with("When networkMode=awsvpc, the host ports and container ports"), "{error}");
    let mut document = with("/networkMode", json!("awsvpc"));
    document["containerDefinitions"][0]["hostname"] = json!("h");
    assert!(register(document).is_err());
}

#[test]
fn dependencies_name_known_containers_with_conditions_they_can_meet() {
    let depends = |on: Value, second: Value| {
        let mut second = second;
        second["name"] = json!("b");
        second["image"] = json!("i");
        second["memory"] = json!(64);
        let mut document = base();
        document["containerDefinitions"][0]["dependsOn"] = on;
        document["containerDefinitions"].as_array_mut().unwrap().push(second);
        register(document)
    };
    let on = |name: &str, condition: &str| json!([{ "containerName": name, "condition": condition }]);
    assert!(depends(on("b", "START"), json!({})).is_ok());
    assert!(depends(on("x", "START"), json!({})).is_err());
    assert!(depends(on("b", "SOON"), json!({})).is_err());
    assert!(depends(on("b", "HEALTHY"), json!({})).is_err());
    assert!(depends(on("b", "HEALTHY"), json!({ "healthCheck": { "command": ["CMD", "true"] } })).is_ok());
    assert!(
        depends(on("b", "SUCCESS"), json!({})).is_err(),
        "an essential container that ends ends the task"
    );
    assert!(depends(on("b", "SUCCESS"), json!({ "essential": false })).is_ok());
    let cycle = depends(on("b", "START"), json!({ "dependsOn": on("a", "START") })).unwrap_err();
    assert!(cycle.to_string().contains("cycle"), "{cycle}");
}

#[test]
fn task_sizes_are_read_in_both_forms() {
    assert_eq!(task_cpu(Some("256")), Ok(Some(256)));
    assert_eq!(task_cpu(Some(".5 vCPU")), Ok(Some(512)));
    assert_eq!(task_cpu(Some("1vcpu")), Ok(Some(1024)));
    assert_eq!(task_memory(Some("2 GB")), Ok(Some(2048)));
    assert_eq!(task_memory(None), Ok(None));
    for wrong in ["", "0", "-1", "1e99 vCPU", "GB", "NaN vCPU"] {
        assert!(task_cpu(Some(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn a_reference_is_an_arn_a_revision_or_a_family() {
    let parse = |text: &str| Reference::parse(text).map(|reference| format!("{reference:?}"));
    let exact = parse("web:3");
    assert!(exact.is_some());
    assert_eq!(parse("arn:aws:ecs:eu-west-1:1:task-definition/web:3"), exact);
    assert_eq!(Reference::parse("web"), Some(Reference::Latest("web".into())));
    for wrong in ["", "web:", "web:x", "we b", "arn:aws:ecs:eu-west-1:1:cluster/web"] {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
}

#[test]
fn overrides_are_laid_over_the_definition() {
    let mut document = base();
    document["containerDefinitions"][0]["environment"] =
        json!([{ "name": "KEPT", "value": "1" }, { "name": "CHANGED", "value": "1" }]);
    let registered = register(document).unwrap().document;
    let overrides: api::TaskOverride = wire::from_value(json!({
        "cpu": "512",
        "taskRoleArn": "arn:aws:iam::1:role/r",
        "containerOverrides": [{
            "name": "a",
            "command": ["run"],
            "memory": 128,
            "environment": [{ "name": "CHANGED", "value": "2" }, { "name": "NEW", "value": "3" }],
        }],
    }))
    .unwrap();
    let merged = serde_json::to_value(with_overrides(&registered, &overrides).unwrap()).unwrap();
    assert_eq!(merged["cpu"], json!("512"));
    assert_eq!(merged["taskRoleArn"], json!("arn:aws:iam::1:role/r"));
    let container = &merged["containerDefinitions"][0];
    assert_eq!(container["command"], json!(["run"]));
    assert_eq!(container["memory"], json!(128));
    let pairs = [("KEPT", "1"), ("CHANGED", "2"), ("NEW", "3")];
    let expected: Vec<_> =
        pairs.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    assert_eq!(container["environment"], json!(expected));
    let stranger: api::TaskOverride =
        wire::from_value(json!({ "containerOverrides": [{ "name": "nobody" }] })).unwrap();
    assert_eq!(with_overrides(&registered, &stranger).unwrap_err().name(), "InvalidParameterException");
}
