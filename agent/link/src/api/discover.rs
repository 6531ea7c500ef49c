//! Where the websockets are: `DiscoverPollEndpoint`, and the memory of its last answer (spec 2.4).
//!
//! One answer is kept, because an agent is one container instance. An answer that is too old is better than none.

use super::{ApiClient, CallError};
use crate::endpoint::AgentIdentity;
use crate::plane::ControlPlane;
use crate::session::Ending;
use crate::socket::chain;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;
use wharf_protocol::api::{DiscoverPollEndpoint, DiscoverPollEndpointRequest};

/// What discovery answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The base URL of ACS.
    pub acs: Option<String>,
    /// The base URL of TCS.
    pub tcs: Option<String>,
}

/// The last answer. The lock is never held over an await; two sessions asking at once do no harm.
#[derive(Debug, Default)]
pub(super) struct EndpointCache(Mutex<Option<Remembered>>);

#[derive(Debug, Clone)]
struct Remembered {
    instance_arn: String,
    since: Instant,
    /// False after a connect to these endpoints failed: ask again, but keep them in case asking fails as well.
    trusted: bool,
    endpoints: Endpoints,
}

impl EndpointCache {
    fn recall(&self, instance_arn: &str, oldest: Option<Duration>) -> Option<Endpoints> {
        let cached = self.0.lock().expect("no code panics while it holds this lock");
        let cached = cached.as_ref().filter(|cached| cached.instance_arn == instance_arn)?;
        let fresh = oldest.is_none_or(|oldest| cached.trusted && cached.since.elapsed() < oldest);
        fresh.then(|| cached.endpoints.clone())
    }

    fn remember(&self, instance_arn: &str, endpoints: &Endpoints) {
        let (instance_arn, endpoints) = (instance_arn.to_owned(), endpoints.clone());
        let remembered = Remembered { instance_arn, since: Instant::now(), trusted: true, endpoints };
        *self.0.lock().expect("no code panics while it holds this lock") = Some(remembered);
    }
}

impl ApiClient {
    /// Makes the next discovery ask the control plane: a connect to what was discovered has failed, so it may have
    /// moved. Otherwise a moved control plane would be looked for at its old place for 12 h.
    pub fn distrust_endpoints(&self) {
        let mut cached = self.0.endpoints.0.lock().expect("no code panics while it holds this lock");
        if let Some(cached) = cached.as_mut() {
            cached.trusted = false;
        }
    }

    /// The endpoints for a container instance: remembered for 12 h, and for longer when asking fails.
    ///
    /// # Errors
    /// The call's error, when nothing is remembered.
    pub async fn discover_poll_endpoint(
        &self,
        instance_arn: &str,
        cluster: &str,
    ) -> Result<Endpoints, CallError> {
        let cache = &self.0.endpoints;
        if let Some(endpoints) = cache.recall(instance_arn, Some(self.0.limits.endpoints)) {
            return Ok(endpoints);
        }
        let request = DiscoverPollEndpointRequest {
            container_instance: Some(instance_arn.to_owned()),
            cluster: Some(cluster.to_owned()),
            zone_id: Some(String::new()),
        };
        match self.call::<DiscoverPollEndpoint>(&request).await {
            Ok(answer) => {
                let set = |url: Option<String>| url.filter(|url| !url.is_empty());
                let endpoints = Endpoints { acs: set(answer.endpoint), tcs: set(answer.telemetry_endpoint) };
                cache.remember(instance_arn, &endpoints);
                Ok(endpoints)
            }
            Err(error) => cache.recall(instance_arn, None).ok_or(error),
        }
    }
}

/// Where to connect: the `fixed` endpoint, else the one that `pick` finds among the discovered.
pub(crate) async fn locate<P: ControlPlane>(
    plane: &P,
    identity: &AgentIdentity,
    fixed: Option<&String>,
    pick: fn(Endpoints) -> Option<String>,
) -> Result<String, Ending> {
    if let Some(endpoint) = fixed {
        return Ok(endpoint.clone());
    }
    let found = plane.discover_poll_endpoint(&identity.container_instance_arn, &identity.cluster).await;
    let endpoints = found.map_err(|error| Ending::Failed(chain(&error)))?;
    pick(endpoints).ok_or_else(|| {
        // An answer without it is of no use for 12 h.
        plane.distrust_endpoints();
        Ending::Failed("discovery does not name this endpoint".to_owned())
    })
}
