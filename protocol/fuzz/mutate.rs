//! Inputs that are nearly right: recorded ones with a few changes, the same in every run with the same seed.
//!
//! Shared by path with the tests of other crates, so that every parser is thrown the same kinds of damage.

/// Longest input, so that splicing does not make every round slower.
const LONGEST: usize = 16_384;

/// Most changes to one input.
const CHANGES: usize = 5;

/// Tokens that parsers trip over.
const TOKENS: &[&str] = &[
    "null",
    "true",
    "-0.0",
    "1e308",
    "1e309",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "\"\\ud800\"",
    "{",
    "[",
    "}",
    "]",
    "\"",
    "'",
    ":",
    ",",
    "\\u0000",
    "\0",
    "\n",
    "\r\n\r\n",
    "%",
    "%zz",
    "%2f..",
    "../",
    ";",
    "/",
    "=",
    "@",
    "#",
    "[[",
    "Content-Length: 9\r\n",
    "Transfer-Encoding: chunked\r\n",
    "AWS4-HMAC-SHA256 ",
    "255.255.255.255/33",
    "\u{feff}",
    "\u{202e}",
];

/// Xorshift: no more random than damage has to be, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence that the seed decides alone.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`, or zero.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % limit.max(1)
    }
}

/// Makes damaged inputs of right ones, for ever.
#[derive(Debug, Clone)]
pub struct Mutator {
    corpus: Vec<Vec<u8>>,
    random: Random,
}

impl Mutator {
    /// Starts from these inputs, of which there is at least one.
    pub fn new(corpus: Vec<Vec<u8>>, seed: u64) -> Self {
        assert!(!corpus.is_empty(), "there is something to begin with");
        Self { corpus, random: Random::new(seed) }
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let other = self.random.below(self.corpus.len());
        let (random, other) = (&mut self.random, &self.corpus[other]);
        let at = random.below(input.len() + 1);
        let end = (at + random.below(16)).min(input.len());
        match random.below(7) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 => drop(input.drain(at..end)),
            2 => drop(input.splice(at..end, TOKENS[random.below(TOKENS.len())].bytes())),
            3 => {
                let copy = input[at..end].to_vec();
                let times = 1 + random.below(64);
                input.splice(at..at, copy.repeat(times));
            }
            4 => {
                let from = random.below(other.len());
                let to = (from + random.below(64)).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
            5 if at < input.len() => input[at] = u8::try_from(random.below(256)).unwrap_or(0),
            _ => input.truncate(at),
        }
        input.truncate(LONGEST);
    }
}

impl Iterator for Mutator {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let chosen = self.random.below(self.corpus.len());
        let mut input = self.corpus[chosen].clone();
        for _ in 0..=self.random.below(CHANGES) {
            self.change(&mut input);
        }
        Some(input)
    }
}

/// Every file of a directory, in the order of their names.
pub fn corpus(directory: &std::path::Path) -> Vec<Vec<u8>> {
    let listed =
        std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> =
        listed.map(|entry| entry.expect("a directory that can be listed").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a file of the corpus")).collect()
}

/// Mutations per target; all targets of a crate together take a few seconds unoptimised.
const ROUNDS: usize = 4_000;

/// Runs a fuzz target over its committed corpus and over mutations of it. `home` is the directory of its crate.
pub fn smoke(home: &str, target: &str, run: fn(&[u8])) {
    let right = corpus(&std::path::Path::new(home).join("fuzz/corpus").join(target));
    assert!(!right.is_empty(), "{target} has a corpus");
    right.iter().for_each(|input| run(input));
    Mutator::new(right, 1).take(ROUNDS).for_each(|input| run(&input));
}
