//! What happened: a hash of it always, and the lines themselves when somebody wants to read them.

use crate::scenario::Millis;
use std::fmt;

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The agent, through one of its seams.
    Agent,
    /// containerd and the processes.
    Host,
    /// The control plane.
    Plane,
    /// What goes wrong.
    Fate,
    /// The checks.
    Check,
}

impl Who {
    const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Host => "host",
            Self::Plane => "plane",
            Self::Fate => "fate",
            Self::Check => "check",
        }
    }
}

/// The history of one run.
#[derive(Debug, Clone, Default)]
pub struct History {
    hash: u64,
    lines: Vec<String>,
    kept: bool,
}

impl History {
    /// A history whose lines are kept.
    pub fn kept() -> Self {
        Self { kept: true, ..Self::default() }
    }

    /// Writes a line.
    pub fn say(&mut self, at: Millis, who: Who, what: fmt::Arguments<'_>) {
        let line = format!("{:>10.3} {:<5} {what}", at as f64 / 1000.0, who.name());
        let start = if self.hash == 0 { BASIS } else { self.hash };
        self.hash = line.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        if self.kept {
            self.lines.push(line);
        }
    }

    /// The hash of every line so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines that were kept.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}
