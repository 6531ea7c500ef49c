//! A token bucket: how many requests a task may make. Pure; the caller brings the time.

use std::time::Instant;

/// Requests a second and how many may come at once. Source: `ECS_TASK_METADATA_RPS_LIMIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that flow in per second.
    pub per_second: u32,
    /// Tokens that fit.
    pub burst: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_second: 40, burst: 60 }
    }
}

impl From<(u32, u32)> for Rate {
    fn from((per_second, burst): (u32, u32)) -> Self {
        Self { per_second, burst }
    }
}

/// A bucket that starts full.
#[derive(Debug)]
pub struct Bucket {
    rate: Rate,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, tokens: f64::from(rate.burst), filled: now }
    }

    /// Takes a token if one is there.
    pub fn take(&mut self, now: Instant) -> bool {
        let inflow =
            now.saturating_duration_since(self.filled).as_secs_f64() * f64::from(self.rate.per_second);
        self.tokens = (self.tokens + inflow).min(f64::from(self.rate.burst));
        self.filled = self.filled.max(now);
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn taken(bucket: &mut Bucket, now: Instant) -> usize {
        (0..1000).take_while(|_| bucket.take(now)).count()
    }

    #[test]
    fn a_full_bucket_grants_the_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate { per_second: 40, burst: 60 }, start);
        assert_eq!(taken(&mut bucket, start), 60);
        assert_eq!(taken(&mut bucket, start + Duration::from_millis(500)), 20);
        assert_eq!(taken(&mut bucket, start + Duration::from_millis(510)), 0);
    }

    #[test]
    fn tokens_never_exceed_the_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate { per_second: 40, burst: 60 }, start);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(3600)), 60);
    }

    #[test]
    fn a_clock_that_steps_back_grants_nothing() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut bucket = Bucket::new(Rate { per_second: 40, burst: 1 }, start);
        assert!(bucket.take(start));
        assert!(!bucket.take(start - Duration::from_secs(5)));
        assert!(!bucket.take(start));
    }
}
