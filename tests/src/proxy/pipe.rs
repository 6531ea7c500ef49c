//! One direction of one connection through the [`super::Proxy`].

use super::Fault;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

/// Which directions a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// What the agent says is not heard.
    ToPlane,
    /// What the control plane says is not heard.
    ToAgent,
    /// Neither is.
    Both,
}

/// The direction of one flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    ToPlane,
    ToAgent,
}

impl Way {
    fn covers(self, direction: Direction) -> bool {
        match self {
            Self::ToPlane => direction == Direction::ToPlane,
            Self::ToAgent => direction == Direction::ToAgent,
            Self::Both => true,
        }
    }
}

/// The connection has to be reset.
#[derive(Debug)]
pub(super) struct Cut;

/// What passes in one direction.
pub(super) struct Flow {
    direction: Direction,
    faults: watch::Receiver<Fault>,
    /// Bytes until the cut; `None` when the connection was made without one.
    left: Option<usize>,
}

impl Flow {
    pub(super) fn new(direction: Direction, at_birth: Fault, faults: watch::Receiver<Fault>) -> Self {
        let left = match at_birth {
            Fault::CutAfter(way, bytes) if way.covers(direction) => Some(bytes),
            _ => None,
        };
        Self { direction, faults, left }
    }

    /// Carries bytes until the source ends, then says so to the sink.
    pub(super) async fn carry(
        mut self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> Result<(), Cut> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = from.read(&mut buffer).await.map_err(|_| Cut)?;
            self.pass(&buffer[..read], &mut to).await?;
            if read == 0 {
                // The other side may have gone first.
                drop(to.shutdown().await);
                return Ok(());
            }
        }
    }

    /// Passes one piece as the fault of the moment has it; an end passes as a piece of no bytes.
    async fn pass(&mut self, mut piece: &[u8], to: &mut (impl AsyncWrite + Unpin)) -> Result<(), Cut> {
        loop {
            let fault = *self.faults.borrow_and_update();
            match fault {
                Fault::Blackhole(way) if way.covers(self.direction) => {
                    self.faults.changed().await.map_err(|_| Cut)?;
                    continue;
                }
                Fault::Trickle(way) if way.covers(self.direction) && !piece.is_empty() => {
                    let (byte, rest) = piece.split_at(1);
                    self.write(byte, to).await?;
                    piece = rest;
                    // Cancel-safe: a timer and a watch. A fault that changes ends the trickle at once.
                    tokio::select! {
                        () = sleep(Duration::from_secs(1)) => {}
                        _ = self.faults.changed() => {}
                    }
                    continue;
                }
                Fault::Delay(way, by) if way.covers(self.direction) => sleep(by).await,
                Fault::None
                | Fault::Blackhole(_)
                | Fault::Trickle(_)
                | Fault::Delay(..)
                | Fault::CutAfter(..)
                | Fault::Refuse
                | Fault::Reset
                | Fault::HalfOpen => {}
            }
            return self.write(piece, to).await;
        }
    }

    async fn write(&mut self, piece: &[u8], to: &mut (impl AsyncWrite + Unpin)) -> Result<(), Cut> {
        let passes = self.left.map_or(piece.len(), |left| piece.len().min(left));
        to.write_all(&piece[..passes]).await.map_err(|_| Cut)?;
        if let Some(left) = &mut self.left {
            *left -= passes;
            if *left == 0 && !piece.is_empty() {
                return Err(Cut);
            }
        }
        Ok(())
    }
}

/// Takes what comes, for as long as it comes, and never answers.
pub(super) async fn swallow(mut socket: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(1..) = socket.read(&mut buffer).await {}
}
