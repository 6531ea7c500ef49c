//! A lease: keeps half-made content and snapshots from being collected, and lets go of them by itself after a crash.

use crate::connect::Shared;
use crate::rpc::{self, QUICK, RpcError, Scope};
use containerd_client::services::v1::{CreateRequest, DeleteRequest};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// A lease of ours in containerd.
#[derive(Debug)]
pub(crate) struct Lease {
    id: String,
    pub(crate) scope: Scope,
}

impl Lease {
    /// Takes a lease that ends by itself after `longest`.
    pub(crate) async fn take(shared: &Shared, purpose: &str, longest: Duration) -> Result<Self, RpcError> {
        let expire = jiff::Timestamp::try_from(SystemTime::now() + longest).unwrap_or(jiff::Timestamp::MAX);
        let labels = HashMap::from([("containerd.io/gc.expire".to_owned(), format!("{expire:.0}"))]);
        let id = format!("wharf-{purpose}-{}", unique());
        let request = CreateRequest { id: id.clone(), labels };
        rpc::call("Leases.Create", QUICK, shared.leases().create(request)).await?;
        let scope = shared.scope.with_lease(&id).expect("the id is made of ASCII letters and digits");
        Ok(Self { id, scope })
    }

    /// Gives the lease back; what nothing else refers to may then be collected.
    pub(crate) async fn release(self, shared: &Shared) {
        let request = DeleteRequest { id: self.id, sync: false };
        if let Err(error) = rpc::call("Leases.Delete", QUICK, shared.leases().delete(request)).await {
            tracing::warn!(%error, "lease not released, it will expire");
        }
    }
}

/// Returns a name that no other object of this host has: time, process, count.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{count:x}", crate::time::now_ms(), std::process::id())
}
