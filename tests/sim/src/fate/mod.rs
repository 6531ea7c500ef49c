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
            Happening::Undo { answered, id } => self.making_is_undone(&id, answered),
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
        self.strikes(plan.what, lasts);
        if let Some(count) = self.weather.count(plan.what) {
            *count += 1;
            self.plan(lasts, Happening::End { fault });
        }
    }

    /// What happens at once.
    fn strikes(&mut self, what: Trouble, lasts: Millis) {
        match what {
            Trouble::Kill(steps) => self.light_fuse(steps, lasts / 4),
            Trouble::DataLost(_) if self.life.dead => self.lose_data(),
            Trouble::DataLost(steps) => {
                self.life.wipes = true;
                self.light_fuse(steps, lasts / 4);
            }
            Trouble::TornWrite(writes) => self.life.tears = Some(writes),
            Trouble::Stranger(kind) => self.stranger_comes(kind),
            Trouble::Reboot => self.reboot(lasts / 4),
            Trouble::Vanish(pick) => self.vanish(pick),
            Trouble::OutOfMemory(pick) => self.out_of_memory(pick),
            Trouble::ClockJump(seconds) => self.clock_jumps(seconds),
            Trouble::Reset | Trouble::Refused => self.plane.session = None,
            Trouble::CallFails(after) => self.weather.call_fails = Some(after),
            Trouble::ContainerdDown => self.containerd_goes_down(),
            Trouble::Forgets(pick) => self.forgets(pick),
            Trouble::SaysStopped(pick) => self.says_stopped(pick),
            Trouble::ShimKilled(pick) => self.shim_killed(pick),
            Trouble::ShimHangs(pick) => self.shim_hangs(pick, lasts),
            Trouble::ExitsAgain(pick) => self.exits_again(pick),
            Trouble::BlackHole => self.plane.frozen.extend(self.plane.session.take()),
            Trouble::ContainerdHangs
            | Trouble::ContainerdSlow
            | Trouble::EventsLost
            | Trouble::AnswersLost
            | Trouble::Muddle
            | Trouble::DiskFull
            | Trouble::DiskSlow
            | Trouble::NetworkFails => {}
        }
    }

    fn end(&mut self, fault: usize) {
        let what = self.scenario.faults[fault].what;
        self.say(Who::Fate, format_args!("{what:?} is over"));
        let count = self.weather.count(what).expect("only what lasts is planned to end");
        *count -= 1;
        if *count == 0 {
            self.clears(what);
        }
    }

    /// What happens once nothing of the kind is wrong any more.
    fn clears(&mut self, what: Trouble) {
        if matches!(what, Trouble::ContainerdDown | Trouble::Forgets(_)) {
            let after = self.draw("resubscribe", 100, 5_000);
            self.plan(after, Happening::Resubscribed);
        } else if what == Trouble::BlackHole {
            self.plane.frozen.clear();
        } else if matches!(what, Trouble::ShimHangs(_)) {
            self.shims_answer();
        }
    }

    fn clock_jumps(&mut self, seconds: i32) {
        self.jump(i64::from(seconds) * 1000);
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
        | Trouble::DiskSlow => true,
        // The time for which the agent is dead is counted where it dies.
        Trouble::Kill(_)
        | Trouble::ClockJump(_)
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
