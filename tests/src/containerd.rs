//! A containerd of the tests' own: own root, state and socket, one for each test process.
//!
//! `WHARF_TEST_CONTAINERD_BIN` names a directory with another containerd, shim and runc to use instead of the machine's.

use crate::volume::Volume;
use anyhow::{Context, Result, bail};
use containerd_client::events::TaskExit;
use containerd_client::services::v1::containers_client::ContainersClient;
use containerd_client::services::v1::events_client::EventsClient;
use containerd_client::services::v1::{DeleteContainerRequest, PublishRequest};
use containerd_client::with_namespace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use prost::Message as _;
use prost_types::Any;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tonic::Request;

/// A running private containerd; killed, unmounted and removed when dropped.
#[derive(Debug)]
pub struct PrivateContainerd {
    dir: tempfile::TempDir,
    child: Child,
    /// What its images and snapshots lie on, where that is not the machine's own disk.
    volume: Option<Volume>,
}

impl PrivateContainerd {
    /// Starts one and waits until it answers.
    pub fn start() -> Result<Self> {
        Self::start_in(directory()?, None)
    }

    /// Starts one whose images and snapshots lie on a file system with room for so many MiB and so many files.
    pub fn start_on_volume(mebibytes: u64, files: u32) -> Result<Self> {
        let dir = directory()?;
        let volume = Volume::at(&dir.path().join("root"), mebibytes, files)?;
        Self::start_in(dir, Some(volume))
    }

    fn start_in(dir: tempfile::TempDir, volume: Option<Volume>) -> Result<Self> {
        let config = dir.path().join("config.toml");
        std::fs::write(&config, configuration(dir.path())?)?;
        let child = spawn(&config, &dir.path().join("containerd.log"))?;
        let mut this = Self { dir, child, volume };
        this.wait_until_it_answers()?;
        Ok(this)
    }

    /// Path of its gRPC socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("containerd.sock")
    }

    /// Process id of the daemon.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Directory below which everything of it lies.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The file system of its images and snapshots; only one of its own is there to be filled.
    pub fn volume(&self) -> &Volume {
        self.volume.as_ref().expect("this containerd lies on a volume of its own")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("containerd.log")).unwrap_or_default()
    }

    /// A `ctr` command for this containerd and `namespace`.
    pub fn ctr(&self, namespace: &str) -> Command {
        let mut command = Command::new(binary("ctr"));
        command
            .arg("--address")
            .arg(self.socket())
            .args(["--namespace", namespace])
            .env("PATH", search_path());
        command
    }

    /// Removes the record of a container and nothing else, which `ctr` refuses while the container runs.
    pub async fn forget(&self, namespace: &str, container: &str) -> Result<()> {
        let channel = containerd_client::connect(self.socket()).await?;
        let request = DeleteContainerRequest { id: container.to_owned() };
        ContainersClient::new(channel).delete(with_namespace!(request, namespace)).await?;
        Ok(())
    }

    /// Has it tell of an exit that there was not.
    pub async fn invent_exit(&self, namespace: &str, container: &str, code: u32) -> Result<()> {
        let channel = containerd_client::connect(self.socket()).await?;
        let id = container.to_owned();
        let exit = TaskExit { container_id: id.clone(), id, exit_status: code, ..TaskExit::default() };
        let type_url = "containerd.events.TaskExit".to_owned();
        let event = Some(Any { type_url, value: exit.encode_to_vec() });
        let request = PublishRequest { topic: "/tasks/exit".to_owned(), event };
        EventsClient::new(channel).publish(with_namespace!(request, namespace)).await?;
        Ok(())
    }

    /// Kills it without warning; shims and containers go on.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// Asks it to end with SIGTERM and waits; shims and containers go on.
    pub fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::SIGTERM)?;
        let end = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait()?.is_none() {
            if Instant::now() >= end {
                bail!("the private containerd does not end on SIGTERM");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Stops it where it stands: it takes connections and says nothing.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets a frozen one go on.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(nix::sys::signal::kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)?)
    }

    /// Starts it again on the same state, after a kill.
    pub fn start_again(&mut self) -> Result<()> {
        self.child = spawn(&self.dir.path().join("config.toml"), &self.dir.path().join("containerd.log"))?;
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            let answers =
                self.ctr("default").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            if answers.success() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the private containerd ended with {status}:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the private containerd did not answer within 20 s")
    }
}

impl Drop for PrivateContainerd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        crate::leaks::unmount_below(self.dir.path());
    }
}

fn directory() -> Result<tempfile::TempDir> {
    Ok(tempfile::Builder::new().prefix("containerd-").tempdir_in(temporary())?)
}

/// Where temporary directories go: `TMPDIR`, or `/var/tmp`, because containerd's root must not lie on an overlay or a small tmpfs.
pub fn temporary() -> PathBuf {
    std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// The path of one of containerd's programs.
fn binary(name: &str) -> PathBuf {
    match std::env::var_os("WHARF_TEST_CONTAINERD_BIN") {
        Some(dir) => PathBuf::from(dir).join(name),
        None => PathBuf::from(name),
    }
}

/// `PATH` with the chosen containerd first, so that it finds the shim and runc of its own version.
fn search_path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let chosen = std::env::var("WHARF_TEST_CONTAINERD_BIN").unwrap_or_default();
    format!("{chosen}:{path}:/usr/sbin:/usr/bin:/sbin:/bin")
}

fn spawn(config: &Path, log: &Path) -> Result<Child> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    Command::new(binary("containerd"))
        .arg("--config")
        .arg(config)
        .env("PATH", search_path())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("cannot start containerd; `make setup` installs it")
}

fn configuration(dir: &Path) -> Result<String> {
    let version = Command::new(binary("containerd")).arg("--version").env("PATH", search_path()).output()?;
    let is_2 = String::from_utf8_lossy(&version.stdout)
        .split_whitespace()
        .any(|w| w.trim_start_matches('v').starts_with("2."));
    let dir = dir.display();
    Ok(format!(
        r#"version = {}
root = "{dir}/root"
state = "{dir}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing"]
[grpc]
  address = "{dir}/containerd.sock"
[ttrpc]
  address = "{dir}/containerd.sock.ttrpc"
"#,
        if is_2 { 3 } else { 2 }
    ))
}
