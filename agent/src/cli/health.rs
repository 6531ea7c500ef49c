//! `wharf-agent health`: does the agent of this host answer?

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for each step of the question (features 1.2 gives 25 s for all).
const PATIENCE: Duration = Duration::from_secs(5);
/// Enough for a status line and the body of `/v1/metadata`.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Why the agent does not count as alive.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// Nothing answers.
    #[error("no agent answers at {address}")]
    Silent {
        /// Where it was asked.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Something answers, and not as the agent does.
    #[error("what answers at {address} is not a healthy agent: {status:?}")]
    Unwell {
        /// Where it was asked.
        address: SocketAddr,
        /// The first line of the answer.
        status: String,
    },
}

/// Asks `/v1/metadata` and returns its body.
pub(super) fn ask(address: SocketAddr) -> Result<String, HealthError> {
    let answer = exchange(address).map_err(|source| HealthError::Silent { address, source })?;
    let status = answer.lines().next().unwrap_or_default();
    match answer.split_once("\r\n\r\n") {
        Some((_, body)) if status.split(' ').nth(1) == Some("200") => Ok(format!("{}\n", body.trim_end())),
        Some(_) | None => Err(HealthError::Unwell { address, status: status.to_owned() }),
    }
}

fn exchange(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let question = format!("GET /v1/metadata HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
