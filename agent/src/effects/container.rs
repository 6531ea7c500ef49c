//! Effects on containers.

use super::request::{self, RequestError};
use super::{World, codes};
use crate::causes::chain;
use crate::ending;
use crate::failpoint::failpoint;
use crate::observe::observation;
use crate::seam::{Clock as _, Network as _, Outside, Runtime as _};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use wharf_core::effect::StopSignal;
use wharf_core::event::{ContainerRef, Event, Exit, Observation, Remains, ResolvedImage};
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::restart::Restarts;
use wharf_core::spec::{HealthCheck, TaskSpec};
use wharf_core::task::runtime_id;
use wharf_core::time::Timestamp;
use wharf_core::work::Act;
use wharf_runtime::cgroup::CgroupError;
use wharf_runtime::{
    CreateError, DeleteError, ExecError, ExitStatus, RenewError, SignalError, SignalOutcome, StartError,
};
use wharf_wait::Wait;

/// Output of a probe that is kept (Docker's bound).
const PROBE_OUTPUT: usize = 4096;
/// Grace beyond a probe's own timeout, for containerd.
const PROBE_GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("cannot make the cgroup of the task")]
    Cgroup(#[from] CgroupError),
    #[error(transparent)]
    Create(#[from] CreateError),
}

#[derive(Debug, thiserror::Error)]
enum UnmakeError {
    #[error("its processes cannot be killed")]
    Cgroup(#[from] CgroupError),
    #[error(transparent)]
    Delete(#[from] DeleteError),
}

impl<O: Outside> World<O> {
    pub(super) async fn create_container(
        &self,
        container: ContainerRef,
        spec: Arc<TaskSpec>,
        image: ResolvedImage,
    ) -> Event {
        failpoint!("create.before");
        match self.make_container(&container, &spec, &image).await {
            Ok(()) => Event::ContainerCreated { container },
            Err(MakeError::Create(ref error @ CreateError::Away { ref source, .. })) => {
                let suspect = image.digest.filter(|_| source.has_ended());
                postponed(container, Act::Create, ReasonCode::CannotCreateContainer, error, suspect)
            }
            Err(error) => {
                let code = match &error {
                    MakeError::Request(_) => ReasonCode::HostConfig,
                    MakeError::Cgroup(_) => ReasonCode::ResourceInitialization,
                    MakeError::Create(_) => ReasonCode::CannotCreateContainer,
                };
                let detail = chain(&error);
                let code = codes::unless_full(&detail, code);
                Event::CreateFailed { container, reason: Reason::new(code, detail) }
            }
        }
    }

    async fn make_container(
        &self,
        container: &ContainerRef,
        spec: &TaskSpec,
        image: &ResolvedImage,
    ) -> Result<(), MakeError> {
        self.network.limit(spec).await?;
        failpoint!("create.cgroup-made");
        let instance = self.view.borrow().host.container_instance_arn.as_ref().map(ToString::to_string);
        let (places, cluster, region) = (&self.places, &self.cluster, &self.region);
        let setting = request::Setting { places, cluster, region, instance };
        let request = request::build(&setting, spec, &container.container, image)?;
        self.runtime.create(&request).await?;
        failpoint!("create.after");
        Ok(())
    }

    pub(super) async fn start_container(&self, container: ContainerRef) -> Event {
        failpoint!("start.before");
        let started = self.runtime.start(&id(&container)).await;
        failpoint!("start.after" if started.is_ok());
        match started {
            Ok(started) => Event::ContainerStarted { container, at: Timestamp::from_millis(started.at_ms) },
            // Nobody answered, so it may run: what became of it is looked up before anything is said of it.
            Err(error @ (StartError::Away { .. } | StartError::Rpc { .. })) => {
                postponed(container, Act::Start, ReasonCode::CannotStartContainer, &error, None)
            }
            Err(error @ StartError::NotFound { .. }) => {
                let seen = ending::believed((&self.runtime, &self.places), &container, None).await;
                if let Some(Observation::Running { .. }) = seen {
                    return Event::ContainerInspected { container, seen };
                }
                let reason = Reason::new(ReasonCode::CannotStartContainer, chain(&error));
                Event::ContainerUndone { container, reason }
            }
            Err(error @ StartError::Runtime { .. }) => {
                let detail = chain(&error);
                let code = codes::unless_full(&detail, ReasonCode::CannotStartContainer);
                let reason = Reason::new(code, detail);
                Event::StartFailed { container, reason }
            }
        }
    }

    pub(super) async fn renew_container(
        &self,
        container: ContainerRef,
        spec: &TaskSpec,
        restarts: &Restarts,
    ) -> Event {
        failpoint!("renew.before");
        let living = ending::believed((&self.runtime, &self.places), &container, None).await;
        if let Some(Observation::Running { .. }) = living {
            return Event::ContainerInspected { container, seen: living };
        }
        let request = match request::renewal(&self.places, spec, &container.container, restarts) {
            Ok(request) => request,
            Err(error) => {
                let reason = Reason::new(ReasonCode::HostConfig, chain(&error));
                return Event::RenewFailed { container, reason };
            }
        };
        let renewed = self.runtime.renew(&request).await;
        failpoint!("renew.after" if renewed.is_ok());
        match renewed {
            Ok(()) => Event::ContainerRenewed { container },
            // Nothing is started before a renewal is known to be done, so it may be asked for again.
            Err(RenewError::Runs { pid, .. }) => {
                let seen = Some(Observation::Running { pid, since: None });
                Event::ContainerInspected { container, seen }
            }
            Err(error @ (RenewError::Away { .. } | RenewError::Rpc { .. })) => {
                postponed(container, Act::Renew, ReasonCode::CannotStartContainer, &error, None)
            }
            Err(error @ (RenewError::NotFound { .. } | RenewError::Runtime { .. })) => {
                let detail = chain(&error);
                let code = codes::unless_full(&detail, ReasonCode::CannotStartContainer);
                Event::RenewFailed { container, reason: Reason::new(code, detail) }
            }
        }
    }

    pub(super) async fn inspect_container(&self, container: ContainerRef) -> Event {
        failpoint!("inspect.before");
        let seen = self.runtime.inspect(&id(&container)).await;
        failpoint!("inspect.after" if seen.is_ok());
        match seen {
            Ok(seen) => {
                let seen = seen.map(observation);
                let seen = ending::believed((&self.runtime, &self.places), &container, seen).await;
                Event::ContainerInspected { container, seen }
            }
            Err(error) => postponed(container, Act::Inspect, ReasonCode::CannotStartContainer, &error, None),
        }
    }

    pub(super) async fn signal_container(&self, container: ContainerRef, signal: StopSignal) -> Event {
        let name = match &signal {
            StopSignal::Kill => "SIGKILL",
            StopSignal::Polite(chosen) => chosen.as_deref().unwrap_or("SIGTERM"),
        };
        failpoint!("signal.before");
        let sent = self.runtime.signal(&id(&container), name).await;
        failpoint!("signal.after" if sent.is_ok());
        let failure = match (sent, &signal) {
            // That containerd has no process of it is not to say that there is none.
            (Ok(SignalOutcome::Gone), StopSignal::Kill) => {
                match self.runtime.end(&self.cgroup(&container)).await {
                    Ok(()) => return self.look_after_kill(container).await,
                    Err(error) => chain(&error),
                }
            }
            (Ok(SignalOutcome::Gone) | Err(SignalError::Rpc { .. }), StopSignal::Polite(_))
                if self.is_asked_past_containerd(&container, name).await =>
            {
                return Event::SignalSent { container };
            }
            (Ok(SignalOutcome::Delivered | SignalOutcome::Gone), _) => {
                return Event::SignalSent { container };
            }
            (Err(error @ SignalError::Away { .. }), _) => {
                let act = if signal == StopSignal::Kill { Act::Kill } else { Act::Ask };
                return postponed(container, act, ReasonCode::CannotStopContainer, &error, None);
            }
            (Err(error @ (SignalError::Unknown { .. } | SignalError::Rpc { .. })), _) => chain(&error),
        };
        Event::SignalFailed { container, reason: Reason::new(ReasonCode::CannotStopContainer, failure) }
    }

    /// Whether a container that containerd has lost, or whose shim does not answer, got its signal from the agent itself.
    async fn is_asked_past_containerd(&self, container: &ContainerRef, signal: &str) -> bool {
        let asked = self.runtime.ask(&self.cgroup(container), signal).await;
        asked
            .inspect_err(|error| {
                tracing::warn!(task = %container.task, container = container.container, error = chain(error),
                "cannot look into a cgroup for whom to send a signal");
            })
            .is_ok_and(|outcome| outcome == SignalOutcome::Delivered)
    }

    /// What became of a container that had no process left to kill: its exit may be known, and nobody may ever tell of it.
    async fn look_after_kill(&self, container: ContainerRef) -> Event {
        let seen = self.runtime.inspect(&id(&container)).await.map(|seen| seen.map(observation));
        match seen {
            Ok(seen @ (Some(Observation::Exited(_) | Observation::Vanished) | None)) => {
                Event::ContainerInspected { container, seen }
            }
            Ok(Some(Observation::Created | Observation::Running { .. })) | Err(_) => {
                Event::SignalSent { container }
            }
        }
    }

    pub(super) async fn delete_container(&self, container: ContainerRef) -> Event {
        let memory = self.network.memory(&container);
        failpoint!("delete.before");
        let deleted = self.unmake_container(&container).await;
        failpoint!("delete.after" if deleted.is_ok());
        match deleted {
            Ok(exit) => {
                let remains = Some(Remains { last_lines: self.network.last_lines(&container), ..memory });
                let exit = exit.map(|exit| Exit { code: exit.code, at: Timestamp::from_millis(exit.at_ms) });
                Event::ContainerDeleted { container, exit, remains }
            }
            Err(error) => {
                let reason = Reason::new(ReasonCode::CannotRemoveContainer, chain(&error));
                Event::DeleteFailed { container, reason }
            }
        }
    }

    /// Ends what lives first, for containerd may not know of it, and its record is what a later agent goes by.
    async fn unmake_container(&self, container: &ContainerRef) -> Result<Option<ExitStatus>, UnmakeError> {
        self.runtime.end(&self.cgroup(container)).await?;
        failpoint!("delete.ended");
        Ok(self.runtime.delete(&id(container)).await?)
    }

    fn cgroup(&self, container: &ContainerRef) -> String {
        self.places.container_cgroup(&container.task, &container.container)
    }

    pub(super) async fn probe_health(&self, container: ContainerRef, check: HealthCheck) -> Event {
        failpoint!("probe.before");
        // The name has to be new each time: containerd may still hold the last probe's record.
        let exec_id = format!("health-{}", self.clock.now().as_millis());
        let id = id(&container);
        let probe = self.runtime.exec(&id, &exec_id, &check.command, check.timeout);
        let end = Wait::named("a health probe").owner(id.clone()).at_most(check.timeout + PROBE_GRACE);
        let outcome = end.on(probe).await;
        failpoint!("probe.after" if matches!(outcome, Ok(Ok(_))));
        let (exit_code, mut output) = match outcome {
            Ok(Ok(done)) => (done.exit_code, done.output),
            Ok(Err(error @ ExecError::Away { .. })) => {
                return postponed(container, Act::Probe, ReasonCode::Timeout, &error, None);
            }
            Ok(Err(error)) => (None, describe(&error)),
            Err(_) => {
                // A containerd that hangs says nothing about the container's health.
                if let Err(error) = self.runtime.ping().await {
                    return postponed(container, Act::Probe, ReasonCode::Timeout, &error, None);
                }
                (None, format!("the probe did not end within {:?}", check.timeout + PROBE_GRACE))
            }
        };
        output.truncate(output.floor_char_boundary(PROBE_OUTPUT));
        Event::HealthProbed { container, exit_code, output }
    }
}

/// containerd was not there for the act; with the digest of the image that it was busy with, when it was there and ended meanwhile.
pub(super) fn postponed(
    container: ContainerRef,
    act: Act,
    code: ReasonCode,
    error: &dyn Error,
    suspect: Option<String>,
) -> Event {
    Event::Postponed { container, act, reason: Reason::new(code, chain(error)), suspect }
}

fn describe(error: &ExecError) -> String {
    format!("the probe could not be run: {}", chain(error))
}

fn id(container: &ContainerRef) -> String {
    runtime_id(&container.task, &container.container)
}
