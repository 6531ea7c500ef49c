//! One pull for all who want the same image at the same time.

use super::{Image, PullError};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use wharf_wait::{Wait, begin, value};

type Outcome = Option<Result<Image, PullError>>;

/// Pulls under way, by what makes two of them the same.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    // A plain mutex, held for a look-up, never across an await.
    under_way: Arc<Mutex<HashMap<String, watch::Receiver<Outcome>>>>,
}

impl Flights {
    /// Waits for the pull `key`, beginning it when nobody has. It goes on, owned by `tasks`, when the caller goes away.
    pub(crate) async fn join(
        &self,
        key: String,
        tasks: &TaskTracker,
        pull: impl Future<Output = Result<Image, PullError>> + Send + 'static,
    ) -> Option<Result<Image, PullError>> {
        let mut outcome = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            match under_way.get(&key) {
                Some(outcome) => outcome.clone(),
                None => {
                    let (report, outcome) = watch::channel(None);
                    under_way.insert(key.clone(), outcome.clone());
                    let landing = Landing { under_way: self.under_way.clone(), key };
                    begin(tasks, async move {
                        let result = pull.await;
                        // Off the list first: who asks after this sees the store as the pull left it.
                        drop(landing);
                        report.send_replace(Some(result));
                    });
                    outcome
                }
            }
        };
        let landed = Wait::endless(
            "a pull that others wait for too",
            "it has deadlines of its own, and its death ends this",
        );
        landed.of(value(&mut outcome, Option::is_some)).await.ok()?;
        let outcome = outcome.borrow();
        outcome.clone()
    }
}

/// Takes a pull off the list, also when it panics or is cancelled.
struct Landing {
    under_way: Arc<Mutex<HashMap<String, watch::Receiver<Outcome>>>>,
    key: String,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
