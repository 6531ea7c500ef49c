//! The world outside of the agent: one value that survives its deaths, moved by an agenda.
//!
//! Owns time, the agenda of what is still to happen, the weather (what is broken just now) and the kill switch. Every call of the
//! agent passes [`World::step`] before and after it takes effect; a dead agent never gets past it, so that nothing it had begun
//! takes effect after its death.

use crate::check::{Broken, RULES};
use crate::history::{History, Who};
mod agenda;
mod weather;

pub use agenda::{Happening, LOOK};
pub use weather::{Life, Weather};

use crate::host::{Container, Host};
use crate::mistake::Mistake;
use crate::plane::Plane;
use crate::scenario::{Millis, Scenario};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Time after which the agent has heard of a start that it asked for.
const ANSWERED: Millis = 3_000;
/// When the story begins, by the wall clock: in 2026.
const EPOCH: i64 = 1_770_000_000_000;

/// Everything there is.
#[derive(Debug)]
pub struct State {
    pub scenario: Scenario,
    pub mistake: Option<Mistake>,
    pub history: History,
    pub broken: Option<Broken>,
    pub host: Host,
    pub plane: Plane,
    pub weather: Weather,
    pub life: Life,
    pub calm: bool,
    pub finale: Option<Millis>,
    /// Everything has ended as it should.
    pub over: bool,
    /// When anything last was wrong, and for how long in all: what deadlines are excused for.
    pub trouble: Vec<(Millis, Millis)>,
    agenda: BTreeMap<(Millis, u64), Happening>,
    written: u64,
    base: Millis,
    began: Option<Instant>,
    clock_offset: i64,
    draws: BTreeMap<String, u64>,
}

/// A handle on the world.
#[derive(Debug, Clone)]
pub struct World(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// A lock that is never contended: one thread runs a world. It is never held across an await.
    state: Mutex<State>,
    bell: Notify,
}

impl World {
    pub fn new(scenario: Scenario, mistake: Option<Mistake>, history: History) -> Self {
        let mut state = State {
            plane: Plane::new(&scenario),
            scenario,
            mistake,
            history,
            broken: None,
            host: Host::default(),
            weather: Weather::default(),
            life: Life::default(),
            calm: false,
            finale: None,
            over: false,
            trouble: Vec::new(),
            agenda: BTreeMap::new(),
            written: 0,
            base: 0,
            began: None,
            clock_offset: 0,
            draws: BTreeMap::new(),
        };
        state.fill_agenda();
        Self(Arc::new(Shared { state: Mutex::new(state), bell: Notify::new() }))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Rings when the agent was killed or the agenda has something new.
    pub fn bell(&self) -> &Notify {
        &self.0.bell
    }

    /// A boundary of a call: the agent may be killed here. Never returns to a dead agent.
    pub async fn step(&self, when: &str, what: &str, on: &str) {
        let dead = {
            let mut state = self.lock();
            if !state.life.dead && state.life.fuse == Some(0) {
                state.die(format_args!("{when} {what} {on}"));
                self.0.bell.notify_one();
            }
            if let Some(fuse) = &mut state.life.fuse {
                *fuse = fuse.saturating_sub(1);
            }
            state.life.dead
        };
        if dead {
            std::future::pending::<()>().await;
        }
    }

    /// Takes between `least` and `most`.
    pub async fn takes(&self, what: &str, least: Millis, most: Millis) {
        let wait = self.lock().draw(what, least, most);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    /// Changes the world, and wakes whoever drives it.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.0.bell.notify_one();
        result
    }

    /// A new life of the agent begins, in a new runtime.
    pub fn begin_life(&self) -> Millis {
        let mut state = self.lock();
        state.began = Some(Instant::now());
        let down = std::mem::take(&mut state.life.down);
        let number = state.life.number + 1;
        state.life = Life { number, begun: state.now() + down, ..Life::default() };
        down
    }

    /// The runtime of this life ends.
    pub fn end_life(&self) {
        let mut state = self.lock();
        state.base = state.now();
        state.began = None;
        state.host.disk.crash();
        state.host.events = None;
        state.plane.session = None;
        state.plane.frozen.clear();
        if std::mem::take(&mut state.life.wipes) {
            state.lose_data();
        }
    }

    /// How long until the next happening.
    pub fn wait(&self) -> Duration {
        let state = self.lock();
        let now = state.now();
        state
            .agenda
            .keys()
            .next()
            .map_or(Duration::from_secs(3600), |(at, _)| Duration::from_millis(at.saturating_sub(now)))
    }

    /// This life is over: the agent is dead, or the story has ended.
    pub fn over(&self) -> bool {
        let state = self.lock();
        state.life.dead || state.ended()
    }

    /// Lets happen what is due.
    pub fn happen(&self) {
        let mut state = self.lock();
        let now = state.now();
        while state.broken.is_none() && state.agenda.keys().next().is_some_and(|(at, _)| *at <= now) {
            let (_, happening) = state.agenda.pop_first().expect("there is a first");
            state.happens(happening);
        }
        if state.life.dead {
            self.0.bell.notify_one();
        }
    }
}

impl State {
    /// Milliseconds since the beginning of the story.
    pub fn now(&self) -> Millis {
        self.base + self.began.map_or(0, |began| u64::try_from(began.elapsed().as_millis()).unwrap_or(0))
    }

    /// Nothing is left to be told.
    pub fn ended(&self) -> bool {
        self.over || self.broken.is_some()
    }

    /// The wall clock.
    pub fn wall(&self) -> i64 {
        self.wall_at(self.now())
    }

    /// A moment of the story by the wall clock as it is now.
    pub fn wall_at(&self, at: Millis) -> i64 {
        EPOCH + self.clock_offset + i64::try_from(at).unwrap_or(0)
    }

    /// Moves the wall clock. How long a process ran that was about to begin, or had ended and was perhaps not heard of, nobody can
    /// say then: one of its times is of the clock before.
    pub fn jump(&mut self, by: i64) {
        self.clock_offset += by;
        let now = self.now();
        let runs = |container: &Container| {
            let alive = self.host.kernel.process(container.pid).is_some();
            alive && container.started_at.is_some_and(|at| at + ANSWERED < now)
        };
        let unsure = self.host.containers.values().filter(|container| !runs(container));
        let unsure = unsure.map(|container| (container.task.clone(), container.name.clone()));
        for (task, name) in unsure.collect::<Vec<_>>() {
            self.host.lived(&task, &name).timeless = true;
        }
    }

    pub fn say(&mut self, who: Who, what: fmt::Arguments<'_>) {
        let now = self.now();
        self.history.say(now, who, what);
    }

    /// A promise is broken; the first one counts.
    pub fn broken(&mut self, rule: &'static str, what: fmt::Arguments<'_>) {
        debug_assert!(
            RULES.iter().any(|(known, _)| *known == rule),
            "{rule} is no rule that is written down"
        );
        if self.broken.is_none() {
            self.say(Who::Check, format_args!("{rule}: {what}"));
            self.broken = Some(Broken { rule, what: what.to_string() });
            self.life.dead = true;
        }
    }

    /// A number from `least` to `most`, derived from the seed, the name and how often the name was asked for: so that a story that
    /// is cut shorter keeps the rest of its numbers.
    pub fn draw(&mut self, name: &str, least: u64, most: u64) -> u64 {
        let count = self.draws.entry(name.to_owned()).or_insert(0);
        *count += 1;
        let mut x = name.bytes().fold(self.scenario.seed ^ (*count << 32), |x, byte| {
            (x ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
        });
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        least + (x ^ (x >> 31)) % (most - least + 1)
    }
}
