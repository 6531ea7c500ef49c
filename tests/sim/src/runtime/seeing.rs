//! What is seen of containers.

use super::call::{Answer, absence, silent};
use super::{QUICK, SimRuntime};
use crate::host::{Container, Kind, Phase};
use crate::mistake::Mistake;
use crate::world::State;
use wharf_runtime::cgroup::CgroupError;
use wharf_runtime::{
    ExecError, ExecOutcome, ExitStatus, InspectError, ListError, ObservedContainer, ObservedState, RpcError,
};

impl SimRuntime {
    /// What lives in a cgroup, as the kernel says; what a main process left behind is killed.
    pub(super) async fn survivor(&self, cgroup: &str) -> Result<Option<ObservedState>, CgroupError> {
        self.world.step("before", "Survivor", cgroup).await;
        let found = self.world.lock().occupants(cgroup);
        if found.iter().any(|(_, kind)| *kind == Kind::Waits) {
            return Ok(Some(ObservedState::Created));
        }
        match found.iter().find(|(_, kind)| matches!(kind, Kind::Runs { .. })) {
            Some((pid, _)) => Ok(Some(ObservedState::Running { pid: *pid })),
            None if found.is_empty() => Ok(None),
            None => self.end(cgroup).await.map(|()| None),
        }
    }

    /// A command in a container: a health check, which succeeds once it is time.
    pub(super) async fn exec(&self, id: &str) -> Result<ExecOutcome, ExecError> {
        let id = &self.id(id);
        let answer = self.call("Exec", id, QUICK).await;
        match answer {
            Answer::Good => {}
            Answer::Away(error) => {
                return Err(ExecError::Away { id: id.clone(), source: absence(error) });
            }
            Answer::Refused(source) | Answer::Lost(source) => {
                return Err(ExecError::Rpc { id: id.clone(), source });
            }
        }
        let probed = self.world.change(|state| state.probe(id));
        self.world.step("after", "Exec", id).await;
        Ok(ExecOutcome { exit_code: Some(i32::from(!probed?)), output: String::new() })
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<Option<ObservedState>, InspectError> {
        let id = &self.id(id);
        if let Some(source) = self.call("Inspect", id, QUICK).await.error() {
            return Err(InspectError { id: id.clone(), source });
        }
        let seen = {
            let state = self.world.lock();
            state.host.containers.get(id).map(|container| state.told(container))
        };
        self.world.step("after", "Inspect", id).await;
        Ok(seen)
    }

    pub(super) async fn list(&self) -> Result<Vec<ObservedContainer>, ListError> {
        if let Some(error) = self.call("List", "", QUICK).await.error() {
            return Err(error.into());
        }
        if self.lists_no_more() {
            return Err(RpcError::Deadline { rpc: "List", after: QUICK }.into());
        }
        let listing = self.world.change(|state| {
            let truth = state.listing();
            state.host.remember_listing(truth, state.mistake, state.life.number)
        });
        // What was seen may be old when it is heard of.
        self.world.takes("listing", 0, 60).await;
        self.world.step("after", "List", "").await;
        Ok(listing)
    }

    /// The mistake of an agent that lists at its start only.
    fn lists_no_more(&self) -> bool {
        let state = self.world.lock();
        state.mistake == Some(Mistake::EventsTrusted) && state.host.has_listed(state.life.number)
    }
}

impl State {
    /// What is said of a container: what is seen of it, unless a mistake is put in.
    fn told(&self, container: &Container) -> ObservedState {
        let (host, pid) = (&self.host, container.pid);
        if let Some(exit) = host.believed_dead.get(&pid) {
            return ObservedState::Exited(*exit);
        }
        if self.mistake == Some(Mistake::RunningBelieved) && container.phase == Phase::Running {
            return ObservedState::Running { pid };
        }
        match host.seen(container) {
            ObservedState::Exited(exit) if self.mistake == Some(Mistake::ExitInSeconds) => {
                ObservedState::Exited(ExitStatus { at_ms: exit.at_ms / 1000, ..exit })
            }
            seen => seen,
        }
    }

    fn listing(&self) -> Vec<ObservedContainer> {
        let observed = self.host.containers.iter().map(|(id, container)| {
            let state = self.told(container);
            ObservedContainer {
                id: id.clone(),
                labels: container.request.labels.clone(),
                inscription: container.request.inscription.clone(),
                restarts: container.restarts.clone(),
                created_at_ms: Some(container.created_at),
                started_at_ms: match state {
                    ObservedState::Running { .. } => container.started_at.map(|at| self.wall_at(at)),
                    ObservedState::Created | ObservedState::Exited(_) | ObservedState::Vanished => None,
                },
                state,
            }
        });
        observed.collect()
    }

    /// Whether a probe finds a container healthy; one that containerd does not know to be there cannot be probed.
    fn probe(&mut self, id: &str) -> Result<bool, ExecError> {
        let now = self.now();
        let missing = || ExecError::NotRunning { id: id.to_owned() };
        let container = self.host.containers.get(id).ok_or_else(missing)?;
        if container.hung {
            return Err(ExecError::Rpc { id: id.to_owned(), source: silent("Exec") });
        }
        let since = match self.host.seen(container) {
            ObservedState::Running { pid } => match self.host.kernel.process(pid).map(|process| process.kind)
            {
                Some(Kind::Runs { since, .. }) => since,
                Some(Kind::Waits | Kind::Left) | None => return Err(missing()),
            },
            ObservedState::Created => now,
            ObservedState::Exited(_) | ObservedState::Vanished => return Err(missing()),
        };
        let Container { task, name, plan, .. } = container.clone();
        let healthy = plan.healthy_after.is_none_or(|after| since + after <= now);
        self.host.lived(&task, &name).healthy |= healthy;
        Ok(healthy)
    }
}
