//! What a peer may get wrong without being misunderstood (spec sections 0, 3.3, 3.8), and what it may not.

use wharf_protocol::json::JsonError;
use wharf_protocol::{DecodeError, Secret, Timestamp, acs, api, docker, json, tcs};

fn task(json: &str) -> acs::Task {
    json::from_str(json).unwrap()
}

#[test]
fn keys_match_whatever_their_case() {
    let task = task(r#"{"ARN":"a","Containers":[{"NAME":"web","dockerconfig":{"HostConfig":"{}"}}]}"#);
    assert_eq!(task.arn.as_deref(), Some("a"));
    assert_eq!(task.containers[0].name.as_deref(), Some("web"));
    assert_eq!(task.containers[0].docker_config.as_ref().unwrap().host_config.as_deref(), Some("{}"));
    for key in ["HealthCheck", "Healthcheck", "healthcheck"] {
        let config = docker::Config::parse(&format!(r#"{{"{key}":{{"retries":3}}}}"#)).unwrap();
        assert_eq!(config.health_check.unwrap().retries, Some(3));
    }
}

#[test]
fn the_exact_spelling_of_a_key_wins() {
    assert_eq!(task(r#"{"ARN":"a","arn":"b","Arn":"c"}"#).arn.as_deref(), Some("b"));
}

#[test]
fn keys_of_a_volume_are_case_sensitive_and_those_inside_its_host_are_not() {
    let volume: acs::Volume =
        json::from_str(r#"{"name":"v","Type":"efs","host":{"SourcePath":"/srv"}}"#).unwrap();
    assert_eq!(volume.name.as_deref(), Some("v"));
    assert_eq!(volume.r#type, None);
    assert_eq!(volume.host.unwrap().source_path.as_deref(), Some("/srv"));
}

#[test]
fn keys_of_maps_keep_their_case() {
    let container: acs::Container = json::from_str(r#"{"environment":{"Path":"1","PATH":"2"}}"#).unwrap();
    assert_eq!(container.environment.len(), 2);
    assert_eq!(container.environment["Path"], "1");
}

#[test]
fn unknown_members_are_ignored_however_deep() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(task(&format!(r#"{{"arn":"a","new":{deep}}}"#)).arn.as_deref(), Some("a"));
}

#[test]
fn null_is_absent() {
    let task = task(r#"{"arn":null,"containers":null,"cpu":null,"roleCredentials":null,"volumes":[null]}"#);
    assert_eq!(task, acs::Task { volumes: vec![acs::Volume::default()], ..acs::Task::default() });
    assert_eq!(docker::Config::parse("null"), Ok(docker::Config::default()));
}

#[test]
fn overrides_may_be_a_text_or_an_object() {
    let container: acs::Container = json::from_str(r#"{"overrides":"{\"command\":[\"x\"]}"}"#).unwrap();
    let inline: acs::Container = json::from_str(r#"{"overrides":{"command":["x"]}}"#).unwrap();
    assert_eq!(container.overrides.as_deref(), Some(r#"{"command":["x"]}"#));
    assert_eq!(inline, container);
    assert!(json::from_str::<acs::Container>(r#"{"overrides":7}"#).is_err());
}

#[test]
fn a_docker_command_may_be_one_word() {
    let config = docker::Config::parse(r#"{"Cmd":"sh","Entrypoint":["a","b"]}"#).unwrap();
    assert_eq!(config.cmd, Some(vec!["sh".to_owned()]));
    assert_eq!(config.entrypoint, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert!(docker::Config::parse(r#"{"Cmd":[1]}"#).is_err());
}

#[test]
fn an_absent_docker_key_is_told_from_an_empty_one() {
    assert_eq!(docker::HostConfig::parse("{}").unwrap().binds, None);
    assert_eq!(docker::HostConfig::parse(r#"{"Binds":[]}"#).unwrap().binds, Some(Vec::new()));
}

#[test]
fn an_integer_may_be_written_as_a_fraction_that_is_none() {
    assert_eq!(task(r#"{"memory":512.0}"#).memory, Some(512));
    assert!(json::from_str::<acs::Task>(r#"{"memory":512.5}"#).is_err());
    assert!(json::from_str::<acs::Task>(r#"{"memory":1e300}"#).is_err());
    assert!(json::from_str::<acs::Task>(r#"{"memory":9223372036854775808}"#).is_err());
}

#[test]
fn timestamps_are_seconds_with_milliseconds() {
    let request: api::SubmitTaskStateChangeRequest =
        json::from_str(r#"{"pullStartedAt":1795253842.199}"#).unwrap();
    assert_eq!(request.pull_started_at, Some(Timestamp::from_millis(1_795_253_842_199)));
    assert_eq!(api::encode(&request), r#"{"pullStartedAt":1795253842.199}"#);
    let whole: Timestamp = json::from_str("1790000000").unwrap();
    assert_eq!(serde_json::to_string(&whole).unwrap(), "1790000000");
}

#[test]
fn a_time_beyond_the_calendar_is_its_end() {
    assert_eq!(json::from_str("1e300"), Ok(Timestamp::MAX));
    assert_eq!(json::from_str("-1e300"), Ok(Timestamp::MIN));
}

#[test]
fn an_unknown_type_is_no_error() {
    let unknown = acs::Decoded::Unknown { type_name: "RefreshMessage".to_owned() };
    assert_eq!(acs::decode(r#"{"type":"RefreshMessage","message":{"a":1}}"#), Ok(unknown.clone()));
    assert_eq!(acs::decode(r#"{"type":"RefreshMessage"}"#), Ok(unknown));
}

#[test]
fn a_trailing_newline_is_tolerated() {
    assert!(acs::decode("{\"type\":\"AckRequest\",\"message\":{}}\n").is_ok());
}

#[test]
fn a_frame_without_type_or_message_is_refused_and_says_so() {
    assert_eq!(acs::decode(r#"{"message":{}}"#), Err(DecodeError::NoType));
    assert_eq!(acs::decode("null"), Err(DecodeError::NoType));
    let missing = DecodeError::NoMessage { type_name: "AckRequest".to_owned() };
    assert_eq!(acs::decode(r#"{"type":"AckRequest","message":null}"#), Err(missing));
    assert!(matches!(acs::decode(r#"["type"]"#), Err(DecodeError::Envelope(JsonError::Shape { .. }))));
    let Err(DecodeError::Envelope(error)) = acs::decode("{\n \"type\": x}") else { panic!("not JSON") };
    assert_eq!(error.to_string(), "not JSON at line 2 column 10: expected value");
}

#[test]
fn a_shape_error_says_where_and_never_what_stood_there() {
    let frame = r#"{"type":"PayloadMessage","message":{"tasks":[{},{"containers":[{"environment":{"TOKEN":12345678}}]}]}}"#;
    let Err(DecodeError::Message { type_name, source }) = acs::decode(frame) else {
        panic!("a number is no text")
    };
    assert_eq!(type_name, "PayloadMessage");
    let text = source.to_string();
    assert_eq!(text, "tasks[1].containers[0].environment.TOKEN: expected a string, found a number");
    let wrong = json::from_str::<acs::Task>(r#"{"cpu":"hunter2"}"#).unwrap_err();
    assert!(!format!("{wrong} {wrong:?}").contains("hunter2"));
}

#[test]
fn secrets_and_environment_values_are_not_printed() {
    let credentials = acs::IAMRoleCredentials {
        secret_access_key: Some(Secret::new("hunter2")),
        session_token: Some(Secret::new("hunter2")),
        ..acs::IAMRoleCredentials::default()
    };
    let container: acs::Container = json::from_str(r#"{"environment":{"NAME":"hunter2"}}"#).unwrap();
    let frame = tcs::Frame { headers: vec![("X-Amz-Security-Token", "hunter2")], body: "{}" };
    let config = docker::Config::parse(r#"{"Env":["A=hunter2"]}"#).unwrap();
    let definition: api::ContainerDefinition =
        json::from_str(r#"{"environment":[{"name":"NAME","value":"hunter2"}]}"#).unwrap();
    let printed = format!("{credentials:?} {container:?} {frame:?} {config:?} {definition:?}");
    assert!(printed.contains("NAME") && printed.contains("X-Amz-Security-Token"));
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn a_tcs_frame_is_read_with_bare_line_feeds_and_without_headers() {
    let envelope = r#"{"type":"HeartbeatMessage","message":{"healthy":true}}"#;
    let heartbeat = tcs::HeartbeatMessage { healthy: Some(true) };
    for text in
        [envelope.to_owned(), format!("Host: a\r\n\r\n{envelope}"), format!("Host: a\n\n{envelope}\n")]
    {
        assert_eq!(tcs::decode(&text), Ok(tcs::Decoded::Message(heartbeat.clone().into())));
    }
    let frame = tcs::Frame::split("junk line\r\nHOST :  a \r\n\r\n{}");
    assert_eq!((frame.headers, frame.body), (vec![("HOST", "a")], "{}"));
}

#[test]
fn hostile_texts_are_errors_and_not_panics() {
    let deep = "[".repeat(100_000);
    let nested = format!("{}1{}", r#"{"message":"#.repeat(5_000), "}".repeat(5_000));
    let texts =
        ["", " ", "\u{0}", "{", r#"{"type":"\ud800","message":{}}"#, "[]", "1e999", "-", &deep, &nested];
    for text in texts {
        assert!(acs::decode(text).is_err(), "{:.20}", text);
        assert!(tcs::decode(text).is_err(), "{:.20}", text);
        assert!(docker::HostConfig::parse(text).is_err(), "{:.20}", text);
    }
    assert!(json::from_slice::<acs::Task>(b"{\"arn\":\"\xff\"}").is_err());
}
