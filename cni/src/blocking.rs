//! Netlink is synchronous: the kernel has answered before `send` returns. So the work is plain blocking code, and this is the one door from async.
//!
//! Refused here: entering a namespace. Threads of the runtime's pool are reused, so [`crate::netns::run`] makes a thread of its own.

/// Runs `work` on a thread where blocking is allowed; it runs to its end even when the caller goes away.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
