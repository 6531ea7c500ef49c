//! What is seen of containers.

use super::call::{Answer, absence};
use super::{QUICK, SimRuntime};
use crate::host::{Container, Host, Phase};
use crate::mistake::Mistake;
use std::collections::BTreeMap;
use wharf_runtime::{
    ExecError, ExecOutcome, InspectError, ListError, ObservedContainer, ObservedState, RpcError,
};

impl SimRuntime {
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
        let exit_code = {
            let mut state = self.world.lock();
            let now = state.now();
            let there = state.host.containers.get(id).and_then(|container| match container.phase {
                Phase::Running(since) => Some((since, container.clone())),
                Phase::Created => Some((now, container.clone())),
                Phase::Exited(_) | Phase::Vanished => None,
            });
            let Some((since, container)) = there else {
                return Err(ExecError::NotRunning { id: id.clone() });
            };
            let healthy = container.plan.healthy_after.is_none_or(|after| since + after <= now);
            state.host.lived(&container.task, &container.name).healthy |= healthy;
            i32::from(!healthy)
        };
        self.world.step("after", "Exec", id).await;
        Ok(ExecOutcome { exit_code: Some(exit_code), output: String::new() })
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<Option<ObservedState>, InspectError> {
        let id = &self.id(id);
        if let Some(source) = self.call("Inspect", id, QUICK).await.error() {
            return Err(InspectError { id: id.clone(), source });
        }
        let seen = {
            let Host { containers, killed, .. } = &self.world.lock().host;
            let state = |container: &Container| {
                let dead = killed.get(&container.copy).map(|exit| ObservedState::Exited(*exit));
                dead.unwrap_or_else(|| observed(container.phase))
            };
            containers.get(id).map(state)
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
            let truth = listing(&state.host.containers);
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

fn listing(containers: &BTreeMap<String, Container>) -> Vec<ObservedContainer> {
    let observed = containers.iter().map(|(id, container)| ObservedContainer {
        id: id.clone(),
        labels: container.request.labels.clone(),
        state: observed(container.phase),
        inscription: container.request.inscription.clone(),
        restarts: container.restarts.clone(),
        created_at_ms: Some(container.created_at),
        started_at_ms: container.started_at.filter(|_| matches!(container.phase, Phase::Running(_))),
    });
    observed.collect()
}

fn observed(phase: Phase) -> ObservedState {
    match phase {
        Phase::Created => ObservedState::Created,
        Phase::Running(_) => ObservedState::Running { pid: 1 },
        Phase::Exited(exit) => ObservedState::Exited(exit),
        Phase::Vanished => ObservedState::Vanished,
    }
}
