//! The control plane, simulated: it wants tasks, says so until it is acknowledged, and keeps what it was told.

mod letters;
mod wanting;

use crate::message;
use crate::scenario::{ContainerPlan, Millis, NetworkPlan, Scenario, TaskPlan};
use crate::world::State;
use letters::Letter;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use wanting::Want;
use wharf_core::report::Status;
use wharf_core::task::runtime_id;
use wharf_protocol::arn::TaskArn;

/// What the control plane wants and knows.
#[derive(Debug)]
pub struct Plane {
    /// The tasks of the scenario, in its order.
    pub goals: Vec<Goal>,
    /// The open session.
    pub session: Option<Session>,
    /// Sessions that a black hole holds: open, and nothing passes.
    pub frozen: Vec<Session>,
    /// Every message ever made.
    messages: Vec<Letter>,
    /// What is to be said in the next payload.
    outbox: Vec<(usize, Want)>,
    sessions: u64,
    timeline: i64,
}

/// The end of a session that frames are put into.
#[derive(Debug)]
pub struct Session {
    pub number: u64,
    pub frames: mpsc::UnboundedSender<String>,
}

/// A task, as the control plane sees it, with the truth that the checks keep beside it.
#[derive(Debug)]
pub struct Goal {
    pub arn: TaskArn,
    pub plan: TaskPlan,
    /// It was asked for.
    pub wanted: bool,
    /// When the agent acknowledged that.
    pub run_acked: Option<Millis>,
    /// When it was asked to stop.
    pub stop_asked: Option<Millis>,
    /// When the agent acknowledged that.
    pub stop_acked: Option<Millis>,
    /// What was told of it last.
    pub told: Option<Status>,
    /// What was told last of each of its containers, by name.
    pub containers_told: BTreeMap<String, Status>,
    /// Something went wrong with it that may well end it.
    pub excused: bool,
    /// Which address it was given.
    pub address: Option<u8>,
}

impl Plane {
    pub fn new(scenario: &Scenario) -> Self {
        let goal = |(index, plan): (usize, &TaskPlan)| Goal {
            arn: TaskArn::parse(&format!("arn:aws:ecs:us-west-2:123456789012:task/sim/task{index}"))
                .expect("an ARN"),
            plan: plan.clone(),
            wanted: false,
            run_acked: None,
            stop_asked: None,
            stop_acked: None,
            told: None,
            containers_told: BTreeMap::new(),
            excused: false,
            address: None,
        };
        Self {
            goals: scenario.tasks.iter().enumerate().map(goal).collect(),
            session: None,
            frozen: Vec::new(),
            messages: Vec::new(),
            outbox: Vec::new(),
            sessions: 0,
            timeline: 0,
        }
    }

    /// The goal of a task id.
    pub fn goal(&mut self, task: &str) -> Option<&mut Goal> {
        self.goals.iter_mut().find(|goal| goal.arn.id() == task)
    }

    /// What a container of a task does.
    pub fn plan_of(&self, task: &str, name: &str) -> Option<ContainerPlan> {
        let goal = self.goals.iter().find(|goal| goal.arn.id() == task)?;
        goal.plan.containers.get(message::index(name)?).cloned()
    }

    /// The task of a container id.
    pub fn task_of(&self, container: &str) -> Option<String> {
        let has = |goal: &&Goal| {
            (0..goal.plan.containers.len())
                .any(|index| container.starts_with(&runtime_id(&goal.arn, &message::name(index))))
        };
        self.goals.iter().find(has).map(|goal| goal.arn.id().to_owned())
    }

    /// A session opens.
    pub fn open(&mut self, frames: mpsc::UnboundedSender<String>) -> u64 {
        self.sessions += 1;
        self.session = Some(Session { number: self.sessions, frames });
        self.sessions
    }
}

impl State {
    /// Something went wrong with a task that may end it.
    pub fn excuse(&mut self, task: &str) {
        if let Some(goal) = self.plane.goal(task) {
            goal.excused = true;
        }
    }

    /// Something went wrong with the host that may end every task.
    pub fn excuse_all(&mut self) {
        self.plane.goals.iter_mut().for_each(|goal| goal.excused = true);
    }
}

/// The host port of a plan.
pub fn port(plan: &TaskPlan) -> Option<u16> {
    match plan.network {
        NetworkPlan::Host { port } => Some(port),
        NetworkPlan::Interface { .. } | NetworkPlan::Nothing => None,
    }
}
