//! The place of a container in containerd and runc, taken by what a containerd that died left there.

use nix::mount::{MsFlags, mount};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use wharf_tests::world::Host;

/// Where containerd keeps what its shims run, below its state.
const BUNDLES: &str = "state/io.containerd.runtime.v2.task";
/// Longer ago than any containerd of these tests began.
const AGE: Duration = Duration::from_secs(24 * 3600);

/// The directories that are in the way of one container.
pub struct Place {
    bundle: PathBuf,
    /// What containerd moves a bundle to before it removes it.
    hidden: PathBuf,
    runc: PathBuf,
}

impl Place {
    /// Leaves a bundle with a file system mounted, another that is half removed, and runc's notes.
    pub fn take(host: &Host, id: &str) -> Self {
        let bundles = host.containerd().dir().join(BUNDLES).join(host.namespace());
        let runc = Path::new("/run/containerd/runc").join(host.namespace()).join(id);
        let this = Self { bundle: bundles.join(id), hidden: bundles.join(format!(".{id}")), runc };
        let root = this.bundle.join("rootfs");
        for directory in [&root, &this.hidden.join("work"), &this.runc] {
            fs::create_dir_all(directory).expect("the place is free");
        }
        mount(Some("none"), &root, Some("tmpfs"), MsFlags::empty(), None::<&str>).expect("it can be mounted");
        for directory in [&this.bundle, &this.hidden] {
            let old = File::open(directory).and_then(|file| file.set_modified(SystemTime::now() - AGE));
            old.expect("its time can be set");
        }
        this
    }

    /// What is in the way still.
    pub fn taken(&self) -> impl Iterator<Item = &Path> {
        [&self.bundle, &self.hidden, &self.runc]
            .into_iter()
            .map(PathBuf::as_path)
            .filter(|path| path.exists())
    }
}
