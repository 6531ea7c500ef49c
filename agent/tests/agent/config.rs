//! Configuration: precedence, every error text, the printed table.

mod table;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use wharf_agent::config::{
    ConfigErrors, Flag, Origin, PullBehavior, Resolution, Settings, SourceText, Sources, parse_duration,
    resolve, show_json, show_table,
};

#[test]
fn flags_win_over_environment_over_native_file_over_env_file_over_default() {
    let all = Given::default()
        .flag("--cluster", "ECS_CLUSTER", "of-flag")
        .environment("ECS_CLUSTER", "of-environment")
        .native("cluster = \"of-native\"")
        .env_file("ECS_CLUSTER=of-env-file");
    assert_eq!(all.cluster(), "of-flag");
    let all = Given { flags: Vec::new(), ..all };
    assert_eq!(all.cluster(), "of-environment");
    let all = Given { environment: region(), ..all };
    assert_eq!(all.cluster(), "of-native");
    let all = Given { native: String::new(), ..all };
    assert_eq!(all.cluster(), "of-env-file");
    let all = Given { env_file: String::new(), ..all };
    assert_eq!(all.cluster(), "default");
    assert_eq!(
        all.settings().control_plane.cluster,
        None,
        "the implicit default is told from a configured one"
    );
}

#[test]
fn an_empty_value_counts_as_not_set() {
    let given = Given::default().environment("ECS_CLUSTER", "  ").env_file("ECS_CLUSTER=below");
    assert_eq!(given.cluster(), "below");
}

#[test]
fn values_are_trimmed_and_quotes_of_the_env_file_removed() {
    let given = Given::default()
        .env_file("# comment\n\n ECS_CLUSTER = \" c1 \" \nECS_INSTANCE_ATTRIBUTES={\"a\":\"b\"}\n");
    assert_eq!(given.cluster(), "c1");
    assert_eq!(given.settings().instance.attributes, BTreeMap::from([("a".to_owned(), "b".to_owned())]));
}

#[test]
fn a_later_line_of_the_env_file_wins() {
    assert_eq!(Given::default().env_file("ECS_CLUSTER=one\nECS_CLUSTER=two").cluster(), "two");
}

#[test]
fn the_native_file_has_values_of_their_own_types() {
    let settings = Given::default()
        .native(
            "reserved_memory = 256\nexternal = true\nreserved_ports = [22, 80]\nstop_timeout = \"1m30s\"\n\
             [instance_attributes]\nstack = \"prod\"\n",
        )
        .settings();
    assert_eq!(settings.instance.reserved_memory, 256);
    assert!(settings.instance.external);
    assert_eq!(settings.instance.reserved_ports, [22, 80]);
    assert_eq!(settings.tasks.stop_timeout, Duration::from_secs(90));
    assert_eq!(settings.instance.attributes["stack"], "prod");
}

#[test]
fn an_unknown_key_of_the_native_file_is_an_error_with_its_line_and_the_nearest_key() {
    let errors = Given::default().native("cluster = \"a\"\nreserved_memori = 1\n").errors();
    assert_eq!(
        errors,
        "reserved_memori (/etc/wharf/agent.toml:2) is not a setting, did you mean reserved_memory?"
    );
}

#[test]
fn a_value_of_another_toml_type_is_an_error() {
    let errors = Given::default().native("reserved_memory = \"256\"").errors();
    assert_eq!(
        errors,
        "reserved_memory = \"256\" (/etc/wharf/agent.toml:1) is wrong: expected a TOML integer"
    );
    let errors = Given::default().native("external = 1").errors();
    assert_eq!(errors, "external = 1 (/etc/wharf/agent.toml:1) is wrong: expected a TOML boolean");
}

#[test]
fn what_is_not_toml_is_an_error_with_its_line() {
    let errors = Given::default().native("cluster = \"a\"\nregion = \n").errors();
    assert!(errors.starts_with("/etc/wharf/agent.toml:2 is not valid TOML: "), "{errors}");
}

#[test]
fn a_secret_is_never_part_of_an_error_or_the_output() {
    let native = Given::default().native("secret_access_key = [\"hunter2\"]");
    assert_eq!(
        native.errors(),
        "secret_access_key = (redacted) (/etc/wharf/agent.toml:1) is wrong: expected a TOML string"
    );
    assert_eq!(
        Given::default().environment("ECS_BACKEND_HOST", "https://me:hunter2@cp").errors(),
        "ECS_BACKEND_HOST = (redacted) (environment) is wrong: expected a host or a URL that begins with http:// or https://"
    );
    let auth = Given::default()
        .environment("ECS_ENGINE_AUTH_TYPE", "docker")
        .env_file("ECS_ENGINE_AUTH_DATA={\"hunter2\":3}");
    assert_eq!(
        auth.errors(),
        "ECS_ENGINE_AUTH_DATA = (redacted) (/etc/ecs/ecs.config:1) is wrong: expected \
         {\"<registry>\":{\"username\":\"…\",\"password\":\"…\"}} for docker, \
         {\"<registry>\":{\"auth\":\"<base64 of user:password>\"}} for dockercfg"
    );
    let keys = Given::default()
        .environment("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .environment("AWS_SECRET_ACCESS_KEY", "hunter2")
        .environment("HTTP_PROXY", "http://me:hunter2@proxy");
    let resolution = keys.resolution();
    let printed = [
        show_table(&resolution.resolved),
        show_json(&resolution.resolved),
        format!("{:?}", resolution),
        format!("{:?}", resolution.warnings),
    ];
    assert!(printed.iter().all(|text| !text.contains("hunter2")), "{printed:?}");
    let credentials = resolution.settings.control_plane.credentials.expect("both parts are set");
    assert_eq!(credentials.secret_access_key.expose(), "hunter2");
}

#[test]
fn a_wrong_value_names_key_value_origin_and_form() {
    let cases = [
        ("ECS_RESERVED_MEMORY", "70000", "a whole number from 0 to 65535"),
        ("ECS_RESERVED_MEMORY", "1.5", "a whole number from 0 to 65535"),
        ("ECS_EXTERNAL", "yes", "true or false"),
        ("ECS_CONTAINER_STOP_TIMEOUT", "30", "a duration such as 90s, 5m or 1h30m"),
        ("ECS_CONTAINER_STOP_TIMEOUT", "-1s", "a duration such as 90s, 5m or 1h30m"),
        ("ECS_IMAGE_PULL_BEHAVIOR", "never", "one of default, always, once, prefer-cached"),
        ("ECS_RESERVED_PORTS", "22,80", "a list of ports such as [22,51678]"),
        ("ECS_RESERVED_PORTS", "[70000]", "a list of ports such as [22,51678]"),
        ("ECS_INSTANCE_ATTRIBUTES", "[1]", "an object of texts such as {\"stack\":\"prod\"}"),
        ("ECS_TASK_METADATA_RPS_LIMIT", "40", "two whole numbers above 0, rate and burst, such as 40,60"),
        ("ECS_TASK_METADATA_RPS_LIMIT", "0,60", "two whole numbers above 0, rate and burst, such as 40,60"),
        ("ECS_DATADIR", "state", "an absolute path without '..'"),
        ("WHARF_CGROUP_ROOT", "/ecs/../system", "an absolute path without '..'"),
        ("ECS_BACKEND_HOST", "ws://cp", "a host or a URL that begins with http:// or https://"),
        ("ECS_BACKEND_HOST", "https://", "a host or a URL that begins with http:// or https://"),
        ("ECS_CLUSTER", "a\u{7}b", "a text on one line"),
        ("ECS_AVAILABLE_LOGGING_DRIVERS", "json-file", "a list of texts such as [\"json-file\",\"none\"]"),
    ];
    for (key, value, form) in cases {
        let expected = format!("{key} = {value:?} (environment) is wrong: expected {form}");
        assert_eq!(Given::default().environment(key, value).errors(), expected);
    }
    let prefix = Given::default().environment("WHARF_INTERFACE_PREFIX", "wharf").errors();
    assert!(
        prefix.ends_with("at most 3 in all"),
        "interface names have 15 characters, 12 are of the task: {prefix}"
    );
}

#[test]
fn every_error_is_told_not_only_the_first() {
    let errors = Given::default()
        .environment("ECS_EXTERNAL", "x")
        .env_file("nonsense\nECS_RESERVED_MEMORY=x")
        .errors();
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 3, "{errors}");
    assert_eq!(lines[0], "/etc/ecs/ecs.config:1 is not of the form NAME=VALUE");
}

#[test]
fn an_unknown_ecs_or_wharf_name_is_warned_of_with_origin_and_nearest_key() {
    let given = Given::default()
        .environment("ECS_CLUSTR", "x")
        .environment("WHARF_FROBNICATE", "x")
        .environment("PATH", "/bin")
        .env_file("ECS_DATA_DIR=/x\nSOMETHING=else");
    assert_eq!(
        given.warnings(),
        [
            "ECS_DATA_DIR (/etc/ecs/ecs.config:1) is not a setting, did you mean ECS_DATADIR?",
            "SOMETHING (/etc/ecs/ecs.config:2) is not a setting",
            "ECS_CLUSTR (environment) is not a setting, did you mean ECS_CLUSTER?",
            "WHARF_FROBNICATE (environment) is not a setting",
        ]
    );
}

#[test]
fn an_unknown_name_on_the_command_line_is_an_error() {
    let errors = Given::default().flag("--set", "ECS_CLUSTR", "x").errors();
    assert_eq!(errors, "ECS_CLUSTR (flag --set) is not a setting, did you mean ECS_CLUSTER?");
}

#[test]
fn a_key_of_the_amazon_agent_without_effect_is_warned_of_with_the_reason() {
    let given = Given::default().environment("DOCKER_HOST", "unix:///x").env_file("ECS_CHECKPOINT=true");
    assert_eq!(
        given.warnings(),
        [
            "DOCKER_HOST (environment) has no effect: there is no Docker here; see WHARF_CONTAINERD_ADDRESS",
            "ECS_CHECKPOINT (/etc/ecs/ecs.config:1) has no effect: state is always kept",
        ]
    );
}

#[test]
fn a_key_that_says_which_file_to_read_has_no_effect_in_a_file() {
    let given = Given::default().env_file("WHARF_CONFIG=/elsewhere");
    assert_eq!(
        given.warnings(),
        [
            "WHARF_CONFIG (/etc/ecs/ecs.config:1) has no effect: it says which files to read, so it is heard only as \
          flag or environment variable"
        ]
    );
}

#[test]
fn a_proxy_is_heard_in_the_environment_alone() {
    let given = Given::default().environment("HTTPS_PROXY", "http://p").env_file("NO_PROXY=x");
    assert_eq!(
        given.warnings(),
        [
            "NO_PROXY (/etc/ecs/ecs.config:1) has no effect: it is heard only in the environment of the service, see \
          systemctl edit wharf-agent"
        ]
    );
}

#[test]
fn the_printed_table_holds_every_value_with_its_origin() {
    let resolution = Given::default()
        .flag("--cluster", "ECS_CLUSTER", "lab")
        .environment("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .environment("ECS_CHECKPOINT", "true")
        .native("# a comment\nrun_dir = \"/run/lab\"")
        .env_file("AWS_SECRET_ACCESS_KEY=hunter2")
        .resolution();
    assert_eq!(show_table(&resolution.resolved), include_str!("config.golden"));
    let json: serde_json::Value = serde_json::from_str(&show_json(&resolution.resolved)).expect("it is JSON");
    assert_eq!(
        json[2],
        serde_json::json!({"key": "ECS_CLUSTER", "value": "lab", "origin": "flag --cluster"})
    );
    assert_eq!(json[3]["value"], serde_json::Value::Null);
}

/// Sources under construction; a region is always given, because nothing resolves without one.
#[derive(Clone)]
struct Given {
    flags: Vec<Flag>,
    environment: BTreeMap<String, String>,
    native: String,
    env_file: String,
}

fn region() -> BTreeMap<String, String> {
    BTreeMap::from([("AWS_DEFAULT_REGION".to_owned(), "us-west-2".to_owned())])
}

impl Default for Given {
    fn default() -> Self {
        Self { flags: Vec::new(), environment: region(), native: String::new(), env_file: String::new() }
    }
}

impl Given {
    fn flag(mut self, flag: &str, name: &str, value: &str) -> Self {
        self.flags.push(Flag { flag: flag.to_owned(), name: name.to_owned(), value: value.to_owned() });
        self
    }

    fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn native(mut self, text: &str) -> Self {
        self.native = text.to_owned();
        self
    }

    fn env_file(mut self, text: &str) -> Self {
        self.env_file = text.to_owned();
        self
    }

    fn try_resolve(&self) -> Result<Resolution, ConfigErrors> {
        let file =
            |path: &str, text: &str| Some(SourceText { path: PathBuf::from(path), text: text.to_owned() });
        resolve(&Sources {
            flags: self.flags.clone(),
            environment: self.environment.clone(),
            native: file("/etc/wharf/agent.toml", &self.native),
            env_file: file("/etc/ecs/ecs.config", &self.env_file),
        })
    }

    fn resolution(&self) -> Resolution {
        self.try_resolve().expect("the sources are right")
    }

    fn settings(&self) -> Settings {
        self.resolution().settings
    }

    fn cluster(&self) -> String {
        self.settings().control_plane.cluster_or_default().to_owned()
    }

    fn warnings(&self) -> Vec<String> {
        self.resolution().warnings.iter().map(ToString::to_string).collect()
    }

    fn errors(&self) -> String {
        self.try_resolve().expect_err("the sources are wrong").to_string()
    }
}

#[test]
fn origins_print_where_to_look() {
    assert_eq!(Origin::File { path: PathBuf::from("/a"), line: 3 }.to_string(), "/a:3");
    assert_eq!(Origin::Default.to_string(), "default");
}
