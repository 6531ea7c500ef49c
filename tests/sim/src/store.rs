//! The store, simulated: a write that was acknowledged is there for good, one that was not may be.

use crate::history::Who;
use crate::mistake::Mistake;
use crate::world::{Happening, State, World};
use std::collections::BTreeMap;
use wharf_agent::seam::Store;
use wharf_agent::store::{Change, Loaded, Row};

type Rows = BTreeMap<(String, String), Vec<u8>>;

/// What is written.
#[derive(Debug, Default)]
pub struct Disk {
    rows: Rows,
    /// What a power cut would leave, where that is not all.
    durable: Option<Rows>,
    /// Writes that were acknowledged and not made: the work of a mistake.
    promised: BTreeMap<u64, Vec<Change>>,
    writes: u64,
}

/// No room.
#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
pub struct Full;

/// The simulated store.
#[derive(Debug)]
pub struct SimStore {
    world: World,
}

impl Disk {
    fn apply(&mut self, changes: &[Change]) {
        for Change { kind, key, value } in changes {
            let place = (kind.clone(), key.clone());
            match value {
                Some(value) => self.rows.insert(place, value.clone()),
                None => self.rows.remove(&place),
            };
        }
    }

    /// Of these records only the first half is there.
    fn halve(&mut self, changes: &[Change]) {
        for Change { kind, key, .. } in changes {
            if let Some(value) = self.rows.get_mut(&(kind.clone(), key.clone())) {
                value.truncate(value.len() / 2);
            }
        }
    }

    /// A promised write is made.
    pub fn flush(&mut self, write: u64) {
        if let Some(changes) = self.promised.remove(&write) {
            self.apply(&changes);
        } else {
            self.durable = Some(self.rows.clone());
        }
    }

    /// The agent is dead: what was only promised is lost.
    pub fn crash(&mut self) {
        self.promised.clear();
    }

    /// The power is cut.
    pub fn lose_promises(&mut self, mistake: Option<Mistake>) {
        self.crash();
        if mistake == Some(Mistake::LostFsync) {
            self.rows = self.durable.clone().unwrap_or_default();
        }
    }

    /// Everything, as a start reads it.
    pub fn load(&self) -> Loaded {
        let row = |((kind, key), value): (&(String, String), &Vec<u8>)| Row {
            kind: kind.clone(),
            key: key.clone(),
            value: value.clone(),
        };
        self.rows.iter().map(row).collect()
    }
}

impl SimStore {
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Store for SimStore {
    type Error = Full;

    async fn save(&self, changes: Vec<Change>) -> Result<(), Full> {
        self.world.step("before", "a write", "").await;
        let slow = self.world.lock().weather.disk_slow > 0;
        self.world.takes("write", 0, if slow { 5_000 } else { 4 }).await;
        let full = self.world.lock().weather.disk_full > 0;
        self.world.step("at", "a write", "").await;
        if full {
            return Err(Full);
        }
        let mistake = self.world.lock().mistake;
        if self.world.change(|state| state.tears_write(&changes)) {
            return std::future::pending().await;
        }
        self.world.change(|state| {
            let disk = &mut state.host.disk;
            disk.writes += 1;
            let write = disk.writes;
            match mistake {
                Some(Mistake::AckBeforeDurable) => {
                    disk.promised.insert(write, changes);
                    state.plan(300, Happening::Flush { write });
                }
                Some(Mistake::LostFsync) => {
                    disk.apply(&changes);
                    state.plan(5_000, Happening::Flush { write });
                }
                _ => disk.apply(&changes),
            }
            state.say(Who::Agent, format_args!("write {write}"));
        });
        self.world.step("after", "a write", "").await;
        Ok(())
    }
}

impl State {
    /// Whether the agent is killed within this write. All of it is on the disk then, or nothing.
    fn tears_write(&mut self, changes: &[Change]) -> bool {
        match &mut self.life.tears {
            None => return false,
            Some(writes @ 1..) => {
                *writes -= 1;
                return false;
            }
            Some(0) => {}
        }
        let all = self.draw("torn write", 0, 1) == 1;
        let rows = usize::try_from(self.draw("torn row", 0, changes.len() as u64)).unwrap_or(0);
        let made = match self.mistake {
            Some(Mistake::TornSave) => rows,
            Some(Mistake::AckBeforeDurable | Mistake::LostFsync) => 0,
            _ if all => changes.len(),
            _ => 0,
        };
        self.host.disk.apply(&changes[..made]);
        if self.mistake == Some(Mistake::HalfRecord) {
            self.host.disk.halve(&changes[..made.min(1)]);
        }
        self.say(Who::Fate, format_args!("a write of {} rows is broken off after {made}", changes.len()));
        self.kill(1_000);
        true
    }
}
