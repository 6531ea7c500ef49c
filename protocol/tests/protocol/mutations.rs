//! The fuzz targets over their committed corpus and over seeded mutations of it: a bounded stand-in for cargo-fuzz in every test run.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

/// Mutations per target; the six targets together stay well under ten seconds unoptimised.
const ROUNDS: usize = 4_000;

/// Longest input, so that splicing does not make every round slower.
const LONGEST: usize = 16_384;

/// Tokens that parsers trip over.
const TOKENS: &[&str] = &[
    "null",
    "true",
    "-0.0",
    "1e308",
    "1e309",
    "9223372036854775808",
    "18446744073709551616",
    "\"\\ud800\"",
    "{",
    "[",
    "}",
    "]",
    "\"",
    ":",
    ",",
    "\\u0000",
    "\r\n\r\n",
    "%",
    "%zz",
    ";",
    "/",
    "=",
    "AWS4-HMAC-SHA256 ",
    "\u{feff}",
];

/// Xorshift: the same mutations in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit.max(1)
    }
}

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(16)).min(input.len());
    match random.below(6) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 => drop(input.drain(at..end)),
        2 => drop(input.splice(at..end, TOKENS[random.below(TOKENS.len())].bytes())),
        3 => {
            let copy = input[at..end].to_vec();
            input.splice(at..at, copy);
        }
        4 => {
            let from = random.below(other.len());
            let to = (from + random.below(64)).min(other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
        _ => input.truncate(at),
    }
    input.truncate(LONGEST);
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn smoke(target: &str, run: fn(&[u8])) {
    let corpus = corpus(target);
    assert!(!corpus.is_empty(), "{target} has a corpus");
    corpus.iter().for_each(|input| run(input));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..ROUNDS {
        let mut input = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(4) {
            let other = &corpus[random.below(corpus.len())];
            mutate(&mut input, other, &mut random);
        }
        run(&input);
    }
}

macro_rules! smoke_tests {
    ($($test:ident: $target:ident;)*) => {
        $(#[test] fn $test() { smoke(stringify!($target), targets::$target); })*
    };
}

smoke_tests! {
    acs_frames_never_panic_and_what_is_read_survives: acs;
    tcs_frames_never_panic_and_what_is_read_survives: tcs;
    api_bodies_never_panic_and_what_is_read_survives: api;
    docker_strings_never_panic_and_what_is_read_survives: docker_config;
    arns_never_panic_and_what_is_read_survives: arn;
    no_made_up_authorization_panics_or_verifies: sigv4_header;
}
