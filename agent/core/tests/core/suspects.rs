//! Stories with one image that crashes containerd, among good ones, restarts of containerd by hand and restarts of the agent: the bad one
//! is found at the third crash, and no other is ever blamed.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::effect::Effect;
use wharf_core::event::{ContainerRef, Event, Observation, ResolvedImage};
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::report::Status;
use wharf_core::time::Timestamp;
use wharf_core::work::Act;

const IMAGES: [&str; 4] = ["bad", "one", "two", "three"];
const TICK: u64 = 500;
/// Everything is asked for and done by hand in the first five minutes.
const BUSY: u64 = 5 * 60 * 1000;
const END: u64 = 10 * 60 * 1000;
/// How long containerd takes to come back.
const DOWN: u64 = 1000;

/// A little generator: the same story for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn moments(&mut self, count: u64) -> Vec<u64> {
        (0..count).map(|_| self.below(BUSY / TICK) * TICK).collect()
    }
}

/// An act of the agent that containerd works on.
struct Flight {
    container: ContainerRef,
    act: Act,
    /// When it succeeds, or the bad image crashes containerd.
    at: u64,
}

struct Story {
    bench: Bench,
    dice: Dice,
    now: u64,
    /// The act on the bad image under which containerd ends.
    deadly: Act,
    flights: Vec<Flight>,
    up_from: u64,
    crashes: u32,
}

impl Story {
    fn told(seed: u64) -> Self {
        let mut dice = Dice(seed);
        for _ in 0..8 {
            dice.below(2);
        }
        let deadly = if dice.below(2) == 0 { Act::Pull } else { Act::Create };
        let (bench, flights) = (Bench::new(), vec![]);
        let mut story = Self { bench, dice, now: 0, deadly, flights, up_from: 0, crashes: 0 };
        let asked = story.dice.moments(12);
        let by_hand = story.dice.moments(3);
        let restarts = story.dice.moments(2);
        while story.now < END {
            let now = story.now;
            for (number, _) in asked.iter().enumerate().filter(|(_, at)| **at == now) {
                let image = IMAGES[usize::try_from(story.dice.below(4)).unwrap()];
                story.step(run(a_task(&format!("t{number}"), vec![a_container(image)])));
            }
            if by_hand.contains(&story.now) {
                story.containerd_ends();
            }
            if restarts.contains(&story.now) {
                story.agent_restarts();
            }
            story.acts_end();
            if story.bench.node.next_wakeup().is_some_and(|at| at <= story.clock()) {
                story.step(Event::Woken);
            }
            story.now += TICK;
        }
        story
    }

    fn clock(&self) -> Timestamp {
        T0.plus(std::time::Duration::from_millis(self.now))
    }

    fn step(&mut self, event: Event) {
        self.bench.now = self.clock();
        let effects = self.bench.on(event);
        self.begin(effects);
    }

    /// Acts on images take their time; all else is done at once.
    fn begin(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let (container, act) = match &effect {
                Effect::PullImage { container, refused, .. } if refused.contains(&digest(container)) => {
                    let digest = digest(container);
                    self.step(Event::ImageRefused { container: container.clone(), digest });
                    continue;
                }
                Effect::PullImage { container, .. } => (container.clone(), Act::Pull),
                Effect::CreateContainer { container, .. } => (container.clone(), Act::Create),
                other => {
                    let done = success(other, self.clock());
                    self.step(done);
                    continue;
                }
            };
            if self.now < self.up_from {
                self.step(postponed(container, act, None));
            } else {
                let at = self.now + TICK + self.dice.below(8_000);
                self.flights.push(Flight { container, act, at });
            }
        }
    }

    fn acts_end(&mut self) {
        while let Some(index) = self.flights.iter().position(|flight| flight.at <= self.now) {
            let Flight { container, act, .. } = &self.flights[index];
            if container.container == "bad" && *act == self.deadly {
                self.crashes += 1;
                self.containerd_ends();
                continue;
            }
            let Flight { container, act, .. } = self.flights.remove(index);
            self.step(match act {
                Act::Pull => {
                    let image = ResolvedImage { digest: Some(digest(&container)), ..image() };
                    Event::ImageReady { container, image }
                }
                _ => created(container),
            });
        }
    }

    /// Everything under way hears of it, in any order.
    fn containerd_ends(&mut self) {
        self.up_from = self.now + DOWN;
        let mut broken = std::mem::take(&mut self.flights);
        while !broken.is_empty() {
            let pick = usize::try_from(self.dice.below(broken.len() as u64)).unwrap();
            let Flight { container, act, .. } = broken.swap_remove(pick);
            let suspect = Some(digest(&container));
            self.step(postponed(container, act, suspect));
        }
    }

    fn agent_restarts(&mut self) {
        self.flights.clear();
        self.bench.now = self.clock();
        let runs = |container: ContainerRef| (container, Observation::Running { pid: 7, since: None });
        let containers: Vec<_> =
            self.containers().filter(|(_, made)| *made).map(|(of, _)| runs(of)).collect();
        let effects = self.bench.restart(&containers);
        self.begin(effects);
    }

    /// Every container, and whether it was made and has not ended.
    fn containers(&self) -> impl Iterator<Item = (ContainerRef, bool)> {
        self.bench.node.tasks().values().map(|task| {
            let container = &task.containers()[0];
            let lives = container.created_at().is_some() && container.stopped().is_none();
            (ContainerRef { task: task.spec().arn.clone(), container: container.name().to_owned() }, lives)
        })
    }
}

fn digest(container: &ContainerRef) -> String {
    format!("sha256:{}", container.container)
}

fn postponed(container: ContainerRef, act: Act, suspect: Option<String>) -> Event {
    let reason = Reason::new(ReasonCode::CannotCreateContainer, "containerd is away");
    Event::Postponed { container, act, reason, suspect }
}

#[test]
fn the_image_that_crashes_containerd_is_found_at_the_third_crash_and_no_other_is_blamed() {
    let mut found = 0;
    for seed in 0..300 {
        let story = Story::told(seed);
        let bad: Vec<_> = story.containers().filter(|(of, _)| of.container == "bad").collect();
        let verdict: &[String] = if bad.is_empty() { &[] } else { &["sha256:bad".to_owned()] };
        assert_eq!(story.bench.node.manifest().quarantine.digests(), verdict, "seed {seed}");
        assert!(story.crashes <= 3, "seed {seed}: {} crashes", story.crashes);
        for task in story.bench.node.tasks().values() {
            let container = &task.containers()[0];
            if container.name() == "bad" {
                let reason = container.stopped().and_then(|stopped| stopped.reason.as_ref());
                assert_eq!(
                    reason.map(|reason| reason.code),
                    Some(ReasonCode::ImageQuarantined),
                    "seed {seed}"
                );
            } else {
                assert_eq!(task.status(), Some(Status::Running), "seed {seed}");
            }
        }
        found += u32::from(!bad.is_empty());
    }
    assert!(found > 200, "the stories have become too small: {found} with a bad image");
}
