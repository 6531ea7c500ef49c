//! What an agent that was killed had under way in containerd, and nobody will end.
//!
//! Owns what is not named after a container, so that no repeated effect finds it again: pipes of probes, leases of pulls, shims that
//! never served.

use crate::connect::{Containerd, Shared};
use crate::rpc::{self, RpcError, SLOW};
use containerd_client::services::v1::{DeleteRequest, ListRequest};
use nix::libc::O_NONBLOCK;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wharf_wait::{Wait, begin};

/// Leases of an agent's pulls, and of its looks into images. Those that the operator's commands take have other names, and may be in use.
const LEASES: [&str; 3] = ["wharf-pull-", "wharf-unpack-", "wharf-users-"];

/// The first look after the one at the start; 63 s later is the last.
const FIRST_LOOK: Duration = Duration::from_secs(1);

impl Containerd {
    /// Ends what an agent before this one began: to be called once, before anything is asked or done.
    ///
    /// What cannot be ended is logged; containerd collects leases in their own time.
    pub async fn end_abandoned(&self) {
        let readers = self.free_shims();
        self.shared.end_forsaken("recovery").await;
        if let Err(error) = self.give_back_leases().await {
            tracing::warn!(%error, "leases of broken-off pulls are not given back, they will expire");
        }
        let (shared, closing) = (Arc::downgrade(&self.shared), self.shared.closing.clone());
        begin(&self.shared.tasks, async move {
            closing.run_until_cancelled(look_again(shared)).await;
            drop(readers);
        });
    }

    /// Opens the pipe of every probe that was begun, and removes it.
    ///
    /// A shim that was about to write to one waits for a reader, and says nothing of its containers meanwhile: they would be taken
    /// for vanished.
    fn free_shims(&self) -> Vec<File> {
        let directory = self.shared.config.run_dir.join("exec");
        let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        let readers: Vec<File> = entries.filter_map(|entry| take_pipe(&entry.path())).collect();
        if !readers.is_empty() {
            tracing::warn!(count = readers.len(), "probes were broken off");
        }
        readers
    }

    /// Gives back the leases, and has what only they held collected.
    async fn give_back_leases(&self) -> Result<(), RpcError> {
        let mut leases = self.shared.leases();
        let list = ListRequest::default();
        let listed = rpc::call("Leases.List", SLOW, leases.list(list)).await?.leases;
        for lease in listed.into_iter().filter(|one| LEASES.iter().any(|prefix| one.id.starts_with(prefix))) {
            tracing::warn!(lease = lease.id, "a pull was broken off");
            let delete = DeleteRequest { id: lease.id, sync: true };
            rpc::found(rpc::call("Leases.Delete", SLOW, leases.delete(delete)).await)?;
        }
        Ok(())
    }
}

/// Looks for forsaken shims ever more rarely, until a request that was sent before must have got where it goes: until then one may be
/// broken off.
async fn look_again(shared: Weak<Shared>) {
    let mut pause = FIRST_LOOK;
    while pause <= SLOW {
        Wait::named("requests that were broken off").owner("containerd client").pause(pause).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.end_forsaken("recovery").await;
        pause *= 2;
    }
}

/// Opens and removes a pipe; `None` for anything else, and for one that cannot be opened.
fn take_pipe(path: &Path) -> Option<File> {
    let is_pipe = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_fifo());
    let reader = is_pipe.then(|| OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path))?;
    let removed = std::fs::remove_file(path);
    if let Err(error) = reader.as_ref().map(drop).and(removed.as_ref().map(drop)) {
        tracing::warn!(%error, path = %path.display(), "the pipe of a broken-off probe stays");
    }
    reader.ok()
}
