//! A restart of the agent under running tasks, as it looks from outside.

use crate::asker::Asker;
use crate::http;
use crate::wait;
use crate::world::Host;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Running tasks and those who watch them.
#[derive(Debug)]
pub struct Watched {
    askers: Vec<Asker>,
    processes: BTreeMap<String, (u32, u64)>,
    introspection: SocketAddr,
}

/// How long a start of the agent took, from the start of its process.
#[derive(Debug, Clone, Copy)]
pub struct Adoption {
    /// Until the first of the tasks was served again.
    pub first: Duration,
    /// Until every task was known as running by introspection, and by its own endpoint inside its namespace.
    pub all: Duration,
}

/// A port of loopback that nobody listens on now.
pub fn free_port() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Watched {
    /// Looks at the containers that run now, each of a task of its own; the agent has introspection at this address.
    pub fn now(host: &Host, introspection: SocketAddr) -> Result<Self> {
        let (mut askers, mut processes) = (Vec::new(), BTreeMap::new());
        for (id, (pid, status)) in host.tasks() {
            ensure!(status == "RUNNING", "{id} is {status}");
            let (task, _) = id.split_once('-').with_context(|| format!("{id} is not named after a task"))?;
            askers.push(Asker::of(host, task, pid)?);
            processes.insert(id, (pid, started(pid)?));
        }
        Ok(Self { askers, processes, introspection })
    }

    /// Who may ask in the tasks.
    pub fn askers(&self) -> &[Asker] {
        &self.askers
    }

    /// Starts the agent, which was killed, and measures until all tasks are adopted.
    pub async fn adopt(&self, host: &mut Host, url: &str) -> Result<Adoption> {
        let begun = Instant::now();
        host.start_agent(url)?;
        let mut first = None;
        for asker in &self.askers {
            wait::until("a task's endpoint", Duration::from_secs(60), async || {
                asker.ask().map(drop).map_err(|error| format!("{error:#}"))
            })
            .await;
            first.get_or_insert(begun.elapsed());
        }
        wait::until("introspection to know all tasks", Duration::from_secs(60), async || {
            let known = http::get(self.introspection, "/v1/tasks").map_err(|error| format!("{error:#}"))?;
            let running = known.matches(r#""KnownStatus":"RUNNING","Family"#).count();
            (running == self.askers.len()).then_some(()).ok_or(format!("{running} are running"))
        })
        .await;
        Ok(Adoption { first: first.context("there are tasks")?, all: begun.elapsed() })
    }

    /// That no container was touched: the same processes, started at the same time, and no others.
    pub fn untouched(&self, host: &Host) -> Result<()> {
        let now = host.tasks();
        ensure!(now.keys().eq(self.processes.keys()), "not the same containers: {now:?}");
        for (id, (pid, begun)) in &self.processes {
            ensure!(now[id].0 == *pid && started(*pid)? == *begun, "{id} was started again");
        }
        Ok(())
    }
}

/// When a process was started, in the kernel's ticks.
fn started(pid: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field, the name, may hold spaces; the start is the 22nd.
    let rest = stat.rsplit_once(')').context("no name")?.1;
    Ok(rest.split_whitespace().nth(19).context("no start")?.parse()?)
}
