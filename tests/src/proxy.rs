//! A network between the agent and its control plane that a test can spoil at any moment and heal again.
//!
//! Owns one TCP port of loopback and every connection through it. It knows bytes, not HTTP: what a control plane says wrongly is the
//! scripted control plane's affair. Every task it starts ends with it, and is joined by [`Proxy::stop`].
//!
//! A blackhole keeps the bytes that it swallowed: a network that forwards again delivers them, because TCP has sent them again by then.
//! A half-open connection is different: its far end is gone and nobody told the near one, so it stays dead after healing.

mod pipe;

use anyhow::{Context, Result};
use pipe::{Direction, Flow};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use pipe::Way;

/// How long joining the proxy's tasks may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: every byte passes.
    None,
    /// Connections are accepted and nothing arrives; what was sent arrives when it heals.
    Blackhole(Way),
    /// Nothing listens: a connect is refused. Connections that stand are reset.
    Refuse,
    /// Every connection is reset, those that stand and those that are made.
    Reset,
    /// The far side is gone without a word, and what is sent is lost for ever.
    HalfOpen,
    /// One byte a second.
    Trickle(Way),
    /// Every piece arrives this much later.
    Delay(Way, Duration),
    /// After so many bytes of a connection that is made from now on it is reset.
    CutAfter(Way, usize),
}

/// The network; made with [`Proxy::start`].
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    stop: CancellationToken,
    running: TaskTracker,
}

impl Proxy {
    /// Listens on a free port of loopback and forwards to `target`.
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let (fault, faults) = watch::channel(Fault::None);
        let (stop, running) = (CancellationToken::new(), TaskTracker::new());
        let door = Door { address, target, faults, stop: stop.clone(), running: running.clone() };
        running.spawn(door.keep(Some(listener)));
        Ok(Self { address, fault, stop, running })
    }

    /// Where agents connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Spoils the network in this way from now on.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Ends every connection and joins every task.
    pub async fn stop(self) {
        self.stop.cancel();
        self.running.close();
        tokio::time::timeout(GOODBYE, self.running.wait()).await.expect("the proxy's tasks end when told");
    }
}

/// The listening side.
struct Door {
    address: SocketAddr,
    target: SocketAddr,
    faults: watch::Receiver<Fault>,
    stop: CancellationToken,
    running: TaskTracker,
}

impl Door {
    /// Accepts until told to stop; while connects are to be refused, there is no listener.
    async fn keep(mut self, mut listener: Option<TcpListener>) {
        loop {
            let fault = *self.faults.borrow_and_update();
            if fault == Fault::Refuse {
                listener = None;
            } else if listener.is_none() {
                listener = Some(TcpListener::bind(self.address).await.expect("the port was ours"));
            }
            // Cancel-safe: a token, a watch, and an accept that takes nothing until it yields.
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = self.faults.changed() => if changed.is_err() { return },
                accepted = accept(listener.as_ref()) => if let Some(near) = accepted { self.admit(near) },
            }
        }
    }

    fn admit(&self, near: TcpStream) {
        let (faults, stop, target) = (self.faults.clone(), self.stop.clone(), self.target);
        self.running.spawn(async move {
            // Whatever the connection waits for, it holds nothing but its two sockets.
            stop.run_until_cancelled(connection(near, target, faults)).await;
        });
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(near, _)| near),
        None => std::future::pending().await,
    }
}

/// One connection, until either side ends it or the network does.
async fn connection(near: TcpStream, target: SocketAddr, mut faults: watch::Receiver<Fault>) {
    let at_birth = *faults.borrow();
    let end = match at_birth {
        Fault::HalfOpen => End::Forgotten(near),
        Fault::Reset | Fault::Refuse => End::Reset(vec![near]),
        Fault::None | Fault::Blackhole(_) | Fault::Trickle(_) | Fault::Delay(..) | Fault::CutAfter(..) => {
            match TcpStream::connect(target).await {
                Ok(far) => carry(near, far, &mut faults, at_birth).await,
                Err(_) => End::Reset(vec![near]),
            }
        }
    };
    match end {
        End::Over => {}
        End::Reset(sockets) => sockets.into_iter().for_each(reset),
        End::Forgotten(near) => pipe::swallow(near).await,
    }
}

/// How a connection ends for the proxy.
enum End {
    /// Both sides were told.
    Over,
    /// With a reset of these.
    Reset(Vec<TcpStream>),
    /// The near side is never told anything.
    Forgotten(TcpStream),
}

async fn carry(
    mut near: TcpStream,
    mut far: TcpStream,
    faults: &mut watch::Receiver<Fault>,
    at_birth: Fault,
) -> End {
    let seen = faults.clone();
    let cut = {
        let ((from_near, to_near), (from_far, to_far)) = (near.split(), far.split());
        let up = Flow::new(Direction::ToPlane, at_birth, seen.clone()).carry(from_near, to_far);
        let down = Flow::new(Direction::ToAgent, at_birth, seen).carry(from_far, to_near);
        let broken = faults.wait_for(|fault| matches!(fault, Fault::Refuse | Fault::Reset | Fault::HalfOpen));
        // Whichever arm ends, the connection is over; nothing that the others hold is of use any more.
        tokio::select! {
            both = async { tokio::try_join!(up, down) } => match both {
                Ok(((), ())) => return End::Over,
                Err(pipe::Cut) => Fault::Reset,
            },
            fault = broken => match fault {
                Ok(fault) => *fault,
                Err(_) => return End::Over,
            },
        }
    };
    match cut {
        Fault::HalfOpen => End::Forgotten(near),
        _ => End::Reset(vec![near, far]),
    }
}

fn reset(socket: TcpStream) {
    // Closing with a linger of zero sends RST in place of FIN. A socket that is gone already needs neither.
    drop(socket.set_zero_linger());
}
