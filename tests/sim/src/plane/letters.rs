//! Messages on ACS: written, sent until they are acknowledged, and what the agent answers.

use super::Goal;
use super::wanting::Want;
use crate::history::Who;
use crate::message;
use crate::mistake::Mistake;
use crate::scenario::{Millis, StopBy};
use crate::world::{Happening, State};
use wharf_core::report::Status;
use wharf_protocol::acs::{self, Message};
use wharf_protocol::arn::TaskArn;

/// Time between two rounds of what was not acknowledged.
const AGAIN: Millis = 15_000;
const HEARTBEAT: Millis = 20_000;

#[derive(Debug)]
pub struct Letter {
    id: String,
    about: About,
    message: Message,
    acked: bool,
}

#[derive(Debug, Clone)]
pub enum About {
    Tasks(Vec<(usize, Want)>),
    Interface,
    Manifest,
}

impl State {
    pub(super) fn next_id(&self) -> String {
        format!("m{}", self.plane.messages.len() + 1)
    }

    /// A message is made; it leaves soon, and now and then once more, much later.
    pub(super) fn write(&mut self, id: String, about: About, message: Message) {
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
            About::Tasks(wants) if self.mistake == Some(Mistake::EarlyStopLost) => {
                let heard: Vec<_> = wants.iter().filter(|want| !self.is_early(want)).copied().collect();
                acs::encode(&self.payload(id, 0, &heard))
            }
            About::Tasks(_) if self.mistake == Some(Mistake::PortsUnread) => {
                acs::encode(message).replace("portMappings", "ports")
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

    /// Whether a stop comes before anything of the task was made.
    fn is_early(&self, (task, want): &(usize, Want)) -> bool {
        let task = self.plane.goals[*task].arn.id();
        *want == Want::Stop && !self.host.lives.keys().any(|(id, _)| id == task)
    }

    pub(super) fn frame(&mut self, text: String) -> bool {
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
}
