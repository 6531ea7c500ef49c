//! When a websocket session must end and when the next one may begin: the timers of spec 3.6 and 4.4 as pure state.
//!
//! Owns the policy. Refuses sockets, clocks and sleeping: instants come in, deadlines go out.
//!
//! ```text
//!            open             heard: silence deadline moves on
//!   (waiting) ----> (open) ------------------------------------.
//!       ^              | silent | expired | closed | failed    |
//!       '--- wait -----'<--------------------------------------'
//! ```

use crate::backoff::{Backoff, BackoffPolicy};
use crate::jitter::Jitter;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// A duration with a random part: somewhere in `[least, least + spread)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The fixed part.
    pub least: Duration,
    /// The width of the random part.
    pub spread: Duration,
}

impl Span {
    /// A span of seconds.
    pub const fn seconds(least: u64, spread: u64) -> Self {
        Self { least: Duration::from_secs(least), spread: Duration::from_secs(spread) }
    }

    /// One duration of the span.
    pub fn draw(&self, jitter: &mut Jitter) -> Duration {
        self.least + jitter.up_to(self.spread)
    }
}

/// Every timer of a session and of its reconnects. Tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timings {
    /// How long a session lives without a message that counts.
    pub heartbeat: Span,
    /// How long a session lives at all.
    pub lifetime: Span,
    /// How long one read or one write may take; also how long a delivery waits for a slow owner.
    pub io_deadline: Duration,
    /// How long one connect may take: dial, TLS and the upgrade's answer together.
    pub connect: Duration,
    /// Waits between failed attempts.
    pub backoff: BackoffPolicy,
    /// A session that lasted this long resets the backoff; `None`: only a clean end does.
    pub settled: Option<Span>,
    /// The wait after the control plane called this container instance inactive.
    pub inactive: Duration,
}

impl Timings {
    /// The timers of ACS (spec 3.6).
    pub const ACS: Self = Self {
        heartbeat: Span::seconds(60, 60),
        lifetime: Span::seconds(30 * 60, 5 * 60),
        io_deadline: Duration::from_secs(180),
        connect: Duration::from_secs(60),
        backoff: BackoffPolicy::ACS,
        settled: Some(Span::seconds(60, 60)),
        inactive: Duration::from_secs(3600),
    };
    /// The timers of TCS (spec 4.4). An inactive instance is treated as any failure there.
    pub const TCS: Self = Self { backoff: BackoffPolicy::TCS, settled: None, ..Self::ACS };
}

/// How a session, or the attempt to open one, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The peer closed in order (1000, 1001, 1011) or the stream just ended (1006).
    Closed,
    /// The session reached its greatest age and was closed from this side.
    Expired,
    /// Nothing that counts was heard for too long.
    Silent,
    /// This side stops, and will not come back.
    Stopped,
    /// The control plane says this container instance is inactive; carries its words.
    Inactive(String),
    /// Anything else; carries the reason for the log.
    Failed(String),
}

impl Ending {
    /// True for the ends that belong to a healthy life.
    pub fn is_orderly(&self) -> bool {
        match self {
            Self::Closed | Self::Expired | Self::Stopped => true,
            Self::Silent | Self::Inactive(_) | Self::Failed(_) => false,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the control plane closed it"),
            Self::Expired => f.write_str("it reached its greatest age"),
            Self::Silent => f.write_str("no heartbeat came"),
            Self::Stopped => f.write_str("the agent stops"),
            Self::Inactive(reason) | Self::Failed(reason) => f.write_str(reason),
        }
    }
}

/// The deadlines of one open session.
#[derive(Debug, Clone)]
pub struct Session {
    heartbeat: Span,
    opened: Instant,
    silent_at: Instant,
    expires_at: Instant,
}

impl Session {
    /// Starts both timers at `now`.
    pub fn open(now: Instant, timings: &Timings, jitter: &mut Jitter) -> Self {
        Self {
            heartbeat: timings.heartbeat,
            opened: now,
            silent_at: now + timings.heartbeat.draw(jitter),
            expires_at: now + timings.lifetime.draw(jitter),
        }
    }

    /// Restarts the heartbeat timer: a message that counts was heard.
    pub fn heard(&mut self, now: Instant, jitter: &mut Jitter) {
        self.silent_at = now + self.heartbeat.draw(jitter);
    }

    /// The instant at which [`Session::due`] has to be asked again.
    pub fn deadline(&self) -> Instant {
        self.silent_at.min(self.expires_at)
    }

    /// Why the session has to end at `now`, if it has to.
    pub fn due(&self, now: Instant) -> Option<Ending> {
        if now >= self.silent_at {
            return Some(Ending::Silent);
        }
        (now >= self.expires_at).then_some(Ending::Expired)
    }

    /// How long the session has lasted.
    pub fn lasted(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.opened)
    }
}

/// Decides the wait before the next attempt.
#[derive(Debug, Clone)]
pub struct Reconnect {
    timings: Timings,
    backoff: Backoff,
}

impl Reconnect {
    /// Starts with a fresh backoff.
    pub fn new(timings: &Timings) -> Self {
        Self { timings: *timings, backoff: Backoff::new(timings.backoff) }
    }

    /// [`Reconnect::wait_after`], told to the log: `name` is the conversation's.
    pub(crate) fn plan(
        &mut self,
        name: &str,
        ending: &Ending,
        lasted: Option<Duration>,
        jitter: &mut Jitter,
    ) -> Duration {
        let wait = self.wait_after(ending, lasted, jitter);
        if ending.is_orderly() {
            tracing::info!(%ending, ?lasted, ?wait, "{name} is not connected");
        } else {
            tracing::warn!(%ending, ?lasted, ?wait, "{name} is not connected");
        }
        wait
    }

    /// The wait after a session of length `lasted` (`None`: it never opened) ended this way.
    ///
    /// An orderly end reconnects at once, except that a peer which closes every session within the first
    /// backoff step gets that step as a pause, so that it can't be hammered in a tight loop.
    pub fn wait_after(&mut self, ending: &Ending, lasted: Option<Duration>, jitter: &mut Jitter) -> Duration {
        if let (Some(lasted), Some(settled)) = (lasted, self.timings.settled)
            && lasted >= settled.draw(jitter)
        {
            self.backoff.reset();
        }
        match ending {
            Ending::Closed | Ending::Expired | Ending::Stopped => {
                self.backoff.reset();
                let hasty = lasted.is_none_or(|lasted| lasted < self.timings.backoff.first);
                if hasty { self.timings.backoff.delay(0, jitter) } else { Duration::ZERO }
            }
            Ending::Inactive(_) => self.timings.inactive,
            Ending::Silent | Ending::Failed(_) => self.backoff.next(jitter),
        }
    }
}

/// True for the close codes that mean "come back at once": 1000, 1001, 1006 and 1011 (spec 3.6).
pub fn closes_in_order(code: u16) -> bool {
    matches!(code, 1000 | 1001 | 1006 | 1011)
}
