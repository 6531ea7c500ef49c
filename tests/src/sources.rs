//! The sources of the product, for tests that read them.

use std::io;
use std::path::{Path, PathBuf};

/// Every file below a directory of the repository, with its text.
pub fn below(room: &str) -> io::Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(room), &mut files)?;
    Ok(files)
}

fn collect(directory: &Path, files: &mut Vec<(PathBuf, String)>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            let text = std::fs::read_to_string(&path)?;
            files.push((path, text));
        }
    }
    Ok(())
}
