//! Lines on their way from the pipes to the file: bounded in bytes, and patient for a moment only.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that may wait. When full, the container waits for [`PATIENCE`], then lines are dropped until there is room.
const ROOM: usize = 1 << 20;
/// How long a full queue may hold the container up, once.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines taken off the queue, and how many were lost before them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) lines: Vec<Vec<u8>>,
    pub(crate) dropped: u64,
}

/// A queue with several writers and one reader.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    dropped: u64,
    dropping: bool,
    writers: usize,
}

impl Queue {
    /// Makes a queue that ends when so many writers have finished.
    pub(crate) fn new(writers: usize) -> Self {
        Self { state: Mutex::new(State { writers, ..State::default() }), changed: Condvar::new() }
    }

    /// Adds a line, or counts it as lost.
    pub(crate) fn push(&self, line: Vec<u8>) {
        let mut state = self.lock();
        let full = |state: &mut State| state.bytes > 0 && state.bytes + line.len() > ROOM;
        if full(&mut state) && !state.dropping {
            #[expect(
                clippy::disallowed_methods,
                reason = "bounded; the one pair of threads that share a lock"
            )]
            let waited = self.changed.wait_timeout_while(state, PATIENCE, full);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.dropping = full(&mut state);
        if state.dropping {
            state.dropped += 1;
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        self.changed.notify_all();
    }

    /// Says that one writer will add no more.
    pub(crate) fn finish(&self) {
        self.lock().writers -= 1;
        self.changed.notify_all();
    }

    /// Waits for lines and takes them all; `None` when all writers have finished and nothing is left.
    pub(crate) fn take(&self) -> Option<Batch> {
        let state = self.lock();
        let idle = |state: &mut State| state.lines.is_empty() && state.dropped == 0 && state.writers > 0;
        #[expect(
            clippy::disallowed_methods,
            reason = "endless: a container may be silent for ever; its end wakes this"
        )]
        let mut state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        if state.lines.is_empty() && state.dropped == 0 {
            return None;
        }
        state.bytes = 0;
        let batch =
            Batch { lines: state.lines.drain(..).collect(), dropped: std::mem::take(&mut state.dropped) };
        self.changed.notify_all();
        Some(batch)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_taken_and_then_it_ends() {
        let queue = Queue::new(1);
        queue.push(b"a".to_vec());
        queue.push(b"b".to_vec());
        assert_eq!(queue.take(), Some(Batch { lines: vec![b"a".to_vec(), b"b".to_vec()], dropped: 0 }));
        queue.finish();
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_reader_that_stands_still_costs_lines_and_one_moment_of_patience() {
        let queue = Queue::new(1);
        let begun = std::time::Instant::now();
        for _ in 0..100 {
            queue.push(vec![b'x'; ROOM / 10]);
        }
        assert!(begun.elapsed() < PATIENCE * 3);
        let batch = queue.take().unwrap();
        assert_eq!((batch.lines.len(), batch.dropped), (10, 90));
    }
}
