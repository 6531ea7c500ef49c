//! The fuzz targets of this directory over their committed corpora and over seeded mutations of them: a bounded stand-in for
//! cargo-fuzz in every test run.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;
use wharf_tests::mutate::{Mutator, corpus};

/// Mutations per target; all targets together take a few seconds unoptimised.
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
    cni_configurations_never_panic: cni_config;
    env_files_never_panic: ecs_config;
    native_files_never_panic: agent_toml;
    image_names_never_panic_and_what_is_read_is_read_as_itself_again: image_reference;
    documents_of_images_never_panic: image_document;
    saved_records_never_panic: store_record;
    requests_to_the_endpoint_never_panic: metadata_request;
    events_of_containerd_never_panic: container_event;
    task_definitions_never_panic: task_definition;
    payloads_never_panic: payload;
}
