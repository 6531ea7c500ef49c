//! Where the websockets are: `DiscoverPollEndpoint`, and the memory of its last answer (spec 2.4).
//!
//! One answer is kept, because an agent is one container instance. An answer that is too old is better than none.

use super::{ApiClient, CallError};
use crate::endpoint::AgentIdentity;
use crate::plane::ControlPlane;
use crate::session::{Ending, Timings};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;
use wharf_protocol::api::{DiscoverPollEndpoint, DiscoverPollEndpointRequest, DiscoverPollEndpointResponse};
use wharf_wait::Wait;

/// What discovery answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The base URL of ACS.
    pub acs: Option<String>,
    /// The base URL of TCS.
    pub tcs: Option<String>,
    /// True when the control plane has just said so, false when it is remembered.
    pub fresh: bool,
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
        fresh.then(|| Endpoints { fresh: false, ..cached.endpoints.clone() })
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
        let asked = self.call::<DiscoverPollEndpoint>(&request);
        let Some(remembered) = cache.recall(instance_arn, None) else {
            return asked.await.map(|answer| self.remember(instance_arn, answer));
        };
        // With something to fall back to, an answer is not waited for longer than an attempt to connect may take.
        let answer =
            Wait::named("discovery's answer").owner("control-plane link").at_most(self.0.limits.discovery);
        match answer.on(asked).await {
            Ok(Ok(answer)) => Ok(self.remember(instance_arn, answer)),
            Ok(Err(_)) | Err(_) => Ok(remembered),
        }
    }

    fn remember(&self, instance_arn: &str, answer: DiscoverPollEndpointResponse) -> Endpoints {
        let set = |url: Option<String>| url.filter(|url| !url.is_empty());
        let (acs, tcs) = (set(answer.endpoint), set(answer.telemetry_endpoint));
        let endpoints = Endpoints { acs, tcs, fresh: true };
        self.0.endpoints.remember(instance_arn, &endpoints);
        endpoints
    }
}

/// Where to connect, and what is known of who is there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) url: String,
    /// Whether the control plane has just answered a call.
    alive: bool,
}

impl Place {
    /// How long the connect may take. A peer that has just answered is slow and not dead; one that is only remembered may be, and
    /// waiting for it would be time in which it is not tried again.
    pub(crate) fn deadline(&self, timings: &Timings) -> Duration {
        if self.alive { timings.patient } else { timings.connect }
    }
}

/// Where to connect: the `fixed` endpoint, else the one that `pick` finds among the discovered.
pub(crate) async fn locate<P: ControlPlane>(
    plane: &P,
    identity: &AgentIdentity,
    fixed: Option<&String>,
    pick: fn(Endpoints) -> Option<String>,
) -> Result<Place, Ending> {
    if let Some(endpoint) = fixed {
        // Nothing is asked, so nothing is known of it but that it is where the operator says.
        return Ok(Place { url: endpoint.clone(), alive: true });
    }
    let found = plane.discover_poll_endpoint(&identity.container_instance_arn, &identity.cluster).await;
    let endpoints = found.map_err(|error| Ending::of_call(&error))?;
    let alive = endpoints.fresh;
    // An answer without it is distrusted with the ending, as it is of no use for 12 h.
    let missing = || Ending::Failed("discovery does not name this endpoint".to_owned());
    pick(endpoints).map(|url| Place { url, alive }).ok_or_else(missing)
}
