//! A process in place of one that has ended, and what has to be true for that.

use crate::history::Who;
use crate::host::{Container, Lived, Phase};
use crate::message;
use crate::runtime::silent;
use crate::world::State;
use wharf_core::restart::Restarts;
use wharf_runtime::{ExitStatus, ObservedState, RenewError};

impl State {
    /// The ended process of a container goes. Says whether a new one is to be made: not where one waits already.
    pub fn clear_away(&mut self, id: &str, note: &[u8]) -> Result<bool, RenewError> {
        let Some(container) = self.host.containers.get(id) else {
            return Err(RenewError::NotFound { id: id.to_owned() });
        };
        if container.hung {
            return Err(RenewError::Rpc { id: id.to_owned(), source: silent("Renew") });
        }
        match self.host.seen(container) {
            ObservedState::Running { pid } => Err(RenewError::Runs { id: id.to_owned(), pid }),
            ObservedState::Created => Ok(false),
            ObservedState::Vanished => Ok(true),
            ObservedState::Exited(exit) => {
                let container = container.clone();
                self.say(Who::Agent, format_args!("Renew {id}: what has ended is cleared away"));
                self.what_is_started_again_may_be(&container, exit);
                self.restarts_are_counted_right(&container, note);
                self.host.containers.get_mut(id).expect("it is there").phase = Phase::Vanished;
                Ok(true)
            }
        }
    }

    /// A new process waits to be started.
    pub fn make_anew(&mut self, id: &str, note: &[u8]) {
        // A boot, or an agent that lives, may have come between.
        let Some(container) = self.host.containers.get(id) else { return };
        let Container { request, task, name, plan, created_at, .. } = container.clone();
        let anew = self.container((id, &request), (task.clone(), name.clone()), plan);
        let anew = Container { created_at, restarts: note.to_vec(), ..anew };
        self.host.containers.insert(id.to_owned(), anew);
        self.host.lived(&task, &name).renewals += 1;
        self.say(Who::Agent, format_args!("Renew {id}"));
    }

    /// `a_container_is_started_again_only_as_its_policy_says`
    fn what_is_started_again_may_be(&mut self, container: &Container, exit: ExitStatus) {
        const RULE: &str = "a_container_is_started_again_only_as_its_policy_says";
        let Container { task, name, plan, .. } = container;
        let Some(policy) = plan.restart else {
            return self.broken(RULE, format_args!("{task}/{name} has none"));
        };
        if policy.ignored.map(i32::from) == Some(exit.code) {
            self.broken(RULE, format_args!("{task}/{name} ended with {}, which is ignored", exit.code));
        }
        // Where the answer to its start was lost, nobody knows better than when its process was made.
        let lived = self.host.lived(task, name);
        let ran = lived.ended.map_or(lived.ran, |(at, _)| at - container.made_at);
        if ran < policy.period * 1000 && !lived.timeless {
            self.broken(RULE, format_args!("{task}/{name} ran {ran} ms of {} s", policy.period));
        }
    }

    /// `what_is_to_be_started_again_is`: told of an end while nothing has gone wrong yet and no other container has ended.
    pub fn what_is_to_be_started_again_is(&mut self, task: &str, name: &str, code: i64) {
        let Some(goal) = self.plane.goal(task) else { return };
        let asked = goal.stop_asked.is_some() || goal.excused;
        let plan = message::index(name).map(|at| goal.plan.containers[at].clone());
        let Some(policy) = plan.and_then(|plan| plan.restart).filter(|_| !asked) else { return };
        let others_ended = self.host.lives.iter().any(|((id, other), lived)| {
            id == task && other != name && (lived.ended.is_some() || lived.started.is_none())
        });
        let Lived { ran, unseen, timeless, .. } = *self.host.lived(task, name);
        let long = ran >= policy.period * 1000 && !timeless;
        let ignored = policy.ignored.map(i64::from) == Some(code);
        // Of an end that nobody saw nobody knows after how long it came.
        if long && !ignored && !others_ended && !unseen && self.trouble_since(0) == 0 {
            let what = format!("{task}/{name} ended with {code} after {ran} ms and is told STOPPED");
            self.broken("what_is_to_be_started_again_is", format_args!("{what}"));
        }
    }

    /// `restarts_are_counted_right`
    fn restarts_are_counted_right(&mut self, container: &Container, note: &[u8]) {
        let noted = Restarts::decode(note).map(|restarts| restarts.count);
        let right = self.host.lived(&container.task, &container.name).renewals + 1;
        if noted.as_ref().ok() != Some(&right) {
            let what = format!("{}/{}: {noted:?}, and not {right}", container.task, container.name);
            self.broken("restarts_are_counted_right", format_args!("{what}"));
        }
    }
}
