//! A file system of a given size that a test can fill: ext4 in a file, mounted in the test process's own mount namespace.

use anyhow::{Context, Result, bail, ensure};
use nix::mount::{MntFlags, umount2};
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system; unmounted when dropped, and its loop device goes with the mount.
#[derive(Debug)]
pub struct Volume {
    path: PathBuf,
    image: PathBuf,
}

impl Volume {
    /// Makes one at `path`, with room for so many MiB and so many files.
    pub fn at(path: &Path, mebibytes: u64, files: u32) -> Result<Self> {
        fs::create_dir_all(path)?;
        let image = path.with_extension("img");
        fs::File::create(&image)?.set_len(mebibytes << 20)?;
        run(Command::new("mkfs.ext4").args(["-q", "-m", "0", "-N", &files.to_string()]).arg(&image))?;
        run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(path))?;
        Ok(Self { path: path.to_owned(), image })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether one more file with one byte in it would find room.
    pub fn has_room(&self) -> Result<bool> {
        let probe = self.path.join("probe");
        let written = fs::File::create(&probe).and_then(|mut file| {
            file.write_all(b"x")?;
            file.sync_all()
        });
        match fs::remove_file(&probe) {
            Err(error) if error.kind() != ErrorKind::NotFound => bail!("cannot remove the probe: {error}"),
            _ => {}
        }
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::StorageFull => Ok(false),
            Err(error) => bail!("cannot write to {}: {error}", self.path.display()),
        }
    }

    /// Writes until there is no room for another byte.
    pub fn fill(&self) -> Result<()> {
        let mut filler = fs::OpenOptions::new().create(true).append(true).open(self.path.join("filler"))?;
        for size in [1 << 20, 4096, 1] {
            let block = vec![1; size];
            let full = loop {
                if let Err(error) = filler.write_all(&block).and_then(|()| filler.sync_data()) {
                    break error;
                }
            };
            ensure!(full.kind() == ErrorKind::StorageFull, "cannot fill {}: {full}", self.path.display());
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
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => bail!("cannot fill {}: {error}", self.path.display()),
            }
        }
        bail!("{} takes any number of files", self.path.display())
    }

    /// Takes away what fills it.
    pub fn make_room(&self) -> Result<()> {
        for filler in ["filler", "fillers"].map(|name| self.path.join(name)) {
            if filler.is_dir() {
                fs::remove_dir_all(filler)?;
            } else if filler.exists() {
                fs::remove_file(filler)?;
            }
        }
        Ok(())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Whoever still has a file open in it keeps it until then.
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
        let _ = fs::remove_file(&self.image);
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
