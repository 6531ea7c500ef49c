//! How a process is asked to end or made to, and how a container goes.

use super::call::{Answer, absence, silent};
use super::{QUICK, SLOW, SimRuntime};
use crate::history::Who;
use crate::host::{Kind, Phase, Pid};
use crate::mistake::Mistake;
use crate::world::{Happening, State};
use wharf_runtime::cgroup::CgroupError;
use wharf_runtime::{DeleteError, ExitStatus, RpcError, SignalError, SignalOutcome};

impl SimRuntime {
    pub(super) async fn signal(&self, id: &str, signal: &str) -> Result<SignalOutcome, SignalError> {
        let id = &self.id(id);
        let answer = self.call("Kill", id, QUICK).await;
        let mut outcome = Ok(SignalOutcome::Gone);
        if answer.takes_effect() {
            outcome = self.world.change(|state| state.signal(id, signal));
        }
        if outcome.is_err() {
            tokio::time::sleep(QUICK).await;
        }
        let (of, signal) = (id.clone(), signal.to_owned());
        match self.answered("Kill", id, answer).await {
            Answer::Good => outcome.map_err(|source| SignalError::Rpc { id: of, signal, source }),
            Answer::Away(error) => Err(SignalError::Away { id: of, signal, source: absence(error) }),
            Answer::Refused(source) | Answer::Lost(source) => {
                Err(SignalError::Rpc { id: of, signal, source })
            }
        }
    }

    pub(super) async fn ask(&self, cgroup: &str, signal: &str) -> Result<SignalOutcome, CgroupError> {
        self.world.step("before", "Ask", cgroup).await;
        let outcome = self.world.change(|state| state.signal_past(cgroup, signal));
        self.world.step("after", "Ask", cgroup).await;
        Ok(outcome)
    }

    pub(super) async fn end(&self, cgroup: &str) -> Result<(), CgroupError> {
        self.world.step("before", "End", cgroup).await;
        let asked = self.world.lock().mistake != Some(Mistake::KernelNotAsked);
        if asked && self.world.lock().host.kernel.within(cgroup).next().is_some() {
            self.world.takes("end", 1, 200).await;
            self.world.change(|state| {
                state.say(Who::Agent, format_args!("End {cgroup}"));
                state.kill_cgroup(cgroup);
            });
        }
        self.world.step("after", "End", cgroup).await;
        Ok(())
    }

    pub(super) async fn delete(&self, id: &str) -> Result<Option<ExitStatus>, DeleteError> {
        let id = &self.id(id);
        let answer = self.call("Delete", id, SLOW).await;
        let mut exit = None;
        if answer.takes_effect() {
            exit = self.world.change(|state| state.delete(id));
        }
        match self.answered("Delete", id, answer).await.error() {
            None => Ok(exit),
            Some(source) => Err(DeleteError { id: id.clone(), source }),
        }
    }
}

impl State {
    /// A signal on its way through a shim: one that hangs does not answer, and is killed for that when it was to kill.
    fn signal(&mut self, id: &str, signal: &str) -> Result<SignalOutcome, RpcError> {
        let Some(container) = self.host.containers.get(id) else { return Ok(SignalOutcome::Gone) };
        let (pid, obeys) = (container.pid, container.plan.obeys);
        if container.hung {
            self.say(Who::Agent, format_args!("{signal} to {id}: its shim does not answer"));
            if signal == "SIGKILL" {
                self.shim_dies(id);
            }
            return Err(silent("Kill"));
        }
        let runs =
            self.host.kernel.process(pid).is_some_and(|process| matches!(process.kind, Kind::Runs { .. }));
        if container.phase != Phase::Running || !runs {
            return Ok(SignalOutcome::Gone);
        }
        self.say(Who::Agent, format_args!("{signal} to {id}"));
        let (after, code) = match signal {
            "SIGKILL" => (Some(self.draw("death", 1, 200)), 137),
            _ => (obeys, 143),
        };
        if let Some(after) = after {
            self.plan(after, Happening::Exit { pid, code, oom: false });
        }
        if signal == "SIGKILL" {
            self.kill_is_death(id, pid);
        }
        Ok(SignalOutcome::Delivered)
    }

    /// A signal without a shim, to the main process in a cgroup.
    fn signal_past(&mut self, cgroup: &str, signal: &str) -> SignalOutcome {
        let main = self.occupants(cgroup).into_iter().find(|(_, kind)| matches!(kind, Kind::Runs { .. }));
        let Some((pid, _)) = main else { return SignalOutcome::Gone };
        let Some(process) = self.host.kernel.process(pid).cloned() else { return SignalOutcome::Gone };
        self.say(Who::Agent, format_args!("{signal} to {}, past containerd", process.id));
        let obeys = self.plane.plan_of(&process.task, &process.name).and_then(|plan| plan.obeys);
        if let Some(after) = obeys {
            self.plan(after, Happening::Exit { pid, code: 143, oom: false });
        }
        SignalOutcome::Delivered
    }

    /// The mistake by that name.
    fn kill_is_death(&mut self, id: &str, pid: Pid) {
        if self.mistake == Some(Mistake::KillIsDeath) {
            let at_ms = self.wall();
            self.host.believed_dead.insert(pid, ExitStatus { code: 137, at_ms });
            self.plan(0, Happening::Emit { id: id.to_owned(), exit: Some((137, at_ms)) });
        }
    }

    /// A record goes, and what containerd knows to run. Of what it does not know it leaves process and cgroup where they are.
    fn delete(&mut self, id: &str) -> Option<ExitStatus> {
        if self.host.containers.get(id)?.hung {
            self.shim_dies(id);
        }
        let container = self.host.containers.get(id)?;
        let cgroup = container.request.cgroup_path.clone();
        let waited =
            self.host.kernel.process(container.pid).is_some_and(|process| process.kind == Kind::Waits);
        if matches!(container.phase, Phase::Created | Phase::Running) {
            self.kill_cgroup(&cgroup);
        }
        self.check_delete(id);
        let removed = self.host.containers.remove(id)?;
        self.say(Who::Agent, format_args!("Delete {id}"));
        if removed.phase != Phase::Vanished {
            self.host.kernel.remove_cgroup(&cgroup);
        }
        match removed.phase {
            Phase::Exited(exit) if !waited => Some(exit),
            Phase::Exited(_) | Phase::Created | Phase::Running | Phase::Vanished => None,
        }
    }
}
