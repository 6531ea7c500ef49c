//! What the demo tells the person who watches: one line a step, with the time since the start.

use std::time::{Duration, Instant};

/// Prints steps on standard output.
#[derive(Debug)]
pub struct Progress {
    start: Instant,
}

impl Progress {
    /// Starts the clock.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Prints a line.
    pub fn step(&self, what: &str) {
        println!("[{:7.3}s] {what}", self.start.elapsed().as_secs_f64());
    }
}

/// What happened to one task, printed as a table: time since the launch, time since the line before, what.
#[derive(Debug)]
pub struct Timeline {
    start: Instant,
    before: Instant,
}

impl Timeline {
    /// Starts the clock, at the launch.
    pub fn start() -> Self {
        let start = Instant::now();
        Self { start, before: start }
    }

    /// Prints what was not printed yet.
    pub fn print(&mut self, events: &[(Instant, String)]) {
        println!("\n  {:>10}  {:>10}", "at", "took");
        for (at, what) in events {
            let [since, took] =
                [self.start, self.before].map(|earlier| at.saturating_duration_since(earlier));
            println!("  {:>10}  {:>10}  {what}", milliseconds(since), milliseconds(took));
            self.before = *at;
        }
        println!();
    }
}

fn milliseconds(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1000.0)
}
