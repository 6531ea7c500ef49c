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

/// Prints a table of what happened to the task: time since the launch, time since the line before, what.
pub fn timeline(start: Instant, events: &[(Instant, String)]) {
    println!();
    println!("  {:>9}  {:>9}  what happened", "at", "took");
    let mut before = start;
    for (at, what) in events {
        println!(
            "  {:>9}  {:>9}  {what}",
            milliseconds(at.duration_since(start)),
            milliseconds(at.duration_since(before))
        );
        before = *at;
    }
    println!();
}

fn milliseconds(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1000.0)
}
