//! The control plane, simulated: it wants tasks, says so until it is acknowledged, and keeps what it was told.

use crate::history::Who;
use crate::message;
use crate::scenario::{ContainerPlan, Millis, NetworkPlan, Scenario, StopBy, TaskPlan};
use crate::world::{Happening, State};
use tokio::sync::mpsc;
use wharf_core::report::Status;
use wharf_core::task::runtime_id;
use wharf_protocol::acs::{self, Message};
use wharf_protocol::arn::TaskArn;

/// Time between two rounds of what was not acknowledged.
const AGAIN: Millis = 15_000;
const HEARTBEAT: Millis = 20_000;

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
    /// Something went wrong with it that may well end it.
    pub excused: bool,
    /// Which address it was given.
    pub address: Option<u8>,
}

#[derive(Debug)]
struct Letter {
    id: String,
    about: About,
    message: Message,
    acked: bool,
}

#[derive(Debug, Clone)]
enum About {
    Tasks(Vec<(usize, Want)>),
    Interface,
    Manifest,
}

/// What is wanted of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Run,
    Stop,
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

    fn payload(&self, id: &str, timeline: i64, wants: &[(usize, Want)]) -> Message {
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

    fn manifest(&mut self) {
        let id = self.next_id();
        self.plane.timeline += 1;
        let wanted = self.plane.goals.iter().filter(|goal| goal.wanted && goal.stop_asked.is_none());
        let message = message::manifest(&id, self.plane.timeline, wanted.map(|goal| &goal.arn));
        self.write(id, About::Manifest, message);
    }

    fn next_id(&self) -> String {
        format!("m{}", self.plane.messages.len() + 1)
    }

    /// A message is made; it leaves soon, and now and then once more, much later.
    fn write(&mut self, id: String, about: About, message: Message) {
        let number = self.plane.messages.len();
        self.say(Who::Plane, format_args!("writes {id}: {about:?}"));
        self.plane.messages.push(Letter { id, about, message, acked: false });
        let muddle = self.weather.muddle > 0;
        let (soon, late) = if muddle { (20_000, 60_000) } else { (200, 40_000) };
        let after = self.draw("message", 1, soon);
        self.plan(after, Happening::Send { message: number });
        if muddle || (!self.calm && self.draw("repeat", 0, 9) == 0) {
            let after = self.draw("repeat", 1, late);
            self.plan(after, Happening::Send { message: number });
        }
    }

    /// A message leaves, if it can.
    pub fn send(&mut self, message: usize) {
        let Letter { id, message, about, .. } = &self.plane.messages[message];
        let text = match about {
            About::Tasks(wants) if self.host.data_lost => {
                let still: Vec<_> = wants.iter().filter(|want| !self.is_over(want)).copied().collect();
                if still.is_empty() {
                    return;
                }
                acs::encode(&self.payload(id, 0, &still))
            }
            About::Tasks(_) | About::Interface | About::Manifest => acs::encode(message),
        };
        let id = id.clone();
        let sent = self.frame(text);
        self.say(Who::Plane, format_args!("sends {id}{}", if sent { "" } else { ", to nobody" }));
    }

    /// Whether a task is asked for that is not wanted any more: an agent that has lost its data cannot know that, and is not asked.
    fn is_over(&self, (task, want): &(usize, Want)) -> bool {
        let goal = &self.plane.goals[*task];
        *want == Want::Run && (goal.stop_asked.is_some() || goal.told == Some(Status::Stopped))
    }

    /// The agent has forgotten everything: what is not over is said again, and counts from when it is heard again.
    pub fn say_again(&mut self) {
        for goal in self.plane.goals.iter_mut().filter(|goal| goal.told != Some(Status::Stopped)) {
            (goal.run_acked, goal.stop_acked, goal.told) = (None, None, None);
        }
        self.plane.outbox.clear();
        for task in 0..self.plane.goals.len() {
            let goal = &self.plane.goals[task];
            if goal.wanted && goal.told != Some(Status::Stopped) {
                self.ask(task, if goal.stop_asked.is_some() { Want::Stop } else { Want::Run });
            }
        }
    }

    fn frame(&mut self, text: String) -> bool {
        self.plane.session.as_ref().is_some_and(|session| session.frames.send(text).is_ok())
    }

    /// What was not acknowledged is sent again; a stop by manifest that nothing came of gets a new manifest.
    pub fn send_again(&mut self, every: bool) {
        if every {
            self.plan(AGAIN, Happening::SendAgain { every });
        }
        let waiting = self.plane.messages.iter().enumerate().filter(|(_, letter)| !letter.acked);
        let waiting: Vec<usize> = waiting
            .filter(|(_, letter)| !matches!(letter.about, About::Manifest | About::Interface))
            .map(|(number, _)| number)
            .collect();
        for message in waiting {
            let after = self.draw("again", 1, 200);
            self.plan(after, Happening::Send { message });
        }
        let now = self.now();
        let open = |goal: &Goal| {
            matches!(goal.plan.stop, Some((_, StopBy::Manifest)))
                && goal.stop_asked.is_some_and(|asked| asked + AGAIN <= now)
                && goal.told != Some(Status::Stopped)
        };
        if every && self.finale.is_none() && self.plane.goals.iter().any(open) {
            self.manifest();
        }
    }

    /// A heartbeat.
    pub fn heartbeat(&mut self) {
        self.plan(HEARTBEAT, Happening::Heartbeat);
        self.frame(acs::encode(&message::heartbeat()));
    }

    /// The agent says something on ACS.
    pub fn hears(&mut self, session: u64, text: &str) {
        if self.life.dead || self.plane.session.as_ref().is_none_or(|open| open.number != session) {
            return;
        }
        let Ok(acs::Decoded::Message(message)) = acs::decode(text) else {
            return self.broken("every_frame_can_be_read", format_args!("{text}"));
        };
        match message {
            Message::AckRequest(ack) => self.acknowledged(&ack.message_id.unwrap_or_default()),
            Message::TaskStopVerificationMessage(asked) => self.verify(asked),
            _ => {}
        }
    }

    fn acknowledged(&mut self, id: &str) {
        self.say(Who::Plane, format_args!("{id} is acknowledged"));
        let now = self.now();
        let Some(letter) = self.plane.messages.iter_mut().find(|letter| letter.id == id) else {
            return self.broken("only_messages_are_acknowledged", format_args!("{id}"));
        };
        letter.acked = true;
        let About::Tasks(wants) = letter.about.clone() else { return };
        for (task, want) in wants {
            let goal = &mut self.plane.goals[task];
            match want {
                Want::Run => goal.run_acked.get_or_insert(now),
                Want::Stop => goal.stop_acked.get_or_insert(now),
            };
        }
    }

    /// Which of the tasks that the agent would stop are really to stop.
    fn verify(&mut self, asked: acs::TaskStopVerificationMessage) {
        let id = asked.message_id.unwrap_or_default();
        let stops = |goal: &&Goal| goal.stop_asked.is_some();
        let named = |goal: &&Goal| {
            asked.stop_candidates.iter().any(|task| task.task_arn.as_deref() == Some(goal.arn.as_str()))
        };
        let stop: Vec<TaskArn> =
            self.plane.goals.iter().filter(stops).filter(named).map(|goal| goal.arn.clone()).collect();
        self.say(Who::Plane, format_args!("confirms {} stops of {id}", stop.len()));
        self.frame(acs::encode(&message::verified(&id, &stop)));
    }

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
