//! The one thread that writes: takes every save that waits and commits them together.

use super::SaveError;
use super::mark::Mark;
use super::reserve::Reserve;
use super::row::{Change, checksum};
use super::tally::Tally;
use crate::failpoint::failpoint;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use wharf_wait::Wait;

/// Most saves in one transaction; bounds how long the first of them waits.
const BATCH: usize = 128;

/// One save.
#[derive(Debug)]
pub(super) struct Request {
    pub changes: Vec<Change>,
    pub reply: oneshot::Sender<Result<(), SaveError>>,
}

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Writer {
    // Closed first: what the others hold open of the database must not be closed before.
    pub connection: Connection,
    pub mark: Mark,
    pub reserve: Reserve,
}

impl Writer {
    /// Serves saves until the store is dropped.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::with_capacity(BATCH);
        let idle = Wait::endless("something to save", "there is nothing to do until somebody saves");
        while idle.clone().messages_here(&mut requests, &mut batch, BATCH) > 0 {
            failpoint!("store.before-begin");
            let (result, saves) = match commit(&mut self.connection, &batch) {
                Ok(tally) => {
                    failpoint!("store.committed");
                    self.mark.raise((&tally).into());
                    failpoint!("store.marked");
                    (Ok(()), Some(tally.saves))
                }
                Err(source) => (Err(SaveError::Database { source: Arc::new(source) }), None),
            };
            for request in batch.drain(..) {
                // Whoever asked may have gone; the changes are saved all the same.
                let _ = request.reply.send(result.clone());
            }
            if let Some(saves) = saves {
                self.reserve.after(saves);
            }
        }
    }
}

fn commit(connection: &mut Connection, batch: &[Request]) -> rusqlite::Result<Tally> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    failpoint!("store.begun");
    let mut tally = Tally::read(&transaction)?;
    tally.saves = tally.saves.wrapping_add(1);
    {
        let mut remove =
            transaction.prepare_cached("DELETE FROM row WHERE kind = ?1 AND key = ?2 RETURNING sum")?;
        let mut put =
            transaction.prepare_cached("INSERT INTO row (kind, key, value, sum) VALUES (?1, ?2, ?3, ?4)")?;
        for Change { kind, key, value } in batch.iter().flat_map(|request| &request.changes) {
            let old: Option<Vec<u8>> = remove.query_row(params![kind, key], |row| row.get(0)).optional()?;
            if let Some(old) = old {
                tally.remove(&old);
            }
            if let Some(value) = value {
                let sum = checksum(kind, key, value);
                put.execute(params![kind, key, value, sum])?;
                tally.add(&sum);
            }
        }
    }
    tally.write(&transaction)?;
    failpoint!("store.written");
    transaction.commit()?;
    Ok(tally)
}
