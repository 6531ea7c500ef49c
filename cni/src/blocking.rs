//! Netlink is synchronous: the kernel has answered before `send` returns. So the work is plain blocking code, and this is the one door from async.
//!
//! Refused here: entering a namespace. Threads of the runtime's pool are reused, so [`crate::netns::run`] makes a thread of its own.

use wharf_wait::Wait;

/// Runs `work` on a thread where blocking is allowed; it runs to its end even when the caller goes away.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = Wait::endless(
        "the kernel to change a network",
        "it answers each call at once; broken off, half a network would stay",
    );
    done.of(wharf_wait::blocking(work)).await
}
