//! What a turn of the model gets from outside: the time and fresh random numbers. Nothing else comes in.

use super::time::Time;

/// A source of random bits; seeded in tests so that every run is the same.
pub type Randomness = Box<dyn FnMut() -> u128 + Send>;

/// One turn: everything that happens in it happens at the same instant.
pub struct Turn {
    /// The instant of this turn.
    pub now: Time,
    random: Randomness,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Turn {
    /// The first turn.
    pub fn new(now: Time, random: Randomness) -> Self {
        Self { now, random }
    }

    /// An id as ECS makes them: 32 hexadecimal digits.
    pub fn id(&mut self) -> String {
        format!("{:032x}", (self.random)())
    }

    /// A UUID, version 4.
    pub fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes((self.random)().to_be_bytes()).into_uuid().to_string()
    }

    /// The last `digits` (at most 32) of an id, for names such as `eni-0123456789abcdef0`.
    pub fn short_id(&mut self, digits: usize) -> String {
        self.id().split_off(32 - digits.min(32))
    }

    /// A random number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        ((self.random)() % bound as u128) as usize
    }
}
