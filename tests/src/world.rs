//! One host for one test: an agent process with its own directories, containerd namespace, cgroup root, links and tables.
//!
//! Owns the agent's process. Everything derived from the test's number is unique on the machine, so tests run side by side.

mod containers;
mod kill;

use crate::containerd::{PrivateContainerd, temporary};
use crate::leaks::{self, Inventory, Scope};
use crate::volume::Volume;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Name of the demo image in every world.
pub const IMAGE: &str = "wharf/demo:latest";
/// Region that agents and control planes are in.
pub const REGION: &str = "us-west-2";
/// The cluster that agents join.
pub const CLUSTER: &str = "e2e";
/// Id of the key that agents and callers sign with.
pub const ACCESS_KEY: &str = "AKIDEXAMPLE";
/// Secret of that key.
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// How long an agent may take to end when it is told to: it gives three things five seconds each.
const FAREWELL: Duration = Duration::from_secs(25);

/// A host with containerd and room for an agent.
#[derive(Debug)]
pub struct Host {
    containerd: Containerd,
    dir: tempfile::TempDir,
    namespace: String,
    cgroup_root: String,
    link_prefix: String,
    table: String,
    before: Inventory,
    agent: Option<Child>,
    /// How much of the log was there before an agent that is to die was started.
    log_read: usize,
    extra: BTreeMap<String, String>,
    data: Option<Volume>,
}

/// Whose containerd a host uses.
#[derive(Debug)]
enum Containerd {
    Shared(&'static PrivateContainerd),
    Own(Box<PrivateContainerd>),
}

/// The containerd that all tests of this process share; each has a namespace of its own in it.
pub fn shared_containerd() -> &'static PrivateContainerd {
    static CONTAINERD: OnceLock<PrivateContainerd> = OnceLock::new();
    CONTAINERD.get_or_init(|| PrivateContainerd::start().expect("a private containerd starts"))
}

impl Host {
    /// Makes the directories and takes the inventory to compare with at the end.
    pub fn new() -> Result<Self> {
        Self::on(Containerd::Shared(shared_containerd()))
    }

    /// A host with a containerd that nobody else uses, so that it may be killed.
    pub fn with_own_containerd() -> Result<Self> {
        Self::with(PrivateContainerd::start()?)
    }

    /// A host with this containerd, which nobody else uses.
    pub fn with(containerd: PrivateContainerd) -> Result<Self> {
        Self::on(Containerd::Own(Box::new(containerd)))
    }

    /// A host whose data directory, with state, logs and volumes, has room for so many MiB and so many files.
    pub fn with_data_volume(mebibytes: u64, files: u32) -> Result<Self> {
        let mut host = Self::new()?;
        host.data = Some(Volume::at(&host.dir.path().join("data"), mebibytes, files)?);
        host.before = Inventory::take(&host.scope());
        Ok(host)
    }

    /// The file system of the data directory.
    pub fn data_volume(&self) -> &Volume {
        self.data.as_ref().expect("this host's data lies on a volume of its own")
    }

    /// How the agent ended by itself, if it did.
    pub fn agent_ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        let Some(agent) = &mut self.agent else { return Ok(None) };
        let ended = agent.try_wait()?;
        if ended.is_some() {
            self.agent = None;
        }
        Ok(ended)
    }

    fn on(containerd: Containerd) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        // Not the process id: in a namespace of their own all tests have the same, while they share the cgroup hierarchy.
        let unique = &uuid::Uuid::new_v4().simple().to_string()[..8];
        let dir = tempfile::Builder::new().prefix("host-").tempdir_in(temporary())?;
        for file in ["agent.toml", "ecs.config"] {
            std::fs::write(dir.path().join(file), "")?;
        }
        let mut host = Self {
            containerd,
            dir,
            namespace: format!("wharf-{unique}"),
            cgroup_root: format!("/wharf-{unique}"),
            // A link's name has 15 characters at most: this prefix and 12 of a digest.
            link_prefix: link_prefix(number),
            table: format!("wharf_{unique}"),
            before: Inventory::empty(),
            agent: None,
            log_read: 0,
            extra: BTreeMap::new(),
            data: None,
        };
        host.before = Inventory::take(&host.scope());
        Ok(host)
    }

    /// Sets a variable of the agent's environment for every later start.
    pub fn set(&mut self, key: &str, value: &str) -> &mut Self {
        self.extra.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Starts the agent against the control plane at `url`.
    pub fn start_agent(&mut self, url: &str) -> Result<()> {
        self.spawn_agent(self.agent_command(), url)
    }

    /// The same for an agent that lacks capabilities, in the words of setpriv, e.g. `-sys_admin`.
    pub fn start_agent_without(&mut self, capabilities: &str, url: &str) -> Result<()> {
        let agent = self.agent_command();
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", capabilities, "--"]).arg(agent.get_program()).env_clear();
        command.envs(agent.get_envs().filter_map(|(key, value)| Some((key, value?))));
        self.spawn_agent(command, url)
    }

    fn spawn_agent(&mut self, mut command: Command, url: &str) -> Result<()> {
        ensure!(self.agent.is_none(), "one agent at a time");
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("agent.log"))?;
        command
            .arg("run")
            .env("ECS_BACKEND_HOST", url)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.agent =
            Some(command.spawn().context("cannot start wharf-agent; `cargo build --bins` makes it")?);
        Ok(())
    }

    /// An agent command with this host's environment, for the operator's verbs.
    pub fn agent_command(&self) -> Command {
        let mut command = Command::new(product("wharf-agent"));
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("ECS_CLUSTER", CLUSTER)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("ECS_ENABLE_TASK_ENI", "true")
            .env("ECS_ENABLE_TASK_IAM_ROLE", "true")
            .env("ECS_DATADIR", path("data"))
            .env("WHARF_CONFIG", path("agent.toml"))
            .env("WHARF_ECS_CONFIG", path("ecs.config"))
            .env("WHARF_RUN_DIR", path("run"))
            .env("WHARF_CONTAINERD_ADDRESS", self.containerd().socket())
            .env("WHARF_CONTAINERD_NAMESPACE", &self.namespace)
            .env("WHARF_CGROUP_ROOT", &self.cgroup_root)
            .env("WHARF_INTERFACE_PREFIX", &self.link_prefix)
            .env("WHARF_NFT_TABLE", &self.table)
            .env("WHARF_LOGGER", product("wharf-logger"))
            .env("ECS_IMAGE_PULL_BEHAVIOR", "prefer-cached")
            .env("WHARF_INTROSPECTION_LISTEN", "127.0.0.1:0")
            .env("ECS_LOGLEVEL", "debug")
            .envs(&self.extra);
        command
    }

    /// Makes the demo image from busybox and loads it into the store.
    pub fn load_image(&self) -> Result<()> {
        let tar = self.dir.path().join("demo.tar");
        crate::image::build_demo(IMAGE, &tar)?;
        let output = self.agent_command().args(["image", "load"]).arg(&tar).output()?;
        ensure!(output.status.success(), "image load failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(std::fs::remove_file(tar)?)
    }

    /// Kills the agent with SIGKILL and reaps it.
    pub fn kill_agent(&mut self) -> Result<()> {
        if let Some(mut agent) = self.agent.take() {
            agent.kill()?;
            agent.wait()?;
        }
        Ok(())
    }

    /// Asks the agent to end with SIGTERM; it has longer than it gives itself.
    pub fn stop_agent(&mut self) -> Result<()> {
        let Some(mut agent) = self.agent.take() else { return Ok(()) };
        let pid = nix::unistd::Pid::from_raw(i32::try_from(agent.id())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        let end = Instant::now() + FAREWELL;
        while agent.try_wait()?.is_none() {
            ensure!(
                Instant::now() < end,
                "the agent does not end on SIGTERM; its log:\n{}",
                self.agent_log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Process id of the running agent.
    pub fn agent_pid(&self) -> Option<u32> {
        self.agent.as_ref().map(Child::id)
    }

    /// Whether the agent's process has not ended.
    pub fn agent_is_alive(&self) -> bool {
        let stat = self.agent_pid().map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")));
        stat.and_then(Result::ok).is_some_and(|stat| !stat.contains(") Z "))
    }

    /// What the agent has logged.
    pub fn agent_log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("agent.log")).unwrap_or_default()
    }

    /// The host's directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The containerd that the agent uses.
    pub fn containerd(&self) -> &PrivateContainerd {
        match &self.containerd {
            Containerd::Shared(shared) => shared,
            Containerd::Own(own) => own,
        }
    }

    /// The same, to kill and start again; only a containerd of the host's own may be.
    pub fn own_containerd(&mut self) -> &mut PrivateContainerd {
        match &mut self.containerd {
            Containerd::Shared(_) => panic!("this containerd has other users: make the host with its own"),
            Containerd::Own(own) => own,
        }
    }

    /// Whether nobody else uses its containerd.
    pub fn is_containerd_own(&self) -> bool {
        matches!(self.containerd, Containerd::Own(_))
    }

    /// The agent's containerd namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What a container's log file holds: the text of each entry of Docker's json-file format.
    pub fn output(&self, task_id: &str, container: &str) -> String {
        let path = self.dir.path().join(format!("data/tasks/{task_id}/logs/{container}.log"));
        let file = std::fs::read_to_string(&path).unwrap_or_default();
        let entries = file.lines().map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).expect("one JSON object a line");
            entry["log"].as_str().expect("each entry has its text").to_owned()
        });
        entries.collect()
    }

    /// The end of the agent's log, or all of it with `WHARF_LOGS=1`: what failed stands before it, and should be seen beside it.
    fn print_log(&self) {
        let log = self.agent_log();
        let lines: Vec<&str> = log.lines().collect();
        let last = if std::env::var_os("WHARF_LOGS").is_some() { lines.len() } else { 60 };
        let shown = &lines[lines.len().saturating_sub(last)..];
        eprintln!(
            "---- the agent's log, {} of {} lines ----\n{}",
            shown.len(),
            lines.len(),
            shown.join("\n")
        );
    }

    /// Ends the agent and asserts that nothing is left of it but its directory and the image.
    pub fn finish(mut self) {
        self.stop_agent().expect("the agent ends on SIGTERM");
        leaks::assert_nothing_left(&self.scope(), &self.before);
    }

    /// Where this host's things are.
    pub fn scope(&self) -> Scope<'_> {
        Scope {
            containerd: self.containerd(),
            namespace: &self.namespace,
            cgroup_root: &self.cgroup_root,
            dir: self.dir.path(),
            link_prefix: &self.link_prefix,
            table: &self.table,
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.kill_agent());
        if std::thread::panicking() {
            self.print_log();
        }
        leaks::unmount_below(self.dir.path());
    }
}

/// A prefix of three characters, unique for the first thousand hosts of a process (each process has links of its own).
fn link_prefix(number: u32) -> String {
    let digit = |n: u32| char::from_digit(n % 36, 36).expect("below the radix");
    format!("w{}{}", digit(number / 36), digit(number))
}

/// Path of one of our own programs, beside the test binary.
pub fn product(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a running program has a path");
    let dir = here.parent().expect("a program lies in a directory");
    let dir =
        if dir.ends_with("deps") { dir.parent().expect("deps lies in the profile's directory") } else { dir };
    dir.join(name)
}
