//! What happens to the host: lost data, somebody else's containers, a reboot, a process that is gone.

use crate::history::Who;
use crate::host::{Container, Phase, labels, request};
use crate::scenario::{ContainerPlan, Millis};
use crate::store::Disk;
use crate::world::{Happening, State};

impl State {
    /// What the agent has written is gone. Of a task of which nothing runs nobody can know how far it had come, and of one of which
    /// the runtime has nothing, that it ever was.
    pub fn lose_data(&mut self) {
        self.say(Who::Fate, format_args!("the data directory is lost"));
        self.host.disk = Disk::default();
        self.host.data_lost = true;
        let tasks: Vec<String> = self.plane.goals.iter().map(|goal| goal.arn.id().to_owned()).collect();
        for task in tasks {
            let undone = |one: &Container| one.task == task && one.phase == Phase::Vanished;
            if self.host.alive(&task).is_empty() || self.host.containers.values().any(undone) {
                self.excuse(&task);
            }
            if !self.host.containers.values().any(|container| container.task == task) {
                self.host.lives.retain(|(id, _), _| *id != task);
            }
        }
        self.say_again();
    }

    /// Somebody else's container.
    pub(super) fn stranger_comes(&mut self, kind: u8) {
        let number = self.host.strangers.len();
        let unknown = format!("arn:aws:ecs:us-west-2:123456789012:task/sim/unknown{number}");
        let (id, arn) = match kind % 3 {
            0 => (format!("stranger{number}"), None),
            1 => (format!("stranger{number}"), Some(self.plane.goals[0].arn.to_string())),
            _ => (format!("unknown{number}-c0"), Some(unknown)),
        };
        self.say(Who::Fate, format_args!("somebody runs {id}, which bears {arn:?}"));
        let labels = arn.into_iter().flat_map(|arn| labels(&arn, "c0")).collect();
        let (now, request) = (self.now(), request(&id, labels));
        let made = self.container((&id, &request), (id.clone(), String::new()), ContainerPlan::steady());
        self.host.kernel.run(made.pid, now, false);
        let container = Container { phase: Phase::Running, started_at: Some(now), ..made };
        self.host.strangers.insert(id.clone(), now);
        self.host.containers.insert(id, container);
    }

    /// Everything volatile is gone: processes, namespaces, the agent. Records and the disk stay.
    pub(super) fn reboot(&mut self, down: Millis) {
        self.excuse_all();
        self.host.lose_volatile(self.now());
        self.host.disk.lose_promises(self.mistake);
        self.plane.session = None;
        self.kill(down.max(500));
    }

    pub(super) fn vanish(&mut self, pick: u8) {
        let Some(id) = self.host.pick_running(pick, |_| true) else { return };
        self.vanishes(&id);
    }

    /// A running process is gone, with all that would tell of it.
    pub fn vanishes(&mut self, id: &str) {
        self.say(Who::Fate, format_args!("{id} is gone without a word"));
        let now = self.now();
        let container = self.host.containers.get_mut(id).expect("it runs");
        container.phase = Phase::Vanished;
        let (pid, task, name) = (container.pid, container.task.clone(), container.name.clone());
        let cgroup = container.request.cgroup_path.clone();
        self.host.kernel.remove(pid);
        // What containerd does for a shim that died.
        self.host.kernel.remove_cgroup(&cgroup);
        let lived = self.host.lived(&task, &name);
        (lived.ended, lived.unseen) = (Some((now, None)), true);
        self.excuse(&task);
    }

    pub(super) fn out_of_memory(&mut self, pick: u8) {
        let Some(id) = self.host.pick_running(pick, |_| true) else { return };
        let pid = self.host.containers[&id].pid;
        self.plan(0, Happening::Exit { pid, code: 137, oom: true });
    }
}
