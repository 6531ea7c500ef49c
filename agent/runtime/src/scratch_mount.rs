//! A file system looked into without mounting it for anyone else.
//!
//! The mount lives in a mount namespace of one throw-away thread and ends with it, so neither an error nor a kill can
//! leave it behind. Files are opened with the mount as root: a symlink of an image cannot lead out of it.

use containerd_client::types::Mount;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use wharf_wait::Wait;

/// Where the thread mounts: every Linux has it, and no one else sees the mount.
const TARGET: &str = "/tmp";
/// Longest file that is read.
const MAX_FILE: u64 = 4 << 20;

/// Reads regular files of a file system given as containerd mounts; absent ones are `None`. Blocks.
pub(crate) fn read_files<const N: usize>(
    mounts: Vec<Mount>,
    paths: [&'static str; N],
) -> io::Result<[Option<String>; N]> {
    let look = move || -> io::Result<[Option<String>; N]> {
        unshare(CloneFlags::CLONE_NEWNS)?;
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
        for one in &mounts {
            mount_one(one)?;
        }
        let root = File::open(TARGET)?;
        let mut files = [const { None }; N];
        for (file, path) in files.iter_mut().zip(paths) {
            *file = read_in(&root, path)?;
        }
        Ok(files)
    };
    let thread = std::thread::Builder::new().name("scratch-mount".to_owned()).spawn(look)?;
    let reading = Wait::endless(
        "the mounting thread",
        "it reads two small files; who asks for them waits with a deadline",
    );
    reading.join(thread).unwrap_or_else(|_| Err(io::Error::other("the mounting thread panicked")))
}

fn mount_one(one: &Mount) -> io::Result<()> {
    let mut flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let mut data = Vec::new();
    for option in &one.options {
        match option.as_str() {
            "bind" => flags |= MsFlags::MS_BIND,
            "rbind" => flags |= MsFlags::MS_BIND | MsFlags::MS_REC,
            "ro" | "rw" => {}
            other => match other.strip_prefix("lowerdir=") {
                Some(layers) => data.push(format!("lowerdir={}", shorten(layers)?)),
                None => data.push(other.to_owned()),
            },
        }
    }
    let target = Path::new(TARGET).join(one.target.trim_start_matches('/'));
    mount(
        Some(one.source.as_str()),
        &target,
        Some(one.r#type.as_str()),
        flags,
        Some(data.join(",").as_str()),
    )?;
    Ok(())
}

/// Makes the layers' paths relative, for the kernel takes one page of options: some fifty layers in full.
///
/// The working directory of this thread alone is changed; `unshare` has given it one of its own.
fn shorten(layers: &str) -> io::Result<String> {
    let (directory, relative) = below_common_directory(layers);
    std::env::set_current_dir(directory)?;
    Ok(relative)
}

fn below_common_directory(layers: &str) -> (&Path, String) {
    let paths: Vec<&Path> = layers.split(':').map(Path::new).collect();
    let ancestors = paths[0].ancestors().skip(1);
    let common = ancestors.into_iter().find(|directory| paths.iter().all(|path| path.starts_with(directory)));
    let common = common.unwrap_or(Path::new("/"));
    let relative = paths.iter().map(|path| path.strip_prefix(common).unwrap_or(path).to_string_lossy());
    (common, relative.collect::<Vec<_>>().join(":"))
}

fn read_in(root: &File, path: &str) -> io::Result<Option<String>> {
    // Non-blocking: an image could have put a FIFO there.
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = match openat2(root, path, how).map_err(io::Error::from) {
        Ok(file) => File::from(file),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_named_from_the_directory_they_share() {
        let (directory, layers) = below_common_directory("/c/snapshots/12/fs:/c/snapshots/3/fs");
        assert_eq!((directory, layers.as_str()), (Path::new("/c/snapshots"), "12/fs:3/fs"));
        let (directory, layers) = below_common_directory("/a/fs:/b/fs");
        assert_eq!((directory, layers.as_str()), (Path::new("/"), "a/fs:b/fs"));
    }
}
