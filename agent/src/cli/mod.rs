//! The operator's commands: what can be typed after `wharf-agent`.
//!
//! Owns the command line and every command but `run`. Refuses to change what a running agent decides: `tasks`, `explain` and `health`
//! only look, `image` talks to containerd beside the agent.
//!
//! Exit codes: 0 done, 1 failed and worth another try, 5 wrong command line or configuration, so that systemd does not try again.

mod arguments;
mod explain;
mod health;
mod images;
mod tasks;

pub use arguments::{Cli, Command, parse, parse_from};
pub use explain::ExplainError;
pub use health::HealthError;
pub use images::ImageError;
pub use tasks::TasksError;

use crate::causes::chain;
use crate::config::{Resolution, Warning, load, show_json, show_table};
use std::error::Error;
use std::process::ExitCode;

/// Exit code for what another start cannot mend (spec 2.3).
pub const TERMINAL: u8 = 5;

/// What the version says of a build that is not for use.
const BUILD: &str = if cfg!(feature = "failpoints") { " with failpoints, for tests only" } else { "" };

/// Carries out a command. [`Command::Run`] is not one of ours: it does nothing and fails.
pub async fn execute(cli: Cli) -> ExitCode {
    let resolution = match (&cli.command, load(cli.flags)) {
        (Command::Version, _) => {
            println!("wharf-agent {}{}", env!("CARGO_PKG_VERSION"), BUILD);
            return ExitCode::SUCCESS;
        }
        (_, Ok(resolution)) => resolution,
        (_, Err(errors)) => {
            eprintln!("{errors}");
            return ExitCode::from(TERMINAL);
        }
    };
    match output(&cli.command, &resolution).await {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// What a command prints.
async fn output(command: &Command, resolution: &Resolution) -> Result<String, Box<dyn Error + Send + Sync>> {
    let settings = &resolution.settings;
    Ok(match command {
        Command::Config { json } => {
            resolution.warnings.iter().for_each(warn);
            if *json { show_json(&resolution.resolved) } else { show_table(&resolution.resolved) }
        }
        Command::ImageLoad { archive } => images::load(settings, archive).await?,
        Command::ImageList => images::list(settings).await?,
        Command::Tasks { json, all } => tasks::list(settings, *json, *all)?,
        Command::Explain { task, json } => explain::explain(settings, task, *json)?,
        Command::Health => health::ask(settings.roots.introspection)?,
        Command::Version | Command::Run => return Err("this command is carried out elsewhere".into()),
    })
}

fn warn(warning: &Warning) {
    eprintln!("warning: {warning}");
}
