//! Whether containerd is there: who listens on its socket, and whether that is still the process it was.
//!
//! Owns the verdict on an act that failed: was it the thing that was asked for, or was it containerd? The second is no reason to give
//! up a task. Refuses to wait for containerd: whoever asked decides when to try again.

use crate::connect::Shared;
use crate::process;
use crate::rpc::RpcError;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use wharf_wait::Wait;

/// How long a connection to the socket may take. A hung containerd accepts none once its backlog is full.
const CONNECT: Duration = Duration::from_secs(2);

/// containerd was not there for an act. Whether the act was done is not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Absence {
    /// Nobody takes a connection.
    #[error("containerd does not listen on {}", address.display())]
    NobodyListens {
        /// Path of the socket.
        address: PathBuf,
        /// The system's words.
        #[source]
        source: Arc<io::Error>,
    },
    /// It was there when the act began, and nobody listens any more.
    #[error("containerd ended meanwhile")]
    Ended,
    /// Another process listens now.
    #[error("containerd was started again meanwhile")]
    Restarted,
    /// It took the connection and says nothing.
    #[error("containerd does not answer")]
    Silent(#[source] RpcError),
    /// It stumbles over files that it left when it died.
    #[error("containerd stumbles over what it left when it died: {words}")]
    Stumbles {
        /// Its own words.
        words: String,
    },
    /// The connection ended before the answer.
    #[error("containerd broke off")]
    BrokeOff(#[source] RpcError),
}

impl Absence {
    /// Whether containerd ended under the act: another listens since, or nobody. One that is slow, hangs or refuses has not.
    pub fn has_ended(&self) -> bool {
        match self {
            Self::Ended | Self::Restarted => true,
            Self::NobodyListens { .. } | Self::Silent(_) | Self::Stumbles { .. } | Self::BrokeOff(_) => false,
        }
    }
}

/// Who listened when an act began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Witness {
    /// Process id and start time; `None` where the process cannot be seen from here.
    listener: Option<(i32, u64)>,
    /// Inode and birth of the socket, which containerd makes anew each time it starts: it tells two processes apart where the
    /// listener cannot be seen, or is something in front of containerd. containerd itself names neither in a way that changes:
    /// its uuid is kept on disk, and its pid is only told from version 1.7 on.
    socket: Option<(u64, i64, i64)>,
}

impl Witness {
    /// Whether the other witness surely saw another containerd.
    fn differs(self, later: Self) -> bool {
        fn changed<T: PartialEq>(before: Option<T>, after: Option<T>) -> bool {
            before.zip(after).is_some_and(|(before, after)| before != after)
        }
        changed(self.listener, later.listener) || changed(self.socket, later.socket)
    }

    /// When the process that listens began, in milliseconds since 1970; `None` where it cannot be seen or has ended.
    pub(crate) fn began_ms(self) -> Option<i64> {
        process::started_at_ms(u32::try_from(self.listener?.0).ok()?)
    }
}

impl Shared {
    /// Looks who listens. To be called before an act whose failure is to be judged.
    pub(crate) async fn witness(&self) -> Result<Witness, Absence> {
        let address = &self.config.address;
        let wait = Wait::named("a connection to containerd").owner("containerd").at_most(CONNECT);
        let connecting = wait.on(UnixStream::connect(address)).await;
        let stream = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|source| Absence::NobodyListens {
            address: address.clone(),
            source: Arc::new(source),
        })?;
        let pid = stream.peer_cred().ok().and_then(|peer| peer.pid()).filter(|pid| *pid > 0);
        let started = |pid: i32| process::started(u32::try_from(pid).ok()?);
        let socket = tokio::fs::metadata(address).await.ok();
        Ok(Witness {
            listener: pid.and_then(|pid| Some((pid, started(pid)?))),
            socket: socket.map(|socket| (socket.ino(), socket.mtime(), socket.mtime_nsec())),
        })
    }

    /// Judges an act that failed; `None` when containerd was there all the time and means what it says.
    pub(crate) async fn absence(&self, before: Witness, error: Option<&RpcError>) -> Option<Absence> {
        let after = match self.witness().await {
            Ok(after) => after,
            Err(Absence::NobodyListens { source, .. }) if is_empty(&source) => return Some(Absence::Ended),
            Err(absence) => return Some(absence),
        };
        if before.differs(after) {
            return Some(Absence::Restarted);
        }
        if let Err(silence) = self.pinged().await {
            return Some(Absence::Silent(silence));
        }
        match error {
            Some(error) if error.is_broken() => Some(Absence::BrokeOff(error.clone())),
            Some(error) => stumbles(error.message()),
            None => None,
        }
    }
}

/// Whether there is no process behind the socket, or no socket. One that takes no connection in time may only hang.
fn is_empty(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
}

/// A directory that containerd made and did not live to note down: it gives the same number or name again and is refused, until its
/// own collection removes the directory.
pub(crate) fn stumbles(words: &str) -> Option<Absence> {
    let left =
        words.contains("file exists") && (words.contains("failed to rename") || words.contains("mkdir "));
    // The other way round: the snapshot is noted down, and its directory went with what containerd was undoing.
    let gone = words.contains("failed to mount rootfs") && words.contains("no such file or directory");
    (left || gone).then(|| Absence::Stumbles { words: words.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_containerd_left_half_noted_is_told_from_what_is_wrong_with_the_container() {
        let mounting = "failed to create shim task: failed to mount rootfs component &{overlay overlay [upperdir=/r/snapshots/9/fs]}";
        assert!(stumbles(&format!("{mounting}: no such file or directory")).is_some());
        assert!(stumbles(&format!("{mounting}: permission denied")).is_none());
        assert!(
            stumbles("failed to start shim: mkdir /s/io.containerd.runtime.v2.task/w/c: file exists")
                .is_some()
        );
        assert!(
            stumbles("exec: \"/no-such-program\": stat /no-such-program: no such file or directory")
                .is_none()
        );
    }
}
