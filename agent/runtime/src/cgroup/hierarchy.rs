//! Where the hierarchies are mounted, and which of them there are.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Which generation of control groups a host uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupVersion {
    /// One hierarchy per controller, maybe with an empty unified one beside them (hybrid).
    V1,
    /// The unified hierarchy alone.
    V2,
}

/// A path that is not one of a cgroup below the mount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not an absolute cgroup path without dots")]
pub struct InvalidPath {
    /// What was given.
    pub path: String,
}

/// The cgroup file system of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CgroupRoot {
    mount: PathBuf,
    proc: PathBuf,
}

impl CgroupRoot {
    /// The file system of this host.
    pub fn host() -> Self {
        Self::at("/sys/fs/cgroup", "/proc")
    }

    /// A file system elsewhere: where cgroups are mounted, and `/proc`.
    pub fn at(mount: impl Into<PathBuf>, proc: impl Into<PathBuf>) -> Self {
        Self { mount: mount.into(), proc: proc.into() }
    }

    /// Returns the generation in use.
    pub fn version(&self) -> CgroupVersion {
        if self.mount.join("cgroup.controllers").exists() { CgroupVersion::V2 } else { CgroupVersion::V1 }
    }

    pub(super) fn mount(&self) -> &Path {
        &self.mount
    }

    pub(super) fn proc(&self) -> &Path {
        &self.proc
    }

    /// Returns the mount points of all hierarchies, on v1 the unified one of a hybrid host included.
    pub(super) fn hierarchies(&self) -> io::Result<Vec<PathBuf>> {
        if self.version() == CgroupVersion::V2 {
            return Ok(vec![self.mount.clone()]);
        }
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.mount)? {
            let entry = entry?;
            // Symlinks name one controller of a hierarchy that has several.
            if entry.file_type()?.is_dir() && entry.path().join("cgroup.procs").exists() {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Returns where a v1 controller is mounted.
    pub(super) fn controller(&self, name: &str) -> Option<PathBuf> {
        let hierarchies = self.hierarchies().ok()?;
        hierarchies.into_iter().find(|path| {
            path.file_name()
                .and_then(|file| file.to_str())
                .is_some_and(|file| file.split(',').any(|one| one == name))
        })
    }
}

/// Checks a cgroup path and makes it relative, to be joined to a mount.
pub(super) fn relative(path: &str) -> Result<PathBuf, InvalidPath> {
    let invalid = || InvalidPath { path: path.to_owned() };
    let relative = Path::new(path.strip_prefix('/').ok_or_else(invalid)?);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && !relative.as_os_str().is_empty() { Ok(relative.to_owned()) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leads_to_the_root_or_out_of_the_mount() {
        assert_eq!(relative("/ecs/t1").unwrap(), Path::new("ecs/t1"));
        for bad in ["", "/", "ecs/t1", "/..", "/ecs/../..", "//"] {
            assert!(relative(bad).is_err(), "{bad}");
        }
    }
}
