//! What the node is told of the time, and whether the clock was set.
//!
//! Owns the comparison of the wall clock with the host's own count. Refuses to move deadlines: the node does.

use crate::seam::Clock;
use std::time::Duration;
use wharf_core::clock::{Ahead, was_set};
use wharf_core::event::Event;
use wharf_core::time::Timestamp;

/// A clock, and how far ahead of the time since boot the node knows it to be.
#[derive(Debug)]
pub struct Timekeeper<C> {
    clock: C,
    boot: String,
    told: Option<i64>,
}

impl<C: Clock> Timekeeper<C> {
    /// Nothing read yet, in this boot of the host.
    pub fn new(clock: C, boot: String) -> Self {
        Self { clock, boot, told: None }
    }

    /// The time, and what the node has to hear before anything else happens to it: the first reading, and each that shows that the
    /// clock was set.
    pub fn read(&mut self) -> (Option<Event>, Timestamp) {
        let now = self.clock.now();
        let by = now.as_millis().saturating_sub(millis(self.clock.since_boot()));
        if self.told.is_some_and(|told| !was_set(told, by)) {
            return (None, now);
        }
        self.told = Some(by);
        (Some(Event::ClockRead(Ahead { boot: self.boot.clone(), by })), now)
    }

    /// How long it is to an instant that the node named, whatever became of the clock since its last turn.
    pub fn until(&self, at: Timestamp) -> Duration {
        let (now, since_boot) = (self.clock.now(), millis(self.clock.since_boot()));
        // A clock that only drifts is the one that the node will be told.
        let before = self.told.filter(|told| was_set(*told, now.as_millis().saturating_sub(since_boot)));
        at.since(before.map_or(now, |told| Timestamp::from_millis(told.saturating_add(since_boot))))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    /// Both hands of a clock, in milliseconds.
    #[derive(Debug, Clone, Default)]
    struct Hands(Arc<[AtomicI64; 2]>);

    impl Hands {
        fn passes(&self, ms: i64) {
            for hand in self.0.iter() {
                hand.fetch_add(ms, Relaxed);
            }
        }

        fn is_set(&self, by: i64) {
            self.0[0].fetch_add(by, Relaxed);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0[0].load(Relaxed))
        }

        fn since_boot(&self) -> Duration {
            Duration::from_millis(self.0[1].load(Relaxed).unsigned_abs())
        }
    }

    fn told(by: i64) -> Option<Event> {
        Some(Event::ClockRead(Ahead { boot: "b".to_owned(), by }))
    }

    #[test]
    fn the_node_hears_of_the_first_reading_and_of_each_time_the_clock_was_set() {
        let hands = Hands::default();
        hands.is_set(5_000);
        let mut time = Timekeeper::new(hands.clone(), "b".to_owned());
        assert_eq!(time.read(), (told(5_000), Timestamp::from_millis(5_000)));
        hands.passes(60_000);
        assert_eq!(time.read(), (None, Timestamp::from_millis(65_000)));
        hands.is_set(-40_000);
        assert_eq!(time.read(), (told(-35_000), Timestamp::from_millis(25_000)));
        assert_eq!(time.read().0, None);
    }

    #[test]
    fn drift_is_followed_once_it_comes_to_a_second() {
        let hands = Hands::default();
        let mut time = Timekeeper::new(hands.clone(), "b".to_owned());
        time.read();
        hands.is_set(999);
        assert_eq!(time.read().0, None);
        hands.is_set(1);
        assert_eq!(time.read().0, told(1_000));
    }

    #[test]
    fn how_long_it_is_to_a_deadline_does_not_depend_on_a_clock_that_is_set_meanwhile() {
        let hands = Hands::default();
        let mut time = Timekeeper::new(hands.clone(), "b".to_owned());
        let (_, now) = time.read();
        let deadline = now.plus(Duration::from_secs(30));
        hands.is_set(-600_000);
        hands.passes(10_000);
        assert_eq!(time.until(deadline), Duration::from_secs(20));
        time.read();
        hands.is_set(-999);
        let by_the_clock = deadline.moved(-600_000).since(hands.now());
        assert_eq!(
            time.until(deadline.moved(-600_000)),
            by_the_clock,
            "as the node will be told, or it is woken too soon"
        );
    }
}
