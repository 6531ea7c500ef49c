//! The fuzz targets over their committed corpus and over seeded mutations of it: a bounded stand-in for cargo-fuzz in every test run.

#[path = "../../fuzz/targets.rs"]
mod targets;

#[path = "../../fuzz/mutate.rs"]
mod mutate;

use mutate::smoke;

macro_rules! smoke_tests {
    ($($test:ident: $target:ident;)*) => {
        $(#[test] fn $test() { smoke(env!("CARGO_MANIFEST_DIR"), stringify!($target), targets::$target); })*
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
