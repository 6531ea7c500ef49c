//! The file: appended to, begun anew when it is full, and never half-written.

use crate::pipe::entry;
use crate::queue::Batch;
use crate::settings::Settings;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Who may read logs: the owner, and the group that the operator gives the directory to.
const MODE: u32 = 0o640;

/// A log file, or nowhere.
#[derive(Debug)]
pub(crate) struct LogFile {
    settings: Settings,
    open: Option<Open>,
    /// Lines lost and not yet told of.
    dropped: u64,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
}

impl LogFile {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, open: None, dropped: 0 }
    }

    /// Writes lines. What cannot be written is counted and told of when writing works again.
    pub(crate) fn write(&mut self, batch: &Batch) {
        let Some(path) = self.settings.path.clone() else { return };
        self.dropped += batch.dropped;
        if self.reopen(&path).is_err() {
            return self.dropped += batch.lines.len() as u64;
        }
        if self.dropped > 0 {
            let notice =
                entry(format!("wharf-logger: {} lines were dropped\n", self.dropped).as_bytes(), "stderr");
            match self.append(&path, &notice) {
                Ok(()) => self.dropped = 0,
                Err(_) => return self.dropped += batch.lines.len() as u64,
            }
        }
        let mut pending: Vec<u8> = Vec::new();
        let mut count = 0;
        for line in &batch.lines {
            if self.is_full(pending.len(), line.len()) {
                self.append_or_count(&path, &std::mem::take(&mut pending), std::mem::take(&mut count));
                self.rotate(&path);
            }
            pending.extend_from_slice(line);
            count += 1;
        }
        self.append_or_count(&path, &pending, count);
    }

    fn append_or_count(&mut self, path: &Path, bytes: &[u8], lines: u64) {
        if !bytes.is_empty() && self.append(path, bytes).is_err() {
            self.dropped += lines;
        }
    }

    /// Appends all bytes or none.
    fn append(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.reopen(path)?;
        let Some(open) = &mut self.open else { return Ok(()) };
        let written = open.file.write_all(bytes);
        match written {
            Ok(()) => open.length += bytes.len() as u64,
            // Half a line would spoil the next one. Where it cannot be cut off again, the reader has to cope.
            Err(_) => drop(open.file.set_len(open.length)),
        }
        written
    }

    fn reopen(&mut self, path: &Path) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(Open::at(path)?);
        }
        Ok(())
    }

    fn is_full(&self, pending: usize, line: usize) -> bool {
        let length = self.open.as_ref().map_or(0, |open| open.length) + pending as u64;
        // A line that is longer than a whole file still gets one.
        self.settings.max_size.is_some_and(|max| length > 0 && length + line as u64 > max)
    }

    /// Renames `log.1` to `log.2` and so on, `log` to `log.1`; the last one falls off.
    fn rotate(&mut self, path: &Path) {
        let Some(open) = self.open.take() else { return };
        let rotated = if self.settings.max_files == 1 {
            open.file.set_len(0)
        } else {
            (1..self.settings.max_files - 1)
                .rev()
                .try_for_each(|number| shift(&numbered(path, number), &numbered(path, number + 1)))
                .and_then(|()| shift(path, &numbered(path, 1)))
        };
        if let Err(error) = rotated {
            eprintln!("wharf-logger: cannot rotate {}: {error}", path.display());
        }
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(MODE).open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn shift(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(directory: &Path, max_size: u64, max_files: u32) -> LogFile {
        LogFile::new(Settings { path: Some(directory.join("log")), max_size: Some(max_size), max_files })
    }

    fn batch(lines: &[&str]) -> Batch {
        Batch { lines: lines.iter().map(|line| format!("{line}\n").into_bytes()).collect(), dropped: 0 }
    }

    fn read(directory: &Path, name: &str) -> String {
        std::fs::read_to_string(directory.join(name)).unwrap_or_default()
    }

    #[test]
    fn files_are_shifted_and_the_oldest_falls_off() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = log(directory.path(), 10, 3);
        log.write(&batch(&["one", "two", "three", "four", "five", "six", "seven"]));
        assert_eq!(read(directory.path(), "log"), "six\nseven\n");
        assert_eq!(read(directory.path(), "log.1"), "four\nfive\n");
        assert_eq!(read(directory.path(), "log.2"), "three\n");
        assert!(!directory.path().join("log.3").exists());
    }

    #[test]
    fn a_lone_file_begins_anew_and_a_restart_goes_on_where_it_was() {
        let directory = tempfile::tempdir().unwrap();
        log(directory.path(), 10, 1).write(&batch(&["first"]));
        let mut again = log(directory.path(), 10, 1);
        again.write(&batch(&["abc"]));
        assert_eq!(read(directory.path(), "log"), "first\nabc\n");
        again.write(&batch(&["next", "a line longer than a file"]));
        assert_eq!(read(directory.path(), "log"), "a line longer than a file\n");
    }

    #[test]
    fn a_full_disk_costs_lines_that_are_counted_and_told_of() {
        let mut log = LogFile::new(Settings { path: Some("/dev/full".into()), max_size: None, max_files: 1 });
        log.write(&batch(&["one", "two"]));
        log.write(&Batch { dropped: 3, ..batch(&["three"]) });
        assert_eq!(log.dropped, 6);
        let directory = tempfile::tempdir().unwrap();
        log.settings.path = Some(directory.path().join("log"));
        log.open = None;
        log.write(&batch(&["four"]));
        let text = read(directory.path(), "log");
        assert!(text.contains("6 lines were dropped") && text.ends_with("four\n"), "{text}");
    }
}
