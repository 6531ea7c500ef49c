//! What containerd tells by itself.

use crate::history::Who;
use crate::host::Container;
use crate::mistake::Mistake;
use crate::world::{Happening, State};
use wharf_runtime::{ExitStatus, RuntimeEvent};

impl State {
    /// An exit is told before long, and while exits are told again, once more with a code that is made up.
    pub fn tell_exit(&mut self, id: &str, exit: ExitStatus) {
        let after = self.draw("exit event", 1, 300);
        self.plan(after, Happening::Emit { id: id.to_owned(), exit: Some((exit.code, exit.at_ms)) });
        if self.weather.exits_again > 0 {
            self.tell_exit_again(id);
        }
    }

    /// Late, of an attempt that is over, and with a code that nobody saw.
    pub fn tell_exit_again(&mut self, id: &str) {
        let (after, code) = (self.draw("late exit", 300, 12_000), self.make_up_code(id));
        let at_ms = self.wall();
        self.plan(after, Happening::Emit { id: id.to_owned(), exit: Some((code, at_ms)) });
    }

    /// What containerd says of an end of this container that it did not see.
    pub fn make_up_code(&mut self, id: &str) -> i32 {
        let code = if self.draw("made up", 0, 1) == 0 { 137 } else { 255 };
        if let Some(Container { task, name, .. }) = self.host.containers.get(id).cloned() {
            self.host.lived(&task, &name).made_up.insert(code);
        }
        code
    }

    /// containerd tells, if it is there and anybody listens.
    pub fn emit(&mut self, id: &str, exit: Option<(i32, i64)>) {
        if self.weather.containerd_down > 0 || self.weather.events_lost > 0 {
            return self.say(Who::Host, format_args!("an event of {id} is lost"));
        }
        let container_id = id.to_owned();
        let event = match exit {
            Some((code, at_ms)) => {
                let exit = ExitStatus { code, at_ms };
                if self.mistake == Some(Mistake::ExitBelieved) {
                    let pid = self.host.containers.get(id).map(|container| container.pid);
                    self.host.believed_dead.extend(pid.map(|pid| (pid, exit)));
                }
                RuntimeEvent::Exited { container_id, exit }
            }
            None => RuntimeEvent::Oom { container_id },
        };
        self.tell_event(event);
    }

    /// Events flow again.
    pub fn resubscribed(&mut self) {
        if self.weather.containerd_down == 0 {
            self.tell_event(RuntimeEvent::Resubscribed);
        }
    }

    /// containerd stops; processes run on.
    pub fn containerd_goes_down(&mut self) {
        self.tell_event(RuntimeEvent::Disconnected);
    }

    fn tell_event(&mut self, event: RuntimeEvent) {
        if let Some(events) = &self.host.events {
            // Full or gone: the listing finds out.
            drop(events.try_send(event));
        }
    }
}
