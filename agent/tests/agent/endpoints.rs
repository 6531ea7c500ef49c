//! What containers are told, and what they are refused: rules without sockets.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use crate::fixture::{
    TASK_ID, credentials_of, docker_name, healthy_since, normalised, recorded_task, task, task_arn, time,
    view, with_spec,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wharf_agent::endpoints::credentials::{CredentialStore, Role};
use wharf_agent::endpoints::environment::{default_environment, injected_environment};
use wharf_agent::endpoints::path::Path;
use wharf_agent::endpoints::render::{Answer, Sources, render};
use wharf_agent::http::Body;
use wharf_agent::telemetry::stats::StatsView;
use wharf_agent::view::{Stage, TaskView, View};
use wharf_core::event::Desired;
use wharf_core::spec::{LogSpec, MountPoint, Network, PortMapping, Protocol, Volume};

const OTHER: &str = "ffffffffffff4258975479cd04f2f9e8";

fn ask(path: &str, view: &View, credentials: &CredentialStore) -> Answer {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let stats = StatsView::default();
    render(
        &task_arn(TASK_ID),
        &Path::parse(path, query).unwrap(),
        Sources { view, stats: &stats, credentials },
    )
}

fn text(answer: &Answer) -> &str {
    let Body::Json(bytes) = &answer.reply.body else { panic!("{answer:?} is not JSON") };
    std::str::from_utf8(bytes).unwrap()
}

/// Status and JSON body of a path that the task of the samples asks for.
fn get_from(path: &str, tasks: impl IntoIterator<Item = TaskView>) -> (u16, Value) {
    let answer = ask(path, &view(tasks), &CredentialStore::default());
    (answer.reply.status, serde_json::from_str(text(&answer)).unwrap())
}

fn get(path: &str, task: TaskView) -> Value {
    let (status, body) = get_from(path, [task]);
    assert_eq!(status, 200, "{body}");
    body
}

#[test]
fn bodies_are_those_of_the_go_agent_to_the_letter() {
    let samples = [
        ("", include_str!("samples/tmds_awsvpc_v4.json")),
        ("/task", include_str!("samples/tmds_awsvpc_v4_task.json")),
        ("/taskWithTags", include_str!("samples/tmds_awsvpc_v4_taskWithTags.json")),
    ];
    for (path, sample) in samples {
        let answer =
            ask(&format!("/v4/{TASK_ID}-main{path}"), &view([recorded_task()]), &CredentialStore::default());
        assert_eq!(text(&answer), normalised(sample), "{path}");
    }
}

#[test]
fn version_3_leaves_out_what_version_4_added() {
    let body = get(&format!("/v3/{TASK_ID}-main/task"), recorded_task());
    for key in ["VPCID", "AvailabilityZoneID", "FaultInjectionEnabled"] {
        assert_eq!(body.get(key), None);
    }
    let networks = json!([{"NetworkMode": "awsvpc", "IPv4Addresses": ["198.51.100.11"]}]);
    assert_eq!(body["Containers"][0]["Networks"], networks);
    assert_eq!(body["Containers"][0].get("ContainerARN"), None);
}

#[test]
fn a_task_tells_its_limits_in_vcpus_and_mib_and_its_times() {
    let mut task = with_spec(recorded_task(), |spec| (spec.cpu, spec.memory) = (Some(512), Some(1024)));
    task.pull_started_at = Some(time("2026-11-21T09:00:00Z"));
    task.pull_stopped_at = Some(time("2026-11-21T09:00:01.5Z"));
    task.execution_stopped_at = Some(time("2026-11-21T09:00:09.12Z"));
    let body = get(&format!("/v4/{TASK_ID}-main/task"), task);
    assert_eq!(body["Limits"], json!({"CPU": 0.5, "Memory": 1024}));
    assert_eq!(body["PullStartedAt"], "2026-11-21T09:00:00Z");
    assert_eq!(body["PullStoppedAt"], "2026-11-21T09:00:01.5Z");
    assert_eq!(body["ExecutionStoppedAt"], "2026-11-21T09:00:09.12Z");
    let whole = with_spec(recorded_task(), |spec| spec.cpu = Some(2048));
    assert_eq!(get(&format!("/v4/{TASK_ID}-main/task"), whole)["Limits"].to_string(), r#"{"CPU":2}"#);
}

#[test]
fn a_container_without_cpu_is_said_to_have_two_units_and_no_memory_is_zero() {
    let task =
        with_spec(recorded_task(), |spec| (spec.containers[0].cpu, spec.containers[0].memory) = (0, None));
    assert_eq!(get(&format!("/v4/{TASK_ID}-main"), task)["Limits"], json!({"CPU": 2, "Memory": 0}));
}

#[test]
fn a_stopped_container_tells_how_and_when_it_ended() {
    let mut task = recorded_task();
    let state = &mut task.containers[0];
    (state.known, state.desired, state.exit_code) = (Stage::Stopped, Desired::Stopped, Some(137));
    state.finished_at = Some(time("2026-11-21T10:00:00Z"));
    let body = get(&format!("/v4/{TASK_ID}-main"), task);
    assert_eq!((&body["KnownStatus"], &body["DesiredStatus"]), (&json!("STOPPED"), &json!("STOPPED")));
    assert_eq!((&body["ExitCode"], &body["FinishedAt"]), (&json!(137), &json!("2026-11-21T10:00:00Z")));
}

#[test]
fn restarts_are_told_only_of_a_container_with_a_restart_policy() {
    let with = |restarts| {
        let mut task = recorded_task();
        task.containers[0].restarts = restarts;
        get(&format!("/v4/{TASK_ID}-main"), task)["RestartCount"].clone()
    };
    assert_eq!((with(Some(0)), with(Some(4)), with(None)), (json!(0), json!(4), Value::Null));
}

#[test]
fn health_is_told_with_a_zero_exit_code_left_out() {
    let mut task = recorded_task();
    task.containers[0].health = Some(healthy_since("2026-11-21T09:02:00Z"));
    let expected = json!({"status": "HEALTHY", "statusSince": "2026-11-21T09:02:00Z", "output": "fine"});
    assert_eq!(get(&format!("/v4/{TASK_ID}-main"), task)["Health"], expected);
}

#[test]
fn ports_volumes_labels_and_the_log_driver_are_told() {
    let task = with_spec(recorded_task(), |spec| {
        spec.volumes.insert("data".to_owned(), Volume::Host { path: "/srv/data".to_owned() });
        spec.volumes.insert("scratch".to_owned(), Volume::Task);
        let container = &mut spec.containers[0];
        let mount = |volume: &str, path: &str| MountPoint {
            volume: volume.to_owned(),
            container_path: path.to_owned(),
            read_only: false,
        };
        container.mount_points = vec![mount("data", "/data"), mount("scratch", "/tmp/s")];
        container.port_mappings =
            vec![PortMapping { container_port: 80, host_port: None, protocol: Protocol::Tcp }];
        container.process.labels.insert("tier".to_owned(), "web".to_owned());
        container.process.labels.insert("com.amazonaws.ecs.cluster".to_owned(), "forged".to_owned());
        container.log = LogSpec {
            driver: "awslogs".to_owned(),
            options: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
        };
    });
    let body = get(&format!("/v4/{TASK_ID}-main"), task);
    assert_eq!(body["Ports"], json!([{"ContainerPort": 80, "Protocol": "tcp", "HostPort": 80}]));
    let volumes = json!([{"Source": "/srv/data", "Destination": "/data"}, {"DockerName": "scratch", "Destination": "/tmp/s"}]);
    assert_eq!(body["Volumes"], volumes);
    assert_eq!((&body["LogDriver"], &body["LogOptions"]), (&json!("awslogs"), &json!({"a": "b"})));
    assert_eq!(body["Labels"]["tier"], "web");
    assert_eq!(body["Labels"]["com.amazonaws.ecs.cluster"], "peer");
}

#[test]
fn an_ipv6_only_interface_tells_its_ipv6_gateway() {
    let six = |addresses: &[&str]| {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let task = with_spec(recorded_task(), |spec| {
            let Network::Awsvpc(interface) = &mut spec.network else { panic!("the fixture is awsvpc") };
            interface.addresses = addresses;
            interface.gateway6 = Some("2001:db8::1/64".parse().unwrap());
        });
        get(&format!("/v4/{TASK_ID}-main"), task)["Networks"][0].clone()
    };
    let only = six(&["2001:db8::9"]);
    assert_eq!(only["IPv6Addresses"], json!(["2001:db8::9"]));
    assert_eq!(only["IPv6SubnetCIDRBlock"], "2001:db8::/64");
    assert_eq!(only["SubnetGatewayIpv6Address"], "2001:db8::1/64");
    assert_eq!(six(&["198.51.100.11", "2001:db8::9"]).get("SubnetGatewayIpv6Address"), None);
}

#[test]
fn a_container_whose_image_is_not_there_yet_is_not_listed() {
    let mut task = recorded_task();
    (task.containers[0].known, task.containers[0].image) = (Stage::None, None);
    assert_eq!(get(&format!("/v4/{TASK_ID}-main/task"), task)["Containers"], json!([]));
}

#[test]
fn an_unknown_id_gets_the_go_agents_words() {
    let container =
        "unable to get container ID from request: unable to get docker ID from v3 endpoint ID: bad";
    let task = "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: bad";
    let cases = [
        ("/v4/bad", 404, format!("V4 container metadata handler: {container}")),
        ("/v4/bad/task", 404, format!("V4 task metadata handler: {task}")),
        ("/v4/bad/taskWithTags", 404, format!("V4 task metadata handler: {task}")),
        ("/v4/bad/stats", 404, format!("V4 container stats handler: {container}")),
        ("/v4/bad/task/stats", 404, format!("V4 task stats handler: {task}")),
        ("/v3/bad", 400, format!("V3 container metadata handler: {container}")),
        ("/v3/bad/task", 400, format!("V3 task metadata handler: {task}")),
    ];
    for (path, status, body) in cases {
        assert_eq!(get_from(path, [recorded_task()]), (status, json!(body)), "{path}");
    }
}

#[test]
fn associations_are_never_found() {
    for path in ["associations/elastic-inference", "associations/elastic-inference/dev1"] {
        assert_eq!(get_from(&format!("/v4/{TASK_ID}-main/{path}"), [recorded_task()]).0, 404);
    }
}

#[test]
fn stats_that_were_never_read_are_an_error_for_one_container_and_null_for_the_task() {
    let id = format!("{TASK_ID}-main");
    let (status, body) = get_from(&format!("/v4/{id}/stats"), [recorded_task()]);
    assert_eq!((status, body), (500, json!(format!("Unable to get container stats for: {id}"))));
    assert_eq!(get(&format!("/v4/{id}/task/stats"), recorded_task()), json!({id: null}));
}

#[test]
fn another_tasks_metadata_id_is_refused_like_an_unknown_one_and_its_owner_is_named_for_the_log() {
    let both = view([recorded_task(), task(OTHER)]);
    for version in ["v3", "v4"] {
        for what in ["", "/task", "/taskWithTags", "/stats", "/task/stats", "/associations/x"] {
            let answer = ask(&format!("/{version}/{OTHER}-main{what}"), &both, &CredentialStore::default());
            assert_eq!(answer.reply.status, 404);
            assert_eq!(answer.belongs_to, Some(task_arn(OTHER)));
            assert!(!text(&answer).contains("bench"), "{}", text(&answer));
        }
    }
    assert_eq!(ask("/v4/bad", &both, &CredentialStore::default()).belongs_to, None);
}

#[test]
fn credentials_of_both_roles_are_handed_to_their_task_and_audited() {
    let (view, store) = (view([recorded_task()]), CredentialStore::default());
    store.put(format!("{TASK_ID}-role"), credentials_of(TASK_ID, Role::Task));
    store.put(format!("{TASK_ID}-execution"), credentials_of(TASK_ID, Role::Execution));
    let body = concat!(
        r#"{"RoleArn":"arn:aws:iam::111122223333:role/app","AccessKeyId":"ASIAEXAMPLE","#,
        r#""SecretAccessKey":"not-to-be-printed","Token":"token","Expiration":"2026-09-01T06:17:19Z"}"#
    );
    for (path, event) in [
        (format!("/v2/credentials/{TASK_ID}-role"), "GetCredentials"),
        (format!("/v1/credentials?id={TASK_ID}-role"), "GetCredentials"),
        (format!("/v2/credentials/{TASK_ID}-execution"), "GetCredentialsExecutionRole"),
    ] {
        let answer = ask(&path, &view, &store);
        assert_eq!((answer.reply.status, text(&answer), answer.audit), (200, body, Some(event)), "{path}");
    }
}

#[test]
fn credentials_that_are_not_there_get_the_codes_of_the_go_agent() {
    let both = view([recorded_task(), task(OTHER)]);
    let store = CredentialStore::default();
    store.put(format!("{OTHER}-role"), credentials_of(OTHER, Role::Task));
    let cases = [
        (
            "/v2/credentials/".to_owned(),
            400,
            "NoIdInRequest",
            "CredentialsV2Request: No Credential ID in the request",
        ),
        (
            "/v1/credentials".to_owned(),
            400,
            "NoIdInRequest",
            "CredentialsV1Request: No Credential ID in the request",
        ),
        (
            "/v2/credentials/bad".to_owned(),
            400,
            "InvalidIdInRequest",
            "CredentialsV2Request: Credentials not found",
        ),
        (
            format!("/v2/credentials/{TASK_ID}-role"),
            503,
            "CredentialsUninitialized",
            "CredentialsV2Request: Credentials uninitialized for ID",
        ),
        (
            format!("/v2/credentials/{OTHER}-role"),
            404,
            "InvalidIdInRequest",
            "CredentialsV2Request: Credentials not found",
        ),
        (
            format!("/v2/credentials/{OTHER}-execution"),
            404,
            "InvalidIdInRequest",
            "CredentialsV2Request: Credentials not found",
        ),
    ];
    for (path, status, code, message) in cases {
        let answer = ask(&path, &both, &store);
        let body = format!(r#"{{"code":"{code}","message":"{message}","HTTPErrorCode":{status}}}"#);
        assert_eq!(
            (answer.reply.status, text(&answer), answer.audit),
            (status, body.as_str(), Some("")),
            "{path}"
        );
        assert_eq!(answer.belongs_to.is_some(), status == 404, "{path}");
    }
}

#[test]
fn the_store_forgets_a_task_whole_and_prints_no_secret() {
    let store = CredentialStore::default();
    store.put("a", credentials_of(TASK_ID, Role::Task));
    store.put("b", credentials_of(TASK_ID, Role::Execution));
    store.put("c", credentials_of(OTHER, Role::Task));
    assert!(!format!("{store:?}").contains("not-to-be-printed"));
    store.remove_task(&task_arn(TASK_ID));
    assert_eq!(
        [store.get("a").is_some(), store.get("b").is_some(), store.get("c").is_some()],
        [false, false, true]
    );
}

#[test]
fn a_container_finds_its_endpoints_in_its_environment() {
    let spec = recorded_task().spec;
    let id = format!("{TASK_ID}-main");
    let expected = [
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", format!("/v2/credentials/{TASK_ID}-role")),
        ("ECS_AGENT_URI", format!("http://169.254.170.2/api/{id}")),
        ("ECS_CONTAINER_METADATA_URI", format!("http://169.254.170.2/v3/{id}")),
        ("ECS_CONTAINER_METADATA_URI_V4", format!("http://169.254.170.2/v4/{id}")),
    ];
    let found = injected_environment(&spec, &spec.containers[0]);
    assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)).into());
}

#[test]
fn a_task_without_a_role_is_told_of_no_credentials() {
    let spec = with_spec(recorded_task(), |spec| spec.credentials_id = None).spec;
    let found = injected_environment(&spec, &spec.containers[0]);
    assert!(!found.contains_key("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"));
}

#[test]
fn the_region_is_offered_under_both_names_and_not_at_all_when_unknown() {
    let names: Vec<_> = default_environment("us-west-2").into_keys().collect();
    assert_eq!(names, ["AWS_DEFAULT_REGION", "AWS_REGION"]);
    assert!(default_environment("").is_empty());
}

#[test]
fn a_docker_name_keeps_only_plain_characters_and_is_the_same_every_time() {
    let task = with_spec(recorded_task(), |spec| spec.containers[0].name = "my.app_1-x".to_owned());
    let name = get(&format!("/v4/{TASK_ID}-main"), task)["DockerName"].as_str().unwrap().to_owned();
    let (name, digits) = name.rsplit_once('-').unwrap();
    assert_eq!(name, "ecs-bench-1-myapp_1-x");
    assert!(digits.len() == 20 && digits.chars().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(get(&format!("/v4/{TASK_ID}-main"), recorded_task())["DockerName"], docker_name());
}
