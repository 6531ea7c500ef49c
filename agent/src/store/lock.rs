//! One agent per data directory: a lock that ends with the process that holds it, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The held lock.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

/// Why the data directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another agent works here.
    #[error(
        "another agent (pid {holder}) holds {}: stop it, or give this agent another ECS_DATADIR",
        .path.display()
    )]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Process id as the holder wrote it.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl DirectoryLock {
    /// Takes the lock without waiting and writes this process's id into its file.
    pub(super) fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join("agent.lock");
        let io = |source| LockError::Io { path: path.clone(), source };
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(io)?;
                let known = !holder.trim().is_empty();
                let holder = if known { holder.trim().to_owned() } else { "unknown".to_owned() };
                return Err(LockError::Held { path, holder });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        match name_holder(&mut file) {
            // The name is a courtesy; the lock is what counts, and on a full disk an agent has to start all the same.
            Err(error) if error.kind() != ErrorKind::StorageFull => return Err(io(error)),
            Ok(()) | Err(_) => {}
        }
        Ok(Self { _file: file })
    }
}

/// Writes this process's id over what is there, which needs no room.
fn name_holder(file: &mut File) -> io::Result<()> {
    let text = format!("{}\n", std::process::id());
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.set_len(u64::try_from(text.len()).expect("a process id is short"))
}

/// The process that holds a data directory; `None` when none does. Only looks: taking the lock would turn an agent away that
/// starts at this moment.
pub fn holder(directory: &Path) -> Option<u32> {
    let path = directory.join("agent.lock");
    let inode = std::fs::metadata(&path).ok()?.ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let held = locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let file = words.get(5).and_then(|file| file.rsplit(':').next()?.parse::<u64>().ok());
        words.get(1) == Some(&"FLOCK") && file == Some(inode)
    });
    held.then(|| std::fs::read_to_string(&path).ok()?.trim().parse().ok()).flatten()
}
