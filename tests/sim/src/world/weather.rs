//! What is broken just now, whether the agent lives, and for how long deadlines are excused.

use super::{Happening, State};
use crate::history::Who;
use crate::host::{Container, Phase};
use crate::scenario::{Millis, Trouble};
use std::collections::BTreeSet;
use std::fmt;
use wharf_protocol::api::SubmitTaskStateChangeRequest;

/// What is broken just now; counts, because faults overlap.
#[derive(Debug, Default)]
pub struct Weather {
    pub containerd_down: u32,
    pub containerd_hangs: u32,
    pub containerd_slow: u32,
    pub events_lost: u32,
    pub exits_again: u32,
    pub shims_hang: u32,
    pub call_fails: Option<bool>,
    pub refused: u32,
    pub black_hole: u32,
    pub answers_lost: u32,
    pub muddle: u32,
    pub disk_full: u32,
    pub disk_slow: u32,
    pub network_fails: u32,
}

impl Weather {
    /// The count of what lasts; `None` for what happens and is over.
    pub fn count(&mut self, what: Trouble) -> Option<&mut u32> {
        match what {
            Trouble::ContainerdDown | Trouble::Forgets(_) => Some(&mut self.containerd_down),
            Trouble::ContainerdHangs => Some(&mut self.containerd_hangs),
            Trouble::ContainerdSlow => Some(&mut self.containerd_slow),
            Trouble::EventsLost => Some(&mut self.events_lost),
            Trouble::ExitsAgain(_) => Some(&mut self.exits_again),
            Trouble::ShimHangs(_) => Some(&mut self.shims_hang),
            Trouble::Refused => Some(&mut self.refused),
            Trouble::BlackHole => Some(&mut self.black_hole),
            Trouble::AnswersLost => Some(&mut self.answers_lost),
            Trouble::Muddle => Some(&mut self.muddle),
            Trouble::DiskFull => Some(&mut self.disk_full),
            Trouble::DiskSlow => Some(&mut self.disk_slow),
            Trouble::NetworkFails => Some(&mut self.network_fails),
            Trouble::Kill(_)
            | Trouble::DataLost(_)
            | Trouble::TornWrite(_)
            | Trouble::Stranger(_)
            | Trouble::Reboot
            | Trouble::CallFails(_)
            | Trouble::Vanish(_)
            | Trouble::SaysStopped(_)
            | Trouble::ShimKilled(_)
            | Trouble::OutOfMemory(_)
            | Trouble::Reset
            | Trouble::ClockJump(_) => None,
        }
    }
}

/// The agent's life: alive, dying at a step, or dead for a while.
#[derive(Debug, Default)]
pub struct Life {
    pub dead: bool,
    /// Steps until it is killed.
    pub fuse: Option<u64>,
    /// How long it stays dead.
    pub down: Millis,
    /// Its data directory is lost with it.
    pub wipes: bool,
    /// Writes until it is killed within one.
    pub tears: Option<u8>,
    /// Containers that it is making, and that containerd may yet undo when it dies over them.
    pub making: BTreeSet<String>,
    /// Tasks of which it has told something: what an agent goes by that tells once.
    pub told: BTreeSet<String>,
    /// Counts lives.
    pub number: u64,
    /// When its program was started.
    pub begun: Millis,
    /// It has restored what it knew, has listed what there is, and is registered.
    pub works: bool,
}

impl Life {
    /// Whether something was told of this task before; something is now.
    pub fn has_told(&mut self, request: &SubmitTaskStateChangeRequest) -> bool {
        request.status.is_some() && !self.told.insert(request.task.clone().unwrap_or_default())
    }
}

impl State {
    /// The agent is killed here.
    pub(super) fn die(&mut self, place: fmt::Arguments<'_>) {
        self.life.dead = true;
        let down = self.life.down;
        self.say(Who::Fate, format_args!("the agent is killed {place}, for {down} ms"));
        self.trouble(down);
        self.excuse_the_undone();
        for id in std::mem::take(&mut self.life.making) {
            match self.draw("undo", 0, 2) {
                0 => {
                    let after = self.draw("undo after", 1, 4_000);
                    self.plan(after, Happening::Undo { answered: false, id });
                }
                1 => drop(self.host.undoing.insert(id)),
                _ => {}
            }
        }
    }

    /// Whether a container without a process had been started before its agent died, no later one can know.
    fn excuse_the_undone(&mut self) {
        let undone = |one: &&Container| one.phase == Phase::Vanished && one.started_at.is_none();
        let tasks = self.host.containers.values().filter(undone).map(|one| one.task.clone());
        tasks.collect::<Vec<_>>().iter().for_each(|task| self.excuse(task));
    }

    /// The agent dies at once.
    pub fn kill(&mut self, down: Millis) {
        self.life.down = self.life.down.max(down);
        if !self.life.dead {
            self.die(format_args!("where it stands"));
        }
    }

    /// Something is wrong from now on for so long.
    pub fn trouble(&mut self, lasts: Millis) {
        let now = self.now();
        self.trouble.push((now, now + lasts));
    }

    /// How much of the time since `from` something was wrong. Troubles overlap, and that time counts once.
    pub fn trouble_since(&self, from: Millis) -> Millis {
        let now = self.now();
        // They are in the order in which they began.
        let (sum, _) = self.trouble.iter().fold((0, from), |(sum, counted), (begin, end)| {
            let (begin, end) = ((*begin).max(counted), (*end).min(now));
            (sum + end.saturating_sub(begin), counted.max(end))
        });
        sum
    }
}
