//! A command run inside a running container: health probes.

use crate::connect::{Containerd, Shared};
use crate::failpoint::failpoint;
use crate::image::lease::unique;
use crate::presence::Absence;
use crate::rpc::{self, QUICK, RpcError, SLOW};
use containerd_client::services::v1::{
    DeleteProcessRequest, ExecProcessRequest, GetContainerRequest, KillRequest, StartRequest, WaitRequest,
};
use nix::libc::SIGKILL;
use nix::sys::stat::Mode;
use oci_spec::runtime::Spec;
use prost_types::Any;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use wharf_wait::{Wait, tracked};

const PROCESS_TYPE: &str = "types.containerd.io/opencontainers/runtime-spec/1/Process";
/// Output that is kept; Docker keeps as much of a health check's.
const MAX_OUTPUT: usize = 4096;
/// How long output may still come after the command has ended: a child of it may hold the pipe for ever.
const DRAIN: Duration = Duration::from_millis(500);
/// How long a killed command may take to end.
const KILLED: Duration = Duration::from_secs(5);

/// How a command inside a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutcome {
    /// Its exit code; `None` when its time was up and it was killed.
    pub exit_code: Option<i32>,
    /// The first 4096 bytes of what it wrote to standard output and standard error.
    pub output: String,
}

/// Why a command was not run inside a container.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// There is no such container, or its process has ended.
    #[error("container {id} does not run")]
    NotRunning {
        /// The id.
        id: String,
    },
    /// The runtime refused: the program does not exist, for example.
    #[error("{reason}")]
    Runtime {
        /// Id of the container.
        id: String,
        /// The runtime's own words.
        reason: String,
    },
    /// The container's specification in containerd cannot be read.
    #[error("specification of container {id} cannot be read")]
    Spec {
        /// Id of the container.
        id: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// No pipe for the output.
    #[error("cannot make a pipe in {directory}")]
    Pipe {
        /// Where.
        directory: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// containerd was not there; the command may have run.
    #[error("cannot run a command in container {id} now")]
    Away {
        /// Id of the container.
        id: String,
        /// What was met.
        #[source]
        source: Absence,
    },
    /// containerd did not do its part.
    #[error("cannot run a command in container {id}")]
    Rpc {
        /// Id of the container.
        id: String,
        /// The call that failed.
        #[source]
        source: RpcError,
    },
}

impl Containerd {
    /// Runs a command in a container as the container's user, with its variables, and waits for it.
    ///
    /// It is killed when `timeout` is over. It is cleaned up also when the caller goes away.
    pub async fn exec(
        &self,
        id: &str,
        exec_id: &str,
        argv: &[String],
        timeout: Duration,
    ) -> Result<ExecOutcome, ExecError> {
        let away = |source| ExecError::Away { id: id.to_owned(), source };
        let witness = self.shared.witness().await.map_err(away)?;
        let probe = Probe { shared: self.shared.clone(), id: id.to_owned(), exec_id: exec_id.to_owned() };
        let argv = argv.to_vec();
        // Owned by the connection, so that a caller who goes away leaves no process behind. Has deadlines of its own.
        let run = tracked(&self.shared.tasks, async move { probe.run(argv, timeout).await });
        let ended = Wait::endless("a probe", "each of its steps has a deadline of its own");
        let error = match ended.of(run).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        let rpc = match &error {
            ExecError::Rpc { source, .. } => Some(source),
            ExecError::NotRunning { .. }
            | ExecError::Runtime { .. }
            | ExecError::Spec { .. }
            | ExecError::Pipe { .. }
            | ExecError::Away { .. } => None,
        };
        Err(self.shared.absence(witness, rpc).await.map_or(error, away))
    }
}

#[derive(Clone)]
struct Probe {
    shared: Arc<Shared>,
    id: String,
    exec_id: String,
}

impl Probe {
    async fn run(&self, argv: Vec<String>, timeout: Duration) -> Result<ExecOutcome, ExecError> {
        let spec = self.process_spec(argv).await?;
        let directory = self.shared.config.run_dir.join("exec");
        let pipe = Pipe::make(&directory).map_err(|source| ExecError::Pipe { directory, source })?;
        let request = ExecProcessRequest {
            container_id: self.id.clone(),
            exec_id: self.exec_id.clone(),
            stdout: pipe.path.to_string_lossy().into_owned(),
            stderr: pipe.path.to_string_lossy().into_owned(),
            spec: Some(spec),
            ..ExecProcessRequest::default()
        };
        let made = rpc::call("Tasks.Exec", QUICK, self.shared.tasks_client().exec(request)).await;
        made.map_err(|error| self.refused(error))?;
        failpoint!("probe.made");
        let outcome = self.start_and_wait(pipe, timeout).await;
        // A child that holds the pipe makes the shim wait for seconds before it lets go: that is not the caller's wait.
        let cleaned = tracked(&self.shared.tasks, self.clone().clean_up());
        let _ = Wait::named("a probe to be deleted").owner(self.id.clone()).at_most(DRAIN).of(cleaned).await;
        outcome
    }

    async fn clean_up(self) {
        let request = DeleteProcessRequest { container_id: self.id.clone(), exec_id: self.exec_id.clone() };
        let deleted =
            rpc::call("Tasks.DeleteProcess", SLOW, self.shared.tasks_client().delete_process(request)).await;
        if let Err(error) = rpc::found(deleted) {
            tracing::warn!(%error, container = %self.id, exec = %self.exec_id, "probe not deleted, it goes with its container");
        }
    }

    /// The container's own process, but for what it runs.
    async fn process_spec(&self, argv: Vec<String>) -> Result<Any, ExecError> {
        let request = GetContainerRequest { id: self.id.clone() };
        let answer = rpc::call("Containers.Get", QUICK, self.shared.containers().get(request)).await;
        let container = answer.map_err(|error| self.refused(error))?.container.unwrap_or_default();
        let bad = |source| ExecError::Spec { id: self.id.clone(), source };
        let spec: Spec = serde_json::from_slice(&container.spec.unwrap_or_default().value).map_err(bad)?;
        let mut process = spec.process().clone().unwrap_or_default();
        process.set_args(Some(argv)).set_terminal(Some(false));
        let value = serde_json::to_vec(&process).expect("a process is plain data");
        Ok(Any { type_url: PROCESS_TYPE.to_owned(), value })
    }

    async fn start_and_wait(&self, mut pipe: Pipe, timeout: Duration) -> Result<ExecOutcome, ExecError> {
        let request = StartRequest { container_id: self.id.clone(), exec_id: self.exec_id.clone() };
        let started = rpc::call("Tasks.Start", SLOW, self.shared.tasks_client().start(request)).await;
        started.map_err(|error| self.refused(error))?;
        failpoint!("probe.started");
        // From here on the shim has the other end open: the end of the pipe is the end of the output.
        let mut output = Output::default();
        let exit_code = {
            let (wait, collect) = (self.wait(timeout), output.collect(&mut pipe.receiver));
            tokio::pin!(wait, collect);
            tokio::select! {
                // Cancel-safe: neither future is dropped here, the other one goes on below.
                code = &mut wait => {
                    // Nothing more to wait for than what is in the pipe already.
                    let rest = Wait::named("the rest of a probe's output").owner(self.id.clone());
                    let _ = rest.at_most(DRAIN).on(collect).await;
                    code
                }
                () = &mut collect => wait.await,
            }
        };
        Ok(ExecOutcome { exit_code: exit_code?, output: output.into_text() })
    }

    /// Waits for the command; kills it when its time is up.
    async fn wait(&self, timeout: Duration) -> Result<Option<i32>, ExecError> {
        match self.exited(timeout).await {
            Ok(code) => Ok(Some(code)),
            Err(RpcError::Deadline { .. }) => {
                let request = KillRequest {
                    container_id: self.id.clone(),
                    exec_id: self.exec_id.clone(),
                    signal: SIGKILL.cast_unsigned(),
                    all: false,
                };
                let killed = rpc::call("Tasks.Kill", QUICK, self.shared.tasks_client().kill(request)).await;
                rpc::found(killed).map_err(|error| self.refused(error))?;
                self.exited(KILLED).await.map_err(|error| self.refused(error))?;
                Ok(None)
            }
            Err(error) => Err(self.refused(error)),
        }
    }

    async fn exited(&self, deadline: Duration) -> Result<i32, RpcError> {
        let request = WaitRequest { container_id: self.id.clone(), exec_id: self.exec_id.clone() };
        let answer = rpc::call("Tasks.Wait", deadline, self.shared.tasks_client().wait(request)).await?;
        Ok(i32::try_from(answer.exit_status).unwrap_or(255))
    }

    fn refused(&self, error: RpcError) -> ExecError {
        let id = self.id.clone();
        let not_running =
            ["cannot exec in a stopped", "cannot exec in a deleted", "container not running", "not created"];
        if error.is_not_found() || not_running.iter().any(|words| error.message().contains(words)) {
            ExecError::NotRunning { id }
        } else if error.is_transient() || error.is_broken() {
            ExecError::Rpc { id, source: error }
        } else {
            ExecError::Runtime { id, reason: error.message().trim_end_matches(": unknown").to_owned() }
        }
    }
}

/// A named pipe that is removed when it goes out of use.
struct Pipe {
    path: PathBuf,
    receiver: pipe::Receiver,
}

impl Pipe {
    fn make(directory: &Path) -> io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(directory)?;
        let path = directory.join(unique());
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        match pipe::OpenOptions::new().open_receiver(&path) {
            Ok(receiver) => Ok(Self { path, receiver }),
            Err(error) => {
                std::fs::remove_file(&path)?;
                Err(error)
            }
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "pipe not removed");
        }
    }
}

/// The beginning of what a command writes.
#[derive(Default)]
struct Output {
    kept: Vec<u8>,
}

impl Output {
    /// Reads to the end, so that the command never blocks; keeps the beginning.
    async fn collect(&mut self, receiver: &mut pipe::Receiver) {
        let mut buffer = [0; 4096];
        // A read error ends the output like its end does: the exit code is what counts.
        while let Ok(read @ 1..) = receiver.read(&mut buffer).await {
            let room = MAX_OUTPUT - self.kept.len();
            self.kept.extend_from_slice(&buffer[..read.min(room)]);
        }
    }

    fn into_text(self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        let mut text = text.into_owned();
        // A character that was cut in two became a longer mark of replacement.
        while text.len() > MAX_OUTPUT {
            text.pop();
        }
        text
    }
}
