//! From bytes in a pipe to lines in Docker's json-file form.

use crate::queue::Queue;
use serde_json::json;
use std::io::{ErrorKind, Read};
use std::time::SystemTime;

/// Longest line kept whole; a longer one becomes several entries without line end, as Docker does it.
const MAX_LINE: usize = 16 << 10;

/// Reads to the end of a pipe and queues each line.
pub(crate) fn read_lines(mut pipe: impl Read, stream: &str, queue: &Queue) {
    let mut buffer = vec![0; MAX_LINE];
    let mut held = 0;
    while let Some(read) = read_some(&mut pipe, &mut buffer[held..]) {
        held += read;
        let mut start = 0;
        while let Some(length) = buffer[start..held].iter().position(|byte| *byte == b'\n') {
            queue.push(entry(&buffer[start..=start + length], stream));
            start += length + 1;
        }
        if start == 0 && held == buffer.len() {
            queue.push(entry(&buffer, stream));
            start = held;
        }
        buffer.copy_within(start..held, 0);
        held -= start;
    }
    if held > 0 {
        queue.push(entry(&buffer[..held], stream));
    }
    queue.finish();
}

/// Reads at least a byte; an error of the pipe ends it as its end does, for nothing more can be had from it.
fn read_some(pipe: &mut impl Read, buffer: &mut [u8]) -> Option<usize> {
    loop {
        match pipe.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other.ok().filter(|read| *read > 0),
        }
    }
}

/// One line of a json-file.
pub(crate) fn entry(text: &[u8], stream: &str) -> Vec<u8> {
    let time = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let entry = json!({ "log": String::from_utf8_lossy(text), "stream": stream, "time": time.to_string() });
    let mut line = entry.to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(input: &[u8]) -> Vec<String> {
        let queue = Queue::new(1);
        read_lines(input, "stdout", &queue);
        let lines = queue.take().map(|batch| batch.lines).unwrap_or_default();
        lines
            .iter()
            .map(|line| {
                let entry: serde_json::Value = serde_json::from_slice(line).unwrap();
                assert_eq!(entry["stream"], "stdout");
                assert!(entry["time"].as_str().unwrap().ends_with('Z'));
                entry["log"].as_str().unwrap().to_owned()
            })
            .collect()
    }

    #[test]
    fn each_line_is_an_entry_and_the_last_needs_no_end() {
        assert_eq!(logs(b"a\n\nb\"\n\xff end"), ["a\n", "\n", "b\"\n", "\u{fffd} end"]);
        assert!(logs(b"").is_empty());
    }

    #[test]
    fn a_very_long_line_is_split_and_nothing_of_it_is_lost() {
        let mut input = vec![b'x'; MAX_LINE * 2 + 5];
        input.extend_from_slice(b"\nnext\n");
        let logs = logs(&input);
        assert_eq!(logs.iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE, MAX_LINE, 6, 5]);
        assert_eq!(logs.concat().as_bytes(), input);
    }
}
