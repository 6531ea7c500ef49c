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
//!
//! **Coming back within ten seconds of healing.** The backoffs of the specification grow to minutes. They are kept for a peer that
//! answers and refuses, which they protect. A peer that cannot be reached needs no protection from a few packets, and an operator
//! whose network is mended should not wait for minutes: such waits end at [`Timings::unreachable`], and an attempt that gets no
//! answer ends at [`Timings::connect`], so that a dead attempt, a wait and the attempt that succeeds fit into ten seconds. One that
//! is in trouble or throttles is asked again after [`Timings::troubled`] at the latest, or when it says: `Retry-After` is how it
//! protects itself. The jitter on every wait keeps hosts that lost their control plane together from coming back together.
//!
//! **A dead peer.** A connection whose far end is gone looks like a quiet one for as long as the heartbeats allow: two minutes. So
//! the session pings, and gives up when nothing at all came for [`Timings::pulse`]. That counts only for a peer that has answered
//! a ping on this session: a control plane that ignores them keeps the specification's timers.

use crate::api::CallError;
use crate::backoff::{Backoff, BackoffPolicy};
use crate::jitter::Jitter;
use crate::socket::chain;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;
use wharf_protocol::api::ApiError;

/// A session that the peer closes sooner than this was a short one; longer than the longest pause between contested sessions.
const SHORT: Duration = Duration::from_secs(30);
/// So many short sessions in a row are no chance and no rolling update any more.
const CONTESTED: u32 = 3;

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
    /// The same where the control plane has just answered a call: it is alive, and only slow.
    pub patient: Duration,
    /// How often the session pings.
    pub ping: Duration,
    /// How long a peer that answers pings may say nothing at all.
    pub pulse: Duration,
    /// Waits between failed attempts.
    pub backoff: BackoffPolicy,
    /// The longest wait while the peer cannot be reached, without jitter.
    pub unreachable: Duration,
    /// The longest wait while the peer says that it is in trouble, or closes every session soon; without jitter.
    pub troubled: Duration,
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
        connect: Duration::from_secs(6),
        patient: Duration::from_secs(60),
        ping: Duration::from_secs(10),
        pulse: Duration::from_secs(25),
        backoff: BackoffPolicy::ACS,
        unreachable: Duration::from_secs(2),
        troubled: Duration::from_secs(6),
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
    /// Nobody answers: the network, a broken connection, a dead peer. Carries the reason for the log.
    Unreachable(String),
    /// Somebody answers who is not able to serve, or is not the control plane: 5xx, throttling, a page for people.
    Troubled {
        /// The reason for the log.
        reason: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The peer refuses, or does not speak the protocol; carries the reason for the log.
    Failed(String),
}

impl Ending {
    /// True for the ends that belong to a healthy life.
    pub fn is_orderly(&self) -> bool {
        match self {
            Self::Closed | Self::Expired | Self::Stopped => true,
            Self::Silent
            | Self::Inactive(_)
            | Self::Unreachable(_)
            | Self::Troubled { .. }
            | Self::Failed(_) => false,
        }
    }

    /// True for the ends after which the endpoint may not be the right one any more.
    pub(crate) fn doubts_the_endpoint(&self) -> bool {
        match self {
            Self::Silent | Self::Unreachable(_) | Self::Troubled { .. } | Self::Failed(_) => true,
            Self::Closed | Self::Expired | Self::Stopped | Self::Inactive(_) => false,
        }
    }

    /// How an attempt ends for which this call was needed.
    pub(crate) fn of_call(error: &CallError) -> Self {
        let reason = chain(error);
        match error {
            CallError::Unreachable { .. } => Self::Unreachable(reason),
            CallError::Refused { error: ApiError { status: ..500, .. }, .. } if !error.is_throttling() => {
                Self::Failed(reason)
            }
            // What is not an answer of the API was not said by the API.
            CallError::Refused { .. } | CallError::TooLarge { .. } | CallError::Unreadable { .. } => {
                Self::Troubled { reason, retry_after: error.retry_after() }
            }
            CallError::Unsigned { .. } => Self::Failed(reason),
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
            Self::Inactive(reason)
            | Self::Unreachable(reason)
            | Self::Troubled { reason, .. }
            | Self::Failed(reason) => f.write_str(reason),
        }
    }
}

/// The deadlines of one open session.
#[derive(Debug, Clone)]
pub struct Session {
    heartbeat: Span,
    pulse: Duration,
    opened: Instant,
    silent_at: Instant,
    expires_at: Instant,
    /// When a peer that answers pings counts as dead; `None` until it has answered one.
    dead_at: Option<Instant>,
}

impl Session {
    /// Starts both timers at `now`.
    pub fn open(now: Instant, timings: &Timings, jitter: &mut Jitter) -> Self {
        Self {
            heartbeat: timings.heartbeat,
            pulse: timings.pulse,
            opened: now,
            silent_at: now + timings.heartbeat.draw(jitter),
            expires_at: now + timings.lifetime.draw(jitter),
            dead_at: None,
        }
    }

    /// The peer answered a ping: from now on its silence counts.
    pub fn answered_ping(&mut self, now: Instant) {
        self.dead_at = Some(now + self.pulse);
    }

    /// Something came, whatever it was: the peer is there.
    pub fn noticed(&mut self, now: Instant) {
        if self.dead_at.is_some() {
            self.dead_at = Some(now + self.pulse);
        }
    }

    /// Restarts the heartbeat timer: a message that counts was heard.
    pub fn heard(&mut self, now: Instant, jitter: &mut Jitter) {
        self.silent_at = now + self.heartbeat.draw(jitter);
    }

    /// The instant at which [`Session::due`] has to be asked again.
    pub fn deadline(&self) -> Instant {
        let end = self.silent_at.min(self.expires_at);
        self.dead_at.map_or(end, |dead| dead.min(end))
    }

    /// Why the session has to end at `now`, if it has to.
    pub fn due(&self, now: Instant) -> Option<Ending> {
        if self.dead_at.is_some_and(|dead| now >= dead) {
            return Some(Ending::Unreachable(format!("no answer to pings for {:?}", self.pulse)));
        }
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
    /// Sessions in a row that the peer closed in order soon after they were opened.
    short: u32,
    /// The waits between those.
    contest: Backoff,
}

impl Reconnect {
    /// Starts with a fresh backoff.
    pub fn new(timings: &Timings) -> Self {
        let backoff = Backoff::new(timings.backoff);
        Self { timings: *timings, contest: backoff.clone(), backoff, short: 0 }
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
        if *ending == Ending::Closed && self.is_contested() {
            tracing::error!(
                sessions = self.short,
                ?lasted,
                ?wait,
                "the control plane closed several {name} sessions in a row within seconds: most likely another agent connects as this \
                 container instance, e.g. with a copy of this host's data directory; stop one of them"
            );
        } else if ending.is_orderly() {
            tracing::info!(%ending, ?lasted, ?wait, "{name} is not connected");
        } else {
            tracing::warn!(%ending, ?lasted, ?wait, "{name} is not connected");
        }
        wait
    }

    /// The wait after a session of length `lasted` (`None`: it never opened) ended this way.
    ///
    /// An orderly end reconnects at once, except that a peer which closes every session within the first
    /// backoff step gets that step as a pause, so that it can't be hammered in a tight loop. Sessions that are closed in order one
    /// after the other soon after they opened get growing pauses: a control plane has one session per instance, and two agents that
    /// connect as the same one would throw each other out for ever.
    pub fn wait_after(&mut self, ending: &Ending, lasted: Option<Duration>, jitter: &mut Jitter) -> Duration {
        if let (Some(lasted), Some(settled)) = (lasted, self.timings.settled)
            && lasted >= settled.draw(jitter)
        {
            self.backoff.reset();
        }
        self.count_short(ending, lasted);
        let Timings { unreachable, troubled, .. } = self.timings;
        match ending {
            Ending::Closed | Ending::Expired | Ending::Stopped => {
                self.backoff.reset();
                let hasty = lasted.is_none_or(|lasted| lasted < self.timings.backoff.first);
                if self.is_contested() {
                    self.contest.next_within(troubled, jitter)
                } else if hasty {
                    self.timings.backoff.delay(0, jitter)
                } else {
                    Duration::ZERO
                }
            }
            Ending::Inactive(_) => self.timings.inactive,
            Ending::Silent | Ending::Unreachable(_) => self.backoff.next_within(unreachable, jitter),
            Ending::Troubled { retry_after, .. } => {
                let wait = self.backoff.next_within(troubled, jitter);
                let asked = retry_after.map(|after| after.min(self.timings.backoff.longest));
                // Whoever was told the same time does not come back at the same moment.
                asked.map_or(wait, |asked| asked.max(wait) + jitter.up_to(asked.mul_f64(0.2)))
            }
            Ending::Failed(_) => self.backoff.next(jitter),
        }
    }

    fn count_short(&mut self, ending: &Ending, lasted: Option<Duration>) {
        match (ending, lasted) {
            (Ending::Closed, Some(lasted)) if lasted < SHORT => self.short = self.short.saturating_add(1),
            (_, None) => {}
            (_, Some(_)) => {
                self.short = 0;
                self.contest.reset();
            }
        }
    }

    /// Whether somebody else seems to connect as this instance.
    fn is_contested(&self) -> bool {
        self.short >= CONTESTED
    }
}

/// True for the close codes that mean "come back at once": 1000, 1001, 1006 and 1011 (spec 3.6).
pub fn closes_in_order(code: u16) -> bool {
    matches!(code, 1000 | 1001 | 1006 | 1011)
}
