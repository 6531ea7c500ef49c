//! What the control plane wants of each task, and when it says so.

use super::Goal;
use super::letters::About;
use crate::history::Who;
use crate::message;
use crate::scenario::StopBy;
use crate::world::{Happening, State};
use wharf_core::report::Status;
use wharf_protocol::acs::Message;

/// What is wanted of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    Run,
    Stop,
}

impl State {
    /// The control plane wants a task.
    pub fn want(&mut self, task: usize) {
        self.plane.goals[task].wanted = true;
        self.give_address(task);
        self.ask(task, Want::Run);
    }

    /// Its interface is announced.
    pub fn announce(&mut self, task: usize) {
        self.give_address(task);
        let id = self.next_id();
        let message = message::attach(&id, &self.plane.goals[task], self.scenario.lapses);
        self.write(id, About::Interface, message);
    }

    /// Gives a task the first address that no other has; what was told STOPPED has none.
    fn give_address(&mut self, task: usize) {
        let goals = &mut self.plane.goals;
        let stopped = |goal: &Goal| goal.told == Some(Status::Stopped);
        let taken: Vec<u8> =
            goals.iter().filter(|goal| !stopped(goal)).filter_map(|goal| goal.address).collect();
        let free = (0..).find(|address| !taken.contains(address));
        goals[task].address = goals[task].address.or(free);
    }

    /// Says soon what is wanted of a task, with whatever else there is to say.
    fn ask(&mut self, task: usize, want: Want) {
        self.plane.outbox.push((task, want));
        match self.scenario.gathers {
            0 => self.post(),
            gathers if self.plane.outbox.len() == 1 => self.plan(gathers, Happening::Post),
            _ => {}
        }
    }

    /// What was gathered becomes a payload.
    pub fn post(&mut self) {
        let wants = std::mem::take(&mut self.plane.outbox);
        if wants.is_empty() {
            return;
        }
        let id = self.next_id();
        self.plane.timeline += 1;
        let message = self.payload(&id, self.plane.timeline, &wants);
        self.write(id, About::Tasks(wants), message);
    }

    pub(super) fn payload(&self, id: &str, timeline: i64, wants: &[(usize, Want)]) -> Message {
        let wire = |(task, want): &(usize, Want)| {
            let desired = match want {
                Want::Run => "RUNNING",
                Want::Stop => "STOPPED",
            };
            message::task(&self.plane.goals[*task], desired)
        };
        message::payload(id, timeline, wants.iter().map(wire).collect())
    }

    /// It is to stop.
    pub fn unwant(&mut self, task: usize) {
        let now = self.now();
        let goal = &mut self.plane.goals[task];
        if !goal.wanted || goal.stop_asked.is_some() || goal.told == Some(Status::Stopped) {
            return;
        }
        goal.stop_asked = Some(now);
        let by = goal.plan.stop.map_or(StopBy::Payload, |(_, by)| by);
        match by {
            // An agent that has lost its data does not know what a manifest leaves out.
            StopBy::Manifest if !self.calm && !self.host.data_lost => self.manifest(),
            StopBy::Manifest | StopBy::Payload => self.ask(task, Want::Stop),
        }
    }

    /// At the end every task is asked to stop.
    pub fn stop_everything(&mut self) {
        let now = self.now();
        self.finale = Some(now);
        self.say(Who::Plane, format_args!("everything is to stop"));
        for task in 0..self.plane.goals.len() {
            let goal = &mut self.plane.goals[task];
            if goal.wanted && goal.told != Some(Status::Stopped) {
                goal.stop_asked.get_or_insert(now);
                self.ask(task, Want::Stop);
            }
        }
    }

    pub(super) fn manifest(&mut self) {
        let id = self.next_id();
        self.plane.timeline += 1;
        let wanted = self.plane.goals.iter().filter(|goal| goal.wanted && goal.stop_asked.is_none());
        let message = message::manifest(&id, self.plane.timeline, wanted.map(|goal| &goal.arn));
        self.write(id, About::Manifest, message);
    }

    /// The agent has forgotten everything: what is not over is said again, and counts from when it is heard again.
    pub fn say_again(&mut self) {
        for goal in self.plane.goals.iter_mut().filter(|goal| goal.told != Some(Status::Stopped)) {
            (goal.run_acked, goal.stop_acked, goal.told) = (None, None, None);
            goal.containers_told.clear();
        }
        self.plane.outbox.clear();
        for task in 0..self.plane.goals.len() {
            let goal = &self.plane.goals[task];
            if goal.wanted && goal.told != Some(Status::Stopped) {
                self.ask(task, if goal.stop_asked.is_some() { Want::Stop } else { Want::Run });
            }
        }
    }
}
