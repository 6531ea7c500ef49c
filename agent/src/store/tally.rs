//! What all rows together come to, kept in the database beside them and changed with them in each transaction.
//!
//! A row's own checksum shows a changed row; the tally shows a row that is gone, and a page of another age that is whole in itself.

use rusqlite::{Connection, params};

/// The count of the saves that a database holds, and what its rows come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    /// Which database this is, by chance.
    pub id: u64,
    /// Transactions committed since it was made.
    pub saves: u64,
    /// Rows in it.
    pub rows: u64,
    /// The checksums of the rows, combined by exclusive or: adding and removing a row are the same act, in any order.
    pub sum: u64,
}

impl Tally {
    /// The tally that the database holds.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare_cached("SELECT id, saves, rows, sum FROM tally")?;
        statement.query_row([], |row| {
            let number = |index| row.get(index).map(i64::cast_unsigned);
            Ok(Self { id: number(0)?, saves: number(1)?, rows: number(2)?, sum: number(3)? })
        })
    }

    /// Writes it in place of the one that is there.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached("UPDATE tally SET saves = ?1, rows = ?2, sum = ?3")?;
        let [saves, rows, sum] = [self.saves, self.rows, self.sum].map(u64::cast_signed);
        statement.execute(params![saves, rows, sum]).map(drop)
    }

    /// Counts a row that came.
    pub(super) fn add(&mut self, checksum: &[u8]) {
        self.rows = self.rows.wrapping_add(1);
        self.sum ^= number(checksum);
    }

    /// Counts a row that went.
    pub(super) fn remove(&mut self, checksum: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.sum ^= number(checksum);
    }
}

/// A row's checksum as a number; one of another length was never written, and the row is found to be wrong by itself.
fn number(checksum: &[u8]) -> u64 {
    checksum.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
