//! Ten thousand damaged inputs on every interface: no crash, no hang over a second, no memory that is not given back.
//!
//! One test, because memory is counted by the process: the interfaces take turns. Every input follows from `WHARF_SEED`; a failure
//! prints the seed and the input. Everything on the wire goes over real sockets of loopback and through the product's own code.
#![expect(
    clippy::unwrap_used,
    reason = "in a test an unexpected error is a failure to be shown where it happens"
)]

#[path = "malformed/acs.rs"]
mod acs;
#[path = "malformed/api.rs"]
mod api;
#[path = "malformed/cni.rs"]
mod cni;
#[path = "malformed/config.rs"]
mod config;
#[path = "../fuzz/host.rs"]
mod host;
#[path = "malformed/lab.rs"]
mod lab;
#[path = "malformed/metadata.rs"]
mod metadata;
#[path = "malformed/peer.rs"]
mod peer;
#[path = "malformed/store.rs"]
mod store;
#[path = "malformed/tally.rs"]
mod tally;
#[path = "malformed/tcs.rs"]
mod tcs;

use std::io::Write;
use tally::Tally;

#[test]
fn ten_thousand_damaged_inputs_on_every_interface_crash_nothing_hang_nothing_and_keep_no_memory() {
    let interfaces = [
        tally::on_a_runtime(api::answers),
        tally::on_a_runtime(acs::frames),
        tally::on_a_runtime(tcs::frames),
        tally::on_a_runtime(metadata::requests),
        cni::configurations(),
        cni::calls(),
        cni::processes(),
        config::files_and_variables(),
        store::files(),
    ];
    // Past the capture of the test harness: the table is a result, not a trace of a failure.
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{}", Tally::HEAD).unwrap();
    interfaces.iter().for_each(|tally| writeln!(out, "{tally}").unwrap());
    drop(out);
    interfaces.iter().for_each(Tally::assert_bounded);
}
