//! The `wharf-control-plane` binary.
#![forbid(unsafe_code)]

mod cli;
mod dev;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // The HTTP client of `dev` is built without a cryptography of its own; first come, first served is what rustls wants.
    let _already = rustls::crypto::ring::default_provider().install_default();
    cli.log();
    match cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wharf-control-plane: {error:#}");
            ExitCode::FAILURE
        }
    }
}
