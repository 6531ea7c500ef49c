//! What single values mean: durations, regions, credentials, endpoints, log drivers.

use super::*;

#[test]
fn durations_below_the_minimum_are_raised_or_reset_with_a_warning() {
    let given = Given::default()
        .environment("ECS_CONTAINER_START_TIMEOUT", "1s")
        .environment("ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", "10ms");
    let tasks = given.settings().tasks;
    assert_eq!(tasks.start_timeout, Duration::from_secs(45));
    assert_eq!(tasks.cleanup_wait, Duration::from_secs(3 * 3600));
    assert_eq!(
        given.warnings(),
        [
            "ECS_CONTAINER_START_TIMEOUT = \"1s\" (environment) is below the minimum: 45s is used",
            "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION = \"10ms\" (environment) is below the minimum: 3h is used",
        ]
    );
}

#[test]
fn durations_have_gos_syntax() {
    let right = [
        ("0", 0),
        ("300ms", 300_000_000),
        ("1h2m3.5s", 3_723_500_000_000),
        ("+5s", 5_000_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("2us", 2_000),
        ("2µs", 2_000),
        ("1.9ns", 1),
        ("1.000000001s", 1_000_000_001),
    ];
    for (text, nanos) in right {
        assert_eq!(parse_duration(text), Some(Duration::from_nanos(nanos)), "{text}");
    }
    for text in ["", "5", "s", ".s", "1.2.3s", "-5s", "1d", "1 s", "99999999999h", "1m1"] {
        assert_eq!(parse_duration(text), None, "{text:?}");
    }
}

#[test]
fn the_region_comes_from_its_key_then_aws_region_then_the_cluster_arn() {
    let arn = "arn:aws:ecs:eu-north-1:111122223333:cluster/c1";
    let none = Given { environment: BTreeMap::new(), ..Given::default() };
    assert_eq!(
        none.errors(),
        "AWS_DEFAULT_REGION is not set: requests are signed for a region; set it, or give ECS_CLUSTER as an ARN"
    );
    let given = none.environment("ECS_CLUSTER", arn);
    assert_eq!(given.settings().control_plane.region, "eu-north-1");
    let given = given.environment("AWS_REGION", "us-east-2");
    assert_eq!(given.settings().control_plane.region, "us-east-2");
    assert_eq!(
        given.environment("AWS_DEFAULT_REGION", "us-west-2").settings().control_plane.region,
        "us-west-2"
    );
}

#[test]
fn half_a_pair_of_credentials_is_an_error() {
    let id = Given::default().environment("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").errors();
    assert_eq!(
        id,
        "AWS_SECRET_ACCESS_KEY is not set: AWS_ACCESS_KEY_ID is set, and one is of no use without the other"
    );
    let secret = Given::default().environment("AWS_SECRET_ACCESS_KEY", "x").errors();
    assert!(secret.starts_with("AWS_ACCESS_KEY_ID is not set: "), "{secret}");
}

#[test]
fn a_backend_host_without_a_scheme_means_https() {
    let given = Given::default().environment("ECS_BACKEND_HOST", "ecs.example:8443");
    assert_eq!(given.settings().control_plane.backend_host.as_deref(), Some("https://ecs.example:8443"));
}

#[test]
fn log_drivers_that_ecs_knows_and_wharf_lacks_are_withheld_with_a_warning_and_others_are_errors() {
    let given = Given::default().environment("ECS_AVAILABLE_LOGGING_DRIVERS", r#"["json-file","awslogs"]"#);
    assert_eq!(given.settings().features.logging_drivers, ["json-file"]);
    assert_eq!(
        given.warnings(),
        [r#"ECS_AVAILABLE_LOGGING_DRIVERS (environment) names "awslogs", which this version does not offer"#]
    );
    let errors = given.environment("ECS_AVAILABLE_LOGGING_DRIVERS", r#"["jsonfile"]"#).errors();
    assert!(
        errors.starts_with(r#"ECS_AVAILABLE_LOGGING_DRIVERS = "jsonfile" (environment) is wrong: "#),
        "{errors}"
    );
}

#[test]
fn registry_credentials_are_read_in_both_forms() {
    let docker = Given::default().environment("ECS_ENGINE_AUTH_TYPE", "docker").environment(
        "ECS_ENGINE_AUTH_DATA",
        r#"{"https://index.docker.io/v1/":{"username":"me","password":"p:w"}}"#,
    );
    let cfg = Given::default().environment("ECS_ENGINE_AUTH_TYPE", "dockercfg").environment(
        "ECS_ENGINE_AUTH_DATA",
        r#"{"https://index.docker.io/v1/":{"auth":"bWU6cDp3","email":"x@y"}}"#,
    );
    for given in [docker, cfg] {
        let auth = given.settings().runtime.registry_auth;
        let hub = &auth["docker.io"];
        assert_eq!((hub.username.as_str(), hub.password.expose()), ("me", "p:w"));
    }
    let untyped = Given::default().environment("ECS_ENGINE_AUTH_DATA", "{}").errors();
    assert_eq!(
        untyped,
        "ECS_ENGINE_AUTH_TYPE is not set: ECS_ENGINE_AUTH_DATA is set; say whether it is docker or dockercfg"
    );
}

#[test]
fn the_pull_behaviour_is_read() {
    let behavior = |word: &str| {
        Given::default().environment("ECS_IMAGE_PULL_BEHAVIOR", word).settings().runtime.pull_behavior
    };
    assert_eq!(behavior(""), PullBehavior::Default);
    assert_eq!(behavior("always"), PullBehavior::Always);
    assert_eq!(behavior("once"), PullBehavior::Once);
    assert_eq!(behavior("prefer-cached"), PullBehavior::PreferCached);
}
