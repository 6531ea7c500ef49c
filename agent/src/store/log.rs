//! SQLite's write-ahead log as a file: a torn end is an ordinary thing, a hole is damage; and what it comes to with its database.
//!
//! SQLite reads the log up to the first frame that is not right and takes the rest for a transaction that never was. That is true
//! after a power cut, where only the last transaction can be incomplete: the next one is not begun before the disk has the one
//! before. It is false when an older frame went bad; then every acknowledged transaction from there on would vanish without a word.
//! Both look alike at the broken frame, and differ behind it: after a torn end there is no end of a transaction, written right after
//! the frame before it, with another frame written right after that.
//!
//! Refuses to repair: what is behind a hole may depend on what was in it. Format: <https://www.sqlite.org/fileformat2.html#walformat>.

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// What is wrong with the log; `None` when SQLite will read all that was committed to it.
pub(super) fn damage(log: &[u8]) -> Option<String> {
    let Some(header) = Header::parse(log) else {
        // A header is on disk before anything is put behind it.
        let empty = log.len() <= HEADER || log[HEADER..].iter().all(|byte| *byte == 0);
        return (!empty)
            .then(|| "the header of agent.db-wal is wrong, and there are saves behind it".to_owned());
    };
    let frames: Vec<&[u8]> = log[HEADER..].chunks_exact(FRAME_HEADER + header.page).collect();
    let right = header.right_frames(&frames);
    let whole = |at: usize| at > right && header.follows(frames[at - 1], frames[at]);
    let hole = (right + 1..frames.len().saturating_sub(1))
        .any(|at| word(frames[at], 4) != 0 && whole(at) && whole(at + 1));
    hole.then(|| {
        format!(
            "frame {} of {} in agent.db-wal is wrong, and there are whole saves behind it",
            right + 1,
            frames.len()
        )
    })
}

/// What tells a log from the one that begins anew in its place; nothing of one that is not there.
pub(super) fn header(log: &[u8]) -> &[u8] {
    &log[..log.len().min(HEADER)]
}

/// Writes what is committed in the log over the bytes of its database, as SQLite does, and marks them as a database without a log.
pub(super) fn fold(log: &[u8], database: &mut Vec<u8>) {
    if let Some(header) = Header::parse(log) {
        header.fold(&log[HEADER..], database);
    }
    // Versions of the format for writing and reading: 2 is with a write-ahead log, 1 without.
    if let Some(versions) = database.get_mut(18..20) {
        versions.fill(1);
    }
}

/// Reads bytes as a log: what is wrong with it, and what it makes of a database. For tests that feed it what no disk should hold.
#[doc(hidden)]
pub fn try_log(log: &[u8], database: &mut Vec<u8>) -> Option<String> {
    fold(log, database);
    damage(log)
}

struct Header<'a> {
    /// Bytes of a page.
    page: usize,
    /// What each frame of this log repeats; frames of its earlier rounds bear other ones.
    salts: &'a [u8],
    checksum: Checksum,
}

impl<'a> Header<'a> {
    fn parse(log: &'a [u8]) -> Option<Self> {
        let header = log.get(..HEADER)?;
        let big_endian = match word(header, 0) {
            0x377f_0682 => false,
            0x377f_0683 => true,
            _ => return None,
        };
        let page = usize::try_from(word(header, 8)).ok()?;
        let checksum = Checksum { big_endian, sums: (0, 0) }.over(&header[..24]);
        let right = checksum.is(&header[24..]) && page.is_power_of_two() && (512..=65536).contains(&page);
        right.then(|| Self { page, salts: &header[16..24], checksum })
    }

    fn fold(&self, frames: &[u8], database: &mut Vec<u8>) {
        let frames: Vec<&[u8]> = frames.chunks_exact(FRAME_HEADER + self.page).collect();
        let right = &frames[..self.right_frames(&frames)];
        // The last frame of a transaction bears the size of the database after it.
        let Some(last) = right.iter().rposition(|frame| word(frame, 4) != 0) else { return };
        let length = |pages: u32| usize::try_from(pages).map_or(usize::MAX, |n| n.saturating_mul(self.page));
        let most = database.len() + right.len() * self.page;
        for frame in &right[..=last] {
            let end = length(word(frame, 0));
            // A database grows page by page: what lies beyond was never written as a frame.
            if end > most {
                continue;
            }
            if database.len() < end {
                database.resize(end, 0);
            }
            database[end - self.page..end].copy_from_slice(&frame[FRAME_HEADER..]);
        }
        database.truncate(length(word(right[last], 4)));
    }

    /// How many frames from the beginning on are right; each one's checksum is over all before it.
    fn right_frames(&self, frames: &[&[u8]]) -> usize {
        let mut checksum = self.checksum;
        let right = frames.iter().take_while(|frame| {
            checksum = checksum.over(&frame[..8]).over(&frame[FRAME_HEADER..]);
            frame[8..16] == *self.salts && checksum.is(&frame[16..24]) && word(frame, 0) != 0
        });
        right.count()
    }

    /// Whether a frame was written right after another: both are of this log, and the checksum goes on from the one before.
    fn follows(&self, before: &[u8], frame: &[u8]) -> bool {
        let checksum = Checksum { sums: (word(before, 16), word(before, 20)), ..self.checksum };
        let ours = before[8..16] == *self.salts && frame[8..16] == *self.salts;
        ours && checksum.over(&frame[..8]).over(&frame[FRAME_HEADER..]).is(&frame[16..24])
    }
}

/// The running checksum of a log.
#[derive(Clone, Copy)]
struct Checksum {
    big_endian: bool,
    sums: (u32, u32),
}

impl Checksum {
    fn over(mut self, bytes: &[u8]) -> Self {
        let read = if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let (mut first, mut second) = self.sums;
        for pair in bytes.as_chunks::<8>().0 {
            let [a, b, c, d, e, f, g, h] = *pair;
            first = first.wrapping_add(read([a, b, c, d])).wrapping_add(second);
            second = second.wrapping_add(read([e, f, g, h])).wrapping_add(first);
        }
        self.sums = (first, second);
        self
    }

    fn is(self, written: &[u8]) -> bool {
        (word(written, 0), word(written, 4)) == self.sums
    }
}

/// The big-endian number at a place that is there.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}
