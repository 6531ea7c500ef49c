//! `wharf-sim`: runs stories, replays one, shortens one, or shows what the simulator is worth.
#![forbid(unsafe_code)]

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use wharf_sim::{History, Mistake, Outcome, RULES, Scenario, run, shrink};

/// Seeds that a mistake may take until it is found.
const PATIENCE: u64 = 5_000;

/// Runs the agent in a simulated world.
#[derive(Debug, Parser)]
struct Options {
    /// Replay this seed and print its history.
    #[arg(long)]
    seed: Option<u64>,
    /// Run these seeds, e.g. `0..10000`.
    #[arg(long)]
    seeds: Option<String>,
    /// Run new seeds for so many minutes.
    #[arg(long)]
    minutes: Option<u64>,
    /// Shorten the story of this seed while it fails, and print it.
    #[arg(long)]
    shrink: Option<u64>,
    /// Run the story in this file, as `--shrink` prints it.
    #[arg(long)]
    story: Option<PathBuf>,
    /// Put in each known mistake and show how many seeds it takes to find it.
    #[arg(long)]
    faults: bool,
    /// With the mistake of this name put in.
    #[arg(long)]
    mistake: Option<String>,
    /// Also print what the agent logs.
    #[arg(long)]
    log: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if options.log {
        tracing_subscriber::fmt().with_env_filter("debug").with_writer(std::io::stdout).init();
    }
    let mistake = options.mistake.as_deref().map(mistake).transpose()?;
    if let Some(seed) = options.seed {
        return Ok(replay(&Scenario::of(seed), mistake));
    }
    if let Some(path) = options.story {
        return Ok(replay(&serde_json::from_str(&std::fs::read_to_string(path)?)?, mistake));
    }
    if let Some(seed) = options.shrink {
        let story = shrink(&Scenario::of(seed), mistake);
        println!("{}", serde_json::to_string_pretty(&story)?);
        return Ok(replay(&story, mistake));
    }
    if options.faults {
        return Ok(faults());
    }
    if let Some(minutes) = options.minutes {
        let base = (u64::from(std::process::id()) << 32)
            | u64::from(std::time::UNIX_EPOCH.elapsed()?.subsec_nanos());
        println!("seeds from {base}");
        return Ok(many(base..u64::MAX, mistake, Duration::from_secs(60 * minutes)));
    }
    let seeds = options.seeds.unwrap_or_else(|| "0..10000".to_owned());
    let (from, to) = seeds.split_once("..").ok_or_else(|| anyhow::anyhow!("seeds are written A..B"))?;
    Ok(many(from.parse()?..to.parse()?, mistake, Duration::MAX))
}

fn mistake(name: &str) -> anyhow::Result<Mistake> {
    let found = Mistake::ALL.into_iter().find(|mistake| format!("{mistake:?}") == name);
    found.ok_or_else(|| anyhow::anyhow!("no mistake has the name {name}"))
}

/// Runs a story and prints what happened.
fn replay(story: &Scenario, mistake: Option<Mistake>) -> ExitCode {
    let Outcome { broken, history, took } = run(story, mistake, History::kept());
    history.lines().iter().for_each(|line| println!("{line}"));
    println!("seed {}, {took:?}, history {:016x}", story.seed, history.hash());
    match broken {
        None => ExitCode::SUCCESS,
        Some(broken) => {
            println!("broken: {}: {}", broken.rule, broken.what);
            ExitCode::FAILURE
        }
    }
}

/// Runs many stories on two threads; prints those that fail.
fn many(seeds: std::ops::Range<u64>, mistake: Option<Mistake>, limit: Duration) -> ExitCode {
    let begun = Instant::now();
    let (next, ran) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let failed = AtomicBool::new(false);
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds.end || begun.elapsed() >= limit {
            return;
        }
        ran.fetch_add(1, Ordering::Relaxed);
        if let Some(broken) = run(&Scenario::of(seed), mistake, History::default()).broken {
            failed.store(true, Ordering::Relaxed);
            println!("seed {seed}: {}: {}", broken.rule, broken.what);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    println!("{} seeds in {:.1?}", ran.into_inner(), begun.elapsed());
    if failed.into_inner() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Prints, for each mistake, the seeds that it takes to find it, and for each rule those that it takes to see it broken.
fn faults() -> ExitCode {
    println!("| Mistake | Seeds until found | Broken rule |\n|---|---|---|");
    let found = Mistake::ALL.map(|mistake| {
        let first = first(mistake, |_| true);
        match first {
            Some((seeds, rule)) => println!("| {mistake:?} | {seeds} | `{rule}` |"),
            None => println!("| {mistake:?} | not within {PATIENCE} | |"),
        }
        first.is_some()
    });
    println!("\n| Rule | Mistake | Seeds until broken |\n|---|---|---|");
    let broken = RULES.map(|(rule, mistake)| {
        let first = first(mistake, |broken| broken == rule);
        let seeds = first.map_or_else(|| format!("not within {PATIENCE}"), |(seeds, _)| seeds.to_string());
        println!("| `{rule}` | {mistake:?} | {seeds} |");
        first.is_some()
    });
    if found.into_iter().chain(broken).all(|found| found) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The first seed that breaks such a rule with this mistake, counted from one. What fails without it too says nothing about it.
fn first(mistake: Mistake, such: impl Fn(&str) -> bool) -> Option<(u64, &'static str)> {
    (0..PATIENCE).find_map(|seed| {
        let story = Scenario::of(seed);
        let broken = run(&story, Some(mistake), History::default()).broken.filter(|it| such(it.rule))?;
        run(&story, None, History::default()).broken.is_none().then_some((seed + 1, broken.rule))
    })
}
