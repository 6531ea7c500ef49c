//! Containers that containerd loses, or tells untruths of. What is true of them, the kernel knows.

use crate::history::Who;
use crate::host::{Container, Phase};
use crate::scenario::Millis;
use crate::world::{Happening, State};
use wharf_runtime::{ExitStatus, ObservedState};

impl State {
    /// A container of a task that runs: somebody else's, nobody could find in the kernel.
    fn pick_lost(&self, pick: u8) -> Option<String> {
        self.host.pick_running(pick, |id| !self.host.strangers.contains_key(id))
    }

    fn record(&mut self, id: &str) -> &mut Container {
        self.host.containers.get_mut(id).expect("it was picked")
    }

    /// containerd is down, and when it is back it has forgotten a container.
    pub(super) fn forgets(&mut self, pick: u8) {
        if let Some(id) = self.pick_lost(pick) {
            self.say(Who::Fate, format_args!("containerd forgets {id}, which lives"));
            self.record(&id).phase = Phase::Vanished;
        }
        self.containerd_goes_down();
    }

    /// containerd says that a process has ended that lives, mostly also by an event.
    pub(super) fn says_stopped(&mut self, pick: u8) {
        let Some(id) = self.pick_lost(pick) else { return };
        let (code, at_ms) = (self.make_up_code(&id), self.wall());
        self.say(Who::Fate, format_args!("containerd says that {id} ended with {code}, which lives"));
        let exit = ExitStatus { code, at_ms };
        self.record(&id).phase = Phase::Exited(exit);
        if self.draw("stopped", 0, 2) > 0 {
            self.tell_exit(&id, exit);
        }
    }

    /// A shim hangs, and in every second case its process ends meanwhile.
    pub(super) fn shim_hangs(&mut self, pick: u8, lasts: Millis) {
        let Some(id) = self.pick_lost(pick) else { return };
        let container = self.record(&id);
        container.hung = true;
        let (pid, task) = (container.pid, container.task.clone());
        let dies = self.draw("dies meanwhile", 0, 1) == 0;
        self.say(Who::Fate, format_args!("the shim of {id} hangs"));
        if dies {
            self.excuse(&task);
            let after = self.draw("death meanwhile", 0, lasts);
            self.plan(after, Happening::Exit { pid, code: 9, oom: false });
        }
    }

    /// The shims that hang do so no more, and say what happened meanwhile. Of those whose process is dead, every second hangs on.
    pub(super) fn shims_answer(&mut self) {
        let hung = self.host.containers.iter().filter(|(_, found)| found.hung);
        let hung: Vec<(String, bool)> =
            hung.map(|(id, found)| (id.clone(), found.unsaid.is_some())).collect();
        for (id, dead) in hung {
            if dead && self.draw("hangs on", 0, 1) == 0 {
                self.say(Who::Fate, format_args!("the shim of {id} hangs on, over a dead process"));
                continue;
            }
            let container = self.record(&id);
            container.hung = false;
            if let Some(exit) = container.unsaid.take() {
                container.phase = Phase::Exited(exit);
                self.tell_exit(&id, exit);
            }
        }
    }

    /// What containerd finds under the name of a container whose making nobody waits for any more goes, whoever made it meanwhile.
    pub(super) fn making_is_undone(&mut self, id: &str, answered: bool) {
        let found =
            self.host.containers.get(id).filter(|found| self.host.seen(found) == ObservedState::Created);
        let Some(pid) = found.map(|found| found.pid).filter(|_| self.weather.containerd_down == 0) else {
            return;
        };
        self.say(Who::Fate, format_args!("containerd undoes {id}, for a request of an agent that is dead"));
        let record = self.record(id);
        record.phase = Phase::Vanished;
        let (task, made_by) = (record.task.clone(), record.made_by);
        self.host.kernel.remove(pid);
        // An agent without its data cannot know that the record which is left has never had a process; nor can one that comes after
        // the death of another which knew that it was made.
        if self.host.data_lost || (answered && (self.life.dead || made_by != self.life.number)) {
            self.excuse(&task);
        }
        if self.draw("undo told", 0, 1) == 0 {
            let exit = ExitStatus { code: 137, at_ms: self.wall() };
            self.tell_exit(id, exit);
        }
    }

    pub(super) fn shim_killed(&mut self, pick: u8) {
        if let Some(id) = self.pick_lost(pick) {
            self.shim_dies(&id);
        }
    }

    /// A shim is dead. containerd knows no process any more, has it killed where it is found, and says so, of whatever it was.
    pub fn shim_dies(&mut self, id: &str) {
        let container = self.record(id);
        (container.phase, container.hung) = (Phase::Vanished, false);
        let (pid, task) = (container.pid, container.task.clone());
        let found = self.draw("found", 0, 2) > 0;
        let outcome = if found { "has its process killed" } else { "does not find its process" };
        self.say(Who::Fate, format_args!("the shim of {id} is dead; containerd {outcome}"));
        if found && self.host.kernel.process(pid).is_some() {
            self.excuse(&task);
            self.process_ends(pid, 137, false);
        }
        let exit = ExitStatus { code: self.make_up_code(id), at_ms: self.wall() };
        self.tell_exit(id, exit);
    }

    /// An exit of an earlier attempt of some container is told, as all that come from now on are told again.
    pub(super) fn exits_again(&mut self, pick: u8) {
        let ids: Vec<String> = self.host.containers.keys().cloned().collect();
        if let Some(id) = ids.get(usize::from(pick) % ids.len().max(1)) {
            self.say(Who::Fate, format_args!("an exit of an earlier {id} is told"));
            self.tell_exit_again(id);
        }
    }
}
