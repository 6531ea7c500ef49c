//! What it takes, besides work, to bring an agent to a point.

use super::place::Place;
use super::workload::{Batch, Fate};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;
use wharf_tests::failpoints::{Point, Scene};
use wharf_tests::wait;
use wharf_tests::wire::Wire;
use wharf_tests::witness::Witness;
use wharf_tests::world::{Host, IMAGE};

/// How late an answer of containerd arrives: long enough to cut it off once the start that it answers was seen.
const LATE: Duration = Duration::from_millis(300);
/// Time from a cut to the next, in which what became of a start can be looked up.
const QUIET: Duration = Duration::from_secs(5);
/// Where the agent's settings have containerd, and how long it bears strangers.
const ADDRESS: &str = "WHARF_CONTAINERD_ADDRESS";
const PATIENCE: &str = "WHARF_UNKNOWN_CONTAINERS_WAIT";
/// So long in all rounds but those with a stranger: what the agent forgot is not to go unseen.
const LONG: &str = "1h";

/// What was set up for one round.
pub enum Stage {
    /// Nothing.
    Bare,
    /// The agent is told to stop.
    Told,
    /// A wire that is cut when containerd has started a container; with the containers.
    Wire(Wire, BTreeSet<String>),
    /// A container that nobody knows, by its id.
    Stranger(String),
    /// The places of containers in containerd, which are taken.
    Stale(Vec<Place>),
}

impl Stage {
    /// Sets it up while no agent runs, for work that is yet to come.
    pub fn set(host: &mut Host, scene: Scene, work: &Batch) -> Self {
        match scene {
            Scene::Start | Scene::Work | Scene::Restarts => Self::Bare,
            Scene::Stop => Self::Told,
            Scene::Birth => {
                std::fs::remove_dir_all(data(host)).expect("the agent made it, and is dead");
                Self::Bare
            }
            Scene::Unanswered => {
                let socket = host.dir().join("wire.sock");
                let wire = Wire::start(&socket, &host.containerd().socket(), LATE).expect("a free name");
                host.set(ADDRESS, &socket.display().to_string());
                Self::Wire(wire, BTreeSet::new())
            }
            Scene::Stranger => {
                host.set(PATIENCE, "1s");
                Self::Stranger(stranger(host))
            }
            // Of those that are made in any case: one that is stopped before leaves its place as it is.
            Scene::Stale => {
                let made = work.members.iter().filter(|member| matches!(member.fate, Fate::Ends(_)));
                Self::Stale(made.map(|member| Place::take(host, &member.app())).collect())
            }
        }
    }

    /// Waits until the agent has died at the point, and does meanwhile what brings it there.
    pub async fn play(&mut self, host: &mut Host, witness: &Witness, at: (&Point, usize), within: Duration) {
        let (point, hit) = at;
        if let Self::Told = self {
            let pid = host.agent_pid().expect("it was started").try_into().expect("a process id");
            kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it lives");
        }
        let known = started(witness);
        let mut quiet = Instant::now();
        wait::until(&format!("the agent's death at {}, hit {hit}", point.name), within, || {
            if let Self::Wire(wire, cut) = self {
                let new: Vec<_> =
                    started(witness).difference(&known).filter(|id| !cut.contains(*id)).cloned().collect();
                if !new.is_empty() && quiet <= Instant::now() {
                    wire.cut();
                    cut.extend(new);
                    quiet = Instant::now() + QUIET;
                }
            }
            std::future::ready(host.agent_died_at(point.name))
        })
        .await;
        if let Self::Wire(..) = self {
            unanswered(host, &started(witness).difference(&known).cloned().collect());
        }
    }

    /// Takes away what the next agent is to do without, and leaves what it has to deal with.
    pub async fn clear(self, host: &mut Host) -> Self {
        match self {
            Self::Wire(wire, _) => {
                wire.stop().await;
                let containerd = host.containerd().socket().display().to_string();
                host.set(ADDRESS, &containerd);
                Self::Bare
            }
            Self::Bare | Self::Told | Self::Stranger(_) | Self::Stale(_) => self,
        }
    }

    /// Waits until nothing is left of what was set up.
    pub async fn over(self, host: &mut Host, within: Duration) {
        match self {
            Self::Bare | Self::Told | Self::Wire(..) => {}
            Self::Stranger(id) => {
                wait::until(&format!("the removal of {id}"), within, async || {
                    let there = host.containers().contains(&id) || host.tasks().contains_key(&id);
                    if there { Err("it is there".to_owned()) } else { Ok(()) }
                })
                .await;
                host.set(PATIENCE, LONG);
            }
            Self::Stale(places) => {
                wait::until("free places in containerd", within, async || {
                    let taken: Vec<_> = places.iter().flat_map(Place::taken).collect();
                    if taken.is_empty() { Ok(()) } else { Err(format!("{taken:?}")) }
                })
                .await
            }
        }
    }
}

/// Waits until nothing is kept of tasks whose records are dropped.
pub async fn are_forgotten(host: &Host, within: Duration) {
    wait::until("the files of the last task to go", within, async || {
        let kept = std::fs::read_dir(data(host).join("tasks")).map_err(|error| error.to_string())?;
        let kept: Vec<_> = kept.flatten().map(|entry| entry.file_name()).collect();
        if kept.is_empty() { Ok(()) } else { Err(format!("{kept:?}")) }
    })
    .await;
}

/// Puts a container into the agent's namespace that bears no task, with a cgroup that is none of the agent's.
fn stranger(host: &Host) -> String {
    let id = format!("stray-{}", uuid::Uuid::new_v4().simple());
    let image = format!("docker.io/{IMAGE}");
    let mut command = host.containerd().ctr(host.namespace());
    command.args(["run", "-d", "--snapshotter", "overlayfs", "--cgroup", &format!("/{id}")]);
    assert!(command.args([&image, &id, "sleep", "3600"]).status().expect("ctr runs").success(), "{id} runs");
    id
}

/// Of these containers, which containerd has started, one at least had a start of which the agent heard nothing.
fn unanswered(host: &Host, started: &BTreeSet<String>) {
    let log = host.agent_log();
    let failed: Vec<_> =
        log.lines().filter(|line| line.contains("act=Start") && line.contains("it is tried again")).collect();
    let is_of = |line: &str, id: &str| {
        let (task, container) = id.rsplit_once('-').expect("an id has both names");
        line.contains(task) && line.contains(&format!("container=\"{container}\""))
    };
    let lost = started.iter().any(|id| failed.iter().any(|line| is_of(line, id)));
    assert!(lost, "a start was done and not answered: {started:?} were started, these failed: {failed:#?}");
}

fn started(witness: &Witness) -> BTreeSet<String> {
    witness.seen().starts.into_keys().collect()
}

fn data(host: &Host) -> PathBuf {
    host.dir().join("data")
}
