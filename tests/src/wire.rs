//! A wire between an agent and its containerd: answers arrive late, and a cut loses those that are on their way.
//!
//! What was asked before the cut is done all the same, and whoever asked never hears of it. Every task it starts ends with it, and is
//! joined by [`Wire::stop`].

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// How long joining the wire's tasks may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// The wire; made with [`Wire::start`].
#[derive(Debug)]
pub struct Wire {
    socket: PathBuf,
    cuts: watch::Sender<u64>,
    /// Ends the tasks also where a panic keeps the wire from being stopped.
    stop: DropGuard,
    running: TaskTracker,
}

impl Wire {
    /// Listens at `socket` and passes on to `containerd`; every piece of an answer is held this long,
    /// with all that comes meanwhile behind it.
    pub fn start(socket: &Path, containerd: &Path, late: Duration) -> Result<Self> {
        let listener = UnixListener::bind(socket).with_context(|| format!("cannot listen at {socket:?}"))?;
        let (cuts, cut) = watch::channel(0);
        let (stop, running) = (CancellationToken::new(), TaskTracker::new());
        let (end, tracker, far) = (stop.clone(), running.clone(), containerd.to_owned());
        running.spawn(async move {
            // Cancel-safe: an accept takes nothing until it yields.
            while let Some(accepted) = end.run_until_cancelled(listener.accept()).await {
                let (near, _) = accepted.expect("the socket is ours");
                let (end, far, cut) = (end.clone(), far.clone(), cut.clone());
                tracker.spawn(async move { end.run_until_cancelled(connection(near, far, late, cut)).await });
            }
        });
        Ok(Self { socket: socket.to_owned(), cuts, stop: stop.drop_guard(), running })
    }

    /// Ends every connection that stands, with all that is on its way.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Ends every connection, joins every task and removes the socket.
    pub async fn stop(self) {
        drop(self.stop);
        self.running.close();
        tokio::time::timeout(GOODBYE, self.running.wait()).await.expect("the wire's tasks end when told");
        std::fs::remove_file(&self.socket).expect("the socket is ours");
    }
}

async fn connection(mut near: UnixStream, far: PathBuf, late: Duration, mut cut: watch::Receiver<u64>) {
    cut.mark_unchanged();
    let Ok(mut far) = UnixStream::connect(far).await else { return };
    let ((mut from_near, to_near), (from_far, mut to_far)) = (near.split(), far.split());
    // Whichever arm ends, the connection is over; nothing that the others hold is of use any more.
    tokio::select! {
        _ = copy(&mut from_near, &mut to_far) => {}
        _ = answers(from_far, to_near, late) => {}
        _ = cut.changed() => {}
    }
}

async fn answers(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    late: Duration,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        tokio::time::sleep(late).await;
        to.write_all(&buffer[..read]).await?;
    }
}
