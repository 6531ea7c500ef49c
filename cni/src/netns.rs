//! Network namespaces pinned as files: made, deleted, and entered on a thread of their own.
//!
//! Refused here: changing the namespace of a thread that anyone else uses. Entering happens on a thread made for it, which is joined.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::statfs::{NSFS_MAGIC, statfs};

use crate::failpoint::failpoint;
use wharf_wait::{Endless, Wait};

/// The calling thread's own namespace; `/proc/self` would name the main thread's.
const OWN_NAMESPACE: &str = "/proc/thread-self/ns/net";

/// Why a namespace could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The file, or a directory above it, could not be made.
    #[error("cannot make the file {path} to pin a network namespace")]
    File {
        /// The namespace's path.
        path: PathBuf,
        /// What the filesystem said.
        source: io::Error,
    },
    /// The kernel gave no new namespace.
    #[error("cannot make a network namespace for {path} (is CAP_SYS_ADMIN missing?)")]
    Unshare {
        /// The namespace's path.
        path: PathBuf,
        /// What the kernel said.
        source: Errno,
    },
    /// The namespace could not be bound to its file.
    #[error("cannot pin a network namespace at {path}")]
    Pin {
        /// The namespace's path.
        path: PathBuf,
        /// What the kernel said.
        source: Errno,
    },
}

/// Why a namespace could not be deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// The mount could not be taken off.
    #[error("cannot unpin the network namespace {path}")]
    Unpin {
        /// The namespace's path.
        path: PathBuf,
        /// What the kernel said.
        source: Errno,
    },
    /// The file could not be removed.
    #[error("cannot remove the file {path} of a network namespace")]
    File {
        /// The namespace's path.
        path: PathBuf,
        /// What the filesystem said.
        source: io::Error,
    },
}

/// Why work could not be run inside a namespace.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing is pinned at the path.
    #[error("there is no network namespace at {path}")]
    Missing {
        /// The namespace's path.
        path: PathBuf,
    },
    /// The file could not be opened.
    #[error("cannot open the network namespace {path}")]
    Open {
        /// The namespace's path.
        path: PathBuf,
        /// What the filesystem said.
        source: io::Error,
    },
    /// The kernel refused to enter.
    #[error("cannot enter the network namespace {path}")]
    Enter {
        /// The namespace's path.
        path: PathBuf,
        /// What the kernel said.
        source: Errno,
    },
    /// No thread could be made.
    #[error("cannot start a thread for the network namespace {path}")]
    Thread {
        /// The namespace's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes a network namespace pinned at `path`, with its directory; one that is there already is kept.
///
/// # Errors
/// [`CreateError`]; nothing is left at `path` then.
pub fn create(path: &Path) -> Result<(), CreateError> {
    if exists(path) {
        return Ok(());
    }
    let file_error = |source| CreateError::File { path: path.to_owned(), source };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(file_error)?;
    }
    // Opened without truncation: a plain file left by a crash between this line and the mount is used again.
    OpenOptions::new().create(true).append(true).mode(0o444).open(path).map_err(file_error)?;
    failpoint!("network.pin-file-made");
    let pinned = thread::scope(|scope| joining().join_scoped(scope.spawn(|| pin_new(path))));
    let pinned = pinned.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    if pinned.is_err() {
        // The error that matters is the first; a stray empty file is harmless and used by the next attempt.
        let _ = fs::remove_file(path);
    }
    pinned
}

/// Leaves the calling thread's namespace for a new one and binds that to `path`; the thread must end afterwards.
fn pin_new(path: &Path) -> Result<(), CreateError> {
    unshare(CloneFlags::CLONE_NEWNET)
        .map_err(|source| CreateError::Unshare { path: path.to_owned(), source })?;
    mount(Some(OWN_NAMESPACE), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(|source| CreateError::Pin { path: path.to_owned(), source })
}

/// The wait for a thread in another namespace.
fn joining() -> Endless {
    Wait::endless("a thread in a network namespace", "the kernel answers it at once; it cannot be left there")
}

/// Unpins the namespace at `path` and removes the file; what is missing counts as deleted.
///
/// The kernel ends the namespace, and the links in it, when its last process and socket are gone.
///
/// # Errors
/// [`DeleteError`].
pub fn delete(path: &Path) -> Result<(), DeleteError> {
    loop {
        match umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
            Ok(()) => {} // mounts can be stacked: take off the next
            Err(Errno::EINVAL | Errno::ENOENT) => break,
            Err(source) => return Err(DeleteError::Unpin { path: path.to_owned(), source }),
        }
    }
    failpoint!("release.unpinned");
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(DeleteError::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Says whether a namespace is pinned at `path`.
pub fn exists(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| found.filesystem_type() == NSFS_MAGIC)
}

/// Runs `work` inside the namespace at `path`, on a thread made for it and joined; a panic in `work` goes on in the caller.
///
/// # Errors
/// [`RunError`]; `work` was not run then.
pub fn run<T: Send>(path: &Path, work: impl FnOnce() -> T + Send) -> Result<T, RunError> {
    if !exists(path) {
        return Err(RunError::Missing { path: path.to_owned() });
    }
    let namespace = File::open(path).map_err(|source| RunError::Open { path: path.to_owned(), source })?;
    let inside = || {
        setns(&namespace, CloneFlags::CLONE_NEWNET)
            .map_err(|source| RunError::Enter { path: path.to_owned(), source })?;
        Ok(work())
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("netns".into())
            .spawn_scoped(scope, inside)
            .map_err(|source| RunError::Thread { path: path.to_owned(), source })?;
        joining().join_scoped(thread).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
