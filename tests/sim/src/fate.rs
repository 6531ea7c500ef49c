//! What happens: processes that end, faults that begin and end, and at last calm.

use crate::history::Who;
use crate::host::{Container, Phase, labels, request};
use crate::scenario::{ContainerPlan, Millis, Trouble};
use crate::store::Disk;
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
            | Trouble::DataLost(_)
            | Trouble::TornWrite(_)
            | Trouble::Stranger(_)
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

    /// What the agent has written is gone. Of a task of which nothing runs nobody can know how far it had come, and of one of which
    /// the runtime has nothing, that it ever was.
    pub fn lose_data(&mut self) {
        self.say(Who::Fate, format_args!("the data directory is lost"));
        self.host.disk = Disk::default();
        self.host.data_lost = true;
        let tasks: Vec<String> = self.plane.goals.iter().map(|goal| goal.arn.id().to_owned()).collect();
        for task in tasks {
            if self.host.alive(&task).is_empty() {
                self.excuse(&task);
            }
            if !self.host.containers.values().any(|container| container.task == task) {
                self.host.lives.retain(|(id, _), _| *id != task);
            }
        }
        self.say_again();
    }

    /// Somebody else's container.
    fn stranger_comes(&mut self, kind: u8) {
        let number = self.host.strangers.len();
        let unknown = format!("arn:aws:ecs:us-west-2:123456789012:task/sim/unknown{number}");
        let (id, arn) = match kind % 3 {
            0 => (format!("stranger{number}"), None),
            1 => (format!("stranger{number}"), Some(self.plane.goals[0].arn.to_string())),
            _ => (format!("unknown{number}-c0"), Some(unknown)),
        };
        self.say(Who::Fate, format_args!("somebody runs {id}, which bears {arn:?}"));
        let labels = arn.into_iter().flat_map(|arn| labels(&arn, "c0")).collect();
        let (now, wall, copy) = (self.now(), self.wall(), self.host.next_copy());
        self.host.lived(&id, "").live = 1;
        let container = Container {
            request: request(&id, labels),
            task: id.clone(),
            name: String::new(),
            phase: Phase::Running(now),
            copy,
            plan: ContainerPlan::steady(),
            created_at: wall,
            made_at: wall,
            started_at: Some(wall),
            restarts: Vec::new(),
        };
        self.host.strangers.insert(id.clone(), now);
        self.host.containers.insert(id, container);
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

/// Whether what was asked to stop may take longer for it: the way to the process is gone, or the one to the disk, which comes first.
fn holds_up_stops(what: Trouble) -> bool {
    match what {
        Trouble::ContainerdDown
        | Trouble::ContainerdHangs
        | Trouble::ContainerdSlow
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
