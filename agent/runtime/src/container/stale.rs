//! What containerd leaves when it dies in the middle of a create and cannot get out of by itself: neither listed nor creatable.
//!
//! Owns the recognition of these states and their removal. Each is told from a container that lives by looking at its process; nothing
//! that runs is touched.

use super::create::{CreateError, status};
use super::make::Made;
use crate::connect::Shared;
use crate::failpoint::failpoint;
use crate::process;
use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};
use wharf_wait::{Wait, blocking};

/// The directory in which containerd keeps a shim's bundle: `<state>/io.containerd.runtime.v2.task/<namespace>/<id>`.
const BUNDLES: &str = "io.containerd.runtime.v2.task";

/// Where containerd has runc keep its containers.
const RUNC: &str = "/run/containerd/runc";
/// How long a killed shim may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);
/// From the end of a shim to what containerd does about it; a connection's end is noticed at once, a loaded host is slow.
const NOTICED: Duration = Duration::from_millis(300);
/// How long cleaning up may take. containerd gives it five seconds.
const CLEAN_UP: Duration = Duration::from_secs(6);
/// From the end of the program that cleans up to the last of what containerd does for it.
const FORGOTTEN: Duration = Duration::from_millis(100);
/// What two clocks may differ in: the start of a process is known to a tick.
const SAME_MOMENT_MS: i64 = 20;

/// Removes what keeps a container from being created. Says whether there was such a thing: creating is then tried once more.
pub(super) async fn cleared(
    shared: &Shared,
    id: &str,
    created: &Result<Made, CreateError>,
) -> Result<bool, CreateError> {
    match created {
        // "Exists", and there is none: a shim that was never told what to create (containerd#6860).
        Ok(Made::Already) if status(shared, id).await?.is_none() => {
            remove(shared, id).await?;
            Ok(true)
        }
        Err(CreateError::Runtime { reason, .. }) => Ok(bundle_cleared(shared, id, reason).await),
        Ok(Made::ByUs | Made::Already) | Err(_) => Ok(false),
    }
}

/// Removes a bundle that containerd has forgotten and stumbles over, by its own words. Says whether there was one.
pub(super) async fn bundle_cleared(shared: &Shared, id: &str, words: &str) -> bool {
    let Some(bundle) = abandoned_bundle(words, &shared.config.namespace, id) else { return false };
    let (address, namespace, id) =
        (shared.config.address.clone(), shared.config.namespace.clone(), id.to_owned());
    let remove = move || {
        failpoint!("stale.found");
        let shims = process::shims_for(&address, &namespace, &[&id]);
        if !shims.into_iter().all(end_idle_shim) {
            return Ok(false);
        }
        failpoint!("stale.shims-ended");
        remove_bundle(&half_removed(&bundle))?;
        failpoint!("stale.hidden-removed");
        remove_bundle(&bundle)?;
        failpoint!("stale.bundle-removed");
        remove_runc_state(&namespace, &id)?;
        failpoint!("stale.cleared");
        Ok::<_, io::Error>(true)
    };
    let removing = Wait::endless(
        "a forgotten bundle to be removed",
        "broken off, it could remove what the next create makes",
    );
    let removed = removing.of(blocking(remove)).await;
    // What cannot be removed leaves the error as it is.
    removed.unwrap_or_else(|error| {
        tracing::warn!(%error, "a bundle that containerd has forgotten stays");
        false
    })
}

/// Removes a container that was never started, with its record.
pub(super) async fn remove(shared: &Shared, id: &str) -> Result<(), CreateError> {
    tracing::warn!(container = %id, "removing what a broken-off create left");
    let deleted = shared.delete(id).await;
    deleted.map_err(|source| CreateError::Rpc { id: id.to_owned(), source })?;
    cleaned_up(shared, id).await;
    Ok(())
}

/// Waits until containerd has done with a shim that ended.
///
/// It notices the end of a shim in its own time, and then cleans up by the container's id, whose ever that is by then: of one that
/// was created again meanwhile it kills the process, says that it exited, and forgets it.
pub(super) async fn cleaned_up(shared: &Shared, id: &str) {
    Wait::named("containerd notices that a shim has ended").owner(id.to_owned()).pause(NOTICED).await;
    let end = Instant::now() + CLEAN_UP;
    while is_cleaning(shared, id).await && Instant::now() < end {
        Wait::named("containerd cleans up after a shim").owner(id.to_owned()).pause(PAUSE).await;
    }
    Wait::named("containerd forgets a shim").owner(id.to_owned()).pause(FORGOTTEN).await;
}

/// True while a program that containerd began to clean up after a shim of this container runs.
async fn is_cleaning(shared: &Shared, id: &str) -> bool {
    let (address, namespace) = (shared.config.address.clone(), shared.config.namespace.clone());
    let (id, owner) = (id.to_owned(), id.to_owned());
    let look = move || {
        let shims = process::shims_for(&address, &namespace, &[&id]);
        shims.into_iter().any(|shim| process::asked_to(shim).as_deref() == Some("delete"))
    };
    let looking = Wait::named("a look through /proc for a clean-up").owner(owner).at_most(CLEAN_UP);
    // Whoever is not seen to have ended may not have.
    looking.of(blocking(look)).await.unwrap_or(true)
}

/// True for words about a bundle that was there before the containerd which says them, or that it cannot remove: what made it is not
/// being undone.
pub(super) async fn outlived(shared: &Shared, id: &str, words: &str) -> bool {
    let Some(bundle) = abandoned_bundle(words, &shared.config.namespace, id) else { return false };
    let Some(began) = shared.witness().await.ok().and_then(|witness| witness.began_ms()) else {
        return false;
    };
    let is_older = |path: &Path| touched_ms(path).is_some_and(|at| at + SAME_MOMENT_MS < began);
    // While the second is there, no containerd can remove the first, however young.
    is_older(&bundle) || is_older(&half_removed(&bundle))
}

/// When something in this directory last came or went, in milliseconds since 1970.
fn touched_ms(path: &Path) -> Option<i64> {
    let touched = std::fs::metadata(path).and_then(|found| found.modified()).ok()?;
    i64::try_from(touched.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// What containerd moves a bundle to before it removes it. One that dies meanwhile leaves it, and none can remove a bundle of this id
/// any more.
fn half_removed(bundle: &Path) -> PathBuf {
    let name = bundle.file_name().unwrap_or_default();
    bundle.with_file_name([OsStr::new("."), name].join(OsStr::new("")))
}

/// The bundle that containerd has forgotten and stumbles over, from its own words.
fn abandoned_bundle(reason: &str, namespace: &str, id: &str) -> Option<PathBuf> {
    let path = reason.split_once("mkdir ")?.1.strip_suffix(": file exists")?;
    let path = Path::new(path);
    let expected = Path::new(BUNDLES).join(namespace).join(id);
    (path.is_absolute() && path.ends_with(expected)).then(|| path.to_owned())
}

/// Ends a shim that containerd has forgotten, when nothing in it was ever started. Says whether it is gone.
fn end_idle_shim(shim: u32) -> bool {
    let children = process::children(shim);
    if !children.iter().all(|child| process::waits_for_start(*child)) {
        return false;
    }
    for pid in children.into_iter().chain([shim]) {
        let Ok(pid) = i32::try_from(pid) else { return false };
        // Gone already is what we want.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let end = Instant::now() + PATIENCE;
    while process::started(shim).is_some() && Instant::now() < end {
        Wait::named("the end of a killed shim").owner("removal of a bundle").pause_thread(PAUSE);
    }
    process::started(shim).is_none()
}

/// Removes what runc remembers of a container whose processes are gone. It would refuse to make it again.
fn remove_runc_state(namespace: &str, id: &str) -> io::Result<()> {
    match std::fs::remove_dir_all(Path::new(RUNC).join(namespace).join(id)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a bundle without following its mount: files of the container are never touched.
fn remove_bundle(bundle: &Path) -> io::Result<()> {
    let rootfs = bundle.join("rootfs");
    while umount2(&rootfs, MntFlags::MNT_DETACH).is_ok() {
        failpoint!("stale.unmounted");
    }
    match std::fs::remove_dir(&rootfs) {
        // One that is not empty is still a file system of somebody's.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
        Ok(()) => {
            failpoint!("stale.root-removed");
        }
    }
    match std::fs::remove_dir_all(bundle) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bundle_of_this_very_container_is_taken_for_abandoned() {
        let words = |path: &str| format!("failed to start shim: mkdir {path}: file exists");
        let bundle = "/run/containerd/io.containerd.runtime.v2.task/wharf/t-app";
        assert_eq!(abandoned_bundle(&words(bundle), "wharf", "t-app"), Some(PathBuf::from(bundle)));
        for other in [
            "/run/containerd/io.containerd.runtime.v2.task/wharf/other-app",
            "/run/containerd/io.containerd.runtime.v2.task/other/t-app",
            "io.containerd.runtime.v2.task/wharf/t-app",
            "/",
        ] {
            assert_eq!(abandoned_bundle(&words(other), "wharf", "t-app"), None, "{other}");
        }
        assert_eq!(abandoned_bundle("exec: \"mkdir\": not found", "wharf", "t-app"), None);
    }
}
