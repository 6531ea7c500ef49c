//! From bytes in a pipe to lines in Docker's json-file form.

use crate::lines;
use crate::queue::Queue;
use serde_json::json;
use std::io::Read;
use std::time::SystemTime;

/// Longest line kept whole; a longer one becomes several entries without line end, as Docker does it.
const MAX_LINE: usize = 16 << 10;

/// Reads to the end of a pipe and queues each line.
pub(crate) fn read_lines(pipe: impl Read, stream: &str, queue: &Queue) {
    let mut buffer = vec![0; MAX_LINE];
    lines::each(pipe, &mut buffer, |line| queue.push(entry(line, stream)));
    queue.finish();
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
