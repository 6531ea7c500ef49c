//! What the ends of acts say about their images, and whose turn it is while an image is suspected of crashing containerd.
//!
//! The evidence and its weight are [`quarantine`](crate::quarantine)'s; here is what only the node knows: what else was under way, and
//! of which images containers were made here.

use crate::effect::Effect;
use crate::event::ContainerRef;
use crate::node::Node;
use crate::note::Note;
use crate::quarantine::{Finding, Trial};
use crate::record::RecordKey;
use crate::time::Timestamp;
use crate::work::{Act, Lane};
use std::collections::BTreeSet;
use std::time::Duration;

/// Rest of images that are new here after an end of containerd that left one suspected: one that ends by itself does so meanwhile.
const REST: Duration = Duration::from_secs(10);
/// How long one of them may keep the others waiting.
const TURN: Duration = Duration::from_secs(5 * 60);

impl Node {
    /// containerd ended while it was busy with the image of this digest.
    pub(crate) fn containerd_ended(&mut self, container: &ContainerRef, act: Act, digest: &str) {
        // The events will tell of the same end.
        self.runtime_is_lost = true;
        let flight = self.work.flight(&Lane::Container(container.clone()));
        let proven = self.proven_images();
        let (Some(flight), Some(reference)) = (flight, self.image_of(container)) else { return };
        if self.config.image_quarantine.is_zero() || proven.contains(digest) {
            return;
        }
        let others = self.work.using_images().filter_map(|(user, _)| self.newcomer(user, &proven));
        let alone = others.filter(|other| *other != reference).count() == 0;
        let (reference, digest) = (reference.to_owned(), digest.to_owned());
        let trial = Trial { digest: &digest, reference: &reference, act, began: flight.since, alone };
        self.draft.dirty.insert(RecordKey::node());
        let Some(finding) = self.manifest.quarantine.ended(trial, self.now) else { return };
        self.draft.notes.push(match finding {
            Finding::Suspected => Note::ImageSuspected { reference, digest, act },
            Finding::Quarantined => Note::ImageQuarantined { reference, digest, act },
        });
    }

    /// containerd ended, or the way to it did. Without an image that is new here under way that speaks for those that are suspected.
    pub(crate) fn runtime_lost(&mut self) {
        let told_before = std::mem::replace(&mut self.runtime_is_lost, true);
        let proven = self.proven_images();
        let tries = || self.work.using_images().any(|(user, _)| self.newcomer(user, &proven).is_some());
        if told_before || self.manifest.quarantine.suspected_at().is_none() || tries() {
            return;
        }
        self.draft.dirty.insert(RecordKey::node());
        for digest in self.manifest.quarantine.ended_by_itself(self.now) {
            self.cleared(digest);
        }
    }

    /// The image is kept out, as the runtime found when it learned the digest.
    pub(crate) fn image_refused(&mut self, container: &ContainerRef, digest: &str) {
        match self.manifest.quarantine.refusal(digest, self.config.image_quarantine, self.now) {
            Some(reason) => self.image_failed(container, reason),
            // Cleared meanwhile: it is pulled again.
            None => {
                self.landed(container);
            }
        }
    }

    /// An act on the image succeeded.
    pub(crate) fn image_proved(&mut self, digest: Option<&str>, act: Act) {
        let Some(digest) = digest.filter(|digest| self.manifest.quarantine.succeeded(digest, act)) else {
            return;
        };
        self.cleared(digest.to_owned());
    }

    /// Drops what was held against images long enough.
    pub(crate) fn lapse_quarantine(&mut self) {
        for digest in self.manifest.quarantine.lapse(self.config.image_quarantine, self.now) {
            self.cleared(digest);
        }
    }

    fn cleared(&mut self, digest: String) {
        self.draft.dirty.insert(RecordKey::node());
        self.draft.notes.push(Note::ImageCleared { digest });
    }

    /// While an image is suspected, lets those that are new here begin one at a time; what is left out is planned again when the
    /// turn is free.
    pub(crate) fn take_turns(&self, effects: &mut Vec<Effect>) {
        let Some(last) = self.manifest.quarantine.suspected_at() else { return };
        // A clock that was set back must not make the rest longer.
        let rested = self.now < last || last.plus(REST) <= self.now;
        let proven = self.proven_images();
        let fresh = self.work.using_images().filter(|(_, since)| self.now.since(*since) < TURN);
        let mut turn = fresh.filter_map(|(user, _)| self.newcomer(user, &proven)).next();
        effects.retain(|effect| {
            let (Effect::PullImage { container, .. } | Effect::CreateContainer { container, .. }) = effect
            else {
                return true;
            };
            let Some(image) = self.newcomer(container, &proven) else { return true };
            let may = rested && turn.is_none_or(|turn| turn == image);
            if may {
                turn = Some(image);
            }
            may
        });
    }

    /// Whether the container's image is used only when it is its turn.
    pub(crate) fn takes_turns(&self, container: &ContainerRef) -> bool {
        let suspects = self.manifest.quarantine.suspected_at().is_some();
        suspects && self.newcomer(container, &self.proven_images()).is_some()
    }

    /// When a turn may be free by itself.
    pub(crate) fn turns_free_at(&self) -> impl Iterator<Item = Timestamp> {
        let rested = self.manifest.quarantine.suspected_at().map(|last| last.plus(REST));
        let over = self.work.using_images().map(|(_, since)| since.plus(TURN));
        rested.into_iter().chain(over.filter(move |_| rested.is_some()))
    }

    /// Digests of the images of which containers were made here, and the references under which that was done.
    fn proven_images(&self) -> BTreeSet<&str> {
        let containers = self.tasks.values().flat_map(|task| task.pairs());
        let made = containers.filter(|(_, container)| container.created_at().is_some());
        made.flat_map(|(spec, container)| {
            let digest = container.image().and_then(|image| image.digest.as_deref());
            digest.into_iter().chain([spec.image.as_str()])
        })
        .collect()
    }

    /// Reference of the container's image, unless it has proven itself; a digest that is known counts for more than a reference.
    fn newcomer(&self, container: &ContainerRef, proven: &BTreeSet<&str>) -> Option<&str> {
        let reference = self.image_of(container)?;
        let state = self.tasks.get(&container.task)?.container(&container.container)?;
        let digest = state.image().and_then(|image| image.digest.as_deref());
        (!proven.contains(digest.unwrap_or(reference))).then_some(reference)
    }

    fn image_of(&self, ContainerRef { task, container }: &ContainerRef) -> Option<&str> {
        let task = self.tasks.get(task)?;
        task.index_of(container).map(|index| task.spec.containers[index].image.as_str())
    }
}
