//! The endpoints that containers talk to: task metadata and credentials, inside each task's network namespace.
//!
//! Owns one listener per task and with it the answer to "who asks": the socket says it, so a task can never read what belongs
//! to another one. Refuses to open sockets (the network gives them) and to decide on tasks. Logs refusals and, to the target
//! `audit`, each request of credentials. Source: design decision 5, spec 6, features 11 and 22.

pub mod bucket;
pub mod credentials;
pub mod environment;
mod metadata;
pub mod path;
pub mod render;

use crate::http::{Ask, Body, Limits, Reply, serve};
use crate::telemetry::stats::StatsView;
use crate::view::View;
use bucket::{Bucket, Rate};
use credentials::CredentialStore;
use path::Path;
use render::{Answer, Sources, render};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wharf_protocol::arn::TaskArn;
use wharf_wait::{Job, Wait, outcome, spawn};

pub(crate) use metadata::{
    NetworkBody, PortBody, VolumeBody, docker_name, networks, number, ports, rfc3339, volumes,
};

/// Bounds of each task's endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// Requests that a task may make; more are answered with 429.
    pub rate: Rate,
    /// Bounds of its connections.
    pub limits: Limits,
}

/// A listener could not be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve the endpoint of task {task}")]
pub struct OpenError {
    /// The task.
    pub task: TaskArn,
    #[source]
    source: std::io::Error,
}

/// What every answer is made of; the watches hold the newest snapshots.
#[derive(Debug, Clone)]
pub struct Feeds {
    /// Tasks and host, from the owner loop.
    pub view: watch::Receiver<Arc<View>>,
    /// Use of resources, from the sampler.
    pub stats: watch::Receiver<Arc<StatsView>>,
    /// Credentials, from the ACS session.
    pub credentials: CredentialStore,
}

/// The endpoints of all tasks. Clones share them.
#[derive(Debug, Clone)]
pub struct TaskEndpoints {
    feeds: Feeds,
    settings: Settings,
    /// A lock and no message: effects of different tasks open and close at the same time, and the lock is held only to put in
    /// or take out one entry, never across an await.
    open: Arc<Mutex<BTreeMap<TaskArn, Server>>>,
}

#[derive(Debug)]
struct Server {
    stop: CancellationToken,
    served: Job<()>,
}

impl TaskEndpoints {
    /// No endpoints yet.
    pub fn new(feeds: Feeds, settings: Settings) -> Self {
        Self { feeds, settings, open: Arc::default() }
    }

    /// Serves `task` on `listener`, which no other task can reach; a listener that was there before is closed.
    ///
    /// # Errors
    /// When the listener cannot be handed to the runtime.
    pub async fn open(&self, task: TaskArn, listener: std::net::TcpListener) -> Result<(), OpenError> {
        let refused = |source| OpenError { task: task.clone(), source };
        listener.set_nonblocking(true).map_err(refused)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(refused)?;
        let stop = CancellationToken::new();
        let endpoint = Endpoint::new(task.clone(), self.feeds.clone(), self.settings.rate);
        let limits = self.settings.limits;
        let served = spawn(serve(listener, limits, stop.clone(), move |ask| endpoint.reply(ask)));
        let before = self.servers().insert(task, Server { stop, served });
        end(before).await;
        Ok(())
    }

    /// Stops serving `task`; answers under way may end within the drain time. A task that is not served is no error.
    pub async fn close(&self, task: &TaskArn) {
        let server = self.servers().remove(task);
        end(server).await;
    }

    /// Stops serving every task.
    pub async fn shutdown(&self) {
        let servers = std::mem::take(&mut *self.servers());
        servers.values().for_each(|server| server.stop.cancel());
        for server in servers.into_values() {
            end(Some(server)).await;
        }
    }

    /// Tasks that are served.
    pub fn tasks(&self) -> Vec<TaskArn> {
        self.servers().keys().cloned().collect()
    }

    fn servers(&self) -> MutexGuard<'_, BTreeMap<TaskArn, Server>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a server; `serve` itself bounds how long that takes.
async fn end(server: Option<Server>) {
    let Some(mut server) = server else { return };
    server.stop.cancel();
    let ended =
        Wait::endless("the endpoint of a task to end", "it cuts what is under way after its drain time");
    if let Err(error) = ended.of(outcome(&mut server.served)).await {
        tracing::error!(%error, "the endpoint of a task ended in a panic");
    }
}

/// One task's endpoint: answers in its name only.
#[derive(Debug)]
struct Endpoint {
    task: TaskArn,
    feeds: Feeds,
    /// A lock, since the task's connections share the bucket; held for a few float operations.
    bucket: Mutex<Bucket>,
}

impl Endpoint {
    fn new(task: TaskArn, feeds: Feeds, rate: Rate) -> Self {
        Self { task, feeds, bucket: Mutex::new(Bucket::new(rate, Instant::now())) }
    }

    fn reply(&self, ask: &Ask<'_>) -> Reply {
        let path = Path::parse(ask.path, ask.query);
        let answer = if self.may_ask() { self.answer(path) } else { too_many(path) };
        self.log(ask, &answer);
        answer.reply
    }

    fn may_ask(&self) -> bool {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now())
    }

    fn answer(&self, path: Option<Path<'_>>) -> Answer {
        let Some(path) = path else {
            return Answer { reply: Reply::no_such_page(), belongs_to: None, audit: None };
        };
        let view = Arc::clone(&self.feeds.view.borrow());
        let stats = Arc::clone(&self.feeds.stats.borrow());
        render(
            &self.task,
            &path,
            Sources { view: &view, stats: &stats, credentials: &self.feeds.credentials },
        )
    }

    fn log(&self, ask: &Ask<'_>, answer: &Answer) {
        let task = &self.task;
        if let Some(owner) = &answer.belongs_to {
            tracing::warn!(%task, %owner, "a task asked with the id of another task and was refused");
        }
        let Some(event) = answer.audit else { return };
        let view = Arc::clone(&self.feeds.view.borrow());
        tracing::info!(
            target: "audit",
            status = answer.reply.status,
            source = %ask.source,
            url = ask.path,
            user_agent = ask.user_agent,
            %task,
            event,
            version = 1,
            cluster = view.host.cluster,
            container_instance = view.host.container_instance_arn.as_ref().map(tracing::field::display),
            "credentials were asked for"
        );
    }
}

fn too_many(path: Option<Path<'_>>) -> Answer {
    let reply = Reply { status: 429, body: Body::text("You have reached maximum request limit.") };
    let audit = matches!(path, Some(Path::Credentials { .. })).then_some("");
    Answer { reply, belongs_to: None, audit }
}
