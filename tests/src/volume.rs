//! A file system of a given size that a test can fill: memory with a bound, mounted in the test process's own mount namespace.

use anyhow::{Context, Result, bail};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// A mounted file system; unmounted when dropped.
#[derive(Debug)]
pub struct Volume {
    path: PathBuf,
}

impl Volume {
    /// Mounts one at `path`, which is made, with room for so many MiB and so many files.
    pub fn at(path: &Path, mebibytes: u32, files: u32) -> Result<Self> {
        fs::create_dir_all(path)?;
        let options = format!("size={mebibytes}m,nr_inodes={files},mode=0755");
        mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
            .with_context(|| format!("cannot mount {}", path.display()))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes until there is no room for another byte.
    pub fn fill(&self) -> Result<()> {
        let mut filler = fs::OpenOptions::new().create(true).append(true).open(self.path.join("filler"))?;
        for size in [1 << 20, 4096, 1] {
            let block = vec![1; size];
            let full = loop {
                if let Err(error) = filler.write_all(&block) {
                    break error;
                }
            };
            if full.kind() != ErrorKind::StorageFull {
                bail!("cannot fill {}: {full}", self.path.display());
            }
        }
        Ok(())
    }

    /// Makes files until there is no room for another one.
    pub fn fill_with_files(&self) -> Result<()> {
        let dir = self.path.join("fillers");
        fs::create_dir_all(&dir)?;
        for number in 0_u32.. {
            match fs::File::create(dir.join(number.to_string())) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => bail!("cannot fill {}: {error}", self.path.display()),
            }
        }
        Ok(())
    }

    /// Takes away what fills it.
    pub fn make_room(&self) -> Result<()> {
        for filler in ["filler", "fillers"] {
            let path = self.path.join(filler);
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else if path.exists() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Whoever still has a file open in it keeps it until then.
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}
