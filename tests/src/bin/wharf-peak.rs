//! Runs a program and writes down the most memory that it held: `wharf-peak <file> <program>`, input and output passed through.
//!
//! A process of its own and a small one: the kernel counts for a program what its parent held when it was started.

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use std::process::{Command, ExitCode};

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let (file, program) = (arguments.next().context("no file")?, arguments.next().context("no program")?);
    let ended = Command::new(program).args(arguments).status()?;
    let kibibytes = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    std::fs::write(file, kibibytes.to_string())?;
    let code = ended.code().context("it was killed")?;
    Ok(ExitCode::from(u8::try_from(code)?))
}
