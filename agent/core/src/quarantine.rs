//! Images that crash containerd: which are suspected, which are kept out, and since when.
//!
//! ```text
//!               containerd ends          twice more, with nothing        its time is over
//! unsuspicious ─────────────────▶ suspected ─────────────────▶ quarantined ─────────────▶ unsuspicious
//!       ▲── it succeeds, an hour ────┘        else that is new
//! ```
//! Seen from outside, a crash looks like a restart by hand, and whatever was under way at the time looks guilty. A false verdict keeps
//! a good image out; a missing one costs a few more crashes. So the evidence has to be strong, and each rule leans to the good side:
//!
//! - What is held, is held against a digest. Before it is known, nothing of the image has reached containerd; and a tag that is pushed
//!   anew is another image.
//! - An image of which a container was ever made here is never suspected, as long as a record tells of it.
//! - The first end of containerd only suspects. From then on images that are new here are used one at a time, after a rest in which
//!   containerd shows whether it stands by itself (`apply_image`). An end counts when nothing else that is new was under way.
//! - An end while nothing that is new was under way shows a containerd that ends by itself, or by hand: it takes one end back.
//! - A success of the same kind clears the image of everything.
//!
//! Owns what is held against images. It is saved with the node, and bounded: of too many the oldest is dropped.

use crate::reason::{Reason, ReasonCode};
use crate::time::Timestamp;
use crate::work::Act;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Ends of containerd in a row that make the verdict.
const VERDICT: u32 = 3;
/// How long a suspicion stands that nothing confirms.
const SUSPICION: Duration = Duration::from_secs(3600);
/// How far apart one end of containerd is heard of in two ways; shorter than the rest that follows it.
const ONE_END: Duration = Duration::from_secs(5);
/// Most images that something is held against.
const MOST: usize = 64;

/// Every image that something is held against, by digest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quarantine {
    cases: BTreeMap<String, Case>,
}

/// What is held against one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Case {
    /// Reference under which it was last used.
    reference: String,
    /// Ends of containerd that count against it.
    ends: u32,
    /// When it last ended under it.
    last: Timestamp,
    /// The furthest act that it ended under: a pull that succeeds says nothing about a creation.
    act: Act,
}

/// An act on an image that containerd ended under.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial<'a> {
    pub(crate) digest: &'a str,
    pub(crate) reference: &'a str,
    pub(crate) act: Act,
    pub(crate) began: Timestamp,
    /// Whether no other image that is new here was used meanwhile.
    pub(crate) alone: bool,
}

/// What an end of containerd made of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    Suspected,
    Quarantined,
}

impl Quarantine {
    /// Whether nothing is held against any image.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Digests of the images that are kept out.
    pub fn digests(&self) -> Vec<String> {
        let kept_out = self.cases.iter().filter(|(_, case)| case.is_closed());
        kept_out.map(|(digest, _)| digest.clone()).collect()
    }

    /// When containerd last ended under an image that is suspected; `None` when none is.
    pub(crate) fn suspected_at(&self) -> Option<Timestamp> {
        self.cases.values().filter(|case| !case.is_closed()).map(|case| case.last).max()
    }

    /// Why an image that is kept out for so long is not used; `None` for any other.
    pub(crate) fn refusal(&self, digest: &str, lasts: Duration, now: Timestamp) -> Option<Reason> {
        let Case { reference, ends, last, .. } = self.cases.get(digest).filter(|case| case.is_closed())?;
        let minutes = last.plus(lasts).since(now).as_secs().div_ceil(60);
        let detail = format!(
            "image {reference} is {digest}, and containerd ended {ends} times in a row while that was pulled or a container was made of it; it is not used for another {minutes} min"
        );
        Some(Reason::new(ReasonCode::ImageQuarantined, detail))
    }

    /// containerd ended under an act on an image; says what that makes of it, if it is news.
    pub(crate) fn ended(&mut self, trial: Trial<'_>, now: Timestamp) -> Option<Finding> {
        // What began before the last end was under way then: it tells of that end once more.
        let told_before = |case: &Case| trial.began <= case.last && case.last <= now;
        let told_before = self.cases.values().any(told_before);
        let Some(case) = self.cases.get_mut(trial.digest) else {
            self.open(trial, now);
            return Some(Finding::Suspected);
        };
        if trial.act == Act::Create {
            case.act = trial.act;
        }
        if case.is_closed() || told_before {
            return None;
        }
        case.reference = trial.reference.to_owned();
        case.last = now;
        if trial.alone {
            case.ends += 1;
        }
        Some(if case.is_closed() { Finding::Quarantined } else { Finding::Suspected })
    }

    fn open(&mut self, Trial { digest, reference, act, .. }: Trial<'_>, now: Timestamp) {
        if self.cases.len() >= MOST {
            let oldest = self.cases.iter().min_by_key(|(_, case)| case.last);
            if let Some(oldest) = oldest.map(|(digest, _)| digest.clone()) {
                self.cases.remove(&oldest);
            }
        }
        let case = Case { reference: reference.to_owned(), ends: 1, last: now, act };
        self.cases.insert(digest.to_owned(), case);
    }

    /// containerd ended while nothing was tried: it does so without the suspected images too, and one end less counts against each of
    /// them. Returns the digests that nothing is left against.
    pub(crate) fn ended_by_itself(&mut self, now: Timestamp) -> Vec<String> {
        let open = self.cases.iter_mut().filter(|(_, case)| !case.is_closed());
        // The act that met an end and the events that stopped with it tell of the same one.
        let another = open.filter(|(_, case)| now < case.last || case.last.plus(ONE_END) <= now);
        another.for_each(|(_, case)| case.ends = case.ends.saturating_sub(1));
        let cleared: Vec<String> =
            self.cases.iter().filter(|(_, case)| case.ends == 0).map(|(digest, _)| digest.clone()).collect();
        self.cases.retain(|_, case| case.ends > 0);
        cleared
    }

    /// An act on the image succeeded; says whether that cleared it.
    pub(crate) fn succeeded(&mut self, digest: &str, act: Act) -> bool {
        let clears = |case: &Case| act == Act::Create || case.act == act;
        self.cases.get(digest).is_some_and(clears) && self.cases.remove(digest).is_some()
    }

    /// The wall clock was set by so many milliseconds; by the clock before it was `now`.
    pub(crate) fn move_along(&mut self, ms: i64, now: Timestamp) {
        let cases = self.cases.values_mut().filter(|case| case.last <= now);
        cases.for_each(|case| case.last = case.last.moved(ms));
    }

    /// Drops what has stood long enough; a quarantine lasts so long. Returns the digests.
    pub(crate) fn lapse(&mut self, lasts: Duration, now: Timestamp) -> Vec<String> {
        let stands = |case: &Case| {
            let lasts = if case.is_closed() { lasts } else { lasts.min(SUSPICION) };
            now < case.last.plus(lasts)
        };
        let lapsed = self.cases.iter().filter(|(_, case)| !stands(case));
        let lapsed: Vec<String> = lapsed.map(|(digest, _)| digest.clone()).collect();
        self.cases.retain(|_, case| stands(case));
        lapsed
    }
}

impl Case {
    /// Whether the verdict is spoken.
    fn is_closed(&self) -> bool {
        self.ends >= VERDICT
    }
}
