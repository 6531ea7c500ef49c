//! How a process is asked to end or made to, and how a container goes.

use super::call::{Answer, absence};
use super::{QUICK, SLOW, SimRuntime};
use crate::history::Who;
use crate::host::Phase;
use crate::mistake::Mistake;
use crate::world::Happening;
use wharf_runtime::cgroup::CgroupError;
use wharf_runtime::{DeleteError, ExitStatus, SignalError, SignalOutcome};

impl SimRuntime {
    pub(super) async fn signal(&self, id: &str, signal: &str) -> Result<SignalOutcome, SignalError> {
        let id = &self.id(id);
        let answer = self.call("Kill", id, QUICK).await;
        let mut outcome = SignalOutcome::Gone;
        if answer.takes_effect() {
            outcome = self.world.change(|state| {
                let Some(container) = state.host.containers.get(id) else { return SignalOutcome::Gone };
                let Phase::Running(_) = container.phase else { return SignalOutcome::Gone };
                let (copy, obeys) = (container.copy, container.plan.obeys);
                state.say(Who::Agent, format_args!("{signal} to {id}"));
                let (after, code) = match (signal, obeys) {
                    ("SIGKILL", _) => (Some(state.draw("death", 1, 200)), 137),
                    (_, obeys) => (obeys, 143),
                };
                if let Some(after) = after {
                    state.plan(after, Happening::Exit { id: id.clone(), copy, code, oom: false });
                }
                if state.mistake == Some(Mistake::KillIsDeath) && signal == "SIGKILL" {
                    let at_ms = state.wall();
                    state.host.killed.insert(copy, ExitStatus { code: 137, at_ms });
                    state.plan(0, Happening::Emit { id: id.clone(), exit: Some((137, at_ms)) });
                }
                SignalOutcome::Delivered
            });
        }
        let (of, signal) = (id.clone(), signal.to_owned());
        match self.answered("Kill", id, answer).await {
            Answer::Good => Ok(outcome),
            Answer::Away(error) => Err(SignalError::Away { id: of, signal, source: absence(error) }),
            Answer::Refused(source) | Answer::Lost(source) => {
                Err(SignalError::Rpc { id: of, signal, source })
            }
        }
    }

    pub(super) async fn end(&self, cgroup: &str) -> Result<(), CgroupError> {
        self.world.step("before", "End", cgroup).await;
        self.world.change(|state| {
            let mut running =
                state.host.containers.iter().filter(|(_, c)| matches!(c.phase, Phase::Running(_)));
            let found = running.find(|(_, c)| cgroup.ends_with(&format!("/{}/{}", c.task, c.name)));
            if let Some((id, copy)) = found.map(|(id, container)| (id.clone(), container.copy)) {
                state.say(Who::Agent, format_args!("End {id}"));
                state.process_ends(&id, copy, 137, false);
            }
        });
        self.world.step("after", "End", cgroup).await;
        Ok(())
    }

    pub(super) async fn delete(&self, id: &str) -> Result<Option<ExitStatus>, DeleteError> {
        let id = &self.id(id);
        let answer = self.call("Delete", id, SLOW).await;
        let mut exit = None;
        if answer.takes_effect() {
            exit = self.world.change(|state| {
                let running = state.host.containers.get(id).filter(|c| matches!(c.phase, Phase::Running(_)));
                if let Some(copy) = running.map(|container| container.copy) {
                    state.process_ends(id, copy, 137, false);
                }
                state.check_delete(id);
                let removed = state.host.containers.remove(id)?;
                state.say(Who::Agent, format_args!("Delete {id}"));
                match removed.phase {
                    Phase::Exited(exit) => Some(exit),
                    Phase::Created | Phase::Running(_) | Phase::Vanished => None,
                }
            });
        }
        match self.answered("Delete", id, answer).await.error() {
            None => Ok(exit),
            Some(source) => Err(DeleteError { id: id.clone(), source }),
        }
    }
}
