//! Ends of effects that make containers and start them, and what all ends have in common.
//!
//! Each end frees its lane. What it says of a container that has moved on by other means is dropped with a note.

use crate::apply_observed::Loss;
use crate::chronicle::brief;
use crate::container::{Container, End};
use crate::event::{ContainerRef, Observation, ResolvedImage};
use crate::journal::Happening;
use crate::node::Node;
use crate::note::Note;
use crate::reason::Reason;
use crate::spec::ContainerSpec;
use crate::time::Timestamp;
use crate::work::{Act, Flight, Lane};
use std::sync::Arc;

/// How often what the runtime undid is made again.
const MADE_AGAIN: u32 = 4;

impl Node {
    pub(crate) fn image_ready(&mut self, container: &ContainerRef, image: ResolvedImage) {
        self.landed(container);
        self.image_proved(image.digest.as_deref(), Act::Pull);
        let now = self.now;
        self.change(container, "image", |_, state| state.resolve(image, now));
    }

    pub(crate) fn image_failed(&mut self, container: &ContainerRef, reason: Reason) {
        self.failed(container, "image failure", reason, true);
    }

    pub(crate) fn container_created(&mut self, container: &ContainerRef) {
        self.landed(container);
        let now = self.now;
        self.change(container, "creation", |_, state| state.create(now));
        let image = self.container(container).and_then(Container::image);
        let digest = image.and_then(|image| image.digest.clone());
        self.image_proved(digest.as_deref(), Act::Create);
    }

    pub(crate) fn create_failed(&mut self, container: &ContainerRef, reason: Reason) {
        // Whoever made it removed what there was, as far as that was possible then.
        self.failed(container, "failed creation", reason, false);
    }

    pub(crate) fn container_started(&mut self, container: &ContainerRef, at: Timestamp) {
        let flight = self.landed(container);
        self.work.stands(container);
        // The clock may have been set while the answer was on its way.
        let asked = flight.as_ref().map_or(at, |flight| flight.since);
        let at = at.max(asked).min(self.now);
        self.change(container, "start", |spec, state| state.start(spec, at));
        if let Some(exit) = flight.and_then(|flight| flight.exit) {
            self.container_exited(container, exit);
        }
    }

    pub(crate) fn start_failed(&mut self, container: &ContainerRef, reason: Reason) {
        self.failed(container, "failed start", reason, false);
    }

    /// It is made again, a few times.
    pub(crate) fn container_undone(&mut self, container: &ContainerRef, reason: Reason) {
        self.landed(container);
        let renewed = self.container(container).is_some_and(|state| state.restarting().is_some());
        let act = if renewed { Act::Renew } else { Act::Create };
        let now = self.now;
        let again = self.work.undone(container) <= MADE_AGAIN
            && self.change(container, "undone making", |_, state| state.unmake(now));
        if again {
            self.retry(Lane::Container(container.clone()), act, Some(reason));
        } else {
            self.failed(container, "undone making", reason, false);
        }
    }

    pub(crate) fn container_renewed(&mut self, container: &ContainerRef) {
        self.landed(container);
        // The start that comes now has its own tries and its own time.
        self.work.refresh(&Lane::Container(container.clone()));
        let now = self.now;
        self.change(container, "new process", |_, state| state.renew(now));
    }

    pub(crate) fn renew_failed(&mut self, container: &ContainerRef, reason: Reason) {
        self.failed(container, "failed new process", reason, false);
    }

    /// The runtime was not there: the act rests and is planned again, until its limit. An inspection stands for the start
    /// that it is to clear up.
    pub(crate) fn postponed(&mut self, container: ContainerRef, act: Act, reason: Reason) {
        let (lane, act) = match act {
            Act::Probe => (Lane::Probe(container), act),
            Act::Inspect => (Lane::Container(container), Act::Start),
            Act::Pull | Act::Create | Act::Start | Act::Renew | Act::Ask | Act::Kill | Act::Delete => {
                (Lane::Container(container), act)
            }
            Act::Prepare | Act::Release | Act::Report | Act::Attach => {
                return self.draft.ignore("postponed act that is none of the runtime's", container.container);
            }
        };
        let flight = self.work.end(&lane);
        let began = flight.as_ref().map_or(self.now, |flight| flight.since);
        if let Lane::Container(container) = &lane {
            self.missing.remove(container);
            if act == Act::Ask {
                self.on_clock(container, |clock| clock.away = !clock.asked);
            }
            // It may have ended before its start was answered.
            if act == Act::Start
                && let Some(task) = self.task_mut(&container.task)
                && let Some(index) = task.index_of(&container.container)
            {
                task.containers[index].doubt_start();
            }
        }
        self.work.delay(lane.clone(), act, reason.clone(), began);
        self.retry(lane.clone(), act, Some(reason));
        // Nobody will say any more whose it was.
        if let (Lane::Container(container), Some(exit)) = (&lane, flight.and_then(|flight| flight.exit)) {
            self.container_exited(container, exit);
        }
    }

    /// What became of a container whose start was not answered, or whose renewal met a process.
    pub(crate) fn container_inspected(&mut self, container: &ContainerRef, seen: Option<Observation>) {
        self.missing.remove(container);
        let flight = self.work.end(&Lane::Container(container.clone()));
        // It was looked at after its end was heard of, unlike in a listing: so it lives, and there is nothing to make anew.
        let renewing = flight.is_some_and(|flight| flight.act == Act::Renew);
        if renewing && matches!(seen, Some(Observation::Running { .. })) {
            let now = self.now;
            self.change(container, "living process", |_, state| state.renew(now));
        }
        let index = self.tasks.get(&container.task).and_then(|task| task.index_of(&container.container));
        match index {
            Some(index) => self.adopt(container, index, seen, Loss::Unexplained),
            None => self.draft.ignore("inspection", &container.container),
        }
        self.work.make_sure(container);
    }

    /// The container stops with this reason, for its act failed.
    fn failed(&mut self, container: &ContainerRef, what: &'static str, reason: Reason, removed: bool) {
        self.landed(container);
        let now = self.now;
        self.change(container, what, |_, state| {
            if state.restarting().is_some() {
                return state.give_up_restart(Some(reason));
            }
            let news = state.stopped().is_none() && state.started_at().is_none();
            if news {
                state.stop(End { at: now, exit_code: None, reason: Some(reason), removed });
            }
            news
        });
    }

    /// The effect in the container's lane has ended; a listing made before that proves nothing about it. Unless it was a signal,
    /// which makes and removes nothing: a container that is gone gets one after the other, and has to be found gone nevertheless.
    pub(crate) fn landed(&mut self, container: &ContainerRef) -> Option<Flight> {
        let lane = Lane::Container(container.clone());
        let flight = self.work.end(&lane);
        if !flight.as_ref().is_some_and(Flight::is_signal) {
            self.missing.remove(container);
        }
        let flight = flight?;
        if self.work.delayed(&lane, flight.act).is_some() {
            self.work.refresh(&lane);
        }
        Some(flight)
    }

    /// Lets the act rest before the next try, with a note.
    pub(crate) fn retry(&mut self, lane: Lane, act: Act, reason: Option<Reason>) {
        let (task, container) = match &lane {
            Lane::Container(on) | Lane::Probe(on) => (on.task.clone(), Some(on.container.clone())),
            Lane::Network(task) | Lane::Report(task) | Lane::Attachment(task) => (task.clone(), None),
        };
        let told = matches!(act, Act::Report | Act::Attach);
        let backoff = if told { &self.config.report_backoff } else { &self.config.effect_backoff };
        let attempt = self.work.rest(lane, act, backoff, self.now);
        if attempt.is_power_of_two() {
            let (container, reason) = (container.clone(), reason.as_ref().map(brief));
            self.draft.happened(&task, Happening::Failed { act, container, attempt, reason });
        }
        self.draft.notes.push(Note::WillRetry { task, container, act, attempt, reason });
    }

    pub(crate) fn container(&self, container: &ContainerRef) -> Option<&Container> {
        self.tasks.get(&container.task)?.container(&container.container)
    }

    /// Changes a container; `news` says whether the event meant anything to it. What did not is noted.
    pub(crate) fn change(
        &mut self,
        container: &ContainerRef,
        what: &'static str,
        news: impl FnOnce(&ContainerSpec, &mut Container) -> bool,
    ) -> bool {
        let found = self.task_mut(&container.task).and_then(|task| {
            let index = task.index_of(&container.container)?;
            let spec = Arc::clone(&task.spec);
            Some(news(&spec.containers[index], &mut task.containers[index]))
        });
        let done = found == Some(true);
        if !done {
            self.draft.ignore(what, format_args!("{}/{}", container.task, container.container));
        }
        done
    }
}
