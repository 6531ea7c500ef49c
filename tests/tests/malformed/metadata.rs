//! Requests of containers to their endpoint: real HTTP on a real socket, and bytes that only look like it.
//!
//! The host has tasks, so that a request which is only a little wrong is answered with one of them.

use crate::host::{Host, NOT_FOR_YOU};
use crate::tally::{INPUTS, Tally, house_corpus};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use wharf_agent::endpoints::bucket::Rate;
use wharf_agent::endpoints::{Feeds, Settings, TaskEndpoints};

/// What an endpoint may answer: its own words, and those of HTTP for what is no request of it.
const STATUSES: [u16; 8] = [200, 400, 404, 405, 414, 431, 500, 503];

pub async fn requests() -> Tally {
    let Host { ours, view, stats, credentials } = Host::of_two_tasks();
    let feeds = Feeds {
        view: watch::channel(Arc::new(view)).1,
        stats: watch::channel(Arc::new(stats)).1,
        credentials,
    };
    let rate = Rate { per_second: 1_000_000, burst: 1_000_000 };
    let endpoints = TaskEndpoints::new(feeds, Settings { rate, ..Settings::default() });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    endpoints.open(ours, listener).await.unwrap();
    let (mut number, mut rendered) = (0_usize, 0);
    let tally = Tally::run_async("metadata requests", house_corpus("metadata_request"), async |input| {
        number += 1;
        // A head that was cut is waited for; ended, it is read.
        let end: &[u8] = if number.is_multiple_of(2) { b"\r\n\r\n" } else { b"" };
        let answer = ask(address, &[input, end].concat()).await;
        let mut rest = answer.as_slice();
        while !rest.is_empty() {
            let status;
            (status, rest) = check(rest);
            rendered += usize::from(status == 200);
        }
    })
    .await;
    endpoints.shutdown().await;
    assert!(rendered > INPUTS / 20, "{rendered} requests alone were answered with something of the task");
    tally
}

/// All that comes back for these bytes.
async fn ask(address: SocketAddr, input: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has seen all of it; then the answer may be cut too.
    drop(stream.write_all(input).await);
    drop(stream.shutdown().await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    answer
}

/// Checks the first of the answers; its status, and what is behind it.
fn check(answers: &[u8]) -> (u16, &[u8]) {
    let text = String::from_utf8_lossy(answers);
    let status = text.strip_prefix("HTTP/1.").and_then(|text| text.get(2..5)?.parse().ok());
    let status: u16 = status.unwrap_or_else(|| panic!("not the head of an answer: {text}"));
    assert!(STATUSES.contains(&status), "{text}");
    let Some(end) = answers.windows(4).position(|four| four == b"\r\n\r\n") else { return (status, &[]) };
    let (head, body) = (text[..end].to_lowercase(), &answers[end + 4..]);
    let length = head.split("content-length: ").nth(1).and_then(|text| text.lines().next()?.parse().ok());
    let length: usize = length.unwrap_or_default();
    // To a HEAD there is a length and no body; one that was cut says nothing either.
    if body.len() < length || body.starts_with(b"HTTP/1.") {
        return (status, if body.starts_with(b"HTTP/1.") { body } else { &[] });
    }
    let (body, rest) = body.split_at(length);
    if status == 200 {
        assert!(serde_json::from_slice::<Value>(body).is_ok(), "{text}");
    }
    assert!(!String::from_utf8_lossy(body).contains(NOT_FOR_YOU), "another task's: {text}");
    (status, rest)
}
