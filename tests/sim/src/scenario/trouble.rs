//! What goes wrong in a story.

use super::Millis;
use serde::{Deserialize, Serialize};

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// When it begins.
    pub at: Millis,
    /// How long it lasts, or what is down after it.
    pub lasts: Millis,
    /// What it is.
    pub what: Trouble,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Trouble {
    /// The agent is killed at the given step from then on: before or after a call, before or after a write; at once when that is 0.
    Kill(u64),
    /// The same, and the data directory is lost before it starts again.
    DataLost(u64),
    /// The agent is killed in the middle of a write, after so many others.
    TornWrite(u8),
    /// The host loses power.
    Reboot,
    /// Somebody else makes a container in our namespace: one without labels, one that bears those of a task of ours under another
    /// name, or one of a task that nobody knows.
    Stranger(u8),
    /// containerd is down.
    ContainerdDown,
    /// containerd answers nobody.
    ContainerdHangs,
    /// Every call to containerd takes seconds.
    ContainerdSlow,
    /// Events are lost, and nobody says so.
    EventsLost,
    /// The next call to containerd fails; true: after it has done its work.
    CallFails(bool),
    /// A process and its shim are gone without a word.
    Vanish(u8),
    /// containerd is started again, and has forgotten a container whose process lives on.
    Forgets(u8),
    /// containerd says of a process that lives that it has ended, with a code that it made up.
    SaysStopped(u8),
    /// A shim answers nobody for a while; in every second case its process ends meanwhile, and containerd goes on saying that it runs.
    ShimHangs(u8),
    /// A shim is killed: mostly containerd then has the process killed, now and then that lives on.
    ShimKilled(u8),
    /// Exits are told once more, late and with a code that is made up, under the id of what was started since.
    ExitsAgain(u8),
    /// The kernel kills a process for memory.
    OutOfMemory(u8),
    /// Connections to the control plane are refused.
    Refused,
    /// Nothing comes back from the control plane.
    BlackHole,
    /// The connection is reset.
    Reset,
    /// The control plane takes calls, and its answers are lost.
    AnswersLost,
    /// Messages come late, twice, and in another order.
    Muddle,
    /// The disk is full.
    DiskFull,
    /// Writes take seconds.
    DiskSlow,
    /// The wall clock jumps by so many seconds.
    ClockJump(i32),
    /// Networks cannot be made or removed.
    NetworkFails,
}
