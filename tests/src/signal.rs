//! Asking a process of a container to end, once it can heed that.

use crate::wait;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;

/// How long a shell that was started may take to set its trap.
const TRAP: Duration = Duration::from_secs(20);

/// Sends SIGTERM to a process that has a trap for it.
pub async fn terminate(pid: u32) {
    heeds(pid).await;
    kill(Pid::from_raw(i32::try_from(pid).expect("a process id")), Signal::SIGTERM).expect("it lives");
}

/// Waits until a process has its trap for SIGTERM. A container is told RUNNING before its shell has got so far, and the first process of a
/// namespace is deaf to what it has no trap for.
pub async fn heeds(pid: u32) {
    // Of 0 the kernel would take the tests themselves.
    assert!(pid > 1, "{pid} is no process of a container");
    wait::until(&format!("the trap of process {pid}"), TRAP, async || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
        let has_trap = caught & (1 << (Signal::SIGTERM as u32 - 1)) != 0;
        if has_trap { Ok(()) } else { Err(format!("it catches {caught:x}")) }
    })
    .await;
}
