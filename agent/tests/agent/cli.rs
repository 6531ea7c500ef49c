//! The operator's commands: what is typed, what is printed, how it ends.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command as Process, Output};
use wharf_agent::cli::{Cli, Command, parse_from};
use wharf_agent::config::Flag;
use wharf_agent::store::{Change, Store};

#[test]
fn without_a_command_the_agent_runs() {
    assert_eq!(typed(&[]), Cli { command: Command::Run, flags: Vec::new() });
    assert_eq!(typed(&["run"]).command, Command::Run);
}

#[test]
fn every_command_is_read() {
    let cases = [
        (&["config"][..], Command::Config { json: false }),
        (&["config", "--json"], Command::Config { json: true }),
        (&["version"], Command::Version),
        (&["image", "load", "/a.tar"], Command::ImageLoad { archive: PathBuf::from("/a.tar") }),
        (&["image", "ls"], Command::ImageList),
        (&["tasks"], Command::Tasks { json: false, all: false }),
        (&["tasks", "--all"], Command::Tasks { json: false, all: true }),
        (&["explain", "t1"], Command::Explain { task: "t1".to_owned(), json: false }),
        (&["health"], Command::Health),
    ];
    for (words, command) in cases {
        assert_eq!(typed(words).command, command, "{words:?}");
    }
}

#[test]
fn flags_stand_before_or_after_the_command_and_are_settings() {
    let flag = |flag: &str, name: &str, value: &str| Flag {
        flag: flag.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let given = typed(&["--cluster", "c1", "config", "--set", "ECS_LOGLEVEL = debug", "--data-dir=/d"]);
    let expected = [
        flag("--cluster", "ECS_CLUSTER", "c1"),
        flag("--data-dir", "ECS_DATADIR", "/d"),
        flag("--set", "ECS_LOGLEVEL", " debug"),
    ];
    assert_eq!(given.flags, expected);
}

#[test]
fn config_prints_every_value_with_its_origin_and_warns_beside_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (native, env) = (dir.path().join("agent.toml"), dir.path().join("ecs.config"));
    std::fs::write(&native, "cluster = \"of-native\"\n").expect("it is written");
    std::fs::write(&env, "AWS_DEFAULT_REGION=us-west-2\nECS_CLUSTR=x\n").expect("it is written");
    let words = [
        OsStr::new("config"),
        OsStr::new("--config"),
        native.as_os_str(),
        OsStr::new("--ecs-config"),
        env.as_os_str(),
    ];
    let output = agent(words);
    assert_eq!(output.status.code(), Some(0));
    let table = text(&output.stdout);
    let line = |key: &str| {
        let line = table.lines().find(|line| line.starts_with(key)).expect("it is printed");
        line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("ECS_CLUSTER "), ["of-native".to_owned(), format!("{}:1", native.display())]);
    assert_eq!(line("AWS_DEFAULT_REGION "), ["us-west-2".to_owned(), format!("{}:1", env.display())]);
    assert_eq!(
        text(&output.stderr),
        format!("warning: ECS_CLUSTR ({}:2) is not a setting, did you mean ECS_CLUSTER?\n", env.display())
    );
}

#[test]
fn a_wrong_configuration_ends_with_5_and_every_error() {
    let output = agent(["config", "--set", "ECS_EXTERNAL=maybe"]);
    assert_eq!(output.status.code(), Some(5));
    let errors = text(&output.stderr);
    assert!(
        errors.contains("ECS_EXTERNAL = \"maybe\" (flag --set) is wrong: expected true or false\n"),
        "{errors}"
    );
    assert!(errors.contains("AWS_DEFAULT_REGION is not set: "), "{errors}");
}

#[test]
fn a_file_that_was_named_has_to_be_there() {
    let output = agent(["config", "--region", "r", "--config", "/nowhere/agent.toml"]);
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(
        text(&output.stderr),
        "cannot read /nowhere/agent.toml: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_wrong_command_line_ends_with_5_and_help_with_0() {
    assert_eq!(agent(["fly"]).status.code(), Some(5));
    assert_eq!(agent(["--set", "NAME"]).status.code(), Some(5));
    let help = agent(["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Print every setting with its origin"));
}

#[test]
fn version_needs_no_configuration() {
    let output = agent(["version"]);
    let build = if cfg!(feature = "failpoints") { " with failpoints, for tests only" } else { "" };
    let expected = format!("wharf-agent {}{build}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), expected));
}

#[test]
fn tasks_without_saved_state_are_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = agent([
        OsStr::new("tasks"),
        OsStr::new("--json"),
        OsStr::new("--region=r"),
        OsStr::new("--data-dir"),
        dir.path().as_os_str(),
    ]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "[]\n".to_owned()));
    assert_eq!(std::fs::read_dir(dir.path()).expect("it is there").count(), 0, "looking makes nothing");
}

#[tokio::test]
async fn tasks_of_a_newer_agent_are_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let (store, _) = Store::open(dir.path()).expect("it opens");
    let row = Change { kind: "dreams".to_owned(), key: "1".to_owned(), value: Some(Vec::new()) };
    store.save([row]).await.expect("it is saved");
    let output = agent([
        OsStr::new("tasks"),
        OsStr::new("--region=r"),
        OsStr::new("--data-dir"),
        dir.path().as_os_str(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(
        error.starts_with(
            "cannot read the saved state: the state has a record of the unknown kind \"dreams\""
        ),
        "{error}"
    );
}

#[test]
fn health_is_what_the_agent_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let setting = format!("WHARF_INTROSPECTION_LISTEN={}", listener.local_addr().expect("it has one"));
    let ask = |answer: &'static str| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().expect("somebody asks");
                let mut question = Vec::new();
                while !question.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).expect("the whole question");
                    question.extend(byte);
                }
                assert!(question.starts_with(b"GET /v1/metadata HTTP/1.1\r\n"));
                stream.write_all(answer.as_bytes()).expect("the answer");
            });
            agent(["health", "--region", "r", "--set", &setting])
        })
    };
    let well = ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    assert_eq!((well.status.code(), text(&well.stdout)), (Some(0), "{}\n".to_owned()));
    let unwell = ask("HTTP/1.1 500 Oh\r\n\r\n");
    assert_eq!(unwell.status.code(), Some(1));
    assert!(text(&unwell.stderr).contains("is not a healthy agent: \"HTTP/1.1 500 Oh\""));
    drop(listener);
    let silent = agent(["health", "--region", "r", "--set", &setting]);
    assert_eq!(silent.status.code(), Some(1));
    assert!(text(&silent.stderr).starts_with("no agent answers at 127.0.0.1:"));
}

#[test]
fn no_containerd_is_a_clear_error() {
    let output =
        agent(["image", "ls", "--region", "r", "--set", "WHARF_CONTAINERD_ADDRESS=/nowhere/containerd.sock"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(
        error.starts_with("cannot use containerd: ") && error.contains("/nowhere/containerd.sock"),
        "{error}"
    );
}

fn typed(words: &[&str]) -> Cli {
    parse_from(std::iter::once("wharf-agent").chain(words.iter().copied())).expect("it can be read")
}

/// The binary, with nothing in its environment and no file that was not named.
fn agent(words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    Process::new(env!("CARGO_BIN_EXE_wharf-agent")).env_clear().args(words).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
