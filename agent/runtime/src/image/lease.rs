//! A lease: keeps half-made content and snapshots from being collected, and lets go of them by itself after a crash.

use crate::connect::Shared;
use crate::rpc::{self, QUICK, RpcError, SLOW, Scope, Scoped};
use containerd_client::services::v1::leases_client::LeasesClient;
use containerd_client::services::v1::{CreateRequest, DeleteRequest};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio_util::task::TaskTracker;
use wharf_wait::{Wait, begin, tracked};

/// Tries to give a lease back while containerd is away, and the time between two.
const ATTEMPTS: u32 = 150;
const AGAIN: Duration = Duration::from_secs(2);
/// Why the wait for what is asked of containerd needs no end here.
const ITS_OWN: &str = "each call has a deadline of its own, and the tries are counted";

/// A lease of ours in containerd. Dropped without [`Lease::release`], as when its holder is cancelled, it is given back in
/// the background; after a crash it ends by itself.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) scope: Scope,
    /// What it takes to give it back; taken out when that is done.
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    id: String,
    leases: LeasesClient<Scoped>,
    tasks: TaskTracker,
}

impl Lease {
    /// Takes a lease that ends by itself after `longest`.
    pub(crate) async fn take(shared: &Shared, purpose: &str, longest: Duration) -> Result<Self, RpcError> {
        let expire = jiff::Timestamp::try_from(SystemTime::now() + longest).unwrap_or(jiff::Timestamp::MAX);
        let labels = HashMap::from([("containerd.io/gc.expire".to_owned(), format!("{expire:.0}"))]);
        let id = format!("wharf-{purpose}-{}", unique());
        let scope = shared.scope.with_lease(&id).expect("the id is made of ASCII letters and digits");
        let mut leases = shared.leases();
        let held = Held { id: id.clone(), leases: leases.clone(), tasks: shared.tasks.clone() };
        // In a task of its own: a caller who is cancelled here would not know whether containerd has made the lease.
        // The task then ends with a lease that nobody takes, and dropping that gives it back.
        let tasks = shared.tasks.clone();
        let taking = tracked(&shared.tasks, async move {
            match rpc::call("Leases.Create", QUICK, leases.create(CreateRequest { id, labels })).await {
                Ok(_) => Ok(Self { scope, held: Some(held) }),
                Err(error) => {
                    // The answer may be what was lost.
                    begin(&tasks, held.give_back(Collect::Now));
                    Err(error)
                }
            }
        });
        Wait::endless("a lease", ITS_OWN).of(taking).await
    }

    /// Gives the lease back. What was made by work that failed is collected at once; else it is referred to by now.
    pub(crate) async fn end(mut self, succeeded: bool) {
        if let Some(held) = self.held.take() {
            let collect = if succeeded { Collect::Sometime } else { Collect::Now };
            let tasks = held.tasks.clone();
            // In a task of its own: a caller who is cancelled here must not take the request back.
            let given = tracked(&tasks, held.give_back(collect));
            Wait::endless("a lease to be given back", ITS_OWN).of(given).await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(held), Ok(_)) = (self.held.take(), runtime) {
            let tasks = held.tasks.clone();
            begin(&tasks, held.give_back(Collect::Now));
        }
    }
}

/// When containerd is to collect what nothing refers to.
#[derive(Debug, PartialEq, Eq)]
enum Collect {
    /// Whenever it thinks fit, which may be after a hundred more changes.
    Sometime,
    /// Before it answers.
    Now,
}

impl Held {
    async fn give_back(mut self, collect: Collect) {
        let request = DeleteRequest { id: self.id, sync: collect == Collect::Now };
        for attempt in 1.. {
            let deleted = self.leases.delete(request.clone());
            match rpc::found(rpc::call("Leases.Delete", SLOW, deleted).await) {
                Ok(_) => return,
                // A containerd that is away comes back, with the lease.
                Err(error) if error.is_transient() && attempt < ATTEMPTS => {
                    Wait::named("before a lease is given back again").owner("leases").pause(AGAIN).await;
                }
                Err(error) => return tracing::warn!(%error, "lease not released, it will expire"),
            }
        }
    }
}

/// Returns a name that no other object of this host has: time, process, count.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{count:x}", crate::time::now_ms(), std::process::id())
}
