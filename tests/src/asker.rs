//! Asks the endpoint of a task from inside its network namespace, as its containers do.

use crate::http;
use crate::world::Host;
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const VARIABLE: &str = "ECS_CONTAINER_METADATA_URI_V4=";

/// Somebody in a task who asks for the task's metadata.
#[derive(Debug, Clone)]
pub struct Asker {
    namespace: PathBuf,
    address: SocketAddr,
    path: String,
}

/// One who asks again and again until it is told to stop.
#[derive(Debug)]
pub struct Watcher {
    stop: Arc<AtomicBool>,
    first: Receiver<()>,
    thread: JoinHandle<Vec<Instant>>,
}

impl Asker {
    /// One who knows what the container of this process was told at its start.
    pub fn of(host: &Host, task_id: &str, pid: u32) -> Result<Self> {
        let environment = std::fs::read(format!("/proc/{pid}/environ"))?;
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let uri = environment.split('\0').find_map(|line| line.strip_prefix(VARIABLE));
        let uri = uri.with_context(|| format!("process {pid} was not told its {VARIABLE}"))?;
        let (host_part, path) = uri
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .with_context(|| format!("{uri} is no address"))?;
        Ok(Self {
            namespace: host.dir().join("run/netns").join(task_id),
            address: format!("{host_part}:80").parse()?,
            path: format!("/{path}/task"),
        })
    }

    /// The answer, if there is one that shows a running task.
    pub fn ask(&self) -> Result<String> {
        let answer = wharf_cni::netns::run(&self.namespace, || self.ask_here())??;
        ensure!(answer.contains(r#""KnownStatus":"RUNNING""#), "not a running task: {answer}");
        Ok(answer)
    }

    fn ask_here(&self) -> Result<String> {
        let answer = http::get(self.address, &self.path)?;
        ensure!(answer.contains(" 200 "), "refused: {answer}");
        Ok(answer)
    }

    /// Asks at this pace from now on.
    pub fn watch(&self, pace: Duration) -> Watcher {
        let (asker, stop) = (self.clone(), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&stop);
        let (say, first) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let ask = || {
                let mut answered = Vec::new();
                while !told.load(Ordering::SeqCst) {
                    if asker.ask_here().is_ok() {
                        answered.push(Instant::now());
                        // Nobody may care for it.
                        let _ = say.send(());
                    }
                    std::thread::sleep(pace);
                }
                answered
            };
            wharf_cni::netns::run(&asker.namespace, ask).expect("the namespace stays")
        });
        Watcher { stop, first, thread }
    }
}

impl Watcher {
    /// Waits until the first answer is there.
    pub fn answered(&self) {
        self.first.recv_timeout(Duration::from_secs(20)).expect("the agent runs and answers");
    }

    /// The longest time between two answers.
    pub fn longest_gap(self) -> Duration {
        self.stop.store(true, Ordering::SeqCst);
        let answered = self.thread.join().expect("no panic");
        let gaps = answered.windows(2).map(|pair| pair[1].duration_since(pair[0]));
        gaps.max().expect("it was answered at least twice")
    }
}
