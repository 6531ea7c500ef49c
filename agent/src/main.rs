//! The `wharf-agent` binary: reads the command line, sets up the log, and runs the agent or one of the operator's commands.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use wharf_agent::agent;
use wharf_agent::causes::chain;
use wharf_agent::cli::{self, Cli, Command, TERMINAL};
use wharf_agent::config::{Logging, load};
use wharf_wait::Wait;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    crash_on_panic();
    // Held until the end: a scenario that is dropped switches its points off.
    #[cfg(feature = "failpoints")]
    let _points = fail::FailScenario::setup();
    rustls::crypto::ring::default_provider().install_default().expect("nothing else has installed one");
    // Two workers: effects wait far more than they compute, and each worker costs memory.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("wharf-agent: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        match cli.command {
            Command::Run => run(cli).await,
            _ => cli::execute(cli).await,
        }
    })
}

/// A panic anywhere ends the process: a part of the agent that is gone would leave its waits unanswered for ever, while a start
/// from saved state is an ordinary thing.
fn crash_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        std::process::abort();
    }));
}

/// Is the agent until SIGTERM or SIGINT; the exit codes are those of spec 2.3.
async fn run(cli: Cli) -> ExitCode {
    let resolution = match load(cli.flags) {
        Ok(resolution) => resolution,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(TERMINAL);
        }
    };
    log(resolution.settings.log);
    for warning in &resolution.warnings {
        tracing::warn!("{warning}");
    }
    let stop = CancellationToken::new();
    let signals = wharf_wait::spawn(stop_on_signal(stop.clone()));
    let ended = agent::run(resolution.settings, stop).await;
    drop(signals);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

async fn stop_on_signal(stop: CancellationToken) {
    let wait = async |kind| match signal(kind) {
        Ok(mut signals) => Wait::endless("a signal", "an agent is to last").on(signals.recv()).await,
        // Without a handler the signal ends the process, which is how a crash-only agent stops anyway.
        Err(_) => std::future::pending().await,
    };
    // Cancel-safe: whichever comes first ends the agent; the other is not needed any more.
    tokio::select! {
        _ = wait(SignalKind::terminate()) => {}
        _ = wait(SignalKind::interrupt()) => {}
    }
    stop.cancel();
}

fn log(logging: Logging) {
    // What libraries say at debug is frame by frame; the agent's own lines are what an operator asks for.
    let filter = EnvFilter::new(format!(
        "{},h2=info,hyper=info,hyper_util=info,reqwest=info,tower=info",
        logging.level
    ));
    let output = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if logging.json { output.json().init() } else { output.with_ansi(false).init() }
}
