//! What happens: processes that end, faults that begin and end, and at last calm.

mod host;
mod lost;

use crate::history::Who;
use crate::scenario::{Millis, Trouble};
use crate::world::{Happening, LOOK, State};

impl State {
    /// Something on the agenda happens.
    pub fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Exit { pid, code, oom } => self.process_ends(pid, code, oom),
            Happening::Emit { id, exit } => self.emit(&id, exit),
            Happening::Resubscribed => self.resubscribed(),
            Happening::Want { task } => self.want(task),
            Happening::Announce { task } => self.announce(task),
            Happening::Unwant { task } => self.unwant(task),
            Happening::Post => self.post(),
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
        if holds_up_stops(plan.what) {
            self.trouble(lasts);
        }
        match plan.what {
            Trouble::Kill(steps) => return self.light_fuse(steps, lasts / 4),
            Trouble::DataLost(_) if self.life.dead => return self.lose_data(),
            Trouble::DataLost(steps) => {
                self.life.wipes = true;
                return self.light_fuse(steps, lasts / 4);
            }
            Trouble::TornWrite(writes) => {
                self.life.tears = Some(writes);
                return;
            }
            Trouble::Stranger(kind) => return self.stranger_comes(kind),
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
            Trouble::Forgets(pick) => self.forgets(pick),
            Trouble::SaysStopped(pick) => return self.says_stopped(pick),
            Trouble::ShimKilled(pick) => return self.shim_killed(pick),
            Trouble::ShimHangs(pick) if !self.shim_hangs(pick, lasts) => return,
            Trouble::ShimHangs(_) => {}
            Trouble::ExitsAgain(pick) => self.exits_again(pick),
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
            Trouble::ShimHangs(_) => self.shims_answer(),
            Trouble::ExitsAgain(_) => weather.exits_again -= 1,
            Trouble::ContainerdDown | Trouble::Forgets(_) => {
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
            | Trouble::DataLost(_)
            | Trouble::TornWrite(_)
            | Trouble::Stranger(_)
            | Trouble::Reboot
            | Trouble::CallFails(_)
            | Trouble::Vanish(_)
            | Trouble::SaysStopped(_)
            | Trouble::ShimKilled(_)
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
            self.life.wipes = false;
            self.life.tears = None;
        }
    }

    fn light_fuse(&mut self, steps: u64, down: Millis) {
        if self.life.dead {
            return;
        }
        if steps == 0 {
            return self.kill(down);
        }
        self.life.fuse = Some(steps);
        self.life.down = down;
    }
}

/// Whether what was asked to stop may take longer for it: the way to the process is gone, or the one to the disk, which comes first.
fn holds_up_stops(what: Trouble) -> bool {
    match what {
        Trouble::ContainerdDown
        | Trouble::ContainerdHangs
        | Trouble::ContainerdSlow
        | Trouble::Forgets(_)
        | Trouble::ShimHangs(_)
        | Trouble::EventsLost
        | Trouble::CallFails(_)
        | Trouble::DiskFull
        | Trouble::DiskSlow
        | Trouble::ClockJump(_) => true,
        // The time for which the agent is dead is counted where it dies.
        Trouble::Kill(_)
        | Trouble::DataLost(_)
        | Trouble::TornWrite(_)
        | Trouble::Reboot
        | Trouble::Vanish(_)
        | Trouble::SaysStopped(_)
        | Trouble::ShimKilled(_)
        | Trouble::ExitsAgain(_)
        | Trouble::OutOfMemory(_)
        | Trouble::Stranger(_)
        | Trouble::Refused
        | Trouble::BlackHole
        | Trouble::Reset
        | Trouble::AnswersLost
        | Trouble::Muddle
        | Trouble::NetworkFails => false,
    }
}
