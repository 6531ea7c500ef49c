//! `dev`: control plane and agent together, and one task shown from launch to stop.
//!
//! It drives its own control plane the way anybody would: signed calls of the ECS API over HTTP. Owns what it makes below the run
//! directory and the agent it starts. That agent is our own binary, and starting it the one place where a process is started.

mod agent;
mod client;
mod demo;
mod image;
mod progress;

use crate::cli::quit;
use agent::Agent;
use anyhow::{Context, bail};
use clap::Args;
use client::Client;
use progress::Progress;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use wharf_control_plane::auth::AccessKey;
use wharf_control_plane::model::address::Subnet;
use wharf_control_plane::server::{Config, Running, start};
use wharf_protocol::Secret;

/// The cluster, and the region its agent signs for.
const CLUSTER: &str = "dev";
const REGION: &str = "us-east-1";
/// The subnet that tasks get their addresses from.
const SUBNET: &str = "subnet-dev";

/// What `dev` can be told.
#[derive(Debug, Args)]
pub struct Options {
    /// Stop the task, show its exit codes and end, instead of running until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Directory for everything that ends with the demo.
    #[arg(long, default_value = "/run/wharf-dev")]
    run_dir: PathBuf,
    /// Directory of the control plane's database; by default it ends with the demo.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Address of the control plane.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Network that tasks get their addresses from.
    #[arg(long, default_value = "10.99.0.0/24")]
    network: String,
    /// Socket of containerd.
    #[arg(long, default_value = "/run/containerd/containerd.sock")]
    containerd_address: PathBuf,
    /// The agent's binary; by default wharf-agent beside this one.
    #[arg(long)]
    agent_binary: Option<PathBuf>,
    /// A statically linked busybox to make the demo image from.
    #[arg(long, default_value = "/bin/busybox")]
    busybox: PathBuf,
    /// Input of RegisterTaskDefinition; by default examples/web.json as it was when this was built.
    #[arg(long)]
    task_definition: Option<PathBuf>,
}

/// Runs the demo. Whatever happens, what was started is stopped and what was made is removed.
pub async fn run(options: Options, log_level: Option<String>) -> anyhow::Result<()> {
    let progress = Progress::start();
    let made = RunDir::make(&options.run_dir)?;
    let key = AccessKey {
        id: "AKIDWHARFDEV".to_owned(),
        // Made anew each time: the control plane may be told to listen where others reach it.
        secret: Secret::new(hex::encode(rand::random::<[u8; 20]>())),
    };
    let running = start(config(&options, &made, key.clone())?).await?;
    progress.step(&format!("control plane on {}", running.url()));
    let client = Client::new(&running.url(), key.clone())?;
    let mut environment = environment(&options, &made, &running.url(), &key);
    environment.push(("ECS_LOGLEVEL", agent_log_level(log_level.as_deref())));
    let ended = with_agent(&options, &made, &running, &client, environment, &progress).await;
    let stopped = running.shutdown().await;
    made.remove(&progress);
    ended?;
    Ok(stopped?)
}

fn config(options: &Options, made: &RunDir, key: AccessKey) -> anyhow::Result<Config> {
    let mut config = Config::new(options.data.clone().unwrap_or_else(|| made.path("control-plane")));
    config.listen = options.listen;
    config.policy.region = REGION.to_owned();
    config.subnets.push(Subnet::parse(&format!("{SUBNET}={}", options.network))?);
    config.policy.dns_servers = resolvers(&std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
    config.access_keys.push(key);
    Ok(config)
}

/// The host's resolvers, but for those on its loopback: a task has a loopback of its own.
fn resolvers(resolv_conf: &str) -> Vec<String> {
    let servers = resolv_conf.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let addresses = servers.filter_map(|rest| rest.trim().parse::<Ipv4Addr>().ok());
    addresses.filter(|address| !address.is_loopback()).map(|address| address.to_string()).collect()
}

/// Everything between the start and the end of the agent.
async fn with_agent(
    options: &Options,
    made: &RunDir,
    running: &Running,
    client: &Client,
    environment: Vec<(&'static str, String)>,
    progress: &Progress,
) -> anyhow::Result<()> {
    let definition = definition(options.task_definition.as_deref())?;
    let binary = agent::binary(options.agent_binary.as_deref())?;
    // Cancel-safe: a load that is left is killed, and what it loaded is found again the next time.
    tokio::select! {
        loaded = load_image(options, made, &binary, &environment) => loaded?,
        quit = quit() => return quit.and(options.interrupted()),
    }
    progress.step(&format!("image {} made from {} and loaded", image::NAME, options.busybox.display()));
    client.create_cluster(CLUSTER).await?;
    let mut agent = Agent::start(&binary, &environment)?;
    progress.step(&format!("agent started, containerd at {}", options.containerd_address.display()));
    let demo = demo::Demo { client, running, progress, definition: &definition, once: options.once };
    // Cancel-safe: the demo's steps are calls that may be left at any point, since `clean_up` asks the server what there is to stop.
    let shown = tokio::select! {
        shown = demo.run() => shown,
        ended = agent.ended() => Err(ended),
        quit = quit() => quit.and(options.interrupted()),
    };
    let cleaned = if agent.is_running() { demo.clean_up().await } else { Ok(()) };
    let stopped = agent.stop().await;
    shown.and(cleaned).and(stopped)
}

/// The agent logs as much as we do, where its levels have the same name.
fn agent_log_level(ours: Option<&str>) -> String {
    let known = ours.filter(|level| ["error", "warn", "info", "debug"].contains(level));
    known.unwrap_or("warn").to_owned()
}

async fn load_image(
    options: &Options,
    made: &RunDir,
    binary: &Path,
    environment: &[(&'static str, String)],
) -> anyhow::Result<()> {
    image::build(&options.busybox, &made.path("demo.tar"))?;
    agent::load_image(binary, environment, &made.path("demo.tar")).await
}

impl Options {
    /// Being interrupted is how the demo ends, unless it was to end by itself.
    fn interrupted(&self) -> anyhow::Result<()> {
        if self.once { bail!("interrupted") } else { Ok(()) }
    }
}

/// Where the agent finds its control plane, and names of its own for everything it makes, so that it meets no other agent's.
fn environment(options: &Options, made: &RunDir, url: &str, key: &AccessKey) -> Vec<(&'static str, String)> {
    let path = |path: PathBuf| path.display().to_string();
    vec![
        ("ECS_CLUSTER", CLUSTER.to_owned()),
        ("ECS_BACKEND_HOST", url.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", key.id.clone()),
        ("AWS_SECRET_ACCESS_KEY", key.secret.expose().to_owned()),
        ("ECS_ENABLE_TASK_ENI", "true".to_owned()),
        ("ECS_IMAGE_PULL_BEHAVIOR", "prefer-cached".to_owned()),
        ("ECS_DATADIR", path(made.path("agent"))),
        ("WHARF_RUN_DIR", path(made.path("run"))),
        ("WHARF_CONTAINERD_ADDRESS", path(options.containerd_address.clone())),
        ("WHARF_CONTAINERD_NAMESPACE", "wharf-dev".to_owned()),
        ("WHARF_INTERFACE_PREFIX", "wd".to_owned()),
        ("WHARF_NFT_TABLE", "wharf-dev".to_owned()),
        ("WHARF_CGROUP_ROOT", "/ecs-dev".to_owned()),
        ("WHARF_INTROSPECTION_LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string()),
    ]
}

fn definition(path: Option<&Path>) -> anyhow::Result<serde_json::Value> {
    let text = match path {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?
        }
        None => include_str!("../../../examples/web.json").to_owned(),
    };
    let what = path.map_or_else(|| "examples/web.json".to_owned(), |path| path.display().to_string());
    serde_json::from_str(&text).with_context(|| format!("{what} is not JSON"))
}

/// The directory for everything that ends with the demo.
///
/// What a killed demo left there is taken up and goes with this one: agent and control plane start the same way after a kill.
#[derive(Debug)]
struct RunDir {
    path: PathBuf,
    /// Held for the whole run.
    _lock: File,
}

impl RunDir {
    /// The names below it that are the demo's own.
    const OURS: [&'static str; 5] = ["control-plane", "agent", "run", "demo.tar", "dev.lock"];

    fn make(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        let path = path.canonicalize().with_context(|| format!("cannot use {}", path.display()))?;
        let lock = path.join("dev.lock");
        let lock = File::create(&lock).with_context(|| format!("cannot write {}", lock.display()))?;
        lock.try_lock().with_context(|| format!("another demo uses {}", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes what the demo made; says so when something is left.
    fn remove(&self, progress: &Progress) {
        for path in Self::OURS.iter().map(|name| self.path(name)).filter(|path| path.exists()) {
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            if let Err(error) = removed {
                progress.step(&format!("cannot remove {}: {error}", path.display()));
            }
        }
        // Succeeds only when nothing else is in it, which is the intention.
        let _not_empty = std::fs::remove_dir(&self.path);
    }
}
