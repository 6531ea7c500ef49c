//! What happens: processes that end, faults that begin and end, and at last calm.

use crate::history::Who;
use crate::host::Phase;
use crate::scenario::{Millis, Trouble};
use crate::world::{Happening, LOOK, State};

impl State {
    /// Something on the agenda happens.
    pub fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Exit { id, copy, code, oom } => self.process_ends(&id, copy, code, oom),
            Happening::Emit { id, exit } => self.emit(&id, exit),
            Happening::Resubscribed => self.resubscribed(),
            Happening::Want { task } => self.want(task),
            Happening::Announce { task } => self.announce(task),
            Happening::Unwant { task } => self.unwant(task),
            Happening::Send { message } => self.send(message),
            Happening::SendAgain { every } => self.send_again(every),
            Happening::Heartbeat => self.heartbeat(),
            Happening::Begin { fault } => self.begin(fault),
            Happening::End { fault } => self.end(fault),
            Happening::Calm => self.calm_down(),
            Happening::Finale => self.stop_everything(),
            Happening::Flush { write } => self.host.disk.flush(write),
            Happening::Look => {
                self.look();
                self.plan(LOOK, Happening::Look);
            }
        }
    }

    fn begin(&mut self, fault: usize) {
        let plan = self.scenario.faults[fault].clone();
        if self.calm {
            return;
        }
        let lasts = plan.lasts.min(self.scenario.calm_at.saturating_sub(self.now()));
        self.say(Who::Fate, format_args!("{:?} for {lasts} ms", plan.what));
        if !matches!(plan.what, Trouble::Kill(_)) {
            self.trouble(lasts);
        }
        match plan.what {
            Trouble::Kill(steps) => {
                if !self.life.dead {
                    self.life.fuse = Some(steps);
                    self.life.down = lasts / 4;
                }
                return;
            }
            Trouble::Reboot => return self.reboot(lasts / 4),
            Trouble::Vanish(pick) => return self.vanish(pick),
            Trouble::OutOfMemory(pick) => return self.out_of_memory(pick),
            Trouble::ClockJump(seconds) => {
                self.trouble(u64::from(seconds.unsigned_abs()) * 1000);
                self.excuse_all();
                return self.jump(i64::from(seconds) * 1000);
            }
            Trouble::Reset => return self.plane.session = None,
            Trouble::CallFails(after) => return self.weather.call_fails = Some(after),
            Trouble::ContainerdDown => {
                self.weather.containerd_down += 1;
                self.containerd_goes_down();
            }
            Trouble::BlackHole => {
                self.weather.black_hole += 1;
                let session = self.plane.session.take();
                self.plane.frozen.extend(session);
            }
            Trouble::Refused => {
                self.weather.refused += 1;
                self.plane.session = None;
            }
            Trouble::ContainerdHangs => self.weather.containerd_hangs += 1,
            Trouble::ContainerdSlow => self.weather.containerd_slow += 1,
            Trouble::EventsLost => self.weather.events_lost += 1,
            Trouble::AnswersLost => self.weather.answers_lost += 1,
            Trouble::Muddle => self.weather.muddle += 1,
            Trouble::DiskFull => self.weather.disk_full += 1,
            Trouble::DiskSlow => self.weather.disk_slow += 1,
            Trouble::NetworkFails => self.weather.network_fails += 1,
        }
        self.plan(lasts, Happening::End { fault });
    }

    fn end(&mut self, fault: usize) {
        let what = self.scenario.faults[fault].what;
        self.say(Who::Fate, format_args!("{what:?} is over"));
        let weather = &mut self.weather;
        match what {
            Trouble::ContainerdDown => {
                weather.containerd_down -= 1;
                if weather.containerd_down == 0 {
                    let after = self.draw("resubscribe", 100, 5_000);
                    self.plan(after, Happening::Resubscribed);
                }
            }
            Trouble::BlackHole => {
                weather.black_hole -= 1;
                if weather.black_hole == 0 {
                    self.plane.frozen.clear();
                }
            }
            Trouble::ContainerdHangs => weather.containerd_hangs -= 1,
            Trouble::ContainerdSlow => weather.containerd_slow -= 1,
            Trouble::EventsLost => weather.events_lost -= 1,
            Trouble::Refused => weather.refused -= 1,
            Trouble::AnswersLost => weather.answers_lost -= 1,
            Trouble::Muddle => weather.muddle -= 1,
            Trouble::DiskFull => weather.disk_full -= 1,
            Trouble::DiskSlow => weather.disk_slow -= 1,
            Trouble::NetworkFails => weather.network_fails -= 1,
            Trouble::Kill(_)
            | Trouble::Reboot
            | Trouble::CallFails(_)
            | Trouble::Vanish(_)
            | Trouble::OutOfMemory(_)
            | Trouble::Reset
            | Trouble::ClockJump(_) => {}
        }
    }

    fn calm_down(&mut self) {
        self.say(Who::Fate, format_args!("nothing goes wrong any more"));
        self.calm = true;
        self.weather.call_fails = None;
        if !self.life.dead {
            self.life.fuse = None;
        }
    }

    /// Everything volatile is gone: processes, namespaces, the agent. Records and the disk stay.
    fn reboot(&mut self, down: Millis) {
        self.excuse_all();
        self.host.lose_volatile(self.now());
        self.host.disk.lose_promises(self.mistake);
        self.plane.session = None;
        self.kill(down.max(500));
    }

    fn vanish(&mut self, pick: u8) {
        let Some(id) = self.host.pick_running(pick) else { return };
        self.vanishes(&id);
    }

    /// A running process is gone, with all that would tell of it.
    pub fn vanishes(&mut self, id: &str) {
        self.say(Who::Fate, format_args!("{id} is gone without a word"));
        let now = self.now();
        let container = self.host.containers.get_mut(id).expect("it runs");
        container.phase = Phase::Vanished;
        let (task, name) = (container.task.clone(), container.name.clone());
        let lived = self.host.lived(&task, &name);
        lived.live = 0;
        lived.ended = Some((now, None));
        self.excuse(&task);
    }

    fn out_of_memory(&mut self, pick: u8) {
        let Some(id) = self.host.pick_running(pick) else { return };
        let copy = self.host.containers[&id].copy;
        self.plan(0, Happening::Exit { id, copy, code: 137, oom: true });
    }
}
