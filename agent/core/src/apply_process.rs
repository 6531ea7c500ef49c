//! What is heard of containers that run or did: probes, signals, exits, removals.
//!
//! As with all ends of effects, each frees its lane; what it says of a container that has moved on by other means is dropped with a note.

use crate::container::Container;
use crate::event::{ContainerRef, Exit, Remains};
use crate::health::Probe;
use crate::journal::Happening;
use crate::node::Node;
use crate::note::Note;
use crate::phase::StopClock;
use crate::reason::Reason;
use crate::work::{Act, Lane};

impl Node {
    pub(crate) fn health_probed(&mut self, container: ContainerRef, exit_code: Option<i32>, output: String) {
        let lane = Lane::Probe(container.clone());
        self.work.refresh(&lane);
        let flight = self.work.end(&lane);
        let now = self.now;
        let began = flight.map_or(now, |flight| flight.since);
        self.change(&container, "health probe", |spec, state| {
            let Some(check) = &spec.health_check else { return false };
            let Some(running) = state.running_mut() else { return false };
            if began < running.since {
                // It looked at the process before this one.
                return false;
            }
            let excused = began.since(running.since) < check.start_period;
            let probe = Probe { exit_code, output, excused };
            running.health.as_mut().map(|health| health.probed(check, probe, now)).is_some()
        });
    }

    pub(crate) fn container_exited(&mut self, container: &ContainerRef, exit: Exit) {
        self.missing.remove(container);
        // Once a start had no answer, it may have been done, whatever was seen since.
        let unsure = self.work.delayed(&Lane::Container(container.clone()), Act::Start).is_some();
        let waits = self.container(container).is_some_and(Container::waits_to_start);
        if waits && !unsure {
            // Of what was not started there is an exit too, when the runtime undoes it.
            if !self.work.keep_exit(container, exit) {
                self.draft.ignore("exit before the start", &container.container);
            }
            return;
        }
        self.change(container, "exit", |spec, state| {
            let news = state.exit(spec, exit);
            if unsure {
                state.doubt_start();
            }
            news
        });
    }

    pub(crate) fn out_of_memory(&mut self, container: ContainerRef) {
        if self.change(&container, "out-of-memory event", |_, state| {
            state.ran_out_of_memory();
            true
        }) {
            self.draft.notes.push(Note::OutOfMemory { container });
        }
    }

    pub(crate) fn signal_sent(&mut self, container: ContainerRef) {
        let Some(flight) = self.landed(&container) else { return };
        if flight.act == Act::Ask {
            let now = self.now;
            self.on_clock(&container, |clock| clock.asked(flight.since, now));
        } else if flight.act == Act::Kill {
            // Sent is not dead: it is sent again, at growing intervals, until the exit is seen.
            let signal = "SIGKILL".to_owned();
            let name = container.container.clone();
            self.draft.happened(&container.task, Happening::Signalled { container: name, signal });
            self.kill_again(container);
        }
    }

    pub(crate) fn signal_failed(&mut self, container: ContainerRef, reason: Reason) {
        match self.landed(&container).map(|flight| flight.act) {
            Some(Act::Kill) => self.kill_again(container),
            Some(act) => {
                let now = self.now;
                self.on_clock(&container, |clock| clock.reached(now));
                self.retry(Lane::Container(container), act, Some(reason));
            }
            None => self.draft.ignore("signal failure", container.container),
        }
    }

    /// Changes the time that a container has to stop. Often its exit is heard of first, and there is none any more.
    pub(crate) fn on_clock(&mut self, container: &ContainerRef, change: impl FnOnce(&mut StopClock)) {
        self.change(container, "signal", |_, state| {
            state.running_mut().and_then(|running| running.stop.as_mut()).map(change);
            true
        });
    }

    fn kill_again(&mut self, container: ContainerRef) {
        let lane = Lane::Container(container.clone());
        let attempts = self.work.rest(lane, Act::Kill, &self.config.effect_backoff, self.now);
        let still_runs = self.container(&container).is_some_and(|state| state.stopped().is_none());
        if still_runs && attempts == self.config.stubborn_after {
            self.draft.notes.push(Note::CannotStop { container, attempts });
        }
    }

    pub(crate) fn container_deleted(
        &mut self,
        container: &ContainerRef,
        exit: Option<Exit>,
        remains: Option<Remains>,
    ) {
        self.landed(container);
        self.work.refresh(&Lane::Container(container.clone()));
        if self.orphans.remove(container).is_some() {
            return;
        }
        self.change(container, "removal", |spec, state| {
            if let Some(exit) = exit {
                state.exit(spec, exit);
            }
            if remains.as_ref().is_some_and(|remains| remains.out_of_memory) {
                state.ran_out_of_memory();
            }
            state.removed(remains)
        });
    }

    pub(crate) fn delete_failed(&mut self, container: ContainerRef, reason: Reason) {
        self.landed(&container);
        self.retry(Lane::Container(container), Act::Delete, Some(reason));
    }
}
