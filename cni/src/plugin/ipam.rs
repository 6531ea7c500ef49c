//! Delegation: the plugin named in `ipam` assigns addresses. CNI defines this as running it, so this is the one place that runs a program.
//!
//! It gets our environment, with a mark, and our configuration unchanged, and must answer within [`PATIENCE`].

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::Failure;
use super::environment::Environment;
use wharf_wait::Wait;

/// Set for what we run. Where it is this plugin that is asked for addresses, by whatever name and way, it must not ask in turn: it would
/// ask itself, for as long as processes can be made.
const DELEGATES: &str = "WHARF_CNI_DELEGATES";
/// How long a delegated plugin may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the plugin `kind` with `command`, such as `DEL`; its result, or null where it answers nothing.
pub fn delegate(
    environment: &Environment,
    kind: &str,
    command: &str,
    input: &[u8],
) -> Result<Value, Failure> {
    if environment.is_set(DELEGATES) {
        return Err(Failure::config("wharf-cni assigns no addresses", &"another one named it in ipam"));
    }
    let program = find(&environment.search_path()?, kind)?;
    let io = |error: &std::io::Error| {
        Failure::io(format!("cannot run the IPAM plugin {}", program.display()), error)
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| io(&error))?;
    let ended = Wait::named("the IPAM plugin to end").owner("wharf-cni").at_most(PATIENCE);
    let ran = runtime.block_on(async { ended.on(run(&program, command, input)).await });
    let late =
        |_| Failure::ipam(format!("the IPAM plugin {kind} did not answer"), &format!("waited {PATIENCE:?}"));
    let output = ran.map_err(late)?.map_err(|error| io(&error))?;
    read(kind, command, &output)
}

fn find(directories: &[PathBuf], kind: &str) -> Result<PathBuf, Failure> {
    if kind.contains('/') {
        return Err(Failure::config("the type of ipam is not a file name", &kind));
    }
    let mut candidates = directories.iter().map(|directory| directory.join(kind));
    candidates
        .find(|path| path.is_file())
        .ok_or_else(|| Failure::config(format!("there is no IPAM plugin {kind}"), &"looked in CNI_PATH"))
}

async fn run(program: &Path, command: &str, input: &[u8]) -> std::io::Result<Output> {
    let mut child = Command::new(program)
        .env("CNI_COMMAND", command)
        .env(DELEGATES, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().expect("standard input was asked for");
    // A plugin that does not read its input may close it early; what it answers tells.
    let written = stdin.write_all(input).await;
    drop(stdin);
    let output = child.wait_with_output().await?;
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(output),
    }
}

fn read(kind: &str, command: &str, output: &Output) -> Result<Value, Failure> {
    let answer: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let message = format!("the IPAM plugin {kind} failed to {command}");
    match (output.status.success(), answer) {
        (true, Some(answer)) => Ok(answer),
        (true, None) if output.stdout.trim_ascii().is_empty() => Ok(Value::Null),
        (true, None) => Err(Failure::undecodable(message, &"its answer is not JSON")),
        (false, Some(answer)) => Err(passed_on(message, &answer)),
        (false, None) => Err(Failure::ipam(message, &output.status)),
    }
}

/// The delegated plugin's error keeps its code and words.
fn passed_on(message: String, answer: &Value) -> Failure {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut failure = Failure::ipam(message, &format!("{} {}", text("msg"), text("details")).trim());
    let code = answer.get("code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
    failure.code = code.unwrap_or(failure.code);
    failure
}
