//! What damaged inputs cost: how many, the longest time of one, the memory that was not given back.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use wharf_tests::mutate::{Mutator, corpus};

/// Inputs of an interface.
pub const INPUTS: usize = 10_000;
/// Inputs before memory is counted: caches and buffers have their size after them.
const WARM_UP: usize = 2_000;
/// Longest time of one input.
const LONGEST: Duration = Duration::from_secs(1);
/// Most memory that may be held after all of them.
const GROWTH: u64 = 5 << 20;
/// The seed of a run in which none is given.
const SEED: u64 = 20_261_124;

/// What an input cost that a process of its own was given.
pub struct Cost {
    pub took: Duration,
    /// The most memory that the process held.
    pub peak: u64,
}

/// The inputs of one interface, and what they cost.
pub struct Tally {
    interface: &'static str,
    inputs: usize,
    longest: Duration,
    before: u64,
    after: u64,
    seed: u64,
    current: Vec<u8>,
}

impl Tally {
    /// Heads the table of tallies.
    pub const HEAD: &str = "damaged inputs                   inputs    longest     growth";

    /// Runs `one` over damaged variants of `right`, and counts.
    pub fn run(interface: &'static str, right: Vec<Vec<u8>>, mut one: impl FnMut(&[u8])) -> Self {
        let (mut tally, mut inputs) = Self::begin(interface, right);
        for number in 0..WARM_UP + INPUTS {
            let begun = tally.take(number, &mut inputs);
            one(&tally.current);
            tally.count(number, begun.elapsed());
        }
        tally.end()
    }

    /// The same for an input that takes its time on a socket.
    pub async fn run_async(
        interface: &'static str,
        right: Vec<Vec<u8>>,
        mut one: impl AsyncFnMut(&[u8]),
    ) -> Self {
        let (mut tally, mut inputs) = Self::begin(interface, right);
        for number in 0..WARM_UP + INPUTS {
            let begun = tally.take(number, &mut inputs);
            let held = std::mem::take(&mut tally.current);
            one(&held).await;
            tally.current = held;
            tally.count(number, begun.elapsed());
        }
        tally.end()
    }

    /// Fewer inputs, each to a process of its own. Nothing of theirs is in our memory: growth is what the largest of them held more than
    /// `usual`, which is the most that one holds which is called rightly.
    pub fn run_processes(
        interface: &'static str,
        count: usize,
        usual: u64,
        right: Vec<Vec<u8>>,
        mut one: impl FnMut(&[u8]) -> Cost,
    ) -> Self {
        let (mut tally, mut inputs) = Self::begin(interface, right);
        tally.before = usual;
        for _ in 0..count {
            tally.current = inputs.next().expect("they never end");
            let Cost { took, peak } = one(&tally.current);
            tally.after = tally.after.max(peak);
            tally.count(WARM_UP, took);
        }
        tally.current.clear();
        tally
    }

    fn begin(interface: &'static str, right: Vec<Vec<u8>>) -> (Self, Mutator) {
        let (seed, zero) = (seed(), Duration::ZERO);
        let tally =
            Self { interface, inputs: 0, longest: zero, before: 0, after: 0, seed, current: Vec::new() };
        (tally, Mutator::new(right, seed))
    }

    fn take(&mut self, number: usize, inputs: &mut Mutator) -> Instant {
        if number == WARM_UP {
            self.before = resident();
        }
        self.current = inputs.next().expect("they never end");
        Instant::now()
    }

    fn count(&mut self, number: usize, took: Duration) {
        assert!(took < LONGEST, "{self:?} took {took:?}");
        if number >= WARM_UP {
            self.inputs += 1;
            self.longest = self.longest.max(took);
        }
    }

    fn end(mut self) -> Self {
        self.after = resident();
        self.current.clear();
        self
    }

    fn growth(&self) -> u64 {
        self.after.saturating_sub(self.before)
    }

    /// Asserts what the table shows.
    pub fn assert_bounded(&self) {
        assert!(self.growth() < GROWTH, "{self}");
    }
}

impl Drop for Tally {
    /// A panic anywhere below says what caused it.
    fn drop(&mut self) {
        if std::thread::panicking() && !self.current.is_empty() {
            eprintln!("{self:?}");
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, inputs, longest, .. } = self;
        let (longest, growth) = (longest.as_secs_f64() * 1e3, self.growth() >> 10);
        write!(f, "{interface:<30} {inputs:>8} {longest:>7.1} ms {growth:>6} KiB")
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let input = String::from_utf8_lossy(&self.current);
        write!(f, "{} with WHARF_SEED={} and the input {input:?}", self.interface, self.seed)
    }
}

/// The seed of this run.
pub fn seed() -> u64 {
    let given = std::env::var("WHARF_SEED").ok();
    given.map_or(SEED, |text| text.parse().expect("WHARF_SEED is a number"))
}

/// Memory of this process that is in RAM.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("proc is there");
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4096
}

/// Runs an interface's inputs on a runtime of one thread, which ends with them.
pub fn on_a_runtime<F: Future<Output = Tally>>(inputs: impl FnOnce() -> F) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(inputs())
}

/// The committed corpus of a fuzz target of the protocol.
pub fn protocol_corpus(target: &str) -> Vec<Vec<u8>> {
    corpus(&repository().join("protocol/fuzz/corpus").join(target))
}

/// The committed corpus of one of the other fuzz targets.
pub fn house_corpus(target: &str) -> Vec<Vec<u8>> {
    corpus(&repository().join("tests/fuzz/corpus").join(target))
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
