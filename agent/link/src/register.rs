//! Registration, from the first call to the ARN: which failures are waited out and which end the agent (spec 2.2, 2.3).
//!
//! The decision is [`Attempts`], a pure machine; [`register`] drives it. Refuses to gather what is registered.
//!
//! One difference from the table (3 s to 192 s, for an hour): what passes is waited out for ever, and the control plane is asked again
//! every few seconds, as the sessions do. So an agent that starts during an outage keeps its tasks company instead of exiting over and
//! over, and is there within ten seconds of healing. A control plane that wants to be left alone says for how long (`Retry-After`).

use crate::api::{CallError, Retry};
use crate::backoff::{Backoff, BackoffPolicy};
use crate::jitter::Jitter;
use crate::plane::ControlPlane;
use crate::session::Timings;
use crate::socket::chain;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;
use uuid::Uuid;
use wharf_protocol::api::{Attribute, ContainerInstance, RegisterContainerInstanceRequest};
use wharf_wait::Wait;

/// The cluster that is made when none is configured and it is missing.
pub const DEFAULT_CLUSTER: &str = "default";
/// Most calls side by side; by then the first of them meets its own deadline.
const BESIDE: usize = 7;
const ZONE_ATTRIBUTE: &str = "ecs.availability-zone";
const TYPE_CHANGED: &str = "Container instance type changes are not supported.";
const CLUSTER_NOT_FOUND: &str = "Cluster not found.";

/// What registration gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// The ARN this host is known by; to be saved.
    pub container_instance_arn: String,
    /// The availability zone, if the control plane names one.
    pub availability_zone: Option<String>,
}

/// Why registration failed for good.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The saved state belongs to another cluster.
    #[error(
        "this host is registered in cluster {saved}, but {configured} is configured; remove its data directory to move it"
    )]
    ClusterChanged {
        /// The cluster in the saved state.
        saved: String,
        /// The cluster in the configuration.
        configured: String,
    },
    /// The instance changed its type since it was registered.
    #[error(
        "the instance's type has changed since it was registered; remove its data directory to register it anew"
    )]
    InstanceTypeChanged(#[source] CallError),
    /// The control plane will not have this host as it is.
    #[error("the control plane rejects this container instance")]
    Rejected(#[source] CallError),
    /// The control plane did not echo attributes.
    #[error("the control plane did not take the attributes {}", names.join(", "))]
    Attributes {
        /// The names of the attributes that did not come back as they were sent.
        names: Vec<String>,
    },
    /// The answer has no ARN.
    #[error("the answer to RegisterContainerInstance names no container instance")]
    NoArn,
    /// Anything else.
    #[error("registration failed")]
    Failed(#[source] CallError),
}

impl RegisterError {
    /// The process's exit code: 5 = do not restart, 1 = restart with backoff (spec 2.3).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::ClusterChanged { .. }
            | Self::InstanceTypeChanged(_)
            | Self::Rejected(_)
            | Self::Attributes { .. } => 5,
            Self::NoArn | Self::Failed(_) => 1,
        }
    }
}

/// Refuses to start in another cluster than the one the saved state belongs to.
///
/// # Errors
/// [`RegisterError::ClusterChanged`]; before any call is made.
pub fn check_cluster(saved: Option<&str>, configured: &str) -> Result<(), RegisterError> {
    match saved {
        Some(saved) if saved != configured => {
            Err(RegisterError::ClusterChanged { saved: saved.to_owned(), configured: configured.to_owned() })
        }
        Some(_) | None => Ok(()),
    }
}

/// How often registration is tried.
#[derive(Debug, Clone, Copy)]
pub struct RegisterPolicy {
    /// The waits between attempts; its ceiling bounds only what the control plane asks for.
    pub backoff: BackoffPolicy,
    /// The longest wait while nobody answers, without jitter.
    pub unreachable: Duration,
    /// The longest wait while the control plane says that it is in trouble, without jitter.
    pub troubled: Duration,
    /// How long nobody answers before the call is made once more beside the one that waits, without jitter.
    pub silence: Duration,
}

impl Default for RegisterPolicy {
    /// The first wait of spec 2.2, growing no further than a session's.
    fn default() -> Self {
        let Timings { unreachable, troubled, connect, .. } = Timings::ACS;
        Self { backoff: BackoffPolicy::REGISTER, unreachable, troubled, silence: connect }
    }
}

/// What to do after a failed attempt.
#[derive(Debug)]
pub enum Step {
    /// Make the default cluster, then register again.
    CreateCluster,
    /// Try again after this wait what was tried.
    Wait(Duration),
    /// Give up.
    Fail(RegisterError),
}

/// Decides what follows a failed attempt.
#[derive(Debug)]
pub struct Attempts {
    policy: RegisterPolicy,
    backoff: Backoff,
    may_create_cluster: bool,
}

impl Attempts {
    /// `may_create_cluster`: no cluster is configured, so a missing one is made.
    pub fn new(policy: RegisterPolicy, may_create_cluster: bool) -> Self {
        Self { policy, backoff: Backoff::new(policy.backoff), may_create_cluster }
    }

    /// The step after `error`.
    pub fn after(&mut self, error: CallError, jitter: &mut Jitter) -> Step {
        let missing =
            error.code() == Some("ClusterNotFoundException") || error.message().contains(CLUSTER_NOT_FOUND);
        if missing && self.may_create_cluster {
            // Once: a cluster that is still missing after it was made is an error like any other.
            self.may_create_cluster = false;
            return Step::CreateCluster;
        }
        if error.message().contains(TYPE_CHANGED) {
            return Step::Fail(RegisterError::InstanceTypeChanged(error));
        }
        if let Some("ClientException" | "InvalidParameterException") = error.code() {
            return Step::Fail(RegisterError::Rejected(error));
        }
        // For ever, and soon after healing: the running tasks need this agent, and no control plane is burdened by asking.
        if !answered_by_the_api(&error) {
            return Step::Wait(self.backoff.next_within(self.policy.unreachable, jitter));
        }
        match error.retry() {
            Retry::Never => Step::Fail(RegisterError::Failed(error)),
            Retry::Later => {
                let asked = error.retry_after().map(|after| after.min(self.policy.backoff.longest));
                let wait = self.backoff.next_within(self.policy.troubled, jitter);
                // Whoever was told the same time does not come back at the same moment.
                let asked = asked.map_or(Duration::ZERO, |asked| asked + jitter.up_to(asked.mul_f64(0.2)));
                Step::Wait(wait.max(asked))
            }
        }
    }
}

/// Whether the control plane itself spoke. A redirect, a page for people or half an answer comes from whatever stands in its place.
fn answered_by_the_api(error: &CallError) -> bool {
    match error {
        CallError::Refused { error, .. } => error.status >= 400,
        CallError::Unsigned { .. } => true,
        CallError::Unreachable { .. } | CallError::TooLarge { .. } | CallError::Unreadable { .. } => false,
    }
}

/// Registers, waiting out what passes, for ever. Safe to drop at any time.
///
/// Without a cluster in the request, [`DEFAULT_CLUSTER`] is used and made when it is missing. A client token is added
/// when there is none, the same one for all attempts.
///
/// # Errors
/// [`RegisterError`], with the exit code the agent should end with.
pub async fn register(
    plane: &impl ControlPlane,
    mut request: RegisterContainerInstanceRequest,
    policy: RegisterPolicy,
    jitter: &mut Jitter,
) -> Result<Registration, RegisterError> {
    let mut attempts = Attempts::new(policy, request.cluster.is_none());
    request.cluster.get_or_insert_with(|| DEFAULT_CLUSTER.to_owned());
    request.client_token.get_or_insert_with(|| Uuid::new_v4().to_string());
    let mut cluster_is_missing = false;
    loop {
        let tried = if cluster_is_missing {
            ask(|| plane.create_cluster(DEFAULT_CLUSTER), policy.silence, jitter).await.map(|_| None)
        } else {
            ask(|| plane.register_container_instance(&request), policy.silence, jitter).await.map(Some)
        };
        let error = match tried {
            Ok(Some(answer)) => return accept(&request, answer.container_instance.unwrap_or_default()),
            Ok(None) => {
                cluster_is_missing = false;
                continue;
            }
            Err(error) => error,
        };
        tracing::warn!(error = chain(&error), "registration did not succeed");
        match attempts.after(error, jitter) {
            Step::CreateCluster => cluster_is_missing = true,
            Step::Wait(wait) => Wait::named("before the next try").owner("registration").pause(wait).await,
            // It is the cluster that was rejected, not this host.
            Step::Fail(RegisterError::Rejected(error)) if cluster_is_missing => {
                return Err(RegisterError::Failed(error));
            }
            Step::Fail(error) => return Err(error),
        }
    }
}

/// The first answer to a call. A connection that is taken and stays silent, by a proxy whose server hangs, say, would hold it up until
/// its own deadline, long after all is well: so the call is made once more beside it, on another one. To the control plane they are
/// one: a registration by its client token, the making of a cluster by the cluster's name.
async fn ask<T, F: Future<Output = Result<T, CallError>>>(
    call: impl Fn() -> F,
    silence: Duration,
    jitter: &mut Jitter,
) -> Result<T, CallError> {
    let mut asked = FuturesUnordered::new();
    loop {
        if asked.len() < BESIDE {
            asked.push(call());
        }
        let silence = silence + jitter.up_to(silence.mul_f64(0.2));
        let answer = Wait::named("an answer").owner("registration").at_most(silence).on(asked.next());
        if let Ok(Some(answer)) = answer.await {
            return answer;
        }
    }
}

/// Reads the answer; every attribute that was sent has to come back with its value (spec 2.3).
fn accept(
    request: &RegisterContainerInstanceRequest,
    instance: ContainerInstance,
) -> Result<Registration, RegisterError> {
    let names = unechoed(&request.attributes, &instance.attributes);
    if !names.is_empty() {
        return Err(RegisterError::Attributes { names });
    }
    let zone = instance.attributes.into_iter().find(|a| a.name.as_deref() == Some(ZONE_ATTRIBUTE));
    Ok(Registration {
        container_instance_arn: instance
            .container_instance_arn
            .filter(|arn| !arn.is_empty())
            .ok_or(RegisterError::NoArn)?,
        availability_zone: zone.and_then(|attribute| attribute.value),
    })
}

/// The names of the attributes in `sent` that are not in `received` with the same value.
pub fn unechoed(sent: &[Attribute], received: &[Attribute]) -> Vec<String> {
    let key = |a: &Attribute| (a.name.clone().unwrap_or_default(), a.value.clone().unwrap_or_default());
    let received: std::collections::BTreeSet<_> = received.iter().map(key).collect();
    sent.iter().map(key).filter(|pair| !received.contains(pair)).map(|(name, _)| name).collect()
}
