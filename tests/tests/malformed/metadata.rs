//! Requests of containers to their endpoint: real HTTP on a real socket, and bytes that only look like it.

use crate::tally::{Tally, house_corpus};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use wharf_agent::endpoints::bucket::Rate;
use wharf_agent::endpoints::credentials::CredentialStore;
use wharf_agent::endpoints::{Feeds, Settings, TaskEndpoints};
use wharf_agent::telemetry::stats::StatsView;
use wharf_agent::view::View;
use wharf_protocol::arn::TaskArn;

const TASK: &str = "arn:aws:ecs:us-west-2:123456789012:task/e2e/00000000000000000000000000000001";

pub async fn requests() -> Tally {
    let feeds = Feeds {
        view: watch::channel(Arc::new(View::default())).1,
        stats: watch::channel(Arc::new(StatsView::default())).1,
        credentials: CredentialStore::default(),
    };
    let rate = Rate { per_second: 1_000_000, burst: 1_000_000 };
    let endpoints = TaskEndpoints::new(feeds, Settings { rate, ..Settings::default() });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    endpoints.open(TaskArn::parse(TASK).unwrap(), listener).await.unwrap();
    let tally = Tally::run_async("metadata requests", house_corpus("metadata_request"), async |input| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may answer and close before it has seen all of it.
        drop(stream.write_all(input).await);
        drop(stream.shutdown().await);
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{ended:?} {answer:?}");
    })
    .await;
    endpoints.shutdown().await;
    tally
}
