//! A socket in front of containerd that knows a word on which containerd dies: no image crashes a real one on demand.
//!
//! Owns the socket and every connection through it. The connection that says the word goes no further, the socket is gone as that of a
//! dead containerd's next start would find it, and the test is told: it kills containerd, starts it again and has the socket made anew.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long joining the tasks may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// The socket; made with [`Trapdoor::open`].
#[derive(Debug)]
pub struct Trapdoor {
    shared: Arc<Shared>,
    stop: CancellationToken,
    running: TaskTracker,
    falls: usize,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    target: PathBuf,
    /// What kills containerd; empty for nothing.
    word: watch::Sender<String>,
    /// Told once for each fall.
    fallen: Notify,
}

impl Trapdoor {
    /// Listens at `path` for the containerd that listens at `target`.
    pub fn open(path: &Path, target: &Path) -> Result<Self> {
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            target: target.to_owned(),
            word: watch::channel(String::new()).0,
            fallen: Notify::new(),
        });
        let this = Self { shared, stop: CancellationToken::new(), running: TaskTracker::new(), falls: 0 };
        this.listen()?;
        Ok(this)
    }

    /// Where agents connect.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Sets the word; an empty one is harmless.
    pub fn arm(&self, word: &str) {
        self.shared.word.send_replace(word.to_owned());
    }

    /// How often the word was said.
    pub fn falls(&self) -> usize {
        self.falls
    }

    /// Waits until the word is said. From then on nobody listens. Cancel-safe: a fall that nobody waited for is kept.
    pub async fn fall(&mut self) {
        self.shared.fallen.notified().await;
        self.falls += 1;
    }

    /// Makes the socket anew.
    pub fn listen(&self) -> Result<()> {
        let listener = UnixListener::bind(&self.shared.path).context("cannot listen before containerd")?;
        let (shared, stop, running) = (Arc::clone(&self.shared), self.stop.clone(), self.running.clone());
        self.running.spawn(async move { keep(listener, shared, stop, running).await });
        Ok(())
    }

    /// Ends every connection and joins every task.
    pub async fn close(self) {
        self.stop.cancel();
        self.running.close();
        tokio::time::timeout(GOODBYE, self.running.wait()).await.expect("the trapdoor's tasks end when told");
    }
}

/// Accepts until told to stop, or until the word is said.
async fn keep(listener: UnixListener, shared: Arc<Shared>, stop: CancellationToken, running: TaskTracker) {
    let fall = CancellationToken::new();
    loop {
        // Cancel-safe: two tokens, and an accept that takes nothing until it yields.
        let near = tokio::select! {
            () = stop.cancelled() => break,
            () = fall.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((near, _)) => near,
                Err(_) => break,
            },
        };
        let (shared, stop, fall) = (Arc::clone(&shared), stop.clone(), fall.clone());
        running.spawn(async move {
            // Whatever the connection waits for, it holds nothing but its two sockets.
            stop.run_until_cancelled(connection(near, shared, fall)).await;
        });
    }
}

/// One connection, until either side ends it.
async fn connection(near: UnixStream, shared: Arc<Shared>, fall: CancellationToken) {
    let Ok(far) = UnixStream::connect(&shared.target).await else { return };
    let ((near_read, mut near_write), (mut far_read, far_write)) = (near.into_split(), far.into_split());
    let up = async {
        if listen_for_the_word(near_read, far_write, &shared).await {
            // The first of several that say it at once.
            if !fall.is_cancelled() {
                fall.cancel();
                drop(std::fs::remove_file(&shared.path));
                shared.fallen.notify_one();
            }
            // containerd's death ends the connection by the other way.
            std::future::pending().await
        }
    };
    // Whichever ends, the connection is over.
    tokio::select! {
        () = up => {}
        _ = copy(&mut far_read, &mut near_write) => {}
    }
}

/// Carries what is said to containerd; true once it is the word, which is kept back.
async fn listen_for_the_word(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) -> bool {
    let (mut heard, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => read,
        };
        let word = shared.word.borrow().clone();
        heard.extend_from_slice(&buffer[..read]);
        if !word.is_empty() && heard.windows(word.len()).any(|part| part == word.as_bytes()) {
            return true;
        }
        // The word may come in two pieces.
        heard.drain(..heard.len().saturating_sub(word.len()));
        if to.write_all(&buffer[..read]).await.is_err() {
            return false;
        }
    }
}
