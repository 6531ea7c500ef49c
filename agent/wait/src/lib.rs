//! The one way to wait: a wait has a name, an owner and an end, and can be seen while it lasts.
//!
//! ```
//! # async fn pull() {}
//! # async fn example() -> Result<(), wharf_wait::TimedOut> {
//! use std::time::Duration;
//! use wharf_wait::Wait;
//!
//! Wait::named("the image").owner("task t1").at_most(Duration::from_secs(60)).on(pull()).await?;
//! Wait::named("before the next try").owner("images").pause(Duration::from_secs(1)).await;
//! # Ok(())
//! # }
//! ```
//! A wait without an end has to say why: [`Wait::endless`]. `clippy.toml` forbids the bare timers of tokio and std in product
//! code, and the methods that wait for channels, semaphores, signals and tasks, so that this crate cannot be passed by; [`open`]
//! lists what is waited for in this process at this moment.
#![forbid(unsafe_code)]

mod register;
mod source;
mod task;
mod thread;
mod ticker;

pub use register::{End, Open, open};
pub use source::{
    Source, answer, end, message, messages, owned_permit, permit, reading, room, signal, turn, value, writing,
};
pub use task::{Job, all, begin, outcome, spawn, tracked};
pub use thread::blocking;
pub use ticker::Ticker;

use register::Seen;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, Timeout};

/// A wait with a name.
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for yet"]
pub struct Wait {
    name: &'static str,
}

/// A wait with a name and an owner.
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for yet"]
pub struct Owned {
    name: &'static str,
    owner: Cow<'static, str>,
}

/// A wait with a name, an owner and an end.
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for yet"]
pub struct Bounded {
    wait: Owned,
    at_most: Duration,
}

/// A wait that lasts as long as it takes, with the reason why that is right.
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for yet"]
pub struct Endless {
    name: &'static str,
    reason: &'static str,
}

/// A wait for nothing but its end.
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Pause {
    sleep: Pin<Box<Sleep>>,
    _seen: Seen,
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(context)
    }
}

/// A wait came to its end before what was waited for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{owner} waited {} s for {name} in vain", .after.as_secs_f32())]
pub struct TimedOut {
    /// What was waited for.
    pub name: &'static str,
    /// Who waited.
    pub owner: Cow<'static, str>,
    /// How long.
    pub after: Duration,
}

impl Wait {
    /// A wait for this, in a few words that complete "waits for …".
    pub fn named(name: &'static str) -> Self {
        Self { name }
    }

    /// A wait without an end, as of the owner of an inbox; `reason` says why it needs none.
    pub fn endless(name: &'static str, reason: &'static str) -> Endless {
        Endless { name, reason }
    }

    /// Who waits: a task, a container, a part of the program.
    pub fn owner(self, owner: impl Into<Cow<'static, str>>) -> Owned {
        Owned { name: self.name, owner: owner.into() }
    }
}

impl Owned {
    /// The end of the wait.
    pub fn at_most(self, at_most: Duration) -> Bounded {
        Bounded { wait: self, at_most }
    }

    /// The end of the wait as a moment.
    pub fn until(self, deadline: Instant) -> Bounded {
        Bounded { wait: self, at_most: deadline.saturating_duration_since(Instant::now()) }
    }

    /// Waits so long, for nothing. Listed from now on.
    ///
    /// Cancel-safe: there is nothing to lose.
    pub fn pause(self, length: Duration) -> Pause {
        self.pause_until(Instant::now() + length)
    }

    /// Waits until this moment, for nothing.
    #[expect(clippy::disallowed_methods, reason = "this is the place that everybody else is sent to")]
    pub fn pause_until(self, end: Instant) -> Pause {
        let seen = register::enter(self.name, self.owner, End::At(end));
        Pause { sleep: Box::pin(tokio::time::sleep_until(end)), _seen: seen }
    }

    /// The same in a thread without a runtime.
    #[expect(clippy::disallowed_methods, reason = "this is the place that everybody else is sent to")]
    pub fn pause_thread(self, length: Duration) {
        let _seen = register::enter(self.name, self.owner, End::At(Instant::now() + length));
        std::thread::sleep(length);
    }
}

impl Bounded {
    /// Waits for the future, from now on. At the end of the wait it is dropped: the wait is cancel-safe where the future is.
    ///
    /// Ends in [`TimedOut`], which says what was waited for, by whom and how long. The future lies on the heap: an `async` function
    /// would hold it twice, as its argument and inside the timer, and waits within waits would double it each time.
    #[expect(clippy::disallowed_methods, reason = "this is the place that everybody else is sent to")]
    pub fn on<F: Future>(self, future: F) -> Timed<F> {
        let Self { wait: Owned { name, owner }, at_most } = self;
        let seen = register::enter(name, owner.clone(), End::At(Instant::now() + at_most));
        let late = TimedOut { name, owner, after: at_most };
        Timed { future: Box::pin(tokio::time::timeout(at_most, future)), late: Some(late), _seen: seen }
    }

    /// Waits for what another part of the program does, as [`Bounded::on`] waits for a future.
    pub fn of<F: Future>(self, source: Source<F>) -> Timed<F> {
        self.on(source.0)
    }
}

/// A wait for a future, with an end.
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Timed<F> {
    future: Pin<Box<Timeout<F>>>,
    /// What to say when it was in vain; taken then.
    late: Option<TimedOut>,
    _seen: Seen,
}

impl<F: Future> Future for Timed<F> {
    type Output = Result<F::Output, TimedOut>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(self.future.as_mut().poll(context));
        Poll::Ready(outcome.map_err(|_| self.late.take().expect("a future is not polled after its end")))
    }
}

impl Endless {
    /// Waits for the future, from now on.
    pub fn on<F: Future>(self, future: F) -> Patient<F> {
        let seen = register::enter(self.name, Cow::Borrowed("the process"), End::Never(self.reason));
        Patient { future: Box::pin(future), _seen: seen }
    }

    /// Waits for what another part of the program does, from now on.
    pub fn of<F: Future>(self, source: Source<F>) -> Patient<F> {
        self.on(source.0)
    }
}

/// A wait for a future, without an end.
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Patient<F> {
    future: Pin<Box<F>>,
    _seen: Seen,
}

impl<F: Future> Future for Patient<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.future.as_mut().poll(context)
    }
}
