//! The store: changes that are saved before anything depends on them.

use crate::store::{Change, SaveError};
use std::error::Error;
use std::fmt;

/// Saves changes for good. Reading happens once, at the start, and is no part of this.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Why changes may not have been saved.
    type Error: Error + Send + Sync + 'static;

    /// Saves all changes or none; returns once they would survive a power cut. When the future is dropped, nobody knows which.
    fn save(&self, changes: Vec<Change>) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl Store for crate::store::Store {
    type Error = SaveError;

    async fn save(&self, changes: Vec<Change>) -> Result<(), SaveError> {
        Self::save(self, changes).await
    }
}
