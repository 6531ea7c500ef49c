//! The last words of a container: the end of its log file, in few and short lines.
//!
//! Owns the bounds: at most [`LINES`] lines of at most [`LINE_MAX`] characters, out of at most [`TAIL`] bytes of the file and
//! of the one before it. Refuses to fail for a line that cannot be read: it is left out.

use serde::Deserialize;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Most lines.
pub const LINES: usize = 10;
/// Longest line in characters; a longer one ends in `…`.
pub const LINE_MAX: usize = 300;
/// Bytes that are looked at: ten lines of the logger's longest are more, and then fewer lines are shown.
const TAIL: u64 = 64 << 10;

#[derive(Deserialize)]
struct Entry {
    log: String,
}

/// The last lines of a log file in Docker's json-file form, oldest first; of the rotated one too, when the file is fresh.
///
/// # Errors
/// What the file system refused; a missing file is an error of the kind `NotFound`.
pub fn read(path: &Path) -> io::Result<Vec<String>> {
    let mut lines = tail(path)?;
    if lines.len() < LINES {
        let mut rotated = path.as_os_str().to_owned();
        rotated.push(".1");
        match tail(Path::new(&rotated)) {
            Ok(older) => lines = older.into_iter().chain(lines).collect(),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    lines.drain(..lines.len().saturating_sub(LINES));
    Ok(lines)
}

fn tail(path: &Path) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    // The first line is whole only where the file begins with it.
    Ok(lines_of(&bytes, usize::from(start > 0)))
}

fn lines_of(bytes: &[u8], skipped: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let entries = text.lines().skip(skipped).filter_map(|line| serde_json::from_str::<Entry>(line).ok());
    entries.map(|entry| cut(entry.log.trim_end_matches(['\n', '\r']))).collect()
}

/// Reads bytes as a log file. For tests that feed it what the logger should not write.
#[doc(hidden)]
pub fn try_lines(bytes: &[u8]) -> Vec<String> {
    lines_of(bytes, 0)
}

/// At most [`LINE_MAX`] characters, none of which moves the reader's terminal.
fn cut(line: &str) -> String {
    let mut cut: String = line
        .chars()
        .take(LINE_MAX)
        .map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c })
        .collect();
    if line.chars().nth(LINE_MAX).is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> String {
        lines
            .iter()
            .map(|line| format!("{}\n", serde_json::json!({"log": line, "stream": "stdout"})))
            .collect()
    }

    #[test]
    fn the_last_ten_lines_are_read_and_those_of_the_rotated_file_where_the_new_one_is_short() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        assert_eq!(read(&path).unwrap_err().kind(), ErrorKind::NotFound);
        std::fs::write(&path, log(&["one\n", "two\n"]) + "{half a line").unwrap();
        assert_eq!(read(&path).unwrap(), ["one", "two"]);
        let older: Vec<String> = (0..20).map(|n| format!("{n}\n")).collect();
        let older: Vec<&str> = older.iter().map(String::as_str).collect();
        std::fs::write(dir.path().join("app.log.1"), log(&older)).unwrap();
        assert_eq!(read(&path).unwrap(), ["12", "13", "14", "15", "16", "17", "18", "19", "one", "two"]);
    }

    #[test]
    fn lines_are_short_and_never_move_the_terminal_and_a_large_file_is_not_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        let long = "x".repeat(5000);
        let lines: Vec<&str> = std::iter::repeat_n(long.as_str(), 100).collect();
        std::fs::write(&path, log(&lines) + &log(&["\u{1b}[2Jred\n"])).unwrap();
        let read = read(&path).unwrap();
        assert_eq!(read.len(), LINES);
        assert!(read[..9].iter().all(|line| line.chars().count() == LINE_MAX + 1));
        assert_eq!(read[9], "\u{fffd}[2Jred");
    }
}
