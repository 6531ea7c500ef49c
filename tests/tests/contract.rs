//! containerd and the kernel keep the promises that the simulated ones are held to in `tests/sim/tests/contract.rs`: the very same
//! rules.
#![expect(
    clippy::unwrap_used,
    reason = "in a test an unexpected error is a failure to be shown where it happens"
)]

#[path = "contract/ground.rs"]
mod ground;
#[path = "contract/yard.rs"]
mod yard;

use tokio::sync::Mutex;
use wharf_sim::contract::{network, runtime};

/// A program that is just being started holds a copy of every socket for a moment: what one suite closes, the programs that the other
/// starts would keep open.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn containerd_keeps_the_contract_of_a_runtime() {
    let _turn = ONE_AT_A_TIME.lock().await;
    runtime::all(yard::Containerd::new).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kernel_keeps_the_contract_of_a_network() {
    let _turn = ONE_AT_A_TIME.lock().await;
    network::all(|| async { ground::Kernel::new() }).await;
}
