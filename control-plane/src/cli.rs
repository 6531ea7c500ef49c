//! The command line: `serve` for a control plane that stays, `dev` for one that shows a task from start to stop.

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use std::io::{IsTerminal, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use wharf_control_plane::auth::AccessKey;
use wharf_control_plane::model::address::Subnet;
use wharf_control_plane::server::{Config, start};
use wharf_protocol::Secret;

/// An ECS-compatible control plane for hosts of your own.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to log: error, warn, info, debug, trace, or a filter such as wharf_control_plane=debug [env: WHARF_LOG].
    #[arg(long, global = true)]
    log_level: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the ECS API, ACS and TCS until SIGTERM or SIGINT.
    Serve(Serve),
    /// Run control plane and agent together, with a task to look at.
    Dev(crate::dev::Options),
}

#[derive(Debug, Args)]
struct Serve {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8585")]
    listen: SocketAddr,
    /// Directory of the database.
    #[arg(long, default_value = "/var/lib/wharf-control-plane")]
    data: PathBuf,
    /// Region in every ARN and in signatures.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Account in every ARN.
    #[arg(long, default_value = "000000000000")]
    account: String,
    /// A subnet for awsvpc tasks, as <id>=<network>; may be given several times.
    #[arg(long = "subnet", value_name = "ID=NETWORK")]
    subnets: Vec<Subnet>,
    /// A resolver that awsvpc tasks are told; may be given several times.
    #[arg(long = "dns-server", value_name = "ADDRESS")]
    dns_servers: Vec<std::net::IpAddr>,
    /// Id of the access key that callers and agents sign with [env: AWS_ACCESS_KEY_ID].
    #[arg(long, value_name = "ID")]
    access_key: Option<String>,
    /// File with the secret of that key; without it the secret is AWS_SECRET_ACCESS_KEY from the environment.
    #[arg(long, value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
    /// Base URL that agents are told to connect to; by default the host they called.
    #[arg(long, value_name = "URL")]
    advertise: Option<String>,
    /// Seconds between heartbeats to agents.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=60))]
    heartbeat: u64,
}

impl Cli {
    /// Starts logging to standard error. The demo tells its own story, so only what is odd stands beside it.
    pub fn log(&self) {
        let usual = match self.command {
            Command::Serve(_) => "info",
            Command::Dev(_) => "warn",
        };
        let wanted = self.log_level.clone().or_else(|| std::env::var("WHARF_LOG").ok());
        let wanted = wanted.unwrap_or_else(|| usual.to_owned());
        let filter = EnvFilter::try_new(&wanted).unwrap_or_else(|error| {
            eprintln!(
                "wharf-control-plane: log filter {wanted:?} is not understood ({error}); using {usual}"
            );
            EnvFilter::new(usual)
        });
        let colours = std::io::stderr().is_terminal();
        let log =
            tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).log_internal_errors(false);
        log.with_writer(std::io::stderr).init();
    }
}

/// Does what the command line says.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start tokio")?;
    let log_level = cli.log_level;
    match cli.command {
        Command::Serve(arguments) => runtime.block_on(serve(arguments)),
        Command::Dev(options) => runtime.block_on(crate::dev::run(options, log_level)),
    }
}

async fn serve(arguments: Serve) -> anyhow::Result<()> {
    let mut running = start(arguments.config()?).await?;
    tracing::info!(url = running.url(), "serving");
    // Cancel-safe: a signal that is not taken stays pending, and `ended` only waits.
    tokio::select! {
        ended = running.ended() => return Ok(ended?),
        quit = quit() => quit?,
    }
    Ok(running.shutdown().await?)
}

/// Ends when somebody asks the process to end: SIGINT or SIGTERM.
pub async fn quit() -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupted = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    // Cancel-safe: both only wait.
    tokio::select! {
        _signal = terminated.recv() => {}
        _signal = interrupted.recv() => {}
    }
    Ok(())
}

impl Serve {
    fn config(self) -> anyhow::Result<Config> {
        let mut config = Config::new(self.data);
        config.listen = self.listen;
        config.subnets = self.subnets;
        config.advertise = self.advertise;
        config.heartbeat = Duration::from_secs(self.heartbeat);
        config.policy.region = self.region;
        config.policy.account = self.account;
        config.policy.dns_servers = self.dns_servers.iter().map(ToString::to_string).collect();
        config.access_keys.push(access_key(self.access_key, self.secret_key_file.as_deref())?);
        Ok(config)
    }
}

/// The key from the arguments, else from the environment. There is no key that is accepted by default.
fn access_key(id: Option<String>, file: Option<&Path>) -> anyhow::Result<AccessKey> {
    let id = id.or_else(|| std::env::var("AWS_ACCESS_KEY_ID").ok()).filter(|id| !id.is_empty());
    let id = id.context("no access key: give --access-key or set AWS_ACCESS_KEY_ID")?;
    let secret = match file {
        Some(path) => read_secret(path)?,
        None => std::env::var("AWS_SECRET_ACCESS_KEY")
            .context("no secret for the access key: give --secret-key-file or set AWS_SECRET_ACCESS_KEY")?,
    };
    anyhow::ensure!(!secret.trim().is_empty(), "the secret of access key {id} is empty");
    Ok(AccessKey { id, secret: Secret::new(secret.trim()) })
}

fn read_secret(path: &Path) -> anyhow::Result<String> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut secret = String::new();
    file.take(4096).read_to_string(&mut secret).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(secret)
}
