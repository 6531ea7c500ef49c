//! What a container prints, on its way through the logger.

#[path = "../../agent/runtime/src/bin/wharf-logger/lines.rs"]
mod lines;

use std::io::{self, Read};

/// Longest line that is kept whole here: short, so that inputs have longer ones.
const LONGEST: usize = 64;

/// Lines in pieces of up to 256 bytes, which the first byte of the input says: each comes once and whole, and nothing is lost.
pub fn container_output(data: &[u8]) {
    let Some((size, printed)) = data.split_first() else { return };
    let pieces = Pieces { rest: printed, size: usize::from(*size) + 1 };
    let mut seen = Vec::new();
    lines::each(pieces, &mut [0; LONGEST], |line| {
        let (last, rest) = line.split_last().expect("no line is empty");
        assert!(line.len() <= LONGEST && !rest.contains(&b'\n'));
        let is_last = seen.len() + line.len() == printed.len();
        assert!(*last == b'\n' || line.len() == LONGEST || is_last, "half a line");
        seen.extend_from_slice(line);
    });
    assert!(seen == printed, "something is lost or made up");
}

/// A pipe that gives so many bytes at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.size.min(buffer.len());
        self.rest.read(&mut buffer[..most])
    }
}
