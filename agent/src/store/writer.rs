//! The one thread that writes: takes every save that waits and commits them together.

use super::SaveError;
use super::row::{Change, checksum};
use crate::failpoint::failpoint;
use rusqlite::{Connection, TransactionBehavior, params};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Most saves in one transaction; bounds how long the first of them waits.
const BATCH: usize = 128;

/// One save.
#[derive(Debug)]
pub(super) struct Request {
    pub changes: Vec<Change>,
    pub reply: oneshot::Sender<Result<(), SaveError>>,
}

/// Serves saves until the store is dropped.
pub(super) fn run(mut connection: Connection, mut requests: mpsc::Receiver<Request>) {
    let mut batch = Vec::with_capacity(BATCH);
    while requests.blocking_recv_many(&mut batch, BATCH) > 0 {
        failpoint!("store.before-begin");
        let result = commit(&mut connection, &batch)
            .map_err(|source| SaveError::Database { source: Arc::new(source) });
        failpoint!("store.committed");
        for request in batch.drain(..) {
            // Whoever asked may have gone; the changes are saved all the same.
            let _ = request.reply.send(result.clone());
        }
    }
}

fn commit(connection: &mut Connection, batch: &[Request]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    failpoint!("store.begun");
    {
        let mut put = transaction
            .prepare_cached("INSERT OR REPLACE INTO row (kind, key, value, sum) VALUES (?1, ?2, ?3, ?4)")?;
        let mut remove = transaction.prepare_cached("DELETE FROM row WHERE kind = ?1 AND key = ?2")?;
        for Change { kind, key, value } in batch.iter().flat_map(|request| &request.changes) {
            match value {
                Some(value) => put.execute(params![kind, key, value, checksum(kind, key, value)])?,
                None => remove.execute(params![kind, key])?,
            };
        }
    }
    failpoint!("store.written");
    transaction.commit()
}
