//! The agent that the demo starts: our own binary, with its configuration in the environment.

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use wharf_wait::Wait;

/// How long the agent may take to end after SIGTERM; then it is killed, which it must bear.
const FAREWELL: Duration = Duration::from_secs(15);
/// How long loading the demo image may take.
const LOAD: Duration = Duration::from_secs(60);

/// Finds the agent: the one named, else the one beside this executable.
pub fn binary(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this executable is")?;
    let path = named.map_or_else(|| own.with_file_name("wharf-agent"), Path::to_owned);
    if !path.is_file() {
        bail!(
            "there is no agent at {}: build it (make run does) or name it with --agent-binary",
            path.display()
        );
    }
    Ok(path)
}

fn command(binary: &Path, environment: &[(&'static str, String)]) -> Command {
    let mut command = Command::new(binary);
    command.envs(environment.iter().map(|(name, value)| (*name, value)));
    let logger = binary.with_file_name("wharf-logger");
    if logger.is_file() {
        command.env("WHARF_LOGGER", logger);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Lets the agent load an image archive into containerd.
pub async fn load_image(
    binary: &Path,
    environment: &[(&'static str, String)],
    archive: &Path,
) -> anyhow::Result<()> {
    let mut load = command(binary, environment);
    load.args(["image", "load"]).arg(archive);
    let loaded = Wait::named("the demo image to load").owner("wharf-control-plane dev").at_most(LOAD);
    let loaded = loaded.on(load.output()).await;
    let output = loaded.context("loading the demo image took too long")?.context("cannot start the agent")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("cannot load the demo image into containerd ({}): {}", output.status, said.trim());
    }
    Ok(())
}

/// The running agent. Its log goes where ours goes.
#[derive(Debug)]
pub struct Agent {
    child: Child,
}

impl Agent {
    /// Starts it in a process group of its own: Ctrl-C is for the demo, which stops the tasks before it stops the agent.
    pub fn start(binary: &Path, environment: &[(&'static str, String)]) -> anyhow::Result<Self> {
        let child = command(binary, environment).process_group(0).spawn();
        Ok(Self { child: child.with_context(|| format!("cannot start {}", binary.display()))? })
    }

    /// Ends when the agent does, which is always an error here.
    pub async fn ended(&mut self) -> anyhow::Error {
        match Wait::endless("the agent to end", "it is to last").on(self.child.wait()).await {
            Ok(status) => anyhow::anyhow!("the agent ended by itself ({status}); its log says why"),
            Err(error) => anyhow::Error::new(error).context("cannot wait for the agent"),
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the agent with SIGTERM, or SIGKILL when that takes too long.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        let Some(pid) = pid else { return Ok(()) }; // it ended and was waited for
        kill(Pid::from_raw(pid), Signal::SIGTERM).context("cannot signal the agent")?;
        let end = Wait::named("the agent to end").owner("wharf-control-plane dev").at_most(FAREWELL);
        match end.on(self.child.wait()).await {
            Ok(status) => report(status.context("cannot wait for the agent")?),
            Err(_late) => {
                self.child.kill().await.context("cannot kill the agent")?;
                bail!("the agent did not end within {FAREWELL:?} after SIGTERM and was killed")
            }
        }
    }
}

fn report(status: ExitStatus) -> anyhow::Result<()> {
    if !status.success() {
        bail!("the agent ended with {status}");
    }
    Ok(())
}
