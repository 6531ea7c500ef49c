//! From bytes in a pipe to lines; on its own, so that it can be fed anything.

use std::io::{ErrorKind, Read};

/// Reads to the end of a pipe and hands on each line with its line end; the last needs none. One that is longer than the buffer comes
/// in several pieces without line end.
pub(crate) fn each(mut pipe: impl Read, buffer: &mut [u8], mut line: impl FnMut(&[u8])) {
    let mut held = 0;
    while let Some(read) = read_some(&mut pipe, &mut buffer[held..]) {
        // What was there before has no line end: it is not looked at again.
        let (mut start, mut from) = (0, held);
        held += read;
        while let Some(length) = buffer[from..held].iter().position(|byte| *byte == b'\n') {
            from += length + 1;
            line(&buffer[start..from]);
            start = from;
        }
        if start == 0 && held == buffer.len() {
            line(buffer);
            start = held;
        }
        buffer.copy_within(start..held, 0);
        held -= start;
    }
    if held > 0 {
        line(&buffer[..held]);
    }
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
