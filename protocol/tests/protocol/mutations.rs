//! The fuzz targets over their committed corpus and over seeded mutations of it: a bounded stand-in for cargo-fuzz in every test run.

#[path = "../../fuzz/targets.rs"]
mod targets;

#[path = "../../fuzz/mutate.rs"]
mod mutate;

use mutate::{Mutator, corpus};
use std::path::Path;

/// Mutations per target; the six targets together stay well under ten seconds unoptimised.
const ROUNDS: usize = 4_000;

fn smoke(target: &str, run: fn(&[u8])) {
    let right = corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target));
    assert!(!right.is_empty(), "{target} has a corpus");
    right.iter().for_each(|input| run(input));
    Mutator::new(right, 1).take(ROUNDS).for_each(|input| run(&input));
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
