//! A small HTTP server for answers that are ready in memory: task endpoints and introspection.
//!
//! Owns connections: how many, how long, how much memory, and their end. Refuses request bodies, routing and anything that
//! would have to wait for an answer.

mod deadline;

use deadline::WriteDeadline;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wharf_wait::{Wait, end, owned_permit};

/// Pause of a listener that cannot accept.
const AGAIN: Duration = Duration::from_millis(50);

/// Bounds of one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections served at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// Longest time for a whole request head, for a stalled write, and for a connection without a request.
    pub timeout: Duration,
    /// Largest request head in bytes; values below 8 KiB count as 8 KiB.
    pub head_bytes: usize,
    /// Longest time that answers under way are waited for when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let timeout = Duration::from_secs(5);
        Self { connections: 64, timeout, head_bytes: 8192, drain: Duration::from_secs(1) }
    }
}

/// What a handler gets to see of a request.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Path of the target.
    pub path: &'a str,
    /// Query of the target, without `?`.
    pub query: Option<&'a str>,
    /// `User-Agent`, empty when absent or not text.
    pub user_agent: &'a str,
    /// Who asks.
    pub source: SocketAddr,
}

/// What goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Content with its type.
    pub body: Body,
}

/// Content of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// `application/json`.
    Json(Bytes),
    /// `text/plain`.
    Text(Bytes),
}

impl Body {
    /// A value as JSON.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        Self::Json(serde_json::to_vec(value).expect("our bodies have string keys and finite numbers").into())
    }

    /// A plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into().into())
    }
}

impl Reply {
    /// The answer to a path that is not served.
    pub fn no_such_page() -> Self {
        Self { status: 404, body: Body::text("404 page not found\n") }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let (kind, bytes) = match self.body {
            Body::Json(bytes) => ("application/json", bytes),
            Body::Text(bytes) => ("text/plain; charset=utf-8", bytes),
        };
        let mut response = Response::new(Full::new(bytes));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        response
    }
}

/// Serves `listener` until `stop`; then lets answers under way end, but no longer than [`Limits::drain`].
pub async fn serve<H>(listener: TcpListener, limits: Limits, stop: CancellationToken, handler: H)
where
    H: Fn(&Ask<'_>) -> Reply + Send + Sync + 'static,
{
    let handler = Arc::new(handler);
    let free = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let ended = Wait::endless("the end of a connection", "each has deadlines of its own");
        // Cancel-safe: a cancelled wait for the token, for a connection's end or for the next connection loses nothing.
        let (stream, source, permit) = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = ended.of(end(&mut connections)) => continue,
            next = accept(&listener, &free) => next,
        };
        let (handler, stop) = (Arc::clone(&handler), stop.clone());
        connections.spawn(async move {
            serve_connection(stream, source, limits, stop, handler).await;
            drop(permit);
        });
    }
    drop(listener);
    let drain_end = Instant::now() + limits.drain;
    let next_end = || Wait::named("open connections").owner("a local HTTP listener").until(drain_end);
    while let Ok(Some(_)) = next_end().of(end(&mut connections)).await {}
    connections.abort_all();
    let cut = || Wait::endless("connections that are cut", "each ends where it waits next");
    while cut().of(end(&mut connections)).await.is_some() {}
}

async fn accept(
    listener: &TcpListener,
    free: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit) {
    let place = Wait::endless("room for another connection", "each has deadlines of its own");
    let permit = place.of(owned_permit(free)).await.expect("the semaphore is never closed");
    loop {
        let next = Wait::endless("a connection", "nobody has to come");
        match next.on(listener.accept()).await {
            Ok((stream, source)) => return (stream, source, permit),
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                // Out of descriptors, most likely: without a pause this would spin until one is free.
                Wait::named("a free descriptor").owner("a local HTTP listener").pause(AGAIN).await;
            }
        }
    }
}

async fn serve_connection<H>(
    stream: TcpStream,
    source: SocketAddr,
    limits: Limits,
    stop: CancellationToken,
    handler: Arc<H>,
) where
    H: Fn(&Ask<'_>) -> Reply + Send + Sync + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let reply = answer(&*handler, &request, source);
        async move { Ok::<_, Infallible>(reply.into_response()) }
    });
    let io = TokioIo::new(WriteDeadline::new(stream, limits.timeout));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.timeout)
        .max_buf_size(limits.head_bytes.max(8192))
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    // Cancel-safe: the token's wait holds nothing, and the connection is polled on afterwards.
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%source, %error, "a connection ended early");
    }
}

fn answer<H: Fn(&Ask<'_>) -> Reply>(handler: &H, request: &Request<Incoming>, source: SocketAddr) -> Reply {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Reply { status: 405, body: Body::text("405 method not allowed\n") };
    }
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let uri = request.uri();
    handler(&Ask { path: uri.path(), query: uri.query(), user_agent: user_agent.unwrap_or_default(), source })
}
