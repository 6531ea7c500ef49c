//! The command line as clap reads it, and as the rest of the agent sees it.

use super::TERMINAL;
use crate::config::Flag;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cli {
    /// What to do.
    pub command: Command,
    /// Settings among the flags, in the order of the table.
    pub flags: Vec<Flag>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Be the agent, until told to stop.
    Run,
    /// Print every setting with its origin.
    Config {
        /// As JSON.
        json: bool,
    },
    /// Print the version.
    Version,
    /// Load the images of a tar archive into containerd.
    ImageLoad {
        /// The archive.
        archive: PathBuf,
    },
    /// List the images that tasks can use without a pull.
    ImageList,
    /// List the tasks that the saved state knows.
    Tasks {
        /// As JSON.
        json: bool,
        /// With those of which only the story is left.
        all: bool,
    },
    /// Tell what became of a task, what it waits for and why it stopped.
    Explain {
        /// Its id, the beginning of its id, or its ARN.
        task: String,
        /// As JSON.
        json: bool,
    },
    /// Ask the running agent for a sign of life.
    Health,
}

/// Reads the process's command line. Help and errors are printed here; the code is what to exit with then.
pub fn parse() -> Result<Cli, ExitCode> {
    parse_from(std::env::args_os()).map_err(|error| {
        // The reader of our output may be gone; there is nobody left to tell.
        let _ = error.print();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
            _ => ExitCode::from(TERMINAL),
        }
    })
}

/// Reads a command line; its first word is the program's name.
pub fn parse_from(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    let line = Line::try_parse_from(words)?;
    let command = match line.verb.unwrap_or(Verb::Run) {
        Verb::Run => Command::Run,
        Verb::Config { json } => Command::Config { json },
        Verb::Version => Command::Version,
        Verb::Image { verb: ImageVerb::Load { archive } } => Command::ImageLoad { archive },
        Verb::Image { verb: ImageVerb::Ls } => Command::ImageList,
        Verb::Tasks { json, all } => Command::Tasks { json, all },
        Verb::Explain { task, json } => Command::Explain { task, json },
        Verb::Health => Command::Health,
    };
    Ok(Cli { command, flags: line.overrides.flags() })
}

/// Runs Amazon ECS tasks on this host with containerd.
#[derive(Debug, Parser)]
#[command(name = "wharf-agent", version)]
struct Line {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Be the agent, until told to stop (the default)
    Run,
    /// Print every setting with its origin
    Config {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the version
    Version,
    /// Look after the images that tasks can use
    Image {
        #[command(subcommand)]
        verb: ImageVerb,
    },
    /// List the tasks that the saved state knows
    Tasks {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// List those of which only the story is left, too
        #[arg(long)]
        all: bool,
    },
    /// Tell what became of a task, what it waits for and why it stopped
    Explain {
        /// Its id, the beginning of its id, or its ARN
        task: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask the running agent for a sign of life
    Health,
}

#[derive(Debug, Subcommand)]
enum ImageVerb {
    /// Load the images of a tar archive, as `docker save` writes it
    Load {
        /// The archive
        archive: PathBuf,
    },
    /// List images
    Ls,
}

/// Settings that are often given by hand have a flag of their own; `--set` reaches all others.
#[derive(Debug, Args)]
struct Overrides {
    /// Native configuration file [default: /etc/wharf/agent.toml]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<String>,
    /// File with ECS_* settings [default: /etc/ecs/ecs.config]
    #[arg(long, global = true, value_name = "PATH")]
    ecs_config: Option<String>,
    /// Cluster to join
    #[arg(long, global = true, value_name = "NAME")]
    cluster: Option<String>,
    /// Region to sign for
    #[arg(long, global = true, value_name = "REGION")]
    region: Option<String>,
    /// ECS API endpoint
    #[arg(long, global = true, value_name = "URL")]
    backend_host: Option<String>,
    /// Directory of durable state
    #[arg(long, global = true, value_name = "PATH")]
    data_dir: Option<String>,
    /// Directory of state that ends with the boot
    #[arg(long, global = true, value_name = "PATH")]
    run_dir: Option<String>,
    /// Least severe line that is logged
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Any setting by the name of its variable; `wharf-agent config` lists them
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

impl Overrides {
    fn flags(self) -> Vec<Flag> {
        let own = [
            ("--config", "WHARF_CONFIG", self.config),
            ("--ecs-config", "WHARF_ECS_CONFIG", self.ecs_config),
            ("--cluster", "ECS_CLUSTER", self.cluster),
            ("--region", "AWS_DEFAULT_REGION", self.region),
            ("--backend-host", "ECS_BACKEND_HOST", self.backend_host),
            ("--data-dir", "ECS_DATADIR", self.data_dir),
            ("--run-dir", "WHARF_RUN_DIR", self.run_dir),
            ("--log-level", "ECS_LOGLEVEL", self.log_level),
        ];
        let own = own.into_iter().filter_map(|(flag, name, value)| {
            Some(Flag { flag: flag.to_owned(), name: name.to_owned(), value: value? })
        });
        let set = self.set.into_iter().map(|(name, value)| Flag { flag: "--set".to_owned(), name, value });
        own.chain(set).collect()
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
