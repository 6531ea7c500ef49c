//! A thousand ways to lose bytes: after a power cut the store holds all that was acknowledged, and after any other damage it does,
//! or says that it does not.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use tempfile::TempDir;
use wharf_agent::store::{Change, OpenError, Store};

const SECTOR: usize = 512;
const PAGE: usize = 4096;

/// Rows by key.
type State = BTreeMap<String, Vec<u8>>;

#[tokio::test]
async fn a_power_cut_loses_nothing_that_was_acknowledged_and_is_never_refused() {
    let mut workload = Workload::begin(1);
    for case in 0..400 {
        workload.save().await;
        let acknowledged = workload.saves() - 1;
        let left = workload.cut_power();
        let found = left.open(&workload.history).unwrap_or_else(|error| panic!("cut {case}: {error}"));
        assert!(
            found >= acknowledged,
            "cut {case}: {acknowledged} saves were acknowledged, {found} are there"
        );
    }
}

#[tokio::test]
async fn damage_is_refused_or_without_consequence() {
    let mut workload = Workload::begin(2);
    let mut refused = 0;
    for case in 0..450 {
        workload.save().await;
        let (what, left) = workload.damage();
        match left.open(&workload.history) {
            Ok(found) => assert_eq!(found, workload.saves(), "{case}, {what}: saves are gone without a word"),
            Err(OpenError::Damaged { .. } | OpenError::TooNew { .. }) => refused += 1,
            Err(other) => panic!("{case}, {what}: {other:?} does not say that the state is damaged"),
        }
    }
    assert!(refused > 200, "only {refused} of 450 damages mattered; the test should hit harder");
}

/// The mark of a power cut may be older than the last saves: what is lost then is bounded by what the log itself tells.
#[tokio::test]
async fn with_an_old_mark_a_hole_in_the_log_costs_the_last_two_saves_at_most() {
    let mut workload = Workload::begin(3);
    let mut refused = 0;
    for case in 0..150 {
        workload.save().await;
        let mut left = workload.now.clone();
        left.mark = workload.marks.choose(&mut workload.dice).expect("there is one").clone();
        let place = workload.dice.random_range(0..left.log.len());
        workload.garble(&mut left.log, place..(place + SECTOR));
        match left.open(&workload.history) {
            Ok(found) => assert!(found + 2 >= workload.saves(), "{case}: {found} of {}", workload.saves()),
            Err(OpenError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("{case}: {other:?} does not say that the state is damaged"),
        }
    }
    assert!(refused > 50, "only {refused} of 150 damages mattered; the test should hit harder");
}

/// A store at work, everything it held after each save, and its files now and one save ago.
struct Workload {
    dice: StdRng,
    dir: TempDir,
    store: Store,
    history: Vec<State>,
    before: Files,
    now: Files,
    /// Every mark so far, and files of long ago.
    marks: Vec<Vec<u8>>,
    old: Vec<Files>,
}

/// The files of a store; the shared memory is not one of them, because the first to open the database makes it anew.
#[derive(Clone)]
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
    mark: Vec<u8>,
}

impl Workload {
    fn begin(seed: u64) -> Self {
        let dir = directory();
        let (store, _) = Store::open(dir.path()).expect("it opens");
        let now = Files::of(dir.path());
        Self {
            dice: StdRng::seed_from_u64(seed),
            history: vec![State::new()],
            before: now.clone(),
            marks: vec![now.mark.clone()],
            old: vec![now.clone()],
            now,
            store,
            dir,
        }
    }

    fn saves(&self) -> usize {
        self.history.len() - 1
    }

    /// Saves something; no two states of the history are the same.
    async fn save(&mut self) {
        let number = self.history.len();
        let mut state = self.history[number - 1].clone();
        let mut changes = Vec::new();
        for _ in 0..self.dice.random_range(1..5) {
            let key = format!("task-{:02}", self.dice.random_range(0..30));
            let length = self.dice.random_range(0..3000);
            let value = format!("{number} {}", "v".repeat(length)).into_bytes();
            let value = self.dice.random_bool(0.8).then_some(value);
            match &value {
                Some(value) => state.insert(key.clone(), value.clone()),
                None => state.remove(&key),
            };
            changes.push(Change { kind: "tasks".to_owned(), key, value });
        }
        let last = number.to_string().into_bytes();
        state.insert("last".to_owned(), last.clone());
        changes.push(Change { kind: "tasks".to_owned(), key: "last".to_owned(), value: Some(last) });
        self.store.save(changes).await.expect("it is saved");
        self.history.push(state);
        self.before = std::mem::replace(&mut self.now, Files::of(self.dir.path()));
        self.marks.push(self.now.mark.clone());
        if number.is_multiple_of(40) {
            self.old.push(self.now.clone());
        }
    }

    /// What a power cut during the last save may leave: the log is written and flushed, then the database (when the log is folded
    /// into it); of what was not flushed, each sector is there, is not, or is rubbish where it was being written.
    fn cut_power(&mut self) -> Files {
        let (before, now) = (self.before.clone(), self.now.clone());
        let written_before = &self.marks[..self.marks.len() - 1];
        let mark = written_before.choose(&mut self.dice).expect("there is one").clone();
        let mark = if self.dice.random_bool(0.5) { before.mark } else { mark };
        let folding = now.database != before.database && self.dice.random_bool(0.5);
        let (database, log) = if folding {
            (self.tear(&before.database, &now.database), now.log)
        } else if before.log.get(..32) != now.log.get(..32) && self.dice.random_bool(0.3) {
            // A header of a new round is flushed before anything is put behind it.
            (before.database, [&now.log[..32], before.log.get(32..).unwrap_or_default()].concat())
        } else {
            let based = [&now.log[..32], before.log.get(32..).unwrap_or_default()].concat();
            (before.database, self.tear(&based, &now.log))
        };
        Files { database, log, mark }
    }

    fn tear(&mut self, old: &[u8], new: &[u8]) -> Vec<u8> {
        let dice = &mut self.dice;
        let (less, more) = (old.len().min(new.len()), old.len().max(new.len()));
        let mut torn = old.to_vec();
        torn.resize(dice.random_range(less..=more).max(old.len()), 0);
        let likely_there = *[0.05, 0.5, 0.95].choose(dice).expect("three");
        for start in (0..torn.len()).step_by(SECTOR) {
            let changed: Vec<usize> = (start..(start + SECTOR).min(torn.len()).min(new.len()))
                .filter(|at| old.get(*at) != Some(&new[*at]))
                .collect();
            let there = dice.random_bool(likely_there);
            let rubbish = !there && dice.random_bool(0.2);
            for at in changed {
                if there {
                    torn[at] = new[at];
                } else if rubbish {
                    torn[at] = dice.random();
                }
            }
        }
        torn
    }

    /// One damage to files of which every byte was acknowledged.
    fn damage(&mut self) -> (&'static str, Files) {
        let mut left = self.now.clone();
        let old = self.old.choose(&mut self.dice).expect("there is one").clone();
        let database = self.dice.random_range(0..left.database.len());
        let log = self.dice.random_range(0..left.log.len());
        let page = database / PAGE * PAGE;
        let sector = log / SECTOR * SECTOR;
        let what = match self.dice.random_range(0..13) {
            0 | 1 => {
                (left.database[database] ^= 1 << self.dice.random_range(0..8), "a bit of the database").1
            }
            2 | 3 => (left.log[log] ^= 1 << self.dice.random_range(0..8), "a bit of the log").1,
            4 => (left.database[page..page + SECTOR].fill(0), "a sector of the database is zero").1,
            5 => (zero(&mut left.log, sector..sector + SECTOR), "a sector of the log is zero").1,
            6 => (self.garble(&mut left.log, sector..sector + SECTOR), "a sector of the log is rubbish").1,
            7 => (left.log.truncate(log), "the log is cut").1,
            8 => (left.log.clear(), "the log is emptied").1,
            9 => (left.database.truncate(database), "the database is cut").1,
            10 => (left.mark[self.dice.random_range(0..50)] ^= 4, "a bit of the mark").1,
            11 => (left.log = old.log, "the log is of another age").1,
            _ => {
                let stale = old.database.get(page..page + PAGE).unwrap_or(&[0; PAGE]);
                (left.database[page..page + PAGE].copy_from_slice(stale), "a page is of another age").1
            }
        };
        (what, left)
    }

    fn garble(&mut self, bytes: &mut [u8], range: Range<usize>) {
        let end = range.end.min(bytes.len());
        self.dice.fill_bytes(&mut bytes[range.start..end]);
    }
}

impl Files {
    fn of(dir: &Path) -> Self {
        let read = |name: &str| fs::read(dir.join(name)).expect("it exists");
        Self { database: read("agent.db"), log: read("agent.db-wal"), mark: read("agent.db-mark") }
    }

    /// Opens a store that consists of these files: how many saves it holds. What it holds is one of the states of the history.
    fn open(&self, history: &[State]) -> Result<usize, OpenError> {
        let dir = directory();
        let files =
            [("agent.db", &self.database), ("agent.db-wal", &self.log), ("agent.db-mark", &self.mark)];
        for (name, bytes) in files {
            fs::write(dir.path().join(name), bytes).expect("it is written");
        }
        let opened = Store::open(dir.path());
        if opened.is_err() {
            for (name, bytes) in files {
                let same = fs::read(dir.path().join(name)).expect("it is kept") == *bytes;
                assert!(same, "{name} was changed, though the store was refused");
            }
        }
        let state: State = opened?.1.rows.into_iter().map(|row| (row.key, row.value)).collect();
        let found = history.iter().position(|known| *known == state);
        Ok(found.expect("what a store holds was its state once"))
    }
}

fn zero(bytes: &mut [u8], range: Range<usize>) {
    let end = range.end.min(bytes.len());
    bytes[range.start..end].fill(0);
}

/// In memory where there is such a place: a thousand stores flush a great deal.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(place).expect("a directory")
}
