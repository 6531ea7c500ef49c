//! What is still to happen.

use super::State;
use crate::host::Pid;
use crate::scenario::{Millis, NetworkPlan, Scenario};

/// How often the checks look although nothing happens.
pub const LOOK: Millis = 5_000;

/// Something that will happen.
#[derive(Debug, Clone)]
pub enum Happening {
    /// A process ends, if it still runs.
    Exit {
        pid: Pid,
        code: i32,
        oom: bool,
    },
    /// containerd tells of an exit or an OOM kill.
    Emit {
        id: String,
        exit: Option<(i32, i64)>,
    },
    /// containerd undoes the making of a container, which a dead agent had asked for; `answered` when it undoes what another agent made
    /// of it since, and knows of.
    Undo {
        answered: bool,
        id: String,
    },
    /// containerd says that events flow.
    Resubscribed,
    /// The control plane wants a task, announces its interface, or wants it no more.
    Want {
        task: usize,
    },
    Announce {
        task: usize,
    },
    Unwant {
        task: usize,
    },
    /// What the control plane has gathered becomes a payload.
    Post,
    /// A message leaves the control plane, if a session is open.
    Send {
        message: usize,
    },
    /// What was not acknowledged is sent again; `every`: and so on.
    SendAgain {
        every: bool,
    },
    /// A heartbeat leaves the control plane.
    Heartbeat,
    /// Fault number so and so begins or ends.
    Begin {
        fault: usize,
    },
    End {
        fault: usize,
    },
    /// Nothing goes wrong any more.
    Calm,
    /// Every task is asked to stop.
    Finale,
    /// The checks look.
    Look,
    /// A write that was promised reaches the disk.
    Flush {
        write: u64,
    },
}

impl State {
    /// Puts something on the agenda.
    pub fn plan(&mut self, after: Millis, happening: Happening) {
        let at = self.now() + after;
        self.written += 1;
        self.agenda.insert((at, self.written), happening);
    }

    pub(super) fn fill_agenda(&mut self) {
        let Scenario { tasks, faults, calm_at, .. } = self.scenario.clone();
        for (task, plan) in tasks.iter().enumerate() {
            if let NetworkPlan::Interface { announced: Some(ahead) } = plan.network {
                self.plan(plan.at.saturating_sub(ahead), Happening::Announce { task });
            }
            self.plan(plan.at, Happening::Want { task });
            if let Some((at, _)) = plan.stop {
                self.plan(at, Happening::Unwant { task });
            }
        }
        for (fault, plan) in faults.iter().enumerate() {
            self.plan(plan.at, Happening::Begin { fault });
        }
        self.plan(calm_at, Happening::Calm);
        self.plan(LOOK, Happening::Look);
        self.plan(20_000, Happening::Heartbeat);
        self.plan(15_000, Happening::SendAgain { every: true });
    }
}
