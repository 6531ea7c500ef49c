//! A private containerd: own root, state, socket and cgroups; stopped, unmounted and removed at the end.

use crate::demo_image::DemoImage;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wharf_runtime::cgroup::CgroupRoot;
use wharf_runtime::container::Environment;
use wharf_runtime::{
    Containerd, ContainerdConfig, CreateContainer, ExitStatus, LogTarget, NetworkNamespace, ProcessOptions,
    PullPolicy, PullSettings, Resources,
};

/// Name of the image that most tests run.
pub const DEMO: &str = "localhost/demo:latest";
pub const LONG: Duration = Duration::from_secs(30);

/// A private containerd and a connection to it.
pub struct Lab {
    pub containerd: Containerd,
    directory: TempDir,
    daemon: Child,
    cgroup: String,
}

impl Lab {
    /// Starts containerd and connects.
    pub async fn start() -> Self {
        Self::with_pull(PullSettings { attempts: 2, ..PullSettings::default() }).await
    }

    /// Starts containerd with little room on its disk.
    pub async fn with_small_disk() -> Self {
        Self::make(PullSettings { attempts: 1, ..PullSettings::default() }, Some("size=1536k")).await
    }

    pub async fn with_pull(pull: PullSettings) -> Self {
        Self::make(pull, None).await
    }

    async fn make(pull: PullSettings, disk: Option<&str>) -> Self {
        // The HTTP client of pulls needs one; a second install is refused, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Not below /tmp: that may be a tmpfs or an overlay, on which overlays cannot lie.
        let directory = tempfile::Builder::new().prefix("wharf-rt-").tempdir_in("/var/tmp").unwrap();
        if let Some(size) = disk {
            let root = directory.path().join("root");
            std::fs::create_dir(&root).unwrap();
            nix::mount::mount(Some("tmpfs"), &root, Some("tmpfs"), nix::mount::MsFlags::empty(), Some(size))
                .unwrap();
        }
        let daemon = spawn(directory.path());
        let config = ContainerdConfig {
            address: directory.path().join("c.sock"),
            // runc keeps its containers by namespace and id, for all containerds of the machine.
            namespace: directory.path().file_name().unwrap().to_str().unwrap().to_owned(),
            run_dir: directory.path().join("run"),
            pull,
            ..ContainerdConfig::default()
        };
        let containerd = connect(&config).await;
        let cgroup = format!("/{}", directory.path().file_name().unwrap().to_str().unwrap());
        Self { containerd, directory, daemon, cgroup }
    }

    /// Starts containerd and loads the demonstration image.
    pub async fn with_demo() -> Self {
        let lab = Self::start().await;
        lab.load(&crate::demo_image::busybox(serde_json::json!({})), DEMO).await;
        lab
    }

    pub async fn load(&self, image: &DemoImage, name: &str) {
        let tar = self.path().join("image.tar");
        image.write_oci_tar(&tar, name);
        assert_eq!(self.containerd.load(&tar).await.unwrap(), [name]);
        self.containerd.ensure_image(name, None, PullPolicy::Never, &[]).await.unwrap();
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn config(&self) -> &ContainerdConfig {
        self.containerd.config()
    }

    /// Cgroup path of a container.
    pub fn cgroup_of(&self, id: &str) -> String {
        format!("{}/task/{id}", self.cgroup)
    }

    /// A container that runs a shell script on the host's network, output going through the logger.
    pub fn container(&self, id: &str, script: &str) -> CreateContainer {
        let command = Some(["/bin/sh", "-c", script].map(str::to_owned).to_vec());
        CreateContainer {
            inscription: Vec::new(),
            id: id.to_owned(),
            labels: BTreeMap::from([("wharf.test".to_owned(), id.to_owned())]),
            image: DEMO.to_owned(),
            shim_group: "task".to_owned(),
            cgroup_path: self.cgroup_of(id),
            network: NetworkNamespace::Host,
            hostname: None,
            process: ProcessOptions { command, ..ProcessOptions::default() },
            mounts: Vec::new(),
            resources: Resources::default(),
            log: logger(&[("path", self.log_path(id).to_str().unwrap())]),
        }
    }

    pub fn log_path(&self, id: &str) -> PathBuf {
        self.path().join(format!("{id}.log"))
    }

    /// What a container has written, both streams as they were read; complete once the container is deleted.
    pub fn log(&self, id: &str) -> String {
        let text = std::fs::read_to_string(self.log_path(id)).unwrap_or_default();
        // A line that is just being written is none yet.
        let entries = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        entries.map(|entry| entry["log"].as_str().unwrap().to_owned()).collect()
    }

    /// Creates, starts, waits and deletes; returns how it ended and what it wrote.
    pub async fn run(&self, request: &CreateContainer) -> (ExitStatus, String) {
        self.containerd.create(request).await.unwrap();
        self.containerd.start(&request.id).await.unwrap();
        let exit = self.containerd.wait(&request.id, LONG).await.unwrap().expect("it was started");
        assert_eq!(self.containerd.delete(&request.id).await.unwrap(), Some(exit));
        (exit, self.log(&request.id))
    }

    /// Kills containerd the hard way.
    pub fn kill_daemon(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }

    /// Starts containerd again after it was killed.
    pub async fn restart_daemon(&mut self) {
        self.daemon = spawn(self.path());
        until("containerd answers", async || self.containerd.ping().await.is_ok()).await;
    }

    /// Asks containerd's own client; each line of its answer.
    pub fn ctr(&self, arguments: &[&str]) -> Vec<String> {
        let output = command("ctr")
            .arg("--address")
            .arg(&self.config().address)
            .args(["--namespace", &self.config().namespace])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// Whether this containerd is of the second major version, which removes what another left of a shim when it starts.
    pub fn is_second(&self) -> bool {
        let version = command("containerd").arg("--version").output().unwrap();
        String::from_utf8_lossy(&version.stdout).contains("/containerd/v2 ")
    }

    /// Process ids of shims that belong to this containerd.
    pub fn shims(&self) -> Vec<u32> {
        self.processes_with("containerd-shim")
    }

    /// Process ids of programs of this lab whose command line has a word in it.
    pub fn processes_with(&self, word: &str) -> Vec<u32> {
        let ours = |(_, line): &(u32, String)| line.contains(word) && line.contains(self.mark());
        processes().filter(ours).map(|(pid, _)| pid).collect()
    }

    /// Where runc keeps the containers of this containerd.
    pub fn runc_root(&self) -> PathBuf {
        Path::new("/run/containerd/runc").join(&self.config().namespace)
    }

    fn mark(&self) -> &str {
        self.path().to_str().unwrap()
    }

    /// Ends the lab, after checking that the test left nothing: not in containerd, not in the kernel.
    pub async fn finish(self) {
        for image in self.containerd.images().await.unwrap() {
            self.containerd.remove_image(&image.name).await.unwrap();
        }
        CgroupRoot::host().remove(&self.cgroup, LONG).await.unwrap();
        until("shims are gone", async || self.shims().is_empty()).await;
        // Cancelled work gives its leases back in the background.
        let lists = [
            &["containers", "ls", "-q"][..],
            &["tasks", "ls", "-q"],
            &["leases", "ls", "-q"],
            &["content", "ls", "-q"],
        ];
        for list in lists {
            until(&format!("nothing is left of {list:?}"), async || self.ctr(list).is_empty()).await;
        }
        // runc's directory of the namespace: made by it, emptied by it, and left.
        std::fs::remove_dir(self.runc_root()).or_else(not_found).unwrap();
        // The first line is a heading.
        until("snapshots are gone", async || self.ctr(&["snapshots", "ls"]).len() <= 1).await;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let small_disk = format!("{}/root ", self.mark());
        let ours = |line: &&str| line.contains(self.mark()) && !line.contains(&small_disk);
        let mounts: Vec<&str> = mounts.lines().filter(ours).collect();
        assert_eq!(mounts, [""; 0], "mounts");
        let pipes = self.path().join("run/exec");
        assert!(std::fs::read_dir(pipes).map_or(0, Iterator::count) == 0, "pipes of probes");
        self.containerd.close(LONG).await;
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        // After a failed test: what it left must not stand in the way of the next.
        let mark = self.mark().to_owned();
        let helpers = processes()
            .filter(|(_, line)| line.contains(&mark))
            .inspect(|left| eprintln!("left over: {left:?}"));
        let contained = CgroupRoot::host().processes(&self.cgroup).unwrap_or_default();
        for pid in helpers.map(|(pid, _)| pid).chain(contained) {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        for target in
            mounts.lines().filter_map(|line| line.split(' ').nth(4)).filter(|path| path.contains(&mark))
        {
            let _ = nix::mount::umount2(target, nix::mount::MntFlags::MNT_DETACH);
        }
        if std::thread::panicking() {
            let _ = std::fs::remove_dir_all(self.runc_root());
            let own = self.cgroup.trim_start_matches('/');
            remove_cgroup(&Path::new("/sys/fs/cgroup").join(own));
            for hierarchy in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
                remove_cgroup(&hierarchy.path().join(own));
            }
            let log = std::fs::read_to_string(self.path().join("log")).unwrap_or_default();
            let lines: Vec<&str> = log
                .lines()
                .filter(|line| line.contains("level=error") || line.contains("level=warn"))
                .collect();
            eprintln!("containerd: {}", lines.join("\n"));
        }
    }
}

fn not_found(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Removes what a failed test left; cgroups whose processes are still ending stay.
fn remove_cgroup(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    let _ = std::fs::remove_dir(directory);
}

/// Waits for a level; panics when it is not reached.
pub async fn until(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !reached().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn connect(config: &ContainerdConfig) -> Containerd {
    let deadline = Instant::now() + LONG;
    loop {
        match Containerd::connect(config).await {
            Ok(containerd) => return containerd,
            Err(error) => assert!(Instant::now() < deadline, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn spawn(directory: &Path) -> Child {
    let config = directory.join("config.toml");
    std::fs::write(&config, configuration(directory)).unwrap();
    let log = std::fs::OpenOptions::new().create(true).append(true).open(directory.join("log")).unwrap();
    command("containerd").arg("--config").arg(config).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn configuration(directory: &Path) -> String {
    let version = command("containerd").arg("--version").output().unwrap();
    let second = String::from_utf8_lossy(&version.stdout).contains("/v2");
    let directory = directory.display();
    format!(
        r#"version = {}
root = "{directory}/root"
state = "{directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "{directory}/c.sock"
[ttrpc]
  address = "{directory}/c.sock.ttrpc"
"#,
        if second { 3 } else { 2 }
    )
}

/// A program of the containerd under test, which itself finds its shim and runc in the same place.
pub fn command(program: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let Ok(directory) = std::env::var("WHARF_TEST_CONTAINERD_BIN") else { return Command::new(program) };
    let mut command = Command::new(Path::new(&directory).join(program));
    command.env("PATH", format!("{directory}:{path}"));
    command
}

fn processes() -> impl Iterator<Item = (u32, String)> {
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
    })
}

/// Output through the logger of this crate.
pub fn logger(args: &[(&str, &str)]) -> LogTarget {
    let args = args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    LogTarget::Binary { path: env!("CARGO_BIN_EXE_wharf-logger").into(), args }
}

/// Variables from pairs.
pub fn variables(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
